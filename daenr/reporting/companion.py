"""Tables 4 and 6 as fractions of the noise ceiling, beside other models' published correlations."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from daenr.paper.published import OtherResult
from daenr.registry import split_model
from daenr.reporting import labels, tables
from daenr.reporting.layouts import REGIONS, Axis, Layout, grid, in_order, markers, paper_values, seeds
from daenr.reporting.rendering import Rendered, spell, value_entry
from daenr.statistics.metrics import METRICS

COLUMNS = [*tables.COLUMNS[:-1], "source"]
"""Columns of the frame; metrics are ``pcc`` and ``fraction``, ``source`` is empty for our own models."""

_READ_OUT = Axis(
    ("model", "layer", "source"),
    lambda model, layer, source: model if source else labels.model_label(model, layer),
)
_MEASURES = Axis(("metric",), {"pcc": METRICS["pcc"].heading, "fraction": "of ceiling"}.__getitem__)


def tidy(
    table: str, frame: pd.DataFrame, ceilings: Mapping[str, float], others: Sequence[OtherResult]
) -> pd.DataFrame:
    """The correlations of a table beside what they are of their region's ceiling.

    Args:
        table: ``table4`` or ``table6``.
        frame: its tidy frame.
        ceilings: mean CC_max of each region, over all neurons; NaN where there is none.
        others: other models' published results; those of other regions and metrics are passed over.

    Returns:
        Columns ``COLUMNS``: our models in the table's order, for each ``pcc`` and ``fraction``, which is
        ``pcc`` over the region's ceiling, with ``sd`` and ``paper`` likewise; then the other models.
    """
    own = frame[tables.COLUMNS[:-1]].assign(source="")
    regions = list(dict.fromkeys(own["region"]))
    published = pd.DataFrame(
        [
            {**_published_row(other), "n": pd.NA}
            for other in others
            if other.region in regions and other.metric == "pcc"
        ],
        columns=COLUMNS,
    )
    both = pd.concat([own, published], ignore_index=True) if len(published) else own
    both = both.assign(table=f"{table}-companion").astype({"n": "Int64"})
    ceiling = both["region"].map(ceilings)
    ceiling = ceiling.where(ceiling > 0)
    fraction = both.assign(
        metric="fraction", **{name: both[name].astype(float) / ceiling for name in ("value", "sd", "paper")}
    )
    no_ceiling = ceiling.isna() & both["value"].notna()
    fraction.loc[no_ceiling, "note"] = "These trials show no ceiling."
    stacked = pd.concat([both, fraction], ignore_index=True)
    return in_order(stacked, _layout(table))[COLUMNS]


def _published_row(other: OtherResult) -> dict[str, object]:
    return {
        "region": other.region,
        "model": other.model,
        "layer": "",
        "neurons": "all",
        "metric": "pcc",
        "value": other.value,
        "sd": np.nan,
        "paper": np.nan,
        "note": other.note or "",
        "source": f"{other.source}, {other.reference}" if other.reference else other.source,
    }


def render(table: str, frame: pd.DataFrame) -> Rendered:
    """Spell a companion.

    Args:
        table: ``table4`` or ``table6``.
        frame: what `tidy` returns.
    """
    # A source is told where notes are.
    notes = ["; ".join(filter(None, pair)) for pair in zip(frame["source"], frame["note"], strict=True)]
    frame = frame.assign(note=notes)
    found = markers(frame["note"])
    entries = [
        value_entry(value, sd, marker=found.get(note, ""), paper=paper)
        for value, sd, note, paper in frame[["value", "sd", "note", "paper"]].itertuples(
            index=False, name=None
        )
    ]
    number = table.removeprefix("table")
    return spell(
        grid(
            _layout(table),
            frame,
            entries,
            name=f"{table}-companion",
            title=f"Table {number} and the noise ceiling",
            caption=_caption(number, frame),
        )
    )


def _caption(number: str, frame: pd.DataFrame) -> str:
    if frame.empty:
        return "The config leaves out every model of this table."
    others = (
        " Below: published correlations of other models with the same recording, divided by the same ceiling."
        if (frame["source"] != "").any()
        else ""
    )
    return (
        f"The correlations of Table {number}, mean over neurons, and what part they are of the highest that the "
        "recording allows: the mean CC_max of the region's neurons, where those without signal power count as 0."
        f"{others} {seeds(int(frame['n'].max()))} {paper_values(frame)}".rstrip()
    )


def _layout(table: str) -> Layout:
    """Models of Table 4 stand by layer, those of Table 6 by readout and auto-encoder; other sources at the end."""
    return Layout(
        corner="Model",
        rows=_READ_OUT,
        upper=REGIONS,
        lower=_MEASURES,
        block=lambda row: row[2] or (row[1] if table == "table4" else split_model(row[0])),
    )
