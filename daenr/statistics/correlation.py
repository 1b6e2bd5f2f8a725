"""Pearson r per neuron, for the evaluation and the significance test alike."""

import numpy as np
from jaxtyping import Bool, Float, Float64

_CONSTANT = 10 * float(np.finfo(np.float32).eps)
"""A float32 network varies by a few units in the last place between images that it treats alike."""


def pearson(
    prediction: Float[np.ndarray, "images neurons"], response: Float[np.ndarray, "images neurons"]
) -> Float64[np.ndarray, " neurons"]:
    """Pearson r over the images, per neuron; 0 where either side is `constant`."""
    correlation: Float64[np.ndarray, " neurons"] = (unit(prediction) * unit(response)).sum(axis=0)
    # Rounding can lead a hair's breadth beyond 1, where no p-value is defined.
    return correlation.clip(-1.0, 1.0)


def unit(values: Float[np.ndarray, "images neurons"]) -> Float64[np.ndarray, "images neurons"]:
    """Deviation from the mean over images, scaled to length 1 per neuron; 0 where a neuron is `constant`.

    Pearson r is the product of two of them, summed over the images.
    """
    deviation = values - values.mean(axis=0, dtype=np.float64)
    flat = constant(values)
    scaled: Float64[np.ndarray, "images neurons"] = np.where(
        flat, 0.0, deviation / np.where(flat, 1.0, np.linalg.norm(deviation, axis=0))
    )
    return scaled


def constant(values: Float[np.ndarray, "images neurons"]) -> Bool[np.ndarray, " neurons"]:
    """Which neurons have no variance over the images, up to the rounding errors of a float32 network.

    The spread (largest minus smallest value) is compared with the largest magnitude, so the unit of the
    values does not matter; a correlation with rounding errors would be a number without a meaning.
    """
    spread = np.ptp(values.astype(np.float64), axis=0)
    flat: Bool[np.ndarray, " neurons"] = spread <= _CONSTANT * np.abs(values).max(axis=0)
    return flat
