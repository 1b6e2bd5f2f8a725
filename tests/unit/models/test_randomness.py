import math

import pytest
import torch
from torch import nn

from daenr.models.randomness import generator, initialise


def _draw(seed: int, component: str) -> torch.Tensor:
    return torch.rand(8, generator=generator(seed, component))


def test_same_seed_and_component_draw_the_same():
    assert torch.equal(_draw(3, "encoder"), _draw(3, "encoder"))


@pytest.mark.parametrize("other", [(4, "encoder"), (3, "decoder"), (-3, "encoder")])
def test_another_seed_or_component_draws_differently(other):
    assert not torch.equal(_draw(3, "encoder"), _draw(*other))


def test_seeds_and_components_do_not_run_together():
    """A seed made by adding or joining would let (1, "1x") meet (11, "x")."""
    seeds = {generator(seed, name).initial_seed() for seed in range(50) for name in ("x", "1x", "xx", "0/x")}
    assert len(seeds) == 200


def test_drawing_from_one_component_leaves_the_others_and_torch_alone():
    torch.manual_seed(5)
    expected_global, expected = torch.rand(4), _draw(0, "decoder")
    torch.manual_seed(5)
    decoder = generator(0, "decoder")
    torch.rand(100, generator=generator(0, "encoder"))
    assert torch.equal(torch.rand(4), expected_global)
    assert torch.equal(torch.rand(8, generator=decoder), expected)


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (nn.Conv2d(20, 30, 3), 20 * 9),
        (nn.Conv2d(300, 20, 1), 300),
        (nn.ConvTranspose2d(20, 30, 3), 30 * 9),
        (nn.Linear(300, 40), 300),
    ],
    ids=["convolution", "1x1", "transposed", "linear"],
)
def test_weights_fill_torchs_default_range_evenly(layer, fan_in):
    bound = 1 / math.sqrt(fan_in)
    default = layer.weight.abs().max().item()
    assert default == pytest.approx(bound, rel=0.01)  # torch's own draw, before ours
    initialise(layer, generator(0, "layer"))
    assert layer.weight.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert layer.bias.abs().max().item() <= bound
    assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert layer.weight.mean().item() == pytest.approx(0, abs=0.05 * bound)


def test_layers_draw_in_order_so_a_short_stack_starts_like_a_long_one():
    def stack(depth: int) -> nn.Sequential:
        layers = nn.Sequential(*(nn.Conv2d(2, 2, 3) for _ in range(depth)))
        initialise(layers, generator(1, "encoder"))
        return layers

    short, long = stack(2).state_dict(), stack(4).state_dict()
    assert all(torch.equal(weights, long[name]) for name, weights in short.items())
    assert not torch.equal(long["0.weight"], long["1.weight"])


def test_a_layer_without_bias_and_a_batch_norm_are_left_as_they_should_be():
    layers = nn.Sequential(nn.Linear(4, 4, bias=False), nn.BatchNorm2d(4))
    initialise(layers, generator(0, "x"))
    assert torch.equal(layers[1].weight, torch.ones(4))
    assert torch.equal(layers[1].bias, torch.zeros(4))
