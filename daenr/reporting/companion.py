"""How much the recording lets any model reach: tables of noise ceilings, and correlations as fractions of them."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from daenr.paper.published import OtherResult
from daenr.registry import split_model
from daenr.reporting import labels, tables
from daenr.reporting.layouts import REGIONS, Axis, Layout, grid, in_order, markers, seeds, with_texts
from daenr.reporting.rendering import Entry, Grid, RenderedTable, spell, value_entry
from daenr.statistics.ceilings import cc_max, explainable_variance, oracle_correlation, signal_power

NEURON_COLUMNS = ["neuron", "signal_power", "cc_max", "oracle", "explainable_variance", "signal"]
"""Columns of a region's ceilings."""

REGION_COLUMNS = ["region", "cc_max", "oracle", "explainable_variance", "neurons", "without_signal"]
"""Columns of the table of ceilings: means over neurons and numbers of neurons."""

COMPANION_COLUMNS = [*tables.COLUMNS[:-1], "source"]
"""Columns of a companion; metrics are ``pcc`` and ``fraction``, ``source`` is empty for our own models."""

_TOO_FEW = "Fewer than two repeats or two test images: these trials show no ceiling."


# ---- ceilings -----------------------------------------------------------------------------------------


def neuron_table(trials: Float[np.ndarray, "repeats images neurons"]) -> pd.DataFrame:
    """Ceilings of each neuron of a region.

    Args:
        trials: single trials of the repeated test images.

    Returns:
        Columns ``NEURON_COLUMNS``, one row a neuron. ``cc_max`` is empty for neurons without signal power; all but
        the number is empty where there are fewer than two repeats or two images, which show no ceiling.
    """
    neurons = pd.DataFrame({"neuron": np.arange(trials.shape[2])})
    if min(trials.shape[:2]) < 2:
        return neurons.reindex(columns=NEURON_COLUMNS)
    power = signal_power(trials)
    return neurons.assign(
        signal_power=power,
        cc_max=cc_max(trials),
        oracle=oracle_correlation(trials),
        explainable_variance=explainable_variance(trials),
        signal=power > 0,
    )


def region_table(neurons: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Ceilings of each region.

    Args:
        neurons: for each region what ``neuron_table`` returns.

    Returns:
        Columns ``REGION_COLUMNS``. Means are over all neurons: those without signal power count with a CC_max of 0.
        Where there is no ceiling all but the number of neurons is empty.
    """
    return pd.DataFrame(
        [(region, *_region_row(frame)) for region, frame in neurons.items()], columns=REGION_COLUMNS
    ).astype({"without_signal": "Int64"})


def _region_row(neurons: pd.DataFrame) -> tuple[float, float, float, int, int | None]:
    """One row of the region table, from the second column on."""
    if neurons["signal"].isna().any():
        return np.nan, np.nan, np.nan, len(neurons), None
    signal = neurons["signal"].astype(bool)
    means = (neurons["cc_max"].fillna(0.0), neurons["oracle"], neurons["explainable_variance"])
    ceiling, oracle, explainable = (float(values.mean()) for values in means)
    return ceiling, oracle, explainable, len(neurons), int((~signal).sum())


def render_region_table(frame: pd.DataFrame) -> RenderedTable:
    """Spell the table of ceilings.

    Args:
        frame: what ``region_table`` returns.
    """
    caption = (
        "What the repeated trials of the test images let any model reach; means over all neurons of a region. "
        "CC_max: the highest correlation with the mean over repeats. Oracle: correlation of single trials with the "
        "mean of the other repeats. Explainable variance: share of a single trial's variance that the image explains. "
        "Neurons without signal power are counted, not dropped: their CC_max is 0."
    )
    columns = ["CC_max", "Oracle", "Explainable variance", "Neurons", "Without signal"]
    rows = [
        (labels.region_label(str(region)), _region_entries(means, counts))
        for region, means, counts in zip(
            frame["region"],
            frame[["cc_max", "oracle", "explainable_variance"]].itertuples(index=False),
            frame[["neurons", "without_signal"]].astype(float).itertuples(index=False),
            strict=True,
        )
    ]
    notes = [("a", _TOO_FEW)] if frame["cc_max"].isna().any() else []
    return spell(Grid("ceilings", "Noise ceilings", caption, "Region", [], columns, [rows], notes))


def _region_entries(means: Iterable[float], counts: Iterable[float]) -> list[Entry]:
    dash = value_entry(np.nan, np.nan, marker="a")
    values = [dash if np.isnan(mean) else value_entry(mean, np.nan) for mean in means]
    return [*values, *(dash if pd.isna(count) else Entry(str(int(count))) for count in counts)]


# ---- companions of Tables 4 and 6 ---------------------------------------------------------------------


_READ_OUT = Axis(
    ("model", "layer", "source"),
    lambda model, layer, source: model if source else labels.model_label(model, layer),
)
_MEASURES = Axis(("metric",), {"pcc": "PCC ↑", "fraction": "of ceiling"}.__getitem__)


def companion(
    table: str, frame: pd.DataFrame, ceilings: Mapping[str, float], others: Sequence[OtherResult]
) -> pd.DataFrame:
    """The correlations of a table beside what they are of their region's ceiling.

    Args:
        table: ``table4`` or ``table6``.
        frame: its tidy frame.
        ceilings: mean CC_max of each region, over all neurons; NaN where there is none.
        others: other models' published results; those of other regions and metrics are passed over.

    Returns:
        Columns ``COMPANION_COLUMNS``: our models in the table's order, for each ``pcc`` and ``fraction``, which is
        ``pcc`` over the region's ceiling, with ``sd`` and ``paper`` likewise; then the other models.
    """
    own = with_texts(frame)[tables.COLUMNS[:-1]].assign(source="")
    regions = list(dict.fromkeys(own["region"]))
    published = pd.DataFrame(
        [
            {**_published_row(other), "n": pd.NA}
            for other in others
            if other.region in regions and other.metric == "pcc"
        ],
        columns=COMPANION_COLUMNS,
    )
    both = pd.concat([own, published], ignore_index=True) if len(published) else own
    both = both.assign(table=f"{table}-ceiling").astype({"n": "Int64"})
    ceiling = both["region"].map(ceilings)
    ceiling = ceiling.where(ceiling > 0)
    fraction = both.assign(
        metric="fraction", **{name: both[name].astype(float) / ceiling for name in ("value", "sd", "paper")}
    )
    no_ceiling = ceiling.isna() & both["value"].notna()
    fraction.loc[no_ceiling, "note"] = "These trials show no ceiling."
    stacked = pd.concat([both, fraction], ignore_index=True)
    return in_order(stacked, _layout(table))[COMPANION_COLUMNS]


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


def render_companion(table: str, frame: pd.DataFrame) -> RenderedTable:
    """Spell a companion.

    Args:
        table: ``table4`` or ``table6``.
        frame: what ``companion`` returns.
    """
    frame = with_texts(frame)
    # A source is told where notes are.
    frame["note"] = [
        "; ".join(filter(None, pair)) for pair in zip(frame["source"], frame["note"], strict=True)
    ]
    found = markers(frame["note"])
    entries = [
        value_entry(value, sd, marker=found.get(note, ""))
        for value, sd, note in zip(frame["value"], frame["sd"], frame["note"], strict=True)
    ]
    number = table.removeprefix("table")
    return spell(
        grid(
            _layout(table),
            frame,
            entries,
            name=f"{table}-ceiling",
            title=f"Table {number} and the noise ceiling",
            caption=_companion_caption(number, frame),
        )
    )


def _companion_caption(number: str, frame: pd.DataFrame) -> str:
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
        f"{others} {seeds(int(frame['n'].max()))}"
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
