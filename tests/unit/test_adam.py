import copy

import pytest
import torch
from torch import nn

from daenr.adam import Adam


def _models() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.ELU(), nn.Flatten(), nn.Linear(180, 7))
    return model, copy.deepcopy(model)


def _loss(model: nn.Module, step: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(step)
    return model(torch.randn(6, 1, 8, 8, generator=generator)).square().sum()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_same_bits_as_pytorchs_own_adam(dtype):
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        mine, theirs = _models()
        adam, reference = Adam(mine.parameters(), 0.003), torch.optim.Adam(theirs.parameters(), lr=0.003)
        for step in range(50):
            for model, optimizer in ((mine, adam), (theirs, reference)):
                optimizer.zero_grad()
                _loss(model, step).backward()
                optimizer.step()
    finally:
        torch.set_default_dtype(default)
    for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_parameter_without_a_gradient_stays_where_it_is():
    model, before = _models()
    model[0].requires_grad_(False)
    adam = Adam(model.parameters(), 0.1)
    _loss(model, 0).backward()
    adam.step()
    assert torch.equal(model[0].weight, before[0].weight)
    assert not torch.equal(model[4].weight, before[4].weight)


def test_it_goes_on_from_a_saved_state():
    whole, parted = _models()
    states = {}
    for model, pause in ((whole, None), (parted, 5)):
        adam = Adam(model.parameters(), 0.01)
        for step in range(10):
            if step == pause:
                states = copy.deepcopy(adam.state_dict())
                adam = Adam(model.parameters(), 0.01)
                adam.load_state_dict(states)
            adam.zero_grad()
            _loss(model, step).backward()
            adam.step()
    assert states["steps"] == 5
    for one, other in zip(whole.parameters(), parted.parameters(), strict=True):
        assert torch.equal(one, other)
