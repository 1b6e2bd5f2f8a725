"""The table of noise ceilings: how much the recording lets any model reach."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from daenr.reporting.arrangement import NO_AXIS, REGION_AXIS, Arrangement, Axis, Row, grid
from daenr.reporting.rendering import Entry, Rendered, spell, value_entry

_MEANS = {"cc_max": "CC_max", "oracle": "Oracle", "explainable_variance": "Explainable variance"}
_COUNTS = {"neurons": "Neurons", "without_signal": "Without signal"}
COLUMNS = ["region", *_MEANS, *_COUNTS]
"""Columns of the frame: means over neurons and numbers of neurons."""

_ARRANGEMENT = Arrangement(
    corner="Region", rows=REGION_AXIS, upper=NO_AXIS, lower=Axis(("metric",), (_MEANS | _COUNTS).__getitem__)
)
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
    numbers = frame.astype({"without_signal": float}).melt("region", var_name="metric")
    numbers["note"] = np.where(numbers["value"].isna(), _TOO_FEW, "")
    return spell(grid(_ARRANGEMENT, numbers, _entry, "ceilings", "Noise ceilings", caption))


def _entry(row: Row, note: str) -> Entry:
    return value_entry(row["value"], np.nan, decimals=3 if row["metric"] in _MEANS else 0, marker=note)
