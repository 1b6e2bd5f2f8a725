"""Tables 2 to 6 by what the field measures beside the paper's metrics.

Responses (Tables 4 and 6): the correlations as fractions of the noise ceiling, beside other models' published ones, and
how well single trials are predicted. Images (Tables 2, 3 and 5): the correlation of pixels beside SSIM.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from daenr.paper.published import OtherResult
from daenr.registry import split_model
from daenr.reporting import labels, tables
from daenr.reporting.arrangement import (
    REGION_AXIS,
    Arrangement,
    Axis,
    Row,
    captioned,
    grid,
    in_order,
    paper_values,
    seeds,
)
from daenr.reporting.rendering import Entry, Grid, Rendered, spell, value_entry
from daenr.statistics import single_trials
from daenr.statistics.metrics import METRICS

COLUMNS = [*tables.COLUMNS[:-1], "source"]
"""Columns of the frame; metrics are ``pcc`` and ``fraction``, ``source`` is empty for our own models."""

BESIDE = {
    **dict.fromkeys(("table4", "table6"), single_trials.MEANS),
    **dict.fromkeys(tables.RECONSTRUCTION, ("pixel_correlation",)),
}
"""For each table the metrics of its runs that stand beside its own, as in ``metrics.json``."""

_READ_OUT = Axis(
    ("model", "layer", "source"),
    lambda model, layer, source: model if source else labels.model_label(model, layer),
)
_UNRELIABLE = f"No neuron has a share of explainable variance of {single_trials.RELIABLE} or more."

_HEADINGS = {
    **{"pcc": METRICS["pcc"].heading, "fraction": "of ceiling"},
    **{"correlation": "Correlation ↑", "feve": "FEVe ↑", "cc_norm": "CC_norm ↑"},
}
_MEASURES = Axis(("metric",), _HEADINGS.__getitem__)


def of_images(
    table: str, frame: pd.DataFrame, beside: pd.DataFrame, linear: Mapping[str, float | None]
) -> pd.DataFrame:
    """The SSIM of a table beside the correlation of pixels.

    Args:
        table: one of ``tables.RECONSTRUCTION``.
        frame: its tidy frame.
        beside: ``BESIDE`` at its places, as `tables.unpublished` gives it.
        linear: correlation of pixels of each region's linear code.

    Returns:
        Columns ``COLUMNS``, in the table's order.
    """
    ssim = frame[frame["metric"] == "ssim"]
    code = ssim[ssim["model"] == labels.LINEAR_CODE]
    code = code.assign(
        metric="pixel_correlation", value=code["region"].map(linear).astype(float), paper=np.nan
    )
    stacked = pd.concat([ssim, code, beside], ignore_index=True)
    stacked = stacked.assign(table=f"{table}-companion", source="")
    return in_order(stacked, tables.ARRANGEMENTS[table])[COLUMNS]


def of_responses(
    table: str,
    frame: pd.DataFrame,
    beside: pd.DataFrame,
    ceilings: Mapping[str, float],
    others: Sequence[OtherResult],
) -> pd.DataFrame:
    """The correlations of a table beside what they are of their region's ceiling, and what single trials say.

    Args:
        table: ``table4`` or ``table6``.
        frame: its tidy frame.
        beside: ``BESIDE`` at its places, as `tables.unpublished` gives it.
        ceilings: mean CC_max of each region, over all neurons; NaN where there is none.
        others: other models' published results; those of other regions and metrics are passed over.

    Returns:
        Columns ``COLUMNS``: our models in the table's order, for each ``pcc`` and ``fraction``, which is
        ``pcc`` over the region's ceiling, with ``sd`` likewise; then the other models, and ``beside``.
    """
    own = frame[tables.COLUMNS[:-1]].assign(source="")
    regions = list(dict.fromkeys(own["region"]))
    published = pd.DataFrame(
        [
            {
                **vars(other),
                **{"layer": "", "neurons": "all", "note": other.note or ""},
                "source": ", ".join(filter(None, [other.source, other.reference])),
            }
            for other in others
            if other.region in regions and other.metric == "pcc"
        ],
        columns=COLUMNS,
    )
    both = pd.concat([own, published], ignore_index=True) if len(published) else own
    both = both.assign(table=f"{table}-companion").astype({"n": "Int64"})
    ceiling = both["region"].map(ceilings)
    ceiling = ceiling.where(ceiling > 0)
    # The paper prints none, and the ceiling is that of this recording.
    shares = {name: both[name].astype(float) / ceiling for name in ("value", "sd")}
    fraction = both.assign(metric="fraction", paper=np.nan, **shares)
    no_ceiling = ceiling.isna() & both["value"].notna()
    fraction.loc[no_ceiling, "note"] = "These trials show no ceiling."
    stacked = in_order(pd.concat([both, fraction], ignore_index=True), _arrangement(table))
    beside = beside.assign(table=f"{table}-companion", source="")
    beside.loc[beside["value"].isna() & beside["note"].eq(""), "note"] = _UNRELIABLE
    return pd.concat([stacked, in_order(beside, _arrangement(table))], ignore_index=True)[COLUMNS]


def render(table: str, frame: pd.DataFrame) -> Rendered:
    """Spell what `of_images` or `of_responses` made; of responses two tables."""
    name, number = f"{table}-companion", table.removeprefix("table")
    if table in tables.RECONSTRUCTION:
        pixels = _PIXELS.format(number=number)
        return spell(_grid(tables.ARRANGEMENTS[table], frame, name, f"Table {number} by pixels", pixels))
    single = frame["metric"].isin(BESIDE[table])
    arrangement, said = _arrangement(table), _CEILING.format(number=number)
    if frame["source"].any():
        said += f" {_OTHERS}"
    return spell(
        _grid(arrangement, frame[~single], name, f"Table {number} and the noise ceiling", said),
        _grid(arrangement, frame[single], f"{name}-trials", f"Table {number} by single trials", _TRIALS),
        title=f"Table {number}, its ceiling and single trials",
    )


def _grid(arrangement: Arrangement, frame: pd.DataFrame, name: str, title: str, said: str) -> Grid:
    # A source is told where notes are.
    notes = ["; ".join(filter(None, pair)) for pair in zip(frame["source"], frame["note"], strict=True)]
    caption = captioned(frame, said, seeds(frame), paper_values(frame))
    return grid(arrangement, frame.assign(note=notes), _entry, name, title, caption)


def _entry(row: Row, note: str) -> Entry:
    return value_entry(row["value"], row["sd"], marker=note, paper=row["paper"])


_PIXELS = (
    "The SSIM of Table {number} beside the correlation of pixels: Pearson correlation of an image and its "
    "reconstruction, mean over images, for which brightness and contrast do not count."
)
_CEILING = (
    "The correlations of Table {number}, mean over neurons, and what part they are of the highest that the "
    "recording allows: the mean CC_max of the region's neurons, where those without signal power count as 0."
)
_OTHERS = (
    "Below: published correlations of other models with the same recording, divided by the same ceiling."
)
_TRIALS = (
    "Correlation: with single trials, mean over neurons. FEVe: share of the explainable variance that the prediction "
    "explains; below 0 it is further off than the mean response. CC_norm: correlation with the mean over repeats, "
    f"divided by each neuron's own ceiling. FEVe and CC_norm are means over the neurons of whose variance "
    f"{single_trials.RELIABLE:.0%} or more can be explained, since they divide by it."
)


def _arrangement(table: str) -> Arrangement:
    """Models of Table 4 stand by layer, those of Table 6 by readout and auto-encoder; other sources at the end."""
    return Arrangement(
        corner="Model",
        rows=_READ_OUT,
        upper=REGION_AXIS,
        lower=_MEASURES,
        block=lambda row: row[2] or (row[1] if table == "table4" else split_model(row[0])),
    )
