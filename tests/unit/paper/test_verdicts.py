"""Verdicts find what was planted and nothing else, and say what would decide."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.power import RULES, SETS, decided, primaries, tree, wrong
from daenr.paper.claims import claim_tree
from daenr.paper.plan import Plan
from daenr.paper.published import published
from daenr.paper.resolved import resolve
from daenr.paper.verdicts import (
    COLUMNS,
    NOT_TESTED,
    VERDICTS,
    chance,
    decision,
    judge,
    needed,
    sensitivity,
    smallest_effect,
    verdict,
)
from daenr.statistics.inference import Difference, Term
from daenr.statistics.metrics import METRICS
from daenr.statistics.scores import Scores

ROOT = Path(__file__).parents[3]
PAPER = ROOT / "config/paper"
PUBLISHED = published(sorted(PAPER.glob("table[2-6].csv")))


# ---- planted results ----------------------------------------------------------------------------------


def counted(results):
    """Verdicts on the two primary claims."""
    return {name: Counter(result[name].verdict for result in results) for name in ("mse", "pcc")}


@pytest.mark.usefixtures("unchecked")
def test_without_any_effect_hardly_ever_a_claim_of_the_whole_tree_is_decided():
    results = decided({})
    assert sum(map(wrong, results)) <= 0.05 * SETS
    assert counted(results)["pcc"]["practically none"] >= 0.5 * SETS


@pytest.mark.usefixtures("unchecked")
def test_a_gain_of_the_paper_s_size_is_supported():
    found = counted(decided({"pcc": 0.017}, primaries()))
    assert found["pcc"]["supported"] >= 0.8 * SETS
    assert found["mse"]["supported"] + found["mse"]["contradicted"] <= 0.05 * SETS


@pytest.mark.usefixtures("unchecked")
def test_where_one_half_holds_the_claims_of_the_other_are_not_decided_either():
    claims = (primaries()[0], tree()[1])
    results = decided({"mse": 0.01}, claims)
    assert counted(results)["mse"]["supported"] == SETS
    only_pcc = [{name: one for name, one in result.items() if name != "mse"} for result in results]
    assert sum(map(wrong, only_pcc)) <= 30  # more, once in 80 times at the nominal rate


@pytest.mark.parametrize("spread", [0.0, 1e-8, 1e-7, 1e-5])
def test_a_gain_that_the_printed_digits_do_not_show_is_never_supported(spread):
    rng = np.random.default_rng(0)
    for _ in range(20):
        found = difference(1e-7 + spread * rng.normal(), seeds=(spread / 10) ** 2, images=(spread / 10) ** 2)
        assert verdict(found, "mse", 0.05, RULES) == "practically none"
    # Nor where a wider interval leaves open whether it is larger.
    wide = replace(RULES, margins={"mse": 1e-8})
    assert verdict(difference(1e-7), "mse", 0.05, wide) == "open"


# ---- verdicts -----------------------------------------------------------------------------------------


def difference(estimate, seeds=0.0, images=0.0, rest=0.0, count=5, units=50):
    """Mean squares of so many seeds and images."""
    freedom = count - 1, units - 1
    return Difference(
        estimate,
        count,
        units,
        Term(seeds, freedom[0]),
        Term(images, freedom[1]),
        Term(rest, freedom[0] * freedom[1]),
    )


@pytest.mark.parametrize(
    ("estimate", "error", "expected"),
    [
        (0.017, 0.003, "supported"),
        (-0.017, 0.003, "contradicted"),
        (0.001, 0.003, "practically none"),
        (0.005, 0.001, "practically none"),  # there, but smaller than what the paper can tell apart
        (0.010, 0.006, "open"),
        (0.0, 0.010, "open"),
    ],
)
def test_four_verdicts(estimate, error, expected):
    assert verdict(difference(estimate, images=error**2), "pcc", 0.025, RULES) == expected


def test_one_seed_decides_nothing():
    one = replace(difference(0.5, images=1e-8), seeds=1)
    assert verdict(one, "pcc", 0.05, RULES) == "open"
    assert needed(one, "pcc", 0.05, RULES).seeds is None


def test_a_claim_with_several_contrasts_holds_if_each_of_them_does():
    clear, weak = difference(0.03, images=1e-6), difference(0.013, images=0.006**2)
    none, worse = difference(0.0, images=1e-6), difference(-0.03, images=1e-6)

    def decide(**found):
        made = decision("pcc", found, 0.0125, RULES)
        return made.verdict, made.against

    assert decide(a=clear, b=clear)[0] == "supported"
    assert decide(a=clear, b=weak) == ("open", "b")
    assert decide(a=none, b=clear, c=weak) == ("practically none", "a")
    assert decide(a=clear, b=worse) == ("contradicted", "b")
    assert decision("pcc", {"a": clear}, np.nan, RULES).verdict == NOT_TESTED


# ---- what would decide --------------------------------------------------------------------------------


def test_the_seeds_that_would_decide_do_and_one_fewer_would_not():
    found = difference(0.02, seeds=1e-4, images=1e-6, rest=1e-7)
    need = needed(found, "pcc", 0.025, RULES)
    assert need.images == 50
    assert chance(found.with_size(need.seeds, 50), "pcc", 0.025, RULES) >= 0.8
    assert chance(found.with_size(need.seeds - 1, 50), "pcc", 0.025, RULES) < 0.8


def test_where_images_bind_no_number_of_seeds_is_asked_for():
    found = difference(0.017, seeds=4e-6, images=1e-4, rest=1e-6)
    assert chance(found.with_size(10**6, 50), "pcc", 0.025, RULES) < 0.8
    need = needed(found, "pcc", 0.025, RULES)
    assert need.seeds == 5
    assert need.images > 50
    assert chance(found.with_size(5, need.images), "pcc", 0.025, RULES) >= 0.8


@pytest.mark.usefixtures("unchecked")
def test_a_chance_is_how_often_such_results_are_decided():
    rng = np.random.default_rng(1)
    for effect in (0.0, 0.017):
        expected = difference(effect, images=0.0045**2)
        results = [
            verdict(replace(expected, estimate=rng.normal(effect, 0.0045)), "pcc", 0.025, RULES)
            for _ in range(2000)
        ]
        share = np.mean([result in ("supported", "practically none") for result in results])
        assert share == pytest.approx(chance(expected, "pcc", 0.025, RULES), abs=0.04)


def test_the_smallest_effect_is_found_with_a_chance_of_four_in_five():
    expected = difference(0.0, seeds=3e-6, images=2e-5, rest=1e-6)
    least = smallest_effect(expected, "pcc", 0.025, RULES)
    assert chance(replace(expected, estimate=least), "pcc", 0.025, RULES) == pytest.approx(0.8)
    assert smallest_effect(difference(0.0), "mse", 0.025, RULES) == METRICS["mse"].visible


# ---- from runs to a frame -------------------------------------------------------------------------------


def plan(seeds=5, **changes):
    config = {
        "dataset": {"name": "x", "layout": "simulated"},
        "regions": ["region1", "region2"],
        "layers": ["h1", "h2"],
        "models": ["cae", "cnn-fr", "cae-fr"],
        "tables": ["table2", "table4"],
        "figures": [],
        "seeds": list(range(seeds)),
        "controls": ["shuffled", "frozen"],
    }
    return Plan(resolve(config | changes, ROOT), PAPER)


def results(made, signal, mse, images=50, neurons=30, noise=0.1):
    """Scores of every run: joint models predict by ``signal`` more than others, and err by ``mse`` less."""
    rng = np.random.default_rng(3)
    response = {region: rng.gamma(1, 0.6, (images, neurons)) for region in made.regions}
    shared = {region: rng.normal(0, 0.5, (images, neurons)) for region in made.regions}
    scores = {}
    for run in made.runs():
        joint = run.model == "cae-fr" and run.control is None
        prediction = (0.3 + signal * joint) * response[run.region] + shared[run.region]
        prediction += rng.normal(0, noise, prediction.shape)
        by_image = 0.08 - mse * joint + rng.normal(0, 1e-5, images)
        scores[run.name] = Scores(
            np.arange(neurons), mse=by_image, prediction=prediction, response=response[run.region]
        )
    return scores


@pytest.fixture(scope="module")
def judged():
    made = plan()
    return judge(claim_tree(made), results(made, 0.5, 1e-7), PUBLISHED, RULES).set_index("claim")


def test_a_frame_says_what_was_planted(judged):
    assert [*judged.reset_index().columns] == COLUMNS
    assert set(judged["verdict"]) <= {*VERDICTS, NOT_TESTED}
    assert judged.loc["mse", "verdict"] == "practically none"
    assert judged.loc["mse-only-if", "verdict"] == NOT_TESTED
    assert judged.loc["mse-only-if", "note"] == "rests on mse, which is not supported"
    assert (judged.loc[["pcc", "pcc-only-if", "pcc-region1"], "verdict"] == "supported").all()
    assert judged.loc["pcc", "tested_at"] == pytest.approx(0.025)
    assert judged.loc["pcc-only-if", "tested_at"] == pytest.approx(0.0125)
    assert judged.loc["pcc-region1-h1", "parent"] == "pcc-region1"


def test_a_row_says_how_large_and_how_sure(judged):
    row = judged.loc["pcc"]
    assert row["low"] < row["effect"] < row["high"]
    assert (row["n"], row["images"]) == (5, 50)
    assert row["neurons_gain"] > 0.8
    assert 0 < row["neurons_error"] < row["effect"]
    assert judged.loc["pcc", "effect"] == pytest.approx(
        judged.loc[["pcc-region1", "pcc-region2"], "effect"].mean()
    )


def test_the_paper_s_effect_is_compared_with_the_interval(judged):
    printed = [
        0.346 - 0.341,
        0.476 - 0.467,
        0.281 - 0.257,
        0.400 - 0.384,
    ]  # config/paper/table4.csv, regions 1 and 2
    assert judged.loc["pcc", "paper"] == pytest.approx(np.mean(printed))
    assert judged.loc["pcc", "paper_excluded"] == "yes"
    assert np.isnan(judged.loc["pcc-only-if", "paper"]) == (
        judged.loc["pcc-only-if", "against"] != "baseline"
    )
    assert judged.loc["mse", "paper_excluded"] == "yes"


def test_references_are_judged_beside_the_paper_s_claims_and_take_nothing_of_their_level(judged):
    made = plan(references=["ln", "klindt"])
    scores = results(made, 0.5, 1e-7)
    planted = {"ln": -0.25, "klindt": 0.5}
    for run in made.runs():
        if run.model in planted:
            of_run = scores[run.name]
            better = of_run.prediction + planted[run.model] * of_run.response
            scores[run.name] = replace(of_run, prediction=better)
    frame = judge(claim_tree(made), scores, PUBLISHED, RULES).set_index("claim")
    found = frame.loc[["pcc-ln", "pcc-klindt"]]
    assert [*found["verdict"]] == ["contradicted", "supported"]
    assert [*found["against"]] == ["CNN-FR", "CNN-FR"]
    assert [*found["tested_at"]] == pytest.approx([0.05, 0.05])
    # By loops: over layers, then regions, then seeds, every gain of the reference over CNN-FR.
    gains = [
        np.mean(correlation(scores[cell.run.name]) - correlation(scores[other.run.name]))
        for cell in made.references()
        if cell.model == "klindt"
        for other in made.cells("table4")
        if other.model == "cnn-fr" and (other.region, other.run.seed) == (cell.region, cell.run.seed)
    ]
    assert len(gains) == 2 * 2 * 5
    assert found.loc["pcc-klindt", "effect"] == pytest.approx(np.mean(gains))
    assert [*frame.drop(found.index)["tested_at"].dropna()] == [*judged["tested_at"].dropna()]


def correlation(scores):
    pairs = zip(scores.prediction.T, scores.response.T, strict=True)
    return np.array([np.corrcoef(predicted, recorded)[0, 1] for predicted, recorded in pairs])


def test_what_is_missing_is_left_out_of_every_seed_and_said():
    made = plan()
    scores = results(made, 0.5, 1e-7)
    for run in made.runs():
        lost = run.seed == 4 or (run.seed, run.layer, run.region) == (0, "h2", "region1")
        if lost and run.model == "cae-fr":
            scores[run.name] = Scores(np.arange(0))
    frame = judge(claim_tree(made), scores, [], RULES).set_index("claim")
    assert frame.loc["pcc", "n"] == 4
    assert frame.loc["pcc", "note"] == "8 of 20 pairs of runs are left out"
    assert frame.loc["pcc-region1-h2", "n"] == 3
    for run in made.runs():
        scores[run.name] = Scores(np.arange(0))
    frame = judge(claim_tree(made), scores, [], RULES)
    assert set(frame["verdict"]) == {"open"}
    assert set(frame["note"]) == {"runs lack a result"}


def test_one_seed_is_said_to_be_one():
    made = plan(seeds=1)
    frame = judge(claim_tree(made), results(made, 0.5, 0.01), [], RULES)
    primary = frame[frame["level"] == "primary"]
    assert set(primary["verdict"]) == {"open"}
    assert set(primary["note"]) == {"one seed: the interval is over test images alone"}


def test_the_margin_of_pcc_is_the_mean_by_which_the_paper_s_replicates_differ():
    printed = {(p.table, p.region, p.layer): p.value for p in PUBLISHED if p.model == "cnn-fr"}
    differences = [
        value - printed["table6", region, layer]
        for (table, region, layer), value in printed.items()
        if table == "table4"
    ]
    assert len(differences) == 12
    assert abs(np.mean(differences)) == pytest.approx(RULES.margins["pcc"], abs=5e-4)


# ---- sensitivity --------------------------------------------------------------------------------------


def test_sensitivity_marks_verdicts_that_move(judged):
    own = judged.reset_index()
    other = own[own["claim"] != "pcc-region2"].copy()
    other.loc[other["claim"] == "mse", ["effect", "verdict"]] = [0.5, "supported"]
    compared = sensitivity({"": own, "mean": other, "batch256": own}).set_index("claim")
    assert "pcc-region2" not in compared.index
    assert compared.index[compared["moves"]].tolist() == ["mse"]
    assert compared.loc["mse", "effect_mean"] == 0.5
    assert compared.loc["pcc", "verdict_batch256"] == "supported"
