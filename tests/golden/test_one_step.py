"""One training step of each joint model, pinned: a refactor must leave these numbers as they are.

``one_step.json`` holds every loss term on a fixed batch, the norm of the gradient, and the total after one
step of Adam. An update is legitimate only when a commit means to change what is computed: the architecture,
the initial weights, a loss, a penalty, or how a component draws. Its message says which and why. A new
version of PyTorch, another CPU, a faster or shorter way to write the same formula are no reasons; if one of
them breaks this test beyond the tolerance, find out why.

To write the file anew, from the repository's root::

    PYTHONPATH=. python tests/golden/test_one_step.py

The numbers are no mere echo of the code: the tests below compute every loss term of all of them once
more with numpy, and the gradient's norm of two of them by finite differences.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from daenr.models.joint import DAENR, build
from daenr.models.losses import TERMS, joint_loss
from daenr.models.readouts import Neurons
from daenr.registry import joint_names

GOLDEN = Path(__file__).with_name("one_step.json")
TOLERANCE = 1e-4
"""Relative; other CPUs add in another order, which changes the numbers by less than a hundredth of this."""

BATCH, NEURONS = 16, 12
ALPHA, BETA = 0.7, 1.3


def _images() -> np.ndarray:
    """Gratings in [-1, 1], each of another direction, frequency and phase."""
    row, column = np.mgrid[:32, :32]
    index = np.arange(BATCH)[:, None, None, None]
    return np.sin((0.1 + 0.05 * index) * row + (0.9 - 0.04 * index) * column + index).astype(np.float32)


def _responses() -> np.ndarray:
    """Responses between 0 and 2, nearly half of them 0."""
    image, neuron = np.mgrid[:BATCH, :NEURONS]
    return (2 * np.maximum(np.sin(1.3 * image + 2.1 * neuron + 0.1 * image * neuron), 0)).astype(np.float32)


def _model(name: str) -> DAENR:
    index = torch.arange(NEURONS)
    neurons = Neurons(
        torch.from_numpy(_responses()).mean(0), torch.stack([(5 * index) % 32, (11 * index + 3) % 32], dim=1)
    )
    return build(name, "h2", neurons).train()


def _one_step(name: str) -> dict[str, float]:
    """Loss terms, norm of the gradient, and the total on the same batch after a step."""
    model = _model(name)
    images, responses = torch.from_numpy(_images()), torch.from_numpy(_responses())
    adam = torch.optim.Adam(model.parameters(), lr=0.001)
    loss = joint_loss(model(images), images, responses, ALPHA, BETA)
    loss.total.backward()
    squares = sum(parameter.grad.double().square().sum() for parameter in model.parameters())
    adam.step()
    after = joint_loss(model(images), images, responses, ALPHA, BETA)
    return {
        **{term: getattr(loss, term).item() for term in TERMS},
        "gradient_norm": squares.sqrt().item(),
        "total_after_step": after.total.item(),
    }


@pytest.fixture(scope="module")
def golden() -> dict[str, dict[str, float]]:
    loaded: dict[str, dict[str, float]] = json.loads(GOLDEN.read_text())
    return loaded


@pytest.fixture(autouse=True)
def deterministic():
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(before)


def test_all_joint_models_are_pinned(golden):
    assert sorted(golden) == sorted(joint_names())


@pytest.mark.parametrize("name", joint_names())
def test_one_step_is_what_it_was(name, golden):
    found = _one_step(name)
    assert found == pytest.approx(golden[name], rel=TOLERANCE, abs=1e-9)


@pytest.mark.parametrize("name", joint_names())
def test_a_step_lowers_the_loss(name, golden):
    assert golden[name]["total_after_step"] < golden[name]["total"]


# ---- the same numbers, computed another way -----------------------------------------------------------


def _regularisation(name: str, model: DAENR, seen: dict[str, np.ndarray]) -> float:
    """Twice the KL of the VAE, codebook and commitment terms of the VQ-VAE, from what stands before the latent."""
    if name.startswith("vae"):
        mean, log_variance = np.split(seen["to_latent"], 2, axis=1)
        twice_kl = mean**2 + np.exp(log_variance) - log_variance - 1
        return float(twice_kl.sum(1).mean())
    if name.startswith("vq-vae"):
        vectors = np.moveaxis(seen["to_code"], 1, -1)
        codebook = model.autoencoder.codebook.detach().double().numpy()
        distance = ((vectors[..., None, :] - codebook) ** 2).sum(-1).min(-1)
        return float(1.25 * distance.sum((1, 2)).mean())
    return 0.0


def _penalty(name: str, model: DAENR) -> float:
    """Of the readout's initial weights, with the strengths that the design says."""
    weights = {key: value.detach().double().numpy() for key, value in model.readout.named_parameters()}
    if name.endswith("fr"):
        return float(0.02 * (np.abs(weights["mask"]).sum(1) * np.abs(weights["features"]).sum(1)).sum())
    if name.endswith("fc"):
        return float(0.005 * (weights["linear.weight"] ** 2).sum())
    if name.endswith("gauss"):
        return float(0.02 * np.abs(weights["features"]).sum())
    return 0.0


@pytest.mark.parametrize("name", joint_names())
def test_loss_terms_by_numpy(name, golden):
    model = _model(name)
    seen: dict[str, np.ndarray] = {}
    for part in ("to_latent", "to_code"):
        if hasattr(model.autoencoder, part):
            getattr(model.autoencoder, part).register_forward_hook(
                lambda _module, _inputs, output, part=part: seen.update(
                    {part: output.detach().double().numpy()}
                )
            )
    images, responses = _images(), _responses().astype(np.float64)
    with torch.no_grad():
        output = model(torch.from_numpy(images))
    rate = output.rate.double().numpy()
    expected: dict[str, Any] = {
        "reconstruction": ((images - output.reconstruction.double().numpy()) ** 2).sum((1, 2, 3)).mean(),
        "regularisation": _regularisation(name, model, seen),
        "response": (rate - responses * np.log(rate + 1e-5)).sum(1).mean(),
        "penalty": _penalty(name, model),
    }
    expected["total"] = ALPHA * (expected["reconstruction"] + expected["regularisation"]) + BETA * (
        expected["response"] + expected["penalty"]
    )
    for term, value in expected.items():
        assert golden[name][term] == pytest.approx(value, rel=TOLERANCE, abs=1e-9), term


@pytest.mark.parametrize("name", ["cae-fr", "cae-fm"])
def test_gradient_norm_by_finite_differences(name, golden):
    """Along the gradient the loss rises by the gradient's norm; these two models draw no noise."""
    model = _model(name).double()
    images, responses = torch.from_numpy(_images()).double(), torch.from_numpy(_responses()).double()

    def total() -> torch.Tensor:
        return joint_loss(model(images), images, responses, ALPHA, BETA).total

    total().backward()
    parameters = list(model.parameters())
    norm = torch.stack([parameter.grad.square().sum() for parameter in parameters]).sum().sqrt()
    step, ends = 1e-5, []
    for sign in (1, -2):
        with torch.no_grad():
            for parameter in parameters:
                parameter += sign * step * parameter.grad / norm
            ends.append(total().item())
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(golden[name]["gradient_norm"], rel=1e-4)


def _write() -> None:
    torch.use_deterministic_algorithms(True)
    pinned = {
        name: {key: float(f"{value:.8g}") for key, value in _one_step(name).items()} for name in joint_names()
    }
    GOLDEN.write_text(json.dumps(pinned, indent=2) + "\n")


if __name__ == "__main__":
    _write()
