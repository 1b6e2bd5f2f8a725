"""Pearson r per neuron, for the evaluation and the significance test alike."""

import numpy as np
from jaxtyping import Bool, Float, Float64

_CONSTANT = 10 * float(np.finfo(np.float32).eps)
"""A float32 network varies by a few units in the last place between images that it treats alike."""


def pearson(
    prediction: Float[np.ndarray, "images neurons"], response: Float[np.ndarray, "images neurons"]
) -> Float64[np.ndarray, " neurons"]:
    """Pearson r over the images, per neuron; 0 where either side is `constant`."""
    predicted, recorded = _deviation(prediction), _deviation(response)
    covariance = (predicted * recorded).sum(axis=0)
    norm = np.linalg.norm(predicted, axis=0) * np.linalg.norm(recorded, axis=0)
    undefined = constant(prediction) | constant(response)
    correlation: Float64[np.ndarray, " neurons"] = np.where(
        undefined, 0.0, covariance / np.where(undefined, 1.0, norm)
    )
    # Rounding can lead a hair's breadth beyond 1, where no p-value is defined.
    return correlation.clip(-1.0, 1.0)


def constant(values: Float[np.ndarray, "images neurons"]) -> Bool[np.ndarray, " neurons"]:
    """Which neurons have no variance over the images, up to the rounding errors of a float32 network.

    The spread (largest minus smallest value) is compared with the largest magnitude, so the unit of the
    values does not matter; a correlation with rounding errors would be a number without a meaning.
    """
    spread = np.ptp(values.astype(np.float64), axis=0)
    flat: Bool[np.ndarray, " neurons"] = spread <= _CONSTANT * np.abs(values).max(axis=0)
    return flat


def _deviation(values: Float[np.ndarray, "images neurons"]) -> Float64[np.ndarray, "images neurons"]:
    """Deviation from the mean over images."""
    deviation: Float64[np.ndarray, "images neurons"] = values - values.mean(axis=0, dtype=np.float64)
    return deviation
