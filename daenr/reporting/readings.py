"""How far the results are from the paper's printed numbers, as configured and under each variant of the settings."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import pandas as pd

from daenr.paper.plan import TABLE_METRICS, Cell
from daenr.paper.published import Published
from daenr.reporting.rendering import Entry, Grid, Rendered, spell, value_entry
from daenr.statistics.metrics import METRICS

COLUMNS = ["reading", "table", "metric", "distance", "sd", "n", "cells"]
"""Columns of a tidy frame; the config's own settings are the reading with an empty name."""


def tidy(
    cells: Mapping[str, Sequence[Cell]],
    metrics: Mapping[str, Mapping[str, Any]],
    published: Sequence[Published],
) -> pd.DataFrame:
    """Distance of each reading from the paper in each table and metric.

    Args:
        cells: places in the paper's tables, one a seed, by the name of the reading.
        metrics: for each run's name its metrics, None where it has no result.
        published: the paper's results.

    Returns:
        Columns ``COLUMNS``. A seed's distance is the mean over cells of |ours - printed|; cells that the paper does not
        print, or that have no result, count in no distance. ``distance`` is its mean over seeds, ``sd`` the sample
        standard deviation (NaN for one seed), ``n`` counts seeds and ``cells`` the cells of a seed.
    """
    printed = {(p.table, p.region, p.model, p.layer or "", p.neurons, p.metric): p.value for p in published}
    away = [
        (reading, cell.table, metric, cell.run.seed, abs(ours - printed[key]))
        for reading, places in cells.items()
        for cell in places
        for metric in TABLE_METRICS[cell.table]
        if (key := (cell.table, cell.region, cell.model, cell.layer or "", cell.neurons, metric)) in printed
        and (ours := metrics[cell.run.name][metric]) is not None
    ]
    single = pd.DataFrame(away, columns=["reading", "table", "metric", "seed", "away"])
    of_seeds = single.groupby(["reading", "table", "metric", "seed"], sort=False)["away"]
    seeds = of_seeds.agg(["mean", "count"]).reset_index()
    frame = seeds.groupby(["reading", "table", "metric"], sort=False).agg(
        distance=("mean", "mean"), sd=("mean", "std"), n=("mean", "count"), cells=("count", "max")
    )
    return frame.reset_index()[COLUMNS]


def render(frame: pd.DataFrame) -> Rendered:
    """Spell the table: a row a reading, a column a metric of a table; what is nearest to the paper is bold.

    Args:
        frame: what `tidy` returns.
    """
    found = {
        (str(reading), str(table), str(metric)): (float(distance), float(sd))
        for reading, table, metric, distance, sd, *_ in frame.itertuples(index=False, name=None)
    }
    columns = list(dict.fromkeys((table, metric) for _, table, metric in found))

    def shown(key: tuple[str, str, str]) -> float:
        return round(found[key][0], METRICS[key[2]].decimals)

    def entry(key: tuple[str, str, str]) -> Entry:
        if key not in found:
            return Entry("–")  # noqa: RUF001 - as in the other tables
        rivals = [shown(other) for other in found if other[1:] == key[1:]]
        decimals, best = METRICS[key[2]].decimals, shown(key) == min(rivals)
        return value_entry(*found[key], decimals=decimals, best=best)

    rows = [
        (reading or "As configured", [entry((reading, *column)) for column in columns])
        for reading in dict.fromkeys(reading for reading, _, _ in found)
    ]
    caption = (
        "Mean over cells of the absolute difference between our result and the printed one; mean over seeds ± standard "
        "deviation. Bold: nearest to the paper, to the printed digits. A reading moves only the models that it is "
        "about; where it changes nothing that a table's models compute, the row is that of the config."
    )
    groups = [
        (f"Table {table[-1]}", len(list(those))) for table, those in groupby(columns, lambda each: each[0])
    ]
    labels = [METRICS[metric].label for _, metric in columns]
    return spell(Grid("readings", "Distance from the paper", caption, "Reading", labels, [rows], groups))
