import copy

import pytest
import torch
from torch import nn

from daenr.training.adam import Adam, FusedAdam


def _models() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.ELU(), nn.Flatten(), nn.Linear(180, 7))
    return model, copy.deepcopy(model)


def _loss(model: nn.Module, step: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(step)
    return model(torch.randn(6, 1, 8, 8, generator=generator)).square().sum()


KINDS = [Adam, FusedAdam]


@pytest.mark.parametrize(("kind", "fused"), [(Adam, False), (FusedAdam, True)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_same_bits_as_pytorchs_own_adam(dtype, kind, fused):
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        mine, theirs = _models()
        adam = kind(mine.parameters(), 0.003)
        reference = torch.optim.Adam(theirs.parameters(), lr=0.003, fused=fused)
        for step in range(50):
            for model, optimizer in ((mine, adam), (theirs, reference)):
                optimizer.zero_grad()
                _loss(model, step).backward()
                optimizer.step()
    finally:
        torch.set_default_dtype(default)
    for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other)


def test_one_pass_moves_the_parameters_like_seven():
    one, seven = _models()
    for kind, model in ((FusedAdam, one), (Adam, seven)):
        model[0].bias.requires_grad_(False)  # before a batch norm its gradient is rounding noise
        adam = kind(model.parameters(), 0.003)
        for step in range(3):
            adam.zero_grad()
            _loss(model, step).backward()
            adam.step()
    for mine, theirs in zip(one.parameters(), seven.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_parameter_without_a_gradient_stays_where_it_is(kind):
    model, before = _models()
    model[0].requires_grad_(False)
    adam = kind(model.parameters(), 0.1)
    _loss(model, 0).backward()
    adam.step()
    assert torch.equal(model[0].weight, before[0].weight)
    assert not torch.equal(model[4].weight, before[4].weight)


@pytest.mark.parametrize("kind", KINDS)
def test_it_goes_on_from_a_saved_state(kind):
    whole, parted = _models()
    states = {}
    for model, pause in ((whole, None), (parted, 5)):
        adam = kind(model.parameters(), 0.01)
        for step in range(10):
            if step == pause:
                states = copy.deepcopy(adam.state_dict())
                adam = kind(model.parameters(), 0.01)
                adam.load_state_dict(states)
            adam.zero_grad()
            _loss(model, step).backward()
            adam.step()
    assert states["steps"] == 5
    for one, other in zip(whole.parameters(), parted.parameters(), strict=True):
        assert torch.equal(one, other)
