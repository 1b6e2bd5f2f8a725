"""Distances from the paper, by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from daenr.paper.plan import Cell
from daenr.paper.published import Published
from daenr.reporting.readings import render, tidy
from daenr.run import Run


def cell(model, seed, variant, table="table4"):
    layer = None if model == "cae" else "h2"
    run = Run(
        "x",
        "region3",
        model,
        layer,
        float(model != "cnn-fr"),
        float(model != "cae"),
        "all",
        seed,
        None,
        variant,
    )
    return Cell(table, "region3", model, layer, "all", run)


def printed(model, value):
    return Published("table4", "region3", model, "h2", "all", "pcc", value)


@pytest.fixture
def frame():
    ours = {
        ("", "cnn-fr", 0): 0.31, ("", "cae-fr", 0): 0.36, ("", "cnn-fr", 1): 0.27, ("", "cae-fr", 1): 0.40,
        ("mean", "cnn-fr", 0): 0.302, ("mean", "cae-fr", 0): None,
    }  # fmt: skip
    cells, metrics = {"": [], "mean": []}, {}
    for (reading, model, seed), value in ours.items():
        cells[reading].append(cell(model, seed, reading or None))
        metrics[cells[reading][-1].run.name] = {"pcc": value}
    cells[""].append(cell("cae-fm", 0, None))  # which the paper does not print here
    metrics[cells[""][-1].run.name] = {"pcc": 0.9}
    return tidy(cells, metrics, [printed("cnn-fr", 0.30), printed("cae-fr", 0.40)], 0.95)


def test_a_distance_is_the_mean_over_cells_and_then_over_seeds(frame):
    own, mean = frame.to_dict("records")
    assert (own["reading"], own["table"], own["metric"], own["n"], own["cells"]) == (
        "",
        "table4",
        "pcc",
        2,
        2,
    )
    assert own["distance"] == pytest.approx(((0.01 + 0.04) / 2 + (0.03 + 0.0) / 2) / 2)
    assert (mean["reading"], mean["n"], mean["cells"]) == ("mean", 1, 1)
    assert mean["distance"] == pytest.approx(0.002)
    assert math.isnan(mean["low"])


def test_with_one_seed_the_interval_is_student_s_over_cells():
    away = [0.01, 0.04, 0.025]
    cells = [cell(model, 0, None) for model in ("cnn-fr", "cae-fr", "cae-fm")]
    metrics = {one.run.name: {"pcc": 0.3 + value} for one, value in zip(cells, away, strict=True)}
    frame = tidy({"": cells}, metrics, [printed(one.model, 0.3) for one in cells], 0.9)
    low, high = stats.t.interval(0.9, 2, np.mean(away), stats.sem(away))
    assert frame.loc[0, "high"] == pytest.approx(high)
    assert low < 0.0 or frame.loc[0, "low"] == pytest.approx(low)


def test_with_one_cell_the_interval_is_student_s_over_seeds_and_no_distance_is_below_0():
    away = [0.01, 0.04, 0.002]
    cells = [cell("cnn-fr", seed, None) for seed in range(3)]
    metrics = {one.run.name: {"pcc": 0.3 - value} for one, value in zip(cells, away, strict=True)}
    frame = tidy({"": cells}, metrics, [printed("cnn-fr", 0.3)], 0.95)
    low, high = stats.t.interval(0.95, 2, np.mean(away), stats.sem(away))
    assert low < 0
    assert frame.loc[0, "low"] == 0
    assert frame.loc[0, "high"] == pytest.approx(high)
    assert (frame.loc[0, "n"], frame.loc[0, "cells"]) == (3, 1)


def test_the_nearest_reading_is_bold_and_has_its_interval(frame):
    page = render(frame, 0.95).md
    assert "As configured" in page
    assert "**0.002**" in page
    assert "**0.020" not in page
    assert f"[0.000, {frame.loc[0, 'high']:.3f}]" in page
    assert "nan" not in page
