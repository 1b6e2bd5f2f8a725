"""The table of noise ceilings: how much the recording lets any model reach."""

# ruff: noqa: RUF001 - the symbols are those of the paper

from collections.abc import Mapping

import numpy as np
import pandas as pd

from daenr.reporting.labels import region_label
from daenr.reporting.rendering import Entry, Grid, Rendered, spell, value_entry

_MEANS = ["cc_max", "oracle", "explainable_variance"]
_COUNTS = ["neurons", "without_signal"]
COLUMNS = ["region", *_MEANS, *_COUNTS]
"""Columns of the frame: means over neurons and numbers of neurons."""

_TOO_FEW = "Fewer than two repeats or two test images: these trials show no ceiling."


def tidy(neurons: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Ceilings of each region.

    Args:
        neurons: for each region what `daenr.statistics.ceilings.neuron_ceilings` returns.

    Returns:
        Columns ``COLUMNS``. Means are over all neurons: those without signal power count with a CC_max of 0.
        Where there is no ceiling all but the number of neurons is empty.
    """
    rows = [(region, *_row(frame)) for region, frame in neurons.items()]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"without_signal": "Int64"})


def _row(neurons: pd.DataFrame) -> tuple[float, float, float, int, int | None]:
    """One row of the table, from the second column on."""
    if neurons["signal"].isna().any():
        return np.nan, np.nan, np.nan, len(neurons), None
    ceiling, oracle, explainable = (float(neurons[name].fillna(0.0).mean()) for name in _MEANS)
    return ceiling, oracle, explainable, len(neurons), int((~neurons["signal"].astype(bool)).sum())


def render(frame: pd.DataFrame) -> Rendered:
    """Spell the table that `tidy` made."""
    caption = (
        "What the repeated trials of the test images let any model reach; means over all neurons of a region. "
        "CC_max: the highest correlation with the mean over repeats. Oracle: correlation of single trials with the "
        "mean of the other repeats. Explainable variance: share of a single trial's variance that the image explains. "
        "Neurons without signal power are counted, not dropped: their CC_max is 0."
    )
    dash = Entry("–", marker="a")
    rows = [
        (
            region_label(row["region"]),
            [
                *(dash if pd.isna(row[name]) else value_entry(row[name], np.nan) for name in _MEANS),
                *(dash if pd.isna(row[name]) else Entry(f"{row[name]:.0f}") for name in _COUNTS),
            ],
        )
        for _, row in frame.iterrows()
    ]
    columns = ["CC_max", "Oracle", "Explainable variance", "Neurons", "Without signal"]
    notes = [("a", _TOO_FEW)] if frame["cc_max"].isna().any() else []
    return spell(Grid("ceilings", "Noise ceilings", caption, "Region", columns, [rows], notes=notes))
