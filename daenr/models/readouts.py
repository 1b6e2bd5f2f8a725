"""Readouts: the mapping f_3 from a feature map h_i to the rates of the neurons (Eqs. 2 and 5).

A further readout is one class with ``drive`` and ``penalty`` and one line in `daenr.registry`.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from daenr.config import ModelSettings
from daenr.data.receptive_fields import to_grid
from daenr.models.autoencoders import Generators, layer_size
from daenr.models.randomness import initialise

SMALLEST_RATE = 1e-4


@dataclass(frozen=True)
class Population:
    """What a readout knows of its neurons before training, all of it from the training split.

    Attributes:
        mean_response: mean response of each neuron.
        receptive_field: row and column of each receptive-field centre, in pixels of the image.
    """

    mean_response: Float[Tensor, " neurons"]
    receptive_field: Int[Tensor, "neurons 2"]


class Readout(nn.Module, ABC):
    """softplus(drive + bias), so that every rate is positive; a variant defines the drive and its penalty.

    The bias starts at the inverse softplus of the mean response: an untrained readout predicts the mean.
    """

    def __init__(self, population: Population) -> None:
        super().__init__()
        rate = population.mean_response.clamp(min=SMALLEST_RATE)
        self.bias = nn.Parameter(rate + torch.log(-torch.expm1(-rate)))

    def forward(self, features: Float[Tensor, "batch channels size size"]) -> Float[Tensor, "batch neurons"]:
        """Rate of every neuron."""
        return functional.softplus(self.drive(features) + self.bias)

    @abstractmethod
    def drive(self, features: Float[Tensor, "batch channels size size"]) -> Float[Tensor, "batch neurons"]:
        """What comes before bias and softplus."""

    @abstractmethod
    def penalty(self) -> Float[Tensor, ""]:
        """Regularisation of the weights, summed over neurons like the response loss."""


class FactorizedReadout(Readout):
    """FR, Eq. 5 (Klindt 2017): a spatial mask and a feature vector a neuron, kept sparse by an L1 penalty."""

    def __init__(
        self, spec: ModelSettings, depth: int, population: Population, generators: Generators
    ) -> None:
        super().__init__(population)
        neurons, positions = len(population.mean_response), layer_size(depth) ** 2
        self.strength = spec.fr_penalty
        self.mask = nn.Parameter(torch.empty(neurons, positions))
        self.features = nn.Parameter(torch.empty(neurons, spec.channels))
        for weight in (self.mask, self.features):
            nn.init.normal_(weight, std=spec.readout_deviation, generator=generators.readout)

    def drive(self, features: Float[Tensor, "batch channels size size"]) -> Float[Tensor, "batch neurons"]:
        """sum_c features_c sum_xy mask_xy h_cxy: space first, which leaves the fewest products."""
        pooled = functional.linear(features.flatten(2), self.mask)
        return (pooled * self.features.T).sum(1)

    def penalty(self) -> Float[Tensor, ""]:
        """Strength times the sum over neurons of |mask|_1 * |features|_1."""
        return self.strength * (self.mask.abs().sum(1) * self.features.abs().sum(1)).sum()


class FullyConnectedReadout(Readout):
    """FC (McIntosh 2016): every neuron sees every feature, with dropout before and an L2 penalty."""

    def __init__(
        self, spec: ModelSettings, depth: int, population: Population, generators: Generators
    ) -> None:
        super().__init__(population)
        inputs = spec.channels * layer_size(depth) ** 2
        self.strength = spec.fc_penalty
        self.keep = 1 - spec.fc_dropout
        self.noise = generators.dropout
        self.linear = nn.Linear(inputs, len(population.mean_response), bias=False)
        initialise(self.linear, generators.readout)

    def drive(self, features: Float[Tensor, "batch channels size size"]) -> Float[Tensor, "batch neurons"]:
        """A weight for every feature at every position, half of them dropped at each training step."""
        flat = features.flatten(1)
        if self.training:
            flat = flat * kept(flat, self.keep, self.noise) / self.keep
        drive: Tensor = self.linear(flat)
        return drive

    def penalty(self) -> Float[Tensor, ""]:
        """Strength times the squared L2 norm of the weights."""
        norm: Tensor = SquaredNorm.apply(self.linear.weight)  # type: ignore[no-untyped-call]
        return self.strength * norm


def kept(
    features: Float[Tensor, "batch inputs"], share: float, noise: torch.Generator
) -> Float[Tensor, "batch inputs"]:
    """1 for each feature that dropout keeps, else 0; PyTorch's own dropout takes no generator.

    In bf16 a feature costs 16 random bits, so that ``share`` counts in steps of 2^-16; else a random number.
    """
    if features.dtype != torch.bfloat16:
        uniform = torch.rand(features.shape, generator=noise, device=features.device, dtype=features.dtype)
        return uniform.lt_(share)
    words = torch.empty(math.ceil(features.numel() / 4), dtype=torch.int64, device=features.device)
    draws = words.random_(-(2**63), None, generator=noise).view(torch.int16)[: features.numel()]
    return draws.le_(round(share * 2**16) - 2**15 - 1).view(features.shape).to(features.dtype)


class SquaredNorm(torch.autograd.Function):
    """Sum of squares whose backward pass goes over the weights once; PyTorch's own takes several for the same bits."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor) -> Tensor:
        """Sum of the squares of all weights."""
        ctx.save_for_backward(weights)
        return weights.square().sum()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Twice the weights."""
        weights: Tensor
        (weights,) = ctx.saved_tensors
        return weights * (2 * gradient)


class FixedMaskReadout(Readout):
    """FM (Klindt 2017): the mask is one-hot at the receptive-field centre; only the features are learned."""

    position: Tensor

    def __init__(
        self, spec: ModelSettings, depth: int, population: Population, generators: Generators
    ) -> None:
        super().__init__(population)
        size = layer_size(depth)
        row, column = to_grid(population.receptive_field, size).unbind(1)
        self.register_buffer("position", row * size + column)
        self.features = nn.Parameter(torch.empty(len(self.position), spec.channels))
        nn.init.normal_(self.features, std=spec.readout_deviation, generator=generators.readout)

    def drive(self, features: Float[Tensor, "batch channels size size"]) -> Float[Tensor, "batch neurons"]:
        """The features at the centre of each neuron's receptive field, weighted."""
        at_centre = features.flatten(2)[:, :, self.position]
        return (at_centre * self.features.T).sum(1)

    def penalty(self) -> Float[Tensor, ""]:
        """None: 48 weights a neuron need no further constraint."""
        return self.features.new_zeros(())
