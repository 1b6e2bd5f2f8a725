"""Leverage is drawn by table of weights and by layer, one line a run."""

import numpy as np
import pandas as pd
import pytest

from daenr.reporting.leverage import COLUMNS, course, leverage_over_steps
from daenr.run import Run

WEIGHTS = ("table8", "table9", "table10")


def run(layer="h2", beta=0.5):
    return Run("x", "region1", "cae-fr", layer, 1.0, beta, "all", 0)


def history(share):
    return pd.DataFrame({"step": [10, 20, 30], "leverage": share * np.array([1.0, 2.0, 3.0])})


def test_a_course_is_the_leverage_of_each_validation():
    found = course("table8", run(), history(1e-6))
    assert list(found.columns) == COLUMNS
    assert found["leverage"].tolist() == pytest.approx([1e-6, 2e-6, 3e-6])
    assert set(found["layer"]) == {"h2"}


def test_a_run_that_was_not_trained_adds_nothing():
    assert course("table8", run(), pd.DataFrame({"step": [], "round": []})).empty


def test_a_panel_for_each_table_of_weights_and_a_line_a_run(assert_legible):
    courses = pd.concat(
        [
            course(weights, run(layer, 0.1 * (1 + i)), history(10.0 ** -(6 - 2 * i)))
            for i, weights in enumerate(WEIGHTS)
            for layer in ("h1", "h2", "h3", "h4")
        ],
        ignore_index=True,
    )
    figure = leverage_over_steps(courses)
    assert_legible(figure)
    assert [ax.get_title().split("\n")[0] for ax in figure.axes] == ["Table 8", "Table 9", "Table 10"]
    for ax in figure.axes:
        threshold, *lines = ax.lines
        assert set(threshold.get_ydata()) == {1e-3}
        assert len(lines) == 4
        assert ax.get_yscale() == "log"


def test_without_joint_models_the_figure_says_so():
    assert leverage_over_steps(pd.DataFrame(columns=COLUMNS)).texts
