"""How far the results are from the paper's printed numbers, as configured and under each variant of the settings."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from daenr.paper.plan import TABLE_METRICS, Cell
from daenr.paper.published import Published
from daenr.reporting.arrangement import Arrangement, Axis, Row, grid
from daenr.reporting.rendering import Entry, Rendered, spell
from daenr.reporting.tables import place
from daenr.statistics.inference import crossed
from daenr.statistics.metrics import METRICS

COLUMNS = ["reading", "table", "metric", "distance", "low", "high", "n", "cells"]
"""Columns of a tidy frame; the config's own settings are the reading with an empty name."""

_ARRANGEMENT = Arrangement(
    corner="Reading",
    rows=Axis(("reading",), lambda reading: reading or "As configured"),
    upper=Axis(("table",), lambda table: f"Table {table[-1]}"),
    lower=Axis(("table", "metric"), lambda _, metric: METRICS[metric].label),  # each table has its own order
    missing="–",  # noqa: RUF001 - as in the other tables
)


def tidy(
    cells: Mapping[str, Sequence[Cell]],
    metrics: Mapping[str, Mapping[str, Any]],
    published: Sequence[Published],
    confidence: float,
) -> pd.DataFrame:
    """Distance of each reading from the paper in each table and metric.

    Args:
        cells: places in the paper's tables, one a seed, by the name of the reading.
        metrics: for each run's name its metrics, None where it has no result.
        published: the paper's results.
        confidence: of the intervals.

    Returns:
        Columns ``COLUMNS``. ``distance`` is the mean of |ours - printed| over cells and seeds, ``low`` and ``high`` its
        interval, of seeds and cells drawn at random and crossed (``daenr.statistics.inference``; over cells alone with
        one seed, NaN with one cell besides), at 0 where it would reach below. ``n`` counts seeds, ``cells`` the cells:
        those that the paper prints and every seed has a result of, among seeds that have any.
    """
    printed = {place(result, result.metric): result.value for result in published}
    away = [
        ((reading, cell.table, metric), cell.run.seed, key, abs(ours - printed[key]))
        for reading, of_reading in cells.items()
        for cell in of_reading
        for metric in TABLE_METRICS[cell.table]
        if (key := place(cell, metric)) in printed and (ours := metrics[cell.run.name][metric]) is not None
    ]
    rows = []
    for group in dict.fromkeys(group for group, *_ in away):
        single = pd.Series({(seed, key): value for where, seed, key, value in away if where == group})
        table = single.unstack(level=0).dropna().to_numpy().T  # seeds by cells
        if table.size:
            found = crossed([table])
            low, high = found.interval(confidence) if table.size > 1 else (np.nan, np.nan)
            rows.append((*group, found.estimate, np.clip(low, 0, None), high, *table.shape))
    return pd.DataFrame(rows, columns=COLUMNS)


def render(frame: pd.DataFrame, confidence: float) -> Rendered:
    """Spell what `tidy` made: a row a reading, a column a metric of a table; what is nearest to the paper is bold."""
    decimals = frame["metric"].map(lambda metric: METRICS[metric].decimals)
    printed = pd.Series([*map(round, frame["distance"], decimals)], index=frame.index, dtype=float)
    nearest = printed == printed.groupby([frame["table"], frame["metric"]]).transform("min")
    caption = (
        "Mean over cells and seeds of the absolute difference between our result and the printed one; in brackets its "
        f"{confidence:.0%} interval, over cells and seeds together (over cells alone with one seed), wide where a "
        "table has few cells. Bold: nearest to the paper, to the printed digits; all readings are held against the "
        "same cells, so two may differ for sure although their intervals overlap. A reading moves only the models "
        "that it is about; where it changes nothing that a table's models compute, the row is that of the config."
    )
    frame = frame.assign(best=nearest)
    return spell(grid(_ARRANGEMENT, frame, _entry, "readings", "Distance from the paper", caption))


def _entry(row: Row, _: str) -> Entry:
    numbers = (row["distance"], row["low"], row["high"])
    distance, low, high = (f"{number:.{METRICS[row['metric']].decimals}f}" for number in numbers)
    return Entry(distance, "" if np.isnan(row["low"]) else f"[{low}, {high}]", best=row["best"])
