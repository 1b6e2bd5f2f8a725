"""A curve is the history's validation losses of the tasks that a run has."""

import numpy as np
import pandas as pd

from daenr.reporting.curves import COLUMNS, curve, training_curves
from daenr.run import Run

HISTORY = pd.DataFrame(
    {
        "step": [10, 20, 30],
        "validation_total": [3.0, 1.0, 2.0],
        "validation_reconstruction": [30.0, 10.0, 20.0],
        "validation_response": [5.0, 4.0, -4.5],
    }
)


def run(model="cae-fr", layer="h2", alpha=1.0, beta=0.5):
    return Run("x", "region1", model, layer, alpha, beta, "all", 0)


def test_a_joint_run_has_both_losses_and_one_point_that_was_kept():
    found = curve(run(), HISTORY)
    assert list(found.columns) == COLUMNS
    assert found["reconstruction"].tolist() == [30.0, 10.0, 20.0]
    assert found["response"].tolist() == [5.0, 4.0, -4.5]
    assert found["kept"].tolist() == [False, True, False]


def test_a_task_that_a_run_does_not_have_has_no_curve():
    assert curve(run("cae", None, 1.0, 0.0), HISTORY)["response"].isna().all()
    assert curve(run("cnn-fr", "h1", 0.0, 1.0), HISTORY)["reconstruction"].isna().all()


def test_a_run_that_was_not_trained_adds_nothing():
    empty = pd.DataFrame({"step": [], "round": []})
    assert curve(run(), empty).empty


def test_a_panel_for_each_model_and_task_with_a_line_a_run():
    curves = pd.concat([curve(run(), HISTORY), curve(run("cae", None, 1.0, 0.0), HISTORY)], ignore_index=True)
    panels = [ax for ax in training_curves(curves).axes if ax.lines]
    assert len(panels) == 3
    assert all(np.isin(10, line.get_xdata()) for ax in panels for line in ax.lines[:1])
