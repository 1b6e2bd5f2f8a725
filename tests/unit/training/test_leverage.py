import math

import pytest
import torch

from daenr.config import ModelSettings
from daenr.models.joint import build
from daenr.models.losses import JointLoss, joint_loss
from daenr.training.leverage import leverage

NEURONS = 6
SMALL = ModelSettings(channels=4, latent=5, codes=6, code_dimension=3)


def _loss(
    name: str, alpha: float, beta: float, layer: str | None = "h2"
) -> tuple[torch.nn.Module, JointLoss]:
    model = build(name, layer, NEURONS, seed=1, settings=SMALL).double().eval()
    draw = torch.Generator().manual_seed(0)
    images = torch.rand((8, 1, 32, 32), generator=draw, dtype=torch.float64) * 2 - 1
    responses = torch.rand((8, NEURONS), generator=draw, dtype=torch.float64)
    return model, joint_loss(model(images), images, responses, alpha, beta)


def _share(name: str, alpha: float, beta: float, layer: str | None = "h2") -> float:
    model, loss = _loss(name, alpha, beta, layer)
    return leverage(model, loss, alpha, beta)


@pytest.mark.parametrize("model", ["cae-fr", "vae-fc", "vq-vae-fm"])
def test_it_is_0_without_responses_and_1_without_images(model: str) -> None:
    assert _share(model, 1.0, 0.0) == 0
    assert _share(model, 0.0, 1.0) == 1
    assert 0 < _share(model, 1.0, 1.0) < 1


def test_a_model_of_one_task_is_all_that_task() -> None:
    assert _share("cae", 1.0, 0.0, None) == 0
    assert _share("cnn-fr", 0.0, 1.0) == 1


def test_where_it_is_small_it_is_proportional_to_the_weight() -> None:
    small, doubled = _share("cae-fr", 1.0, 1e-6), _share("cae-fr", 1.0, 2e-6)
    assert doubled == pytest.approx(2 * small, rel=1e-3)
    assert _share("cae-fr", 0.5, 1e-6) == pytest.approx(doubled, rel=1e-3)


def test_it_is_the_share_of_the_shared_layers_gradient() -> None:
    """Against the gradients that training itself leaves, one side at a time."""
    norms = []
    for alpha, beta in ((0.3, 0.0), (0.0, 2.0)):
        model, loss = _loss("cae-fr", alpha, beta)
        loss.total.backward()
        shared = [p for block in model.encoder.blocks[:2] for p in block.parameters()]
        norms.append(math.sqrt(sum(float(p.grad.square().sum()) for p in shared if p.grad is not None)))
    assert _share("cae-fr", 0.3, 2.0) == pytest.approx(norms[1] / sum(norms), rel=1e-9)


def test_an_encoder_that_is_held_fixed_has_none() -> None:
    model, loss = _loss("cae-fr", 1.0, 1.0)
    model.freeze()
    assert math.isnan(leverage(model, loss, 1.0, 1.0))
