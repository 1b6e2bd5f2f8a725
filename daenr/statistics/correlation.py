"""Pearson r per neuron, for the evaluation and the significance test alike."""

import numpy as np
from jaxtyping import Bool, Float, Float64

_CONSTANT = 10 * float(np.finfo(np.float32).eps)
"""A float32 network varies by a few units in the last place between images that it treats alike."""


def pearson(
    prediction: Float[np.ndarray, "images neurons"], response: Float[np.ndarray, "images neurons"]
) -> Float64[np.ndarray, " neurons"]:
    """Pearson r over the images, per neuron; 0 where either side is `constant`. Needs nothing of scipy."""
    return (standardized(prediction) * standardized(response)).mean(axis=0).clip(-1, 1)


def pearson_with_p(
    prediction: Float[np.ndarray, "images neurons"], response: Float[np.ndarray, "images neurons"]
) -> tuple[Float64[np.ndarray, " neurons"], Float64[np.ndarray, " neurons"]]:
    """Pearson r over the images and its two-sided p, per neuron; 0 and 1 where either side is `constant`.

    p is that of normal variables that are not correlated: r then follows a beta distribution on [-1, 1] with both
    parameters n/2 - 1 for n images. A neuron that is predicted with the wrong sign has a small p too.
    """
    from scipy import stats  # here, since it takes longer to load than most runs take to evaluate

    p = np.ones(response.shape[1])
    varies = ~(constant(prediction) | constant(response))
    if varies.any():
        p[varies] = stats.pearsonr(
            prediction[:, varies].astype(np.float64), response[:, varies].astype(np.float64), axis=0
        ).pvalue
    return pearson(prediction, response), p


def least_significant_r(images: int, threshold: float) -> float:
    """The |r| over this many images at which the p of `pearson_with_p` is the threshold."""
    from scipy import special  # here, as above

    return float(2 * special.betainccinv(images / 2 - 1, images / 2 - 1, threshold / 2) - 1)


def constant(values: Float[np.ndarray, "images neurons"]) -> Bool[np.ndarray, " neurons"]:
    """Which neurons have no variance over the images, up to the rounding errors of a float32 network.

    The spread (largest minus smallest value) is compared with the largest magnitude, so the unit of the
    values does not matter; a correlation with rounding errors would be a number without a meaning.
    """
    spread = np.ptp(values.astype(np.float64), axis=0)
    return spread <= _CONSTANT * np.abs(values).max(axis=0)


def standardized(values: Float[np.ndarray, "images neurons"]) -> Float64[np.ndarray, "images neurons"]:
    """Mean 0 and variance 1 over the images, per neuron; 0 where a neuron is `constant`.

    Pearson r is the mean over the images of the product of two of them.
    """
    deviation = values - values.mean(axis=0, dtype=np.float64)
    flat = constant(values)
    return np.where(flat, 0.0, deviation / np.where(flat, 1.0, deviation.std(axis=0)))
