"""How natural an image is: its spectrum, its neighbours among the stimuli, and what another model makes of it.

None of the three depends on an image's mean or contrast.
"""

import numpy as np
from jaxtyping import Float, Float64

from daenr.statistics.correlation import pearson, standardized

NEAREST = 5
"""Training images among which the mean distance is taken."""


def spectrum_slope(images: Float[np.ndarray, "images height width"]) -> Float64[np.ndarray, " images"]:
    """Slope of power over frequency, both as logarithms: 0 for white noise, the lower the smoother.

    Power is that of the image less its mean under a Hann window, averaged over orientations; frequencies run from 2
    cycles per image, below which the window leaves nothing, to the highest that rows and columns hold.
    """
    height, width = images.shape[1:]
    window = np.hanning(height + 2)[1:-1, None] * np.hanning(width + 2)[None, 1:-1]
    centred = images - images.mean((1, 2), keepdims=True)
    power = np.abs(np.fft.fft2(centred * window)) ** 2
    cycles = np.hypot(np.fft.fftfreq(height)[:, None] * height, np.fft.fftfreq(width)[None] * width).round()
    frequencies = np.arange(2, min(height, width) // 2 + 1)
    mean = np.stack([power[:, cycles == frequency].mean(1) for frequency in frequencies], axis=1)
    return np.polyfit(np.log(frequencies), np.log(mean + 1e-12).T, 1)[0]


def distance(
    images: Float[np.ndarray, "images height width"], stimuli: Float[np.ndarray, "stimuli height width"]
) -> Float64[np.ndarray, " images"]:
    """Mean distance to the nearest stimuli, 1 - r over pixels: 0 for an equal image, 1 for an unrelated one.

    A stimulus is not its own neighbour.
    """
    made, known = (_pixels(each) for each in (images, stimuli))
    correlation = standardized(made).T @ standardized(known) / len(made)
    correlation[correlation > 1 - 1e-6] = -1
    return 1 - np.sort(correlation, axis=1)[:, -NEAREST:].mean(1)


def unexplained(
    images: Float[np.ndarray, "images height width"],
    reconstructions: Float[np.ndarray, "images height width"],
) -> Float64[np.ndarray, " images"]:
    """Squared error of reconstructions over the images' variance: 0 is exact, 1 as good as uniform grey."""
    error = np.square(images - reconstructions, dtype=np.float64).mean((1, 2))
    return error / images.var((1, 2))


def filter_correlation(
    images: Float[np.ndarray, "images height width"], filters: Float[np.ndarray, "images height width"]
) -> Float64[np.ndarray, " images"]:
    """Pearson r over pixels of each image with its neuron's filter."""
    return pearson(_pixels(images), _pixels(filters))


def _pixels(images: Float[np.ndarray, "images height width"]) -> Float[np.ndarray, "pixels images"]:
    return images.reshape(len(images), -1).T
