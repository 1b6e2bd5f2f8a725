import re

import numpy as np
import pytest

from daenr.paper.plan import Cell
from daenr.reporting import controls
from daenr.reporting.gains import gains
from daenr.run import Run
from daenr.statistics.scores import Scores

IMAGES = 40
GAINS = {"baseline": 0.3, "joint": 0.0, "shuffled": 0.2, "frozen": 0.1, "random": 0.4}
"""How much more squared error than the joint model's each training makes, in every image."""


def cell(table, control, seed, region="region1", layer="h1"):
    model = {"controls-ir": "cae", "controls-nrs": "cnn-fr"}[table] if control == "baseline" else "cae-fr"
    run = Run(
        dataset="fake",
        region=region,
        model=model,
        layer=None if model == "cae" else layer,
        alpha=0.0 if model == "cnn-fr" else 1.0,
        beta=0.0 if model == "cae" else 0.5,
        neurons="all",
        seed=seed,
        control=control if control in ("shuffled", "frozen", "random") else None,
    )
    return Cell(table, region, model, layer, "all", run, control)


def scores(item, noise):
    """Scores whose differences between trainings are GAINS, the same in every image."""
    mse = 1 + GAINS[item.control] + noise[item.run.seed]
    response = noise[:, :, None] + np.arange(IMAGES)[:, None]
    sign = -1 if item.control == "random" else 1
    return Scores(np.arange(1), mse, -mse, -mse, prediction=sign * response[0], response=response[0])


def made(regions=("region1",), layers=("h1",), seeds=(0,), **options):
    noise = np.random.default_rng(3).uniform(0, 0.5, (3, IMAGES))
    cells = [
        cell(table, control, seed, region, layer)
        for table, trained in (
            ("controls-ir", ("baseline", "joint", "shuffled")),
            ("controls-nrs", ("baseline", "joint", "shuffled", "frozen", "random")),
        )
        for seed in seeds
        for region in regions
        for layer in layers
        for control in trained
    ]
    scored = {item.run.name: scores(item, noise) for item in cells}
    return controls.tidy(cells, scored, 0.95), noise


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_positive_means_that_joint_training_is_better(seeds):
    frame, noise = made(seeds=seeds)
    assert list(frame.columns) == controls.COLUMNS
    rows = frame.set_index(["metric", "control"])
    for metric in ("mse", "psnr", "ssim"):
        for control in ("baseline", "shuffled"):
            found = rows.loc[(metric, control), ["difference", "low", "high"]].astype(float)
            np.testing.assert_allclose(found, GAINS[control], atol=1e-9)
    expected = [1 + GAINS["shuffled"] + noise[seed].mean() for seed in seeds]
    assert rows.loc[("mse", "shuffled"), "value"] == pytest.approx(np.mean(expected))
    assert (frame["n"] == len(seeds)).all()
    # The random encoder predicts the opposite, r = -1 in place of 1.
    assert rows.loc[("pcc", "random"), "difference"] == pytest.approx(2)
    assert rows.loc[("pcc", "joint"), "value"] == pytest.approx(1)
    assert rows.loc[("pcc", "joint"), ["difference", "low", "high"]].isna().all()
    if len(seeds) == 1:
        assert frame["sd"].isna().all()
    else:
        assert rows.loc[("mse", "shuffled"), "sd"] == pytest.approx(np.std(expected, ddof=1))


def test_rows_stand_by_metric_and_columns_by_region_and_layer():
    frame, _ = made(("region1", "region2"), ("h1", "h2"))
    table = controls.render(frame, 0.9)
    lines = [line for line in table.md.splitlines() if line.startswith("|")]
    header, _, *body = ([part.strip() for part in line.split("|")[1:-1]] for line in lines)
    assert header[1:] == ["Region 1 h₁", "Region 1 h₂", "Region 2 h₁", "Region 2 h₂"]
    assert [row[0] for row in body] == [
        *("MSE ↓, CAE", "MSE ↓, CAE-FR", "MSE ↓, shuffled responses"),
        *("PSNR ↑, CAE", "PSNR ↑, CAE-FR", "PSNR ↑, shuffled responses"),
        *("SSIM ↑, CAE", "SSIM ↑, CAE-FR", "SSIM ↑, shuffled responses"),
        *("PCC ↑, CNN-FR", "PCC ↑, CAE-FR", "PCC ↑, shuffled responses"),
        *("PCC ↑, frozen encoder", "PCC ↑, random encoder"),
    ]
    assert all(re.fullmatch(r"\d\.\d{3} \\?\[0\.200, 0\.200\\?\]", text) for text in body[2][1:])
    assert all("[" not in text for text in body[1])
    assert "90% interval" in table.md
    assert "test images alone" in table.md


@pytest.mark.parametrize(("regions", "layers"), [(("v1",), ("h2",)), (("region1", "region2"), ("h1", "h3"))])
def test_the_figure_has_a_panel_a_metric_and_region(regions, layers):
    frame, _ = made(regions, layers, (0, 1))
    figure = gains(frame, 0.95)
    assert len(figure.axes) == 2 * len(regions)
    figure.draw_without_rendering()
    shuffled = next(line for line in figure.axes[0].lines if line.get_marker() == "s")
    np.testing.assert_allclose(shuffled.get_ydata(), GAINS["shuffled"])
    rows = frame[(frame["control"] == "random") & (frame["region"] == regions[0])]
    ends = [line.get_ydata() for line in figure.axes[len(regions)].lines if line.get_marker() == "None"]
    for interval in rows[["low", "high"]].to_numpy():
        assert any(np.allclose(interval, end) for end in ends)
    assert [text.get_text() for text in figure.axes[-1].get_xticklabels()] == [
        {"h1": "h₁", "h2": "h₂", "h3": "h₃"}[layer] for layer in layers
    ]


def test_without_runs_table_and_figure_say_so():
    frame = controls.tidy([], {}, 0.95)
    assert "leaves out every model" in controls.render(frame, 0.95).md
    (text,) = gains(frame, 0.95).texts
    assert "leaves out every model" in text.get_text()
