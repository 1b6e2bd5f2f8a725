"""Distances from the paper, by hand."""

import math

import pytest

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
    return tidy(cells, metrics, [printed("cnn-fr", 0.30), printed("cae-fr", 0.40)])


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
    assert own["sd"] == pytest.approx(abs(0.025 - 0.015) / math.sqrt(2))
    assert (mean["reading"], mean["n"], mean["cells"]) == ("mean", 1, 1)
    assert mean["distance"] == pytest.approx(0.002)
    assert math.isnan(mean["sd"])


def test_the_nearest_reading_is_bold(frame):
    page = render(frame).md
    assert "As configured" in page
    assert "**0.002**" in page
    assert "**0.020" not in page
    assert "± 0.007" in page
