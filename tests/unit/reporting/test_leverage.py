"""Leverage is drawn by table of weights and by layer, one line a run."""

import numpy as np
import pandas as pd
import pytest
import torch

from daenr.config import ModelSettings
from daenr.models.joint import build
from daenr.models.losses import joint_loss
from daenr.reporting.leverage import COLUMNS, course, leverage_over_steps, reweighted
from daenr.run import Run
from daenr.training.leverage import leverage

WEIGHTS = ("table8", "table9", "table10")


SUMS = {"reconstruction": "sum", "response": "sum"}


def run(layer="h2", beta=0.5):
    return Run("x", "region1", "cae-fr", layer, 1.0, beta, "all", 0)


def history(share):
    return pd.DataFrame({"step": [10, 20, 30], "leverage": share * np.array([1.0, 2.0, 3.0])})


def test_a_course_is_the_leverage_of_each_validation():
    found = course("table8", run(), history(1e-6), 100, SUMS)
    assert list(found.columns) == COLUMNS
    printed = found[found["reading"] == "sum"]
    assert printed["leverage"].tolist() == pytest.approx([1e-6, 2e-6, 3e-6])
    assert printed["step"].tolist() == [10, 20, 30]
    assert set(found["layer"]) == {"h2"}


@pytest.mark.parametrize("over_pixels", ["sum", "mean"])
@pytest.mark.parametrize("over_neurons", ["sum", "mean"])
def test_the_other_reading_is_what_the_same_model_has_under_its_losses(over_pixels, over_neurons):
    """Against the gradients of the losses of every reading, taken anew."""
    neurons, beta = 6, 0.7
    small = ModelSettings(channels=4, latent=5)
    model = build("vae-fr", "h2", neurons, seed=1, settings=small).double().eval()
    draw = torch.Generator().manual_seed(0)
    images = torch.rand((8, 1, 32, 32), generator=draw, dtype=torch.float64) * 2 - 1
    responses = torch.rand((8, neurons), generator=draw, dtype=torch.float64)

    def share(*reductions):
        return leverage(
            model, joint_loss(model(images), images, responses, 0.3, beta, *reductions), 0.3, beta
        )

    recorded = pd.DataFrame({"step": [1], "leverage": [share(over_pixels, over_neurons)]})
    losses = {"reconstruction": over_pixels, "response": over_neurons}
    found = course("table8", run(), recorded, neurons, losses).set_index("reading")["leverage"]
    assert found["sum"] == pytest.approx(share("sum", "sum"), rel=1e-9)
    assert found["mean"] == pytest.approx(share("mean", "mean"), rel=1e-9)
    assert found["mean"] > 10 * found["sum"]


def test_a_side_without_weight_has_none_under_any_reading():
    assert reweighted(pd.Series([0.0, 1.0]), 1024 / 6).tolist() == [0, 1]


def test_a_run_that_was_not_trained_adds_nothing():
    assert course("table8", run(), pd.DataFrame({"step": [], "round": []}), 100, SUMS).empty


def test_a_panel_for_each_table_of_weights_and_a_line_a_run(assert_legible):
    courses = pd.concat(
        [
            course(weights, run(layer, 0.1 * (1 + i)), history(10.0 ** -(6 - 2 * i)), 100, SUMS)
            for i, weights in enumerate(WEIGHTS)
            for layer in ("h1", "h2", "h3", "h4")
        ],
        ignore_index=True,
    )
    figure = leverage_over_steps(courses, printed=True)
    assert_legible(figure)
    assert [ax.get_title().split("\n")[0] for ax in figure.axes[:3]] == ["Table 8", "Table 9", "Table 10"]
    assert [figure.axes[i].get_ylabel() for i in (0, 3)] == ["Losses as sums", "Losses as means"]
    for ax in figure.axes:
        threshold, *lines = ax.lines
        assert set(threshold.get_ydata()) == {1e-3}
        assert len(lines) == 4
        assert ax.get_yscale() == "log"
    own = leverage_over_steps(courses.head(6), printed=False)
    assert own.axes[0].get_title() == "Reconstruction, CAE"


def test_without_joint_models_the_figure_says_so():
    assert leverage_over_steps(pd.DataFrame(columns=COLUMNS), printed=True).texts
