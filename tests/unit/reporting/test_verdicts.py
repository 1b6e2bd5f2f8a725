# ruff: noqa: RUF001 - the minus signs are those of the page
"""Pages say what the frames of verdicts hold."""

import numpy as np
import pandas as pd

from daenr.files import read_frame
from daenr.paper.verdicts import COLUMNS, sensitivity
from daenr.reporting.verdicts import render, render_sensitivity
from daenr.statistics.metrics import METRICS


def frame(**changes):
    row = {
        **{"claim": "a", "statement": "It is <better> & so.", "source": "Table 2", "region": "region1"},
        **{"metric": "mse", "effect": 0.01234, "low": -0.001, "high": 0.02, "p": 0.01, "p_holm": 0.0004},
        **{"n": 5, "images": 50, "paper": np.nan, "verdict": "supported", "note": ""},
    }
    return pd.DataFrame([row | changes], columns=COLUMNS)


def test_a_page_shows_effect_interval_p_and_verdict():
    page = render(pd.concat([frame(), frame(claim="b", metric="psnr", verdict="not supported")]))
    assert "Of 2 claims: 1 supported, 1 not supported" in page.md
    for part in ("Region 1", "MSE", "+0.0123 [−0.0010, +0.0200]", "< 0.001", "supported"):
        assert part in page.md
        assert part.replace("<", "&lt;") in page.html
    assert "It is &lt;better&gt; &amp; so." in page.html
    assert page.html.count("<table") == 1  # one statement, two rows
    assert "http" not in page.html


def test_an_effect_too_small_for_its_decimals_has_a_power_of_ten():
    page = render(frame(effect=3e-7, low=-1.24e-6, high=2e-6))
    assert "+0.3 [−1.2, +2.0] × 10⁻⁶" in page.md
    assert "+0.0000 [+0.0000, +0.0000]" in render(frame(effect=0.0, low=0.0, high=0.0)).html


def test_a_page_of_a_csv_is_the_same(tmp_path):
    written = frame(note="one seed", p_holm=np.nan, region="NA")
    written.to_csv(tmp_path / "verdicts.csv", index=False)
    assert render(read_frame(tmp_path / "verdicts.csv")) == render(written)


def test_the_page_of_sensitivity_marks_verdicts_that_move():
    own = pd.concat([frame(), frame(claim="b")])
    mean = pd.concat([frame(effect=0.5), frame(claim="b", verdict="not supported")])
    compared = sensitivity({"": own, "mean": mean, "batch256": own})
    page = render_sensitivity(compared)
    assert "1 of 2 verdicts move" in page.md
    assert page.md.count("←") == 2  # the caption and the row
    assert "+0.5000 [−0.0010, +0.0200], supported" in page.html
    header = next(line for line in page.md.splitlines() if line.startswith("| Region"))
    assert [cell.strip() for cell in header.split("|")][3:6] == ["As configured", "mean", "batch256"]


def test_every_metric_of_a_claim_can_be_shown():
    for metric in METRICS:
        assert "| +1.2" in render(frame(metric=metric, effect=1.23456, low=-1.0, high=2.0)).md
