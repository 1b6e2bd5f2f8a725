"""Every component draws from a generator of its own, so models that share a component start it alike."""

import hashlib
import math

import torch
from torch import nn


def generator(seed: int, component: str, device: torch.device | str = "cpu") -> torch.Generator:
    """The generator of one component of one run.

    Args:
        seed: the run's seed.
        component: what draws from it, for example ``encoder`` or ``batch order``.
        device: where it draws; parameters are drawn on the CPU, noise where the model computes.
    """
    digest = hashlib.sha256(f"{seed}/{component}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw weights and biases of all convolutions and linear layers in ``module``, in order.

    PyTorch's own default, uniform within 1 / sqrt(fan in), which takes no generator there.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            fan_in = layer.weight[0].numel()
            bound = 1 / math.sqrt(fan_in)
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
