"""Scores of single trials against loops over trials, np.corrcoef, and recordings whose signal and noise are known."""

import numpy as np
import pytest

from daenr.statistics import single_trials
from daenr.statistics.ceilings import cc_max

SIGNAL, NOISE, REPEATS = 2.0, 6.0, 4
"""Variances of signal and noise of a single trial."""


@pytest.fixture(scope="module")
def known():
    """Signal and trials of so many images that estimates reach the variances that they were drawn with."""
    rng = np.random.default_rng(7)
    signal = 5 + rng.normal(0, SIGNAL**0.5, (20_000, 2))
    return signal, signal + rng.normal(0, NOISE**0.5, (REPEATS, *signal.shape))


@pytest.fixture
def ragged():
    """Few images with skewed trials of which some were not recorded, and a prediction that is partly right."""
    rng = np.random.default_rng(8)
    signal = 3 * rng.exponential(size=(12, 3))
    trials = signal + rng.exponential(size=(5, 12, 3))
    trials[rng.random(trials.shape) < 0.3] = np.nan
    trials[:1] = signal + 0.5  # every image has one
    trials[1:, 4, 2] = np.nan  # and one of them no other
    return (signal + rng.exponential(size=signal.shape)).astype(np.float32), trials


def pairs(prediction, trials, neuron):
    """Prediction, response and image of every recorded trial of a neuron."""
    return np.array(
        [
            (prediction[image, neuron], trials[repeat, image, neuron], image)
            for repeat in range(trials.shape[0])
            for image in range(trials.shape[1])
            if not np.isnan(trials[repeat, image, neuron])
        ]
    ).T


def test_the_correlation_is_pearson_r_over_the_trials_that_are_there(ragged):
    for neuron, r in enumerate(single_trials.single_trial_correlation(*ragged)):
        predicted, recorded, _ = pairs(*ragged, neuron)
        assert r == pytest.approx(np.corrcoef(predicted, recorded)[0, 1])


def test_explained_variance_is_sensoriums_formula_over_the_trials_that_are_there(ragged):
    fev, feve = single_trials.explained(*ragged)
    for neuron in range(3):
        predicted, recorded, image = pairs(*ragged, neuron)
        repeats = [recorded[image == one] for one in np.unique(image)]
        noise = np.mean([np.var(values, ddof=1) for values in repeats if len(values) > 1])
        total = np.var(recorded, ddof=1)
        assert fev[neuron] == pytest.approx((total - noise) / total)
        error = np.mean((recorded - predicted) ** 2)
        assert feve[neuron] == pytest.approx(1 - (error - noise) / (total - noise))


def test_the_signal_itself_explains_what_can_be_explained(known):
    signal, trials = known
    scores = single_trials.neuron_scores(signal, trials, np.arange(2))
    np.testing.assert_allclose(scores["fev"], SIGNAL / (SIGNAL + NOISE), rtol=0.05)
    np.testing.assert_allclose(scores["feve"], 1, rtol=0.03)
    np.testing.assert_allclose(scores["cc_norm"], 1, rtol=0.01)
    np.testing.assert_allclose(scores["correlation"], np.sqrt(SIGNAL / (SIGNAL + NOISE)), rtol=0.02)


def test_the_mean_response_explains_nothing_and_a_wrong_scale_less(known):
    signal, trials = known
    flat = np.full_like(signal, 5.0)
    np.testing.assert_allclose(single_trials.explained(flat, trials)[1], 0, atol=0.01)
    assert (single_trials.single_trial_correlation(flat, trials) == 0).all()
    assert (single_trials.explained(3 * signal, trials)[1] < 0).all()
    np.testing.assert_allclose(
        single_trials.single_trial_correlation(3 * signal, trials),
        single_trials.single_trial_correlation(signal, trials),
    )


def test_half_the_signal_has_the_normalised_correlation_that_theory_says(known):
    signal, trials = known
    noisy = signal + np.random.default_rng(9).normal(0, SIGNAL**0.5, signal.shape)
    scores = single_trials.neuron_scores(noisy, trials, np.arange(2))
    np.testing.assert_allclose(scores["cc_norm"], np.sqrt(1 / 2), rtol=0.02)
    np.testing.assert_allclose(scores["pcc"], scores["cc_norm"] * cc_max(trials))


def test_means_of_ratios_leave_out_neurons_with_little_to_explain(known):
    signal, trials = known
    noise = np.random.default_rng(10).normal(5, 2, (*trials.shape[:2], 1))
    both = np.concatenate([trials, noise], axis=2)
    scores = single_trials.neuron_scores(signal[:, [0, 1, 0]], both, np.array([4, 7, 9]))
    found = single_trials.means(scores)
    assert found["reliable_neurons"] == 2
    assert found["correlation"] == pytest.approx(scores["correlation"].sum() / 3)
    assert found["feve"] == pytest.approx(scores["feve"][:2].sum() / 2)
    assert scores["neuron"].tolist() == [4, 7, 9]


def test_one_repeat_and_silent_neurons_have_correlations_alone():
    rng = np.random.default_rng(11)
    prediction, trials = rng.random((6, 2)), rng.random((1, 6, 2))
    trials[:, :, 1] = 0
    scores = single_trials.neuron_scores(prediction, trials, np.arange(2))
    assert all(np.isnan(scores[name]).all() for name in ("fev", "feve", "cc_norm"))
    assert scores["correlation"].tolist() == [pytest.approx(scores["pcc"][0]), 0]
    assert single_trials.means(scores) == {
        "correlation": pytest.approx(scores["pcc"][0] / 2),
        **{"feve": None, "cc_norm": None, "reliable_neurons": 0},
    }
    silent = single_trials.neuron_scores(prediction, np.zeros((3, 6, 2)), np.arange(2))
    assert all(np.isnan(silent[name]).all() for name in ("fev", "feve", "cc_norm"))
