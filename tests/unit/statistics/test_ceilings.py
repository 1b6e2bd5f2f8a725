"""Noise ceilings against pairwise covariances, np.corrcoef, and recordings whose signal and noise are known."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from daenr.statistics import ceilings

SIGNAL, NOISE, REPEATS = 2.0, 6.0, 8
"""Variances of signal and noise of a single trial."""


@pytest.fixture
def trials() -> np.ndarray:
    """Skewed trials of a few images; the neurons differ in how much signal they carry."""
    rng = np.random.default_rng(1)
    signal = rng.exponential(size=(30, 6)) * np.linspace(0, 2, 6)
    return signal + rng.exponential(size=(5, 30, 6))


@pytest.fixture(scope="module")
def known() -> np.ndarray:
    """Trials of so many images that estimates reach the variances that they were drawn with."""
    rng = np.random.default_rng(2)
    shape = (REPEATS, 20_000, 3)
    return rng.normal(0, SIGNAL**0.5, shape[1:]) + rng.normal(0, NOISE**0.5, shape)


@pytest.fixture
def constant() -> np.ndarray:
    """A neuron that never varies (at a value that rounds), one with a silent repeat, and one with neither."""
    rng = np.random.default_rng(3)
    trials = rng.exponential(size=(4, 10, 3)) + 4 * rng.exponential(size=(10, 3))
    trials[:, :, 0] = 0.1
    trials[2, :, 1] = 0
    return trials


def test_signal_power_is_the_mean_covariance_of_two_repeats(trials: np.ndarray) -> None:
    for neuron, power in enumerate(ceilings.signal_power(trials)):
        responses = trials[:, :, neuron]
        covariances = [np.cov(responses[i], responses[j])[0, 1] for i, j in combinations(range(5), 2)]
        assert power == pytest.approx(np.mean(covariances))


def test_known_signal_power(known: np.ndarray) -> None:
    np.testing.assert_allclose(ceilings.signal_power(known), SIGNAL, rtol=0.05)


def test_known_cc_max_is_what_the_signal_itself_reaches(known: np.ndarray) -> None:
    expected = np.sqrt(SIGNAL / (SIGNAL + NOISE / REPEATS))
    np.testing.assert_allclose(ceilings.cc_max(known), expected, rtol=0.01)


def test_known_explainable_variance(known: np.ndarray) -> None:
    np.testing.assert_allclose(ceilings.explainable_variance(known), SIGNAL / (SIGNAL + NOISE), rtol=0.05)


def test_known_oracle_correlation(known: np.ndarray) -> None:
    others = SIGNAL + NOISE / (REPEATS - 1)
    expected = SIGNAL / np.sqrt((SIGNAL + NOISE) * others)
    np.testing.assert_allclose(ceilings.oracle_correlation(known), expected, rtol=0.03)


def test_oracle_correlation_is_pearson_r_over_all_held_out_trials(trials: np.ndarray) -> None:
    for neuron, correlation in enumerate(ceilings.oracle_correlation(trials)):
        responses = trials[:, :, neuron]
        others = [np.delete(responses, repeat, axis=0).mean(axis=0) for repeat in range(5)]
        expected = np.corrcoef(responses.ravel(), np.concatenate(others))[0, 1]
        assert correlation == pytest.approx(expected)


def test_trials_without_noise_leave_nothing_unexplained() -> None:
    trials = np.tile(np.random.default_rng(4).normal(size=(1, 12, 3)), (3, 1, 1))
    for ceiling in (ceilings.cc_max, ceilings.oracle_correlation, ceilings.explainable_variance):
        np.testing.assert_allclose(ceiling(trials), 1)


@pytest.mark.parametrize(
    "ceiling", [ceilings.cc_max, ceilings.oracle_correlation, ceilings.explainable_variance]
)
def test_units_do_not_matter(ceiling, trials: np.ndarray) -> None:
    np.testing.assert_allclose(ceiling(3 * trials + 2), ceiling(trials))


def test_neurons_without_signal_power_have_no_cc_max_and_count_as_0() -> None:
    # Each repeat is the other's negative: whatever one shows the other denies.
    opposed = np.random.default_rng(5).normal(size=(1, 20)) * np.array([[1], [-1]])
    agreeing = np.tile(opposed[:1], (2, 1))
    trials = np.stack([opposed, agreeing, agreeing, agreeing], axis=2)
    assert np.isnan(ceilings.cc_max(trials)).tolist() == [True, False, False, False]
    assert np.nan_to_num(ceilings.cc_max(trials)).mean() == pytest.approx(3 / 4)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_constant_responses_count_as_0(constant: np.ndarray, dtype: type) -> None:
    trials = constant.astype(dtype)
    assert np.isnan(ceilings.cc_max(trials)).tolist() == [True, False, False]
    for ceiling in (ceilings.signal_power, ceilings.oracle_correlation, ceilings.explainable_variance):
        values = ceiling(trials)
        assert values[0] == 0
        assert (values[1:] > 0).all()


@pytest.mark.parametrize("shape", [(1, 10, 2), (4, 1, 2)])
def test_signal_power_needs_repeats_and_images(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"trials: .* at least two of each"):
        ceilings.signal_power(np.ones(shape))


def test_the_jackknife_needs_repeats() -> None:
    with pytest.raises(ValueError, match="trials: 1 repeat"):
        ceilings.oracle_correlation(np.ones((1, 10, 2)))


@pytest.fixture
def ragged(trials: np.ndarray) -> np.ndarray:
    """The trials with five, three, two or one repeats of an image."""
    trials = trials.copy()
    trials[3:, ::3] = trials[2:, 1::5] = trials[1:, [4, 8]] = np.nan
    return trials


def made(ragged: np.ndarray, neuron: int) -> list[np.ndarray]:
    """For each image the responses of a neuron that there are."""
    return [np.array([r for r in image if r == r]) for image in ragged[:, :, neuron].T]


def test_ragged_repeats_give_what_loops_over_them_give(ragged: np.ndarray) -> None:
    table = pd.DataFrame(ceilings.neuron_ceilings(ragged))
    for neuron in range(ragged.shape[2]):
        images = made(ragged, neuron)
        noises = [np.var(image, ddof=1) for image in images if len(image) > 1]
        noise = [np.var(image, ddof=1) if len(image) > 1 else np.mean(noises) for image in images]
        between = np.var([np.mean(image) for image in images], ddof=1)
        power = between - np.mean([n / len(image) for n, image in zip(noise, images, strict=True)])
        pairs = [
            (image[trial], np.delete(image, trial).mean())
            for image in images
            if len(image) > 1
            for trial in range(len(image))
        ]
        row = table.loc[neuron]
        assert row["signal_power"] == pytest.approx(power)
        assert row["explainable_variance"] == pytest.approx(power / (power + np.mean(noise)))
        assert row["oracle"] == pytest.approx(np.corrcoef(np.transpose(pairs))[0, 1])
        if power > 0:
            assert row["cc_max"] == pytest.approx(np.sqrt(power / between))


def test_ragged_repeats_show_the_known_signal(known: np.ndarray) -> None:
    ragged = known.copy()
    ragged[5:, ::2] = ragged[1:, ::7] = np.nan
    np.testing.assert_allclose(ceilings.signal_power(ragged), SIGNAL, rtol=0.05)
    np.testing.assert_allclose(ceilings.explainable_variance(ragged), SIGNAL / (SIGNAL + NOISE), rtol=0.05)


def test_constant_responses_to_ragged_repeats_count_as_0(constant: np.ndarray) -> None:
    constant[3:, ::2] = np.nan
    assert np.isnan(ceilings.cc_max(constant)[0])
    for ceiling in (ceilings.signal_power, ceilings.oracle_correlation, ceilings.explainable_variance):
        assert ceiling(constant)[0] == 0
