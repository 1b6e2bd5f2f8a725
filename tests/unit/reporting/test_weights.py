"""The search for weights is drawn by task, region and joint model, a line a layer."""

import pandas as pd
import pytest

from daenr.paper.published import Weight
from daenr.reporting.weights import COLUMNS, score_over_ratio

RATIOS = (0.01, 1.0, 100.0)
PRINTED = [
    Weight("table8", "ir", "region1", "cae-fr", "h2", 1.0, 0.5),
    Weight("table10", "ir", "region1", "cae-fr", "h2", 1.0, 0.1),  # of a table that was not searched for
    Weight("table8", "ir", "region2", "cae-fr", "h2", 1.0, 0.2),
]


def scores():
    joint = [
        (
            "table8",
            "ir",
            "region1",
            "cae-fr",
            "h2",
            1 / max(ratio, 1.0),
            min(ratio, 1.0),
            0,
            "mse",
            value,
            value < 0.2,
        )
        for ratio, value in zip(RATIOS, (0.3, 0.1, 0.2), strict=True)
    ]
    alone = [
        ("table8", "ir", "region1", "cae", "", 1.0, 0.0, seed, "mse", 0.15 + seed, not seed)
        for seed in (0, 1)
    ]
    return pd.DataFrame([(*row, f"run{number}") for number, row in enumerate(joint + alone)], columns=COLUMNS)


def test_the_choice_the_papers_and_the_best_of_the_model_of_one_task_are_marked(assert_legible):
    figure = score_over_ratio(scores(), PRINTED)
    assert_legible(figure)
    (ax,) = figure.axes
    drawn = [list(zip(line.get_xdata(), line.get_ydata(), strict=True)) for line in ax.lines]
    assert drawn[0] == [
        (pytest.approx(ratio), pytest.approx(value))
        for ratio, value in zip(RATIOS, (0.3, 0.1, 0.2), strict=True)
    ]
    assert drawn[1] == [(pytest.approx(1.0), 0.1)]
    assert [y for _, y in drawn[2]] == [0.15, 0.15]
    assert [x for (x, _) in drawn[3]] == [pytest.approx(0.5)]
    assert len(drawn) == 4


def test_a_recording_that_the_paper_lacks_has_no_mark_of_it():
    figure = score_over_ratio(scores(), [])
    assert "the paper's" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_without_joint_models_the_figure_says_so():
    assert score_over_ratio(pd.DataFrame(columns=COLUMNS), PRINTED).texts
