"""Verdicts find what was planted and nothing else."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from daenr.data.simulated import simulate
from daenr.paper.claims import VERDICTS, claims
from daenr.paper.plan import Plan
from daenr.paper.published import published
from daenr.paper.resolved import resolve
from daenr.paper.verdicts import COLUMNS, judge, sensitivity
from daenr.statistics.scores import Scores

ROOT = Path(__file__).parents[3]
PAPER = ROOT / "config/paper"
SETS = 100


def plan(seeds=5, **changes):
    config = {
        "dataset": {"name": "x", "layout": "simulated"},
        "regions": ["region1"],
        "layers": ["h1", "h2"],
        "models": ["cae", "cnn-fr", "cae-fr"],
        "tables": ["table2"],
        "figures": [],
        "seeds": list(range(seeds)),
    }
    return Plan(resolve(config | changes, ROOT), PAPER)


def runs(made):
    return {cell.run for claim in made for pair in claim.pairs for cell in pair}


def verdicts(made, scores, results=(), **options):
    settings = {"confidence": 0.95, "resamples": 999, "smallest_seeds": 5, "threshold": 0.05}
    return judge(made, scores, results, **settings | options)


def reconstructed(made, images, gain, noise, rng):
    """Scores of every run: an error an image, less by ``gain`` for joint models, with the noise asked for.

    The metrics are independent, the hardest case for a family of claims.
    """
    seeds = sorted({run.seed for run in runs(made)})
    by_image = rng.normal(0, 1, (3, images))
    of_seed = dict(zip(seeds, rng.normal(0, 1, (len(seeds), 3, 1)), strict=True))
    scores = {}
    for run in sorted(runs(made), key=lambda run: run.name):
        better = gain * (run.model == "cae-fr") + rng.normal(0, 0.2, (3, images))
        if run.model == "cae-fr":  # noise that the models do not share, in units of the mean's error
            better += by_image * np.sqrt(images) * (noise != "seeds")
            better += of_seed[run.seed] * np.sqrt(len(seeds)) * (noise != "images")
        scores[run.name] = Scores(np.arange(0), mse=-better[0], psnr=better[1], ssim=better[2])
    return scores


@pytest.mark.parametrize(("seeds", "images", "noise"), [(3, 50, "images"), (5, 12, "both")])
def test_no_planted_gain_is_not_called_one_more_often_than_nominal(seeds, images, noise):
    """In at most 5% of sets with no gain a claim is supported, though there are three claims in each.

    Claims that are decided either way number more than 11 once in 230 times if their rate is the nominal 5%.
    """
    made, rng = claims(plan(seeds)), np.random.default_rng(1)
    supported = decided = 0
    for _ in range(SETS):
        found = set(verdicts(made, reconstructed(made, images, 0.0, noise, rng), resamples=499)["verdict"])
        supported += "supported" in found
        decided += not found.isdisjoint({"supported", "contradicted"})
    assert len(made) == 3
    assert supported <= 0.05 * SETS
    assert decided <= 11


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_gain_is_found(seeds, sign):
    made, rng = claims(plan(seeds)), np.random.default_rng(2)
    expected = "supported" if sign > 0 else "contradicted"
    for _ in range(5):
        frame = verdicts(made, reconstructed(made, 50, sign * 15.0, "both", rng))
        assert set(frame["verdict"]) == {expected}
        assert (np.sign(frame[["effect", "low", "high"]]) == sign).all(axis=None)
        assert (frame["low"] <= frame["effect"]).all()
        assert (frame["effect"] <= frame["high"]).all()


@pytest.fixture(scope="module")
def responses():
    """Responses of a simulated population to 50 test images, mean over repeats."""
    return simulate("region1", 10, 50, 6, 30, seed=3).test_trials.mean(axis=0)


def predicted(made, responses, gain, rng):
    """Scores of every run: the responses with noise, of which the joint models have less."""
    scores = {}
    for run in sorted(runs(made), key=lambda run: run.name):
        deviation = 4.0 - gain * (run.model == "cae-fr") + rng.normal(0, 0.1)
        prediction = responses + deviation * responses.std(axis=0) * rng.normal(0, 1, responses.shape)
        scores[run.name] = Scores(np.arange(responses.shape[1]), prediction=prediction, response=responses)
    return scores


def test_correlations_of_a_simulated_population_are_judged_alike(responses):
    made = claims(plan(tables=["table4"], figures=["figure4"]))
    assert [claim.metric for claim in made] == ["pcc", "significant"]
    rng = np.random.default_rng(4)
    for _ in range(3):
        found = verdicts(made, predicted(made, responses, 3.0, rng))
        assert set(found["verdict"]) == {"supported"}
    decided = 0
    for _ in range(15):
        frame = verdicts(made, predicted(made, responses, 0.0, rng), resamples=199, confidence=0.8)
        decided += frame["verdict"].isin(["supported", "contradicted"]).any()
    assert decided < 8  # at 20% a family, once in 240 times


def result(values, **scores):
    return Scores(np.arange(0), mse=np.asarray(values, dtype=float), **scores)


def test_effects_are_positive_as_claimed_and_beside_the_papers():
    made = [claim for claim in claims(plan(2)) if claim.metric == "mse"]
    errors = np.random.default_rng(5).uniform(0.02, 0.04, 20)
    scores = {run.name: result(errors - 0.001 * (run.model == "cae-fr")) for run in runs(made)}
    (row,) = verdicts(made, scores, published(PAPER, "table2")).to_dict("records")
    assert row["effect"] == pytest.approx(0.001)
    printed = {
        (p.model, p.layer): p.value
        for p in published(PAPER, "table2")
        if (p.region, p.metric) == ("region1", "mse")
    }
    expected = printed["cae", None] - (printed["cae-fr", "h1"] + printed["cae-fr", "h2"]) / 2
    assert row["paper"] == pytest.approx(expected)
    assert (row["n"], row["images"]) == (2, 20)


def test_p_is_corrected_by_holm():
    made = claims(plan(3))
    rng = np.random.default_rng(6)
    frame = verdicts(made, reconstructed(made, 50, 1.0, "both", rng)).sort_values("p")
    by_hand = np.maximum.accumulate(frame["p"] * np.arange(len(frame), 0, -1)).clip(upper=1)
    assert frame["p_holm"].tolist() == pytest.approx(by_hand.tolist())


@pytest.mark.parametrize(("seeds", "verdict"), [(1, VERDICTS[3]), (4, VERDICTS[3]), (5, VERDICTS[1])])
def test_few_seeds_that_decide_nothing_are_too_few(seeds, verdict):
    made = claims(plan(seeds))
    frame = verdicts(made, reconstructed(made, 20, 0.0, "both", np.random.default_rng(7)))
    assert set(frame["verdict"]) == {verdict}


def test_one_seed_decides_nothing_however_large_the_gain():
    made = claims(plan(1))
    frame = verdicts(made, reconstructed(made, 50, 99.0, "images", np.random.default_rng(8)))
    assert set(frame["verdict"]) == {VERDICTS[3]}
    assert frame["p_holm"].isna().all()
    assert frame["note"].str.contains("one seed").all()
    assert (frame["low"] > 0).all()


def test_runs_without_a_result_are_counted_and_passed_over():
    made = [claim for claim in claims(plan(3)) if claim.metric == "mse"]
    scores = reconstructed(made, 20, 1.0, "both", np.random.default_rng(9))
    empty = Scores(np.arange(0))
    one_seed = {run.name: empty for run in runs(made) if run.seed == 1 and run.model == "cae-fr"}
    (row,) = verdicts(made, scores | one_seed).to_dict("records")
    assert (row["n"], row["note"]) == (2, "2 of 6 pairs of runs lack a result")
    (row,) = verdicts(made, dict.fromkeys(scores, empty)).to_dict("records")
    assert (row["n"], row["verdict"]) == (0, VERDICTS[3])
    assert np.isnan(row["effect"])


def test_an_exact_reconstruction_has_no_psnr_to_compare():
    made = [claim for claim in claims(plan(2)) if claim.metric == "psnr"]
    scores = {run.name: result(np.ones(9), psnr=np.full(9, np.inf)) for run in runs(made)}
    (row,) = verdicts(made, scores).to_dict("records")
    assert (row["n"], row["note"]) == (0, "4 of 4 pairs of runs lack a result")


def test_too_few_resamples_are_named_as_the_reason():
    made = claims(plan(10))
    frame = verdicts(made, reconstructed(made, 12, 99.0, "both", np.random.default_rng(10)), resamples=199)
    assert set(frame["verdict"]) == {VERDICTS[1]}
    assert frame["note"].str.contains(r"raise comparison\.resamples").all()


def test_other_claims_leave_a_claims_interval_as_it_is():
    made = claims(plan(3))
    scores = reconstructed(made, 20, 1.0, "both", np.random.default_rng(11))
    columns = ["effect", "low", "high", "p"]
    alone, among = verdicts(made[1:2], scores)[columns], verdicts(made, scores)[columns]
    assert alone.iloc[0].tolist() == among.iloc[1].tolist()


def frame(**changes):
    row = {
        **{"claim": "a", "statement": "It is <better> & so.", "source": "Table 2", "region": "region1"},
        **{"metric": "mse", "effect": 0.01234, "low": -0.001, "high": 0.02, "p": 0.01, "p_holm": 0.0004},
        **{"n": 5, "images": 50, "paper": np.nan, "verdict": "supported", "note": ""},
    }
    return pd.DataFrame([row | changes], columns=COLUMNS)


def test_sensitivity_marks_verdicts_that_move():
    own = pd.concat([frame(), frame(claim="b"), frame(claim="only here")])
    mean = pd.concat([frame(effect=0.5), frame(claim="b", verdict="not supported")])
    compared = sensitivity({"": own, "mean": mean, "batch256": own})
    assert compared["claim"].tolist() == ["a", "b"]
    assert compared["moves"].tolist() == [False, True]
    assert compared["effect_mean"].tolist() == [0.5, 0.01234]
    assert compared["verdict_batch256"].tolist() == ["supported", "supported"]
