"""Use of a latent against eigenvalues, torch's own KL, and codes whose entropy is known."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from daenr.statistics import latents


@pytest.fixture
def code() -> np.ndarray:
    """Five dimensions of very different spread, two of them below the square root of .01."""
    return np.random.default_rng(1).normal(3, [2, 1, 0.5, 0.05, 1e-4], (400, 5)).astype(np.float32)


def test_effective_dimensions_are_the_participation_ratio_of_the_eigenvalues(code):
    eigenvalues = np.linalg.eigvalsh(np.cov(code.T.astype(float)))
    expected = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    assert latents.effective_dimensions(code) == pytest.approx(expected)
    rotation, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(5, 5)))
    assert latents.effective_dimensions(7 * code @ rotation) == pytest.approx(expected, rel=1e-4)


def test_images_on_a_line_have_one_dimension_and_images_alike_none():
    line = np.outer(np.arange(6.0), [1.0, 2.0, -3.0])
    assert latents.effective_dimensions(line) == pytest.approx(1)
    assert latents.effective_dimensions(np.ones((6, 3))) == 0
    corners = np.vstack([np.eye(4), -np.eye(4)])
    assert latents.effective_dimensions(corners) == pytest.approx(4)


def test_a_dimension_is_active_if_its_mean_varies(code):
    assert latents.active_dimensions(code) == 3


def test_kl_is_torchs(code):
    log_variance = np.random.default_rng(3).normal(-1, 1, code.shape)
    mean, deviation = torch.from_numpy(code).double(), torch.from_numpy(log_variance).exp().sqrt()
    expected = kl_divergence(Normal(mean, deviation), Normal(0.0, 1.0)).sum(1).mean()
    assert latents.kl(code, log_variance) == pytest.approx(float(expected))
    assert latents.kl(np.zeros((2, 3)), np.zeros((2, 3))) == 0


def test_perplexity_is_the_number_of_codes_used_alike():
    alike = np.repeat([3, 7, 9, 200], 32).reshape(2, 8, 8)
    assert latents.perplexity(alike) == pytest.approx(4)
    assert latents.perplexity(np.full((2, 8, 8), 5)) == pytest.approx(1)
    halves = np.array([[[0, 0], [1, 2]]])  # entropy 1.5 bits
    assert latents.perplexity(halves) == pytest.approx(2**1.5)
    assert latents.latent_use({"codes": alike, "response": np.ones(3)}) == {
        "codes_used": 4,
        "perplexity": pytest.approx(4),
    }
