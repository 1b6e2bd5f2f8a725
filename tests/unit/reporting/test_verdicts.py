# ruff: noqa: RUF001 - the minus signs are those of the page
"""Pages say what the frames of verdicts hold, and their first paragraph misleads nobody."""

import json

import numpy as np
import pandas as pd
import pytest

from daenr.files import read_frame
from daenr.paper.verdicts import COLUMNS, Rules, sensitivity
from daenr.reporting.verdicts import render, render_sensitivity, summary
from daenr.statistics.metrics import METRICS

RULES = Rules(0.95, {"mse": 0.0005, "pcc": 0.012, "significant": 5.0})


def row(**changes):
    return {
        **{"claim": "pcc", "parent": "", "level": "primary", "statement": "It is <better> & so."},
        **{"source": "Table 4", "region": "", "metric": "pcc", "against": "baseline"},
        **{"effect": 0.01734, "error": 0.004, "freedom": 6.0, "low": 0.01, "high": 0.025},
        **{"p": 0.0004, "tested_at": 0.025, "paper": 0.0148, "paper_excluded": "no"},
        **{"neurons_gain": 0.8, "neurons_error": 0.002, "n": 5, "images": 50, "verdict": "supported"},
        **{"seeds_needed": np.nan, "images_needed": np.nan, "note": ""},
    } | changes


def frame(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


OPEN = {"verdict": "open", "effect": 0.005, "low": -0.004, "high": 0.014, "p": 0.21}


# ---- pages --------------------------------------------------------------------------------------------


def test_a_page_shows_effect_interval_p_and_verdict():
    page = render(frame(row()), RULES)
    for part in ("PCC +0.0173", "+0.0100, +0.0250", "+0.0148 (not excluded)", "< 0.001 (0.025)", "supported"):
        assert part in page.md.replace("\\", "")
        assert part.replace("<", "&lt;") in page.html
    assert "It is &lt;better&gt; &amp; so." in page.html
    assert page.html.count("<table") == 1
    assert "http" not in page.html
    assert "What would decide" not in page.md  # nothing is open


def test_a_simulated_recording_says_what_its_population_determines():
    real = frame(row())
    assert "Population" not in render(real, RULES).md
    known = row(claim="known-shuffled", level="known", against="shuffled")
    held = frame(row(), known).assign(population=["not determined", "agrees"])
    page = render(held, RULES)
    assert '<td data-column="Population">agrees</td>' in page.html
    assert '<td data-column="Population">not determined</td>' in page.html
    assert "of the results that it does determine, in the last rows: 1 agrees." in summary(held, RULES)
    assert "known-shuffled" not in summary(held, RULES)
    assert summary(held.iloc[:1], RULES).endswith("does not determine whether the claims are right.")


def test_a_claim_on_responses_shows_how_the_neurons_share_the_gain():
    said = "In region1 it is so by CAE-FR read out of h2."
    page = render(frame(row(statement=said), row(claim="mse", metric="mse", neurons_gain=np.nan)), RULES)
    assert '<td data-column="Neurons">80% gain <span>± 0.0020</span></td>' in page.html
    assert '<td data-column="Neurons"></td>' in page.html
    assert "In Region 1 it is so by CAE-FR read out of h₂." in page.md
    alone = render(frame(row(neurons_error=np.nan)), RULES)
    assert '<td data-column="Neurons">80% gain</td>' in alone.html
    assert "Neurons" not in render(frame(row(claim="mse", metric="mse", neurons_gain=np.nan)), RULES).md


def test_claims_are_indented_below_what_they_rest_on():
    region = row(claim="pcc-region1", parent="pcc", level="region")
    layer = row(claim="pcc-region1-h2", parent="pcc-region1", level="layer")
    page = render(frame(row(), region, layer, row(claim="mse", metric="mse")), RULES)
    labels = [line.split("|")[1].strip() for line in page.md.splitlines() if line.startswith("|")][2:]
    assert labels == ["pcc", "· pcc-region1", "· · pcc-region1-h2", "mse"]
    assert page.html.count("<tbody>") == 2


def test_a_claim_that_was_not_tested_has_no_p_and_says_so():
    skipped = row(
        claim="pcc-only-if", parent="pcc", level="only if", verdict="not tested", tested_at=np.nan, p=1e-5
    )
    page = render(frame(row(**OPEN), skipped), RULES)
    (line,) = [line for line in page.md.splitlines() if line.startswith("| pcc-only-if")]
    assert "0.001" not in line
    assert "not tested" in line
    assert "rest on one which is not supported" in page.md
    assert page.html.index("<details>") < page.html.index("pcc-only-if")


@pytest.mark.parametrize(
    ("seeds", "images", "said"),
    [
        (12, 50, "12 seeds"),
        (5, 400, "5 seeds, 400 images"),
        (np.nan, np.nan, "nothing affordable"),
    ],
)
def test_an_open_claim_says_what_would_decide(seeds, images, said):
    page = render(frame(row(**OPEN, seeds_needed=seeds, images_needed=images)), RULES)
    assert f'<td data-column="What would decide">{said}</td>' in page.html


def test_an_effect_too_small_for_its_decimals_has_a_power_of_ten():
    tiny = {"effect": 3e-7, "low": -1.24e-6, "high": 2e-6, "verdict": "practically none"}
    page = render(frame(row(claim="mse", metric="mse", **tiny)), RULES)
    assert "MSE +0.3 × 10⁻⁶" in page.md
    assert "is +0.3 × 10⁻⁶ (95% interval −1.2 to +2.0 × 10⁻⁶;" in page.md
    same = {"effect": 0.0, "low": 0.0, "high": 0.0}
    assert "MSE +0.0000" in render(frame(row(metric="mse", **same)), RULES).md


def test_what_rounding_leaves_is_printed_as_zero():
    page = render(frame(row(metric="mse", effect=3e-16, low=-2e-16, high=8e-16)), RULES)
    assert "MSE +0.0000" in page.md


def test_a_page_of_a_csv_is_the_same(tmp_path):
    written = frame(row(note="one seed", p=np.nan, region="NA"))
    written.to_csv(tmp_path / "verdicts.csv", index=False)
    assert render(read_frame(tmp_path / "verdicts.csv"), RULES) == render(written, RULES)


def test_the_page_of_sensitivity_marks_verdicts_that_move():
    own = frame(row(), row(claim="pcc-only-if", parent="pcc"))
    mean = frame(row(effect=0.5), row(claim="pcc-only-if", parent="pcc", level="only if", **OPEN))
    page = render_sensitivity(sensitivity({"": own, "mean": mean, "batch256": own}))
    assert "1 of 2 verdicts move" in page.md
    assert page.md.count("←") == 2  # the caption and the row
    assert "PCC +0.5000" in page.html
    header = next(line for line in page.md.splitlines() if line.startswith("| Name"))
    columns = [cell.strip() for cell in header.split("|")][1:-1]
    assert columns == ["Name", "Claim", "As configured", "mean", "batch256", "Moves"]


def test_a_variant_that_is_called_like_a_column_has_one_of_its_own():
    page = render_sensitivity(sensitivity({"": frame(row()), "Claim": frame(row()), "Moves": frame(row())}))
    (grid,) = json.loads(page.json)
    assert grid["columns"] == ["Claim", "As configured", "Claim", "Moves"]
    (((_, (claim, own, *varied)),),) = grid["blocks"]
    assert claim["text"] != own["text"] == varied[0]["text"] == varied[1]["text"]


@pytest.mark.parametrize("metric", RULES.margins)
def test_every_metric_of_a_claim_can_be_shown(metric):
    shown = row(level="explanation", metric=metric, effect=1.23456, low=-1.0, high=2.0)
    assert f"{METRICS[metric].label} +1.2" in render(frame(shown), RULES).md


# ---- in plain words -----------------------------------------------------------------------------------


def test_the_summary_says_what_holds_what_does_not_and_what_was_not_tested():
    none = {"verdict": "practically none", "effect": 1e-5, "low": -1e-4, "high": 1.2e-4}
    text = summary(
        frame(
            row(claim="mse", metric="mse", paper=0.0135, paper_excluded="yes", **none),
            row(claim="mse-only-if", parent="mse", level="only if", metric="mse", verdict="not tested"),
            row(),
            row(claim="pcc-only-if", parent="pcc", level="only if", against="frozen", effect=0.0151),
            row(claim="pcc-region1", parent="pcc-only-if", level="region", **OPEN),
            row(claim="pcc-region1-h1", parent="pcc-region1", level="layer", verdict="not tested"),
        ),
        RULES,
    )
    assert "\n" not in text
    assert "Responses: supported. Joint training predicts responses better. The mean gain in PCC" in text
    assert "is +0.0173 (95% interval +0.0100 to +0.0250; 5 seeds, 50 test images)" in text
    assert "Reconstruction: practically none. Joint training makes no difference of 0.0005 or more to" in text
    assert "The paper prints +0.0135 for its recording, which the interval excludes." in text
    assert "The paper prints +0.0148 for its recording, which the interval does not exclude." in text
    assert (
        '"Only if" is supported for responses: joint training predicts responses better than the baseline and each '
        "control; the least certain gain is over the frozen model, +0.0151" in text
    )
    assert '"Only if" was not tested for reconstruction' in text
    assert "Of the further claims, open: pcc-region1." in text
    assert "1 further claim was not tested, since what it rests on" in text
    assert text.index('"Only if" was not tested for reconstruction') < text.index("Responses: supported")


def test_the_summary_sets_references_apart_from_the_paper_s_claims():
    reference = row(claim="pcc-klindt", level="reference", against="CNN-FR")
    text = summary(frame(row(**OPEN), reference), RULES)
    assert (
        "KLINDT, a model of another paper, predicts responses better than CNN-FR: PCC +0.0173 (95% interval +0.0100 to "
        "+0.0250; 5 seeds)." in text
    )
    assert "further claims" not in text
    assert "pcc-klindt" in render(frame(row(**OPEN), reference), RULES).md


def test_the_summary_says_where_only_if_was_not_asked():
    said = "the config has no controls"
    held = row(verdict="supported")
    assert said in summary(frame(held), RULES)
    asked = row(claim="pcc-only-if", parent="pcc", level="only if", verdict="supported")
    assert said not in summary(frame(held, asked), RULES)
    assert said not in summary(frame(row(**OPEN)), RULES)


def test_the_summary_of_an_open_claim_says_what_would_decide():
    text = summary(frame(row(**OPEN, seeds_needed=12, images_needed=50)), RULES)
    assert (
        "Responses: open. Whether joint training predicts responses better is not decided; 12 seeds in place"
        in text
    )
    assert "95% interval −0.0040 to +0.0140" in text
    assert "the 50 test images bind: 400 of them and 5 seeds" in summary(
        frame(row(**OPEN, seeds_needed=5, images_needed=400)), RULES
    )
    one = frame(row(**OPEN | {"n": 1, "paper_excluded": ""}))
    assert "one seed says nothing about another" in summary(one, RULES)
    assert "over test images alone; one seed" in summary(one, RULES)
    assert "exclude" not in summary(one, RULES)
    lost = frame(row(**OPEN | {"n": 0, "effect": np.nan}))
    assert "the runs lack a result" in summary(lost, RULES)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"verdict": "contradicted", "effect": -0.02, "low": -0.03, "high": -0.01},
            "contradicted for responses: joint training predicts responses worse than the frozen model; the gain over "
            "it is −0.0200 (",
        ),
        (
            {"verdict": "practically none", "against": "baseline"},
            "practically none for responses: against the baseline, joint training makes no difference of 0.012 or more",
        ),
        (
            OPEN | {"seeds_needed": 12, "images_needed": 50},
            "open for responses: whether joint training predicts responses better than the frozen model is not "
            "decided; the gain over it is +0.0050 (",
        ),
    ],
)
def test_the_summary_says_what_a_failing_only_if_means(changes, said):
    only_if = row(claim="pcc-only-if", parent="pcc", level="only if", **{"against": "frozen"} | changes)
    assert f'"Only if" is {said}' in summary(frame(row(), only_if), RULES)
