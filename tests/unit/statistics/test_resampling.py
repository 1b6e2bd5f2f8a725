"""Differences between models are the tables' differences, and as sure as they are said to be."""

from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from daenr.statistics import significance
from daenr.statistics.correlation import pearson
from daenr.statistics.metrics import METRICS
from daenr.statistics.resampling import difference, smallest_p
from daenr.statistics.scores import Scores


def scores(rng, images=30, neurons=6, signal=0.5):
    """Scores whose predictions follow the responses by ``signal``."""
    response = rng.gamma(1.0, 0.6, (images, neurons))
    prediction = signal * response + rng.normal(0, 0.5, response.shape)
    by_image = {name: rng.uniform(0.1, 0.9, images) for name in ("mse", "psnr", "ssim")}
    return Scores(np.arange(neurons), **by_image, prediction=prediction.astype(np.float32), response=response)


def by_image(values):
    return Scores(np.arange(0), mse=np.asarray(values, dtype=float))


def compare(pairs, metric="mse", resamples=999, seed=1, **options):
    return difference(metric, pairs, resamples=resamples, rng=np.random.default_rng(seed), **options)


def in_table(metric, run):
    """The number that a table or figure shows."""
    if metric == "pcc":
        return pearson(run.prediction, run.response).mean()
    if metric == "significant":
        rng = np.random.default_rng(0)
        tested = significance.neuron_significance(run.prediction, run.response, 0.05, run.neurons, 99, rng)
        return tested.significant.sum()
    return getattr(run, metric).mean()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("seeds", [1, 3])
def test_the_estimate_is_the_difference_of_the_tables_numbers(metric, seeds):
    rng = np.random.default_rng(0)
    pairs = [[(scores(rng), scores(rng, signal=0.1)) for _ in range(2)] for _ in range(seeds)]
    found = compare(pairs, metric, resamples=199)
    expected = np.mean([[in_table(metric, t) - in_table(metric, r) for t, r in seed] for seed in pairs])
    assert found.estimate == pytest.approx(expected, rel=1e-6)
    assert (found.seeds, found.images) == (seeds, 30)
    assert found.low <= found.high


def test_a_correlation_is_resampled_with_the_images_not_around_them():
    rng = np.random.default_rng(2)
    treated, reference = scores(rng, signal=1.0), scores(rng, signal=0.0)
    found = compare([[(treated, reference)]], "pcc", resamples=4999)
    looped = []
    for _ in range(400):
        drawn = rng.integers(0, 30, 30)
        looped.append(
            np.subtract(
                *(pearson(run.prediction[drawn], run.response[drawn]).mean() for run in (treated, reference))
            )
        )
    # Student's t of 29 degrees for the normal's, and that of an unbiased variance: 1.045 and 1.017
    wider = stats.t.isf(0.025, 29) * np.sqrt(30 / 29) / NormalDist().inv_cdf(0.975)
    assert found.high - found.low == pytest.approx(
        wider * np.subtract(*np.quantile(looped, [0.975, 0.025])), rel=0.2
    )
    assert found.p == smallest_p(4999, 30)


def test_constant_neurons_count_zero_even_if_only_within_a_resample():
    rng = np.random.default_rng(3)
    run = scores(rng, images=10, neurons=2)
    silent, rare = run.response.copy(), run.response.copy()
    silent[:, 0] = 0.0
    rare[:, 0] = np.eye(10)[0]  # about one resample in three lacks the only image with a response
    for response in (silent, rare):
        other = Scores(run.neurons, prediction=run.prediction, response=response)
        found = compare([[(run, other)]], "pcc")
        assert np.isfinite([found.low, found.high, found.p]).all()
        assert found.estimate == pytest.approx(in_table("pcc", run) - in_table("pcc", other), rel=1e-6)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("seeds", [1, 3])
def test_equal_runs_differ_by_nothing(metric, seeds):
    run = scores(np.random.default_rng(4))
    found = compare([[(run, run)]] * seeds, metric)
    assert (found.estimate, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_exchanging_the_models_turns_the_interval_round():
    rng = np.random.default_rng(5)
    pairs = [[(scores(rng), scores(rng))] for _ in range(4)]
    there, back = compare(pairs), compare([[(r, t) for t, r in seed] for seed in pairs])
    assert (back.estimate, back.low, back.high) == pytest.approx((-there.estimate, -there.high, -there.low))
    assert back.p == pytest.approx(there.p)


def test_three_seeds_that_agree_in_sign_do_not_prove_a_difference():
    of_seeds = [0.1, 0.2, 0.6]
    found = compare([[(by_image(np.full(50, gain)), by_image(np.zeros(50)))] for gain in of_seeds])
    student = stats.ttest_1samp(of_seeds, 0)
    assert found.p == pytest.approx(student.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(student.confidence_interval(0.95)))
    assert found.low < 0


def test_seeds_that_saw_the_same_images_are_not_independent():
    gain = np.random.default_rng(6).normal(0.05, 1, 50)
    found = compare([[(by_image(gain), by_image(np.zeros(50)))] for _ in range(10)], resamples=9999)
    student = stats.ttest_1samp(gain, 0)
    assert found.p == pytest.approx(student.pvalue, rel=0.1)
    assert (found.low, found.high) == pytest.approx(tuple(student.confidence_interval(0.95)), rel=0.1)


def test_the_interval_excludes_zero_where_p_says_so():
    rng = np.random.default_rng(7)
    for _ in range(40):
        pairs = [
            [(by_image(rng.normal(0.2, 0.3) + rng.normal(0, 1, 20)), by_image(np.zeros(20)))]
            for _ in range(4)
        ]
        found = compare(pairs, resamples=999)
        if not 0.04 < found.p < 0.06:  # ranks and quantiles round differently
            assert (found.low > 0 or found.high < 0) == (found.p <= 0.05)


@pytest.mark.parametrize(
    ("seeds", "images", "noise"), [(3, 50, "images"), (3, 12, "both"), (5, 50, "both"), (10, 12, "seeds")]
)
def test_no_difference_is_refused_at_the_nominal_rate(seeds, images, noise):
    """200 comparisons of models that do not differ; 19 of them at p <= 0.05 happen once in 400 times at 5%."""
    rng = np.random.default_rng(8)
    of_seeds = 1.0 if noise != "images" else 0.0
    of_images = {"seeds": 0.0, "images": 1.0, "both": np.sqrt(images / seeds)}[noise]
    refused = 0
    for _ in range(200):
        shared = rng.normal(0, of_images, images)
        pairs = [
            [
                (
                    by_image(shared + rng.normal(0, of_seeds) + rng.normal(0, 0.3, images)),
                    by_image(np.zeros(images)),
                )
            ]
            for _ in range(seeds)
        ]
        refused += difference("mse", pairs, resamples=199, rng=rng).p <= 0.05
    assert refused < 19


def test_the_smallest_p_is_what_a_clear_difference_gets():
    rng = np.random.default_rng(9)
    pairs = [[(by_image(5 + rng.normal(0, 0.01, 12)), by_image(np.zeros(12)))] for _ in range(10)]
    assert compare(pairs, resamples=499).p == pytest.approx(smallest_p(499, 12))


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match=r"metric must be one of \['mse', .*got 'mae'"):
        compare([[(by_image([1, 2]), by_image([1, 2]))]], "mae")
