"""Naturalness of images about which the answer is known."""

import numpy as np
import pytest

from daenr.optimal import naturalness


def noise(exponent, count=40, side=64):
    """Images whose power falls with this exponent of frequency; cut from larger ones, so that they do not wrap."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(4 * side), np.fft.fftfreq(4 * side)))
    frequency[0, 0] = 1
    spectrum = np.fft.fft2(rng.standard_normal((count, 4 * side, 4 * side))) * frequency ** (exponent / 2)
    return np.fft.ifft2(spectrum).real[:, :side, :side]


@pytest.mark.parametrize("exponent", [0, -2])
def test_the_slope_is_the_exponent_of_the_power(exponent):
    assert naturalness.spectrum_slope(noise(exponent)).mean() == pytest.approx(exponent, abs=0.2)


def test_slope_and_distance_do_not_depend_on_mean_and_contrast():
    images, stimuli = noise(-2, 3, 32), noise(-2, 20, 32)
    other = 0.3 * images + 5
    np.testing.assert_allclose(naturalness.spectrum_slope(other), naturalness.spectrum_slope(images))
    np.testing.assert_allclose(
        naturalness.distance(other, stimuli), naturalness.distance(images, stimuli), atol=1e-9
    )


def test_a_stimulus_is_not_its_own_neighbour():
    stimuli = noise(0, 10, 32)
    r = np.corrcoef(stimuli.reshape(10, -1)) - 2 * np.eye(10)
    expected = 1 - np.sort(r, axis=1)[:, -5:].mean(axis=1)
    np.testing.assert_allclose(naturalness.distance(stimuli, stimuli), expected)


def test_unexplained_is_none_for_an_exact_reconstruction_and_all_for_grey():
    images = noise(0, 2, 32)
    grey = np.broadcast_to(images.mean((1, 2), keepdims=True), images.shape)
    np.testing.assert_allclose(naturalness.unexplained(images, images), 0)
    np.testing.assert_allclose(naturalness.unexplained(images, grey), 1)


def test_the_correlation_with_a_filter_has_a_sign():
    images = noise(0, 2, 32)
    np.testing.assert_allclose(naturalness.filter_correlation(images, -2 * images), -1)
