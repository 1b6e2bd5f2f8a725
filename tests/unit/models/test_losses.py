import math

import numpy as np
import pytest
import torch

from daenr.models.joint import Output
from daenr.models.losses import TERMS, joint_loss, reconstruction_loss, response_loss

BATCH, NEURONS = 3, 4


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(5)
    return {
        "image": generator.uniform(-1, 1, (BATCH, 1, 32, 32)),
        "reconstruction": generator.uniform(-1, 1, (BATCH, 1, 32, 32)),
        "regularisation": generator.uniform(0, 9, BATCH),
        "rate": generator.gamma(1.0, 1.0, (BATCH, NEURONS)),
        "response": generator.gamma(1.0, 1.0, (BATCH, NEURONS)),
        "penalty": np.array(2.5),
    }


def _tensors(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


def _output(arrays: dict[str, np.ndarray], *parts: str) -> Output:
    return Output(**{part: torch.from_numpy(arrays[part]) for part in parts})


def _squared_error(arrays: dict[str, np.ndarray]) -> float:
    """Eq. 4 by loops: sum over pixels, mean over the batch."""
    total = 0.0
    for image, copy in zip(arrays["image"], arrays["reconstruction"], strict=True):
        for a, b in zip(image.flat, copy.flat, strict=True):
            total += (a - b) ** 2
    return total / BATCH


def _poisson(arrays: dict[str, np.ndarray]) -> float:
    """Eq. 6 by loops: sum over neurons, mean over the batch."""
    total = 0.0
    for rates, responses in zip(arrays["rate"], arrays["response"], strict=True):
        for rate, response in zip(rates, responses, strict=True):
            total += rate - response * math.log(rate + 1e-5)
    return total / BATCH


BOTH = ("reconstruction", "regularisation", "rate", "penalty")


def test_reconstruction_is_a_sum_over_pixels_and_a_mean_over_the_batch(arrays):
    tensors = _tensors(arrays)
    found = reconstruction_loss(tensors["reconstruction"], tensors["image"])
    assert found.item() == pytest.approx(_squared_error(arrays), rel=1e-12)


def test_reconstruction_of_images_that_are_off_by_a_half():
    image = torch.zeros(2, 1, 32, 32, dtype=torch.float64)
    assert reconstruction_loss(image + 0.5, image).item() == 1024 * 0.25


def test_response_is_a_sum_over_neurons_and_a_mean_over_the_batch(arrays):
    tensors = _tensors(arrays)
    found = response_loss(tensors["rate"], tensors["response"])
    assert found.item() == pytest.approx(_poisson(arrays), rel=1e-12)


def test_response_by_hand():
    rate = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    response = torch.tensor([[0.0, 3.0]], dtype=torch.float64)
    assert response_loss(rate, response).item() == pytest.approx(1 + 2 - 3 * math.log(2.00001), rel=1e-14)


def test_response_is_finite_where_the_rate_is_zero():
    rate = torch.zeros(1, 2, dtype=torch.float64)
    response = torch.tensor([[0.0, 2.0]], dtype=torch.float64)
    assert response_loss(rate, response).item() == pytest.approx(-2 * math.log(1e-5))


@pytest.mark.parametrize("response", [0.01, 0.6, 1.0, 7.5])
def test_response_is_smallest_where_the_rate_is_the_response(response):
    rates = torch.linspace(0.0, 10.0, 1001, dtype=torch.float64)
    target = torch.tensor([[response]], dtype=torch.float64)
    losses = [response_loss(rate.reshape(1, 1), target).item() for rate in rates]
    # the 1e-5 in the logarithm moves the optimum by as much, far below the grid's step of 0.01
    assert rates[int(np.argmin(losses))].item() == pytest.approx(response, abs=5.1e-3)


def test_response_of_a_silent_neuron_is_smallest_at_rate_zero():
    silent = torch.zeros(1, 1, dtype=torch.float64)
    losses = [response_loss(silent + rate, silent).item() for rate in (0.0, 1e-3, 0.1, 2.0)]
    assert losses == sorted(losses)
    assert losses[0] == 0


def test_the_order_of_neurons_does_not_matter(arrays):
    tensors, order = _tensors(arrays), [2, 0, 3, 1]
    one = response_loss(tensors["rate"], tensors["response"])
    other = response_loss(tensors["rate"][:, order], tensors["response"][:, order])
    assert other.item() == pytest.approx(one.item(), rel=1e-14)
    mixed = response_loss(tensors["rate"][:, order], tensors["response"])
    assert mixed.item() != pytest.approx(one.item(), rel=1e-3)


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (0.3, 0.02), (0.0, 1.0), (1.0, 0.0)])
@pytest.mark.parametrize("over_pixels", ["sum", "mean"])
@pytest.mark.parametrize("over_neurons", ["sum", "mean"])
def test_total_weighs_both_sides_each_a_sum_or_a_mean(arrays, alpha, beta, over_pixels, over_neurons):
    tensors = _tensors(arrays)
    loss = joint_loss(
        _output(arrays, *BOTH), tensors["image"], tensors["response"], alpha, beta, over_pixels, over_neurons
    )
    pixels = 1024 if over_pixels == "mean" else 1
    neurons = NEURONS if over_neurons == "mean" else 1
    expected = {
        "reconstruction": _squared_error(arrays) / pixels,
        "regularisation": arrays["regularisation"].mean() / pixels,
        "response": _poisson(arrays) / neurons,
        "penalty": 2.5 / neurons,
    }
    for term, value in expected.items():
        assert getattr(loss, term).item() == pytest.approx(value, rel=1e-12)
    image_side = expected["reconstruction"] + expected["regularisation"]
    neural_side = expected["response"] + expected["penalty"]
    assert loss.total.item() == pytest.approx(alpha * image_side + beta * neural_side, rel=1e-12)


def test_mean_is_numpys_mean_over_everything(arrays):
    tensors = _tensors(arrays)
    loss = joint_loss(_output(arrays, *BOTH), tensors["image"], tensors["response"], 1.0, 1.0, "mean", "mean")
    error = (arrays["image"] - arrays["reconstruction"]) ** 2
    poisson = arrays["rate"] - arrays["response"] * np.log(arrays["rate"] + 1e-5)
    assert loss.reconstruction.item() == pytest.approx(error.mean(), rel=1e-12)
    assert loss.response.item() == pytest.approx(poisson.mean(), rel=1e-12)


def test_sum_is_the_default(arrays):
    tensors = _tensors(arrays)
    loss = joint_loss(_output(arrays, *BOTH), tensors["image"], tensors["response"], 1.0, 1.0)
    assert loss.reconstruction.item() == pytest.approx(_squared_error(arrays), rel=1e-12)


def test_a_plain_auto_encoder_has_no_neural_side(arrays):
    tensors = _tensors(arrays)
    loss = joint_loss(
        _output(arrays, "reconstruction", "regularisation"), tensors["image"], tensors["response"], 2.0, 0.0
    )
    assert (loss.response.item(), loss.penalty.item()) == (0.0, 0.0)
    assert loss.total.item() == pytest.approx(
        2 * (_squared_error(arrays) + arrays["regularisation"].mean()), rel=1e-12
    )


def test_a_baseline_has_no_image_side(arrays):
    tensors = _tensors(arrays)
    loss = joint_loss(_output(arrays, "rate", "penalty"), tensors["image"], tensors["response"], 0.0, 2.0)
    assert (loss.reconstruction.item(), loss.regularisation.item()) == (0.0, 0.0)
    assert loss.total.item() == pytest.approx(2 * (_poisson(arrays) + 2.5), rel=1e-12)


@pytest.mark.parametrize(("alpha", "beta"), [(0.0, 1.0), (1.0, 0.0), (0.5, 2.0)])
def test_each_side_gets_the_gradient_of_its_weight(arrays, alpha, beta):
    tensors = _tensors(arrays)
    output = Output(**{part: tensors[part].requires_grad_() for part in BOTH})
    joint_loss(output, tensors["image"], tensors["response"], alpha, beta).total.backward()
    image = 2 * (arrays["reconstruction"] - arrays["image"]) / BATCH
    rate = (1 - arrays["response"] / (arrays["rate"] + 1e-5)) / BATCH
    expected = {
        "reconstruction": alpha * image,
        "regularisation": np.full(BATCH, alpha / BATCH),
        "rate": beta * rate,
        "penalty": np.array(beta),
    }
    for part, gradient in expected.items():
        np.testing.assert_allclose(tensors[part].grad.numpy(), gradient, rtol=1e-12, atol=0)


def test_stacked_holds_the_terms_in_order_and_no_gradient(arrays):
    tensors = _tensors(arrays)
    output = Output(**{part: tensors[part].requires_grad_() for part in BOTH})
    loss = joint_loss(output, tensors["image"], tensors["response"], 1.0, 1.0)
    stacked = loss.stacked()
    assert TERMS == ("total", "reconstruction", "regularisation", "response", "penalty")
    assert not stacked.requires_grad
    assert stacked.tolist() == [getattr(loss, term).item() for term in TERMS]
