"""How much of its latent an auto-encoder uses, from what the test images become in it."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

ACTIVE = 0.01
"""A dimension is active if its mean varies by more over the images (Burda et al. 2016, arXiv:1509.00519)."""


def latent_use(code: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Every number that an auto-encoder's code has.

    Args:
        code: what its method ``code`` gives for the test images: ``code``, ``code_log_variance``, ``codes``; others
            are passed over.

    Returns:
        ``effective_dimensions`` of a latent of numbers, with ``active_dimensions`` and ``kl`` (nats, mean over
        images) if it is Gaussian; ``codes_used`` and ``perplexity`` of a quantised one.
    """
    used: dict[str, float] = {}
    if "code" in code:
        used["effective_dimensions"] = effective_dimensions(code["code"])
    if "code_log_variance" in code:
        used["active_dimensions"] = float(active_dimensions(code["code"]))
        used["kl"] = kl(code["code"], code["code_log_variance"])
    if "codes" in code:
        used["codes_used"] = float(len(np.unique(code["codes"])))
        used["perplexity"] = perplexity(code["codes"])
    return used


def effective_dimensions(code: Float[np.ndarray, "images latent"]) -> float:
    """Participation ratio, (sum of l)^2 / sum of l^2 over eigenvalues l of the code's covariance over images.

    From 1, all images on one line, to the latent's size or one less than there are images; 0 if all are alike. It
    does not depend on the code's unit, hence also fits a latent without a prior.
    """
    covariance = np.cov(code.astype(np.float64), rowvar=False, ddof=0).reshape(code.shape[1], -1)
    squares = float((covariance**2).sum())
    return float(np.trace(covariance)) ** 2 / squares if squares else 0.0


def active_dimensions(mean: Float[np.ndarray, "images latent"]) -> int:
    """Number of dimensions whose posterior mean has a variance over images of more than `ACTIVE`."""
    return int((mean.astype(np.float64).var(axis=0) > ACTIVE).sum())


def kl(mean: Float[np.ndarray, "images latent"], log_variance: Float[np.ndarray, "images latent"]) -> float:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) in nats, summed over the latent, mean over images; not weighted."""
    m, v = mean.astype(np.float64), log_variance.astype(np.float64)
    return float((m**2 + np.exp(v) - 1 - v).sum(axis=1).mean() / 2)


def perplexity(codes: Int[np.ndarray, "images height width"]) -> float:
    """Exponential of the entropy of the codes over all positions of all images: how many are used, if alike."""
    _, counts = np.unique(codes, return_counts=True)
    share = counts / counts.sum()
    return float(np.exp(-(share * np.log(share)).sum()))
