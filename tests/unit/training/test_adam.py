import copy

import torch
from torch import nn

from daenr.training.adam import Adam


def _models() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.ELU(), nn.Flatten(), nn.Linear(180, 7))
    return model, copy.deepcopy(model)


def _step(model: nn.Module, optimizer: Adam | torch.optim.Adam, step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    optimizer.zero_grad()
    model(torch.randn(6, 1, 8, 8, generator=generator)).square().sum().backward()
    optimizer.step()


def _same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


def test_the_same_bits_as_pytorchs_own_adam_also_after_a_restart():
    mine, theirs = _models()
    adam = Adam(mine.parameters(), 0.003)
    for rate in (0.003, 0.001):
        reference = torch.optim.Adam(theirs.parameters(), lr=rate)
        for step in range(20):
            _step(mine, adam, step)
            _step(theirs, reference, step)
        adam.restart()
        adam.learning_rate = 0.001
    assert _same(mine, theirs)


def test_a_parameter_without_a_gradient_stays_where_it_is():
    model, before = _models()
    model[0].requires_grad_(False)
    _step(model, Adam(model.parameters(), 0.1), 0)
    assert torch.equal(model[0].weight, before[0].weight)
    assert not torch.equal(model[4].weight, before[4].weight)


def test_it_goes_on_from_a_saved_state():
    whole, parted = _models()
    one, other = Adam(whole.parameters(), 0.01), Adam(parted.parameters(), 0.01)
    for step in range(10):
        if step == 5:
            state = copy.deepcopy(other.state_dict())
            other = Adam(parted.parameters(), 0.5)
            other.load_state_dict(state)
        _step(whole, one, step)
        _step(parted, other, step)
    assert _same(whole, parted)
