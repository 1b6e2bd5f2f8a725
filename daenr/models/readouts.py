"""Readouts: the mapping f_3 from a feature map h_i to the rates of the neurons (Eqs. 2 and 5).

A further readout is one class with ``drive`` and ``penalty`` and one line in `daenr.registry`; it is told the side of
the feature map that it stands on, in positions.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from daenr import IMAGE_SIZE
from daenr.config import ModelSettings
from daenr.models.autoencoders import Generators, widened
from daenr.models.randomness import initialise

SMALLEST_RATE = 1e-4


@dataclass(frozen=True)
class Neurons:
    """What a readout knows of its neurons before training, all of it from the training split.

    Attributes:
        mean_response: mean response of each neuron.
        receptive_field: row and column of each receptive-field centre, in pixels of the image.
    """

    mean_response: Float[Tensor, " neurons"]
    receptive_field: Int[Tensor, "neurons 2"]

    def __len__(self) -> int:
        return len(self.mean_response)

    @classmethod
    def unknown(cls, count: int) -> "Neurons":
        """So many neurons of which nothing is known: mean response 1, receptive field at the image's centre."""
        return cls(torch.ones(count), torch.full((count, 2), IMAGE_SIZE // 2))


def to_grid(centres: Int[Tensor, "neurons 2"], size: int) -> Int[Tensor, "neurons 2"]:
    """Row and column of the nearest position of a size x size feature map.

    A 3x3 convolution of stride k with one pixel of padding centres its output j on input k * j, so position
    j of the map stands for pixel j * 32 / size. Centres half-way between two positions go to the later one.

    Args:
        centres: row and column, pixels of the 32 x 32 image.
        size: side of the feature map, in positions.
    """
    return ((centres * size + IMAGE_SIZE // 2) // IMAGE_SIZE).clip(0, size - 1)


class Readout(nn.Module, ABC):
    """softplus(drive + bias), so that every rate is positive; a variant defines the drive and its penalty.

    The bias starts at the inverse softplus of the mean response: an untrained readout predicts the mean.
    """

    def __init__(self, neurons: Neurons) -> None:
        super().__init__()
        rate = neurons.mean_response.clamp(min=SMALLEST_RATE)
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

    def __init__(self, spec: ModelSettings, size: int, neurons: Neurons, generators: Generators) -> None:
        super().__init__(neurons)
        count, positions = len(neurons), size**2
        self.strength = spec.fr_penalty
        self.positive = spec.mask_sign == "positive"
        self.mask = nn.Parameter(torch.empty(count, positions))
        self.features = nn.Parameter(torch.empty(count, spec.channels))
        for weight in (self.mask, self.features):
            nn.init.normal_(weight, std=spec.readout_deviation, generator=generators.readout)

    def drive(self, features: Float[Tensor, "batch channels size size"]) -> Float[Tensor, "batch neurons"]:
        """sum_c features_c sum_xy mask_xy h_cxy: space first, which leaves the fewest products."""
        pooled = functional.linear(features.flatten(2), self.mask.abs() if self.positive else self.mask)
        return (pooled * self.features.T).sum(1)

    def penalty(self) -> Float[Tensor, ""]:
        """Strength times the sum over neurons of |mask|_1 * |features|_1."""
        return self.strength * (self.mask.abs().sum(1) * self.features.abs().sum(1)).sum()


class FullyConnectedReadout(Readout):
    """FC (McIntosh 2016): every neuron sees every feature, with dropout before and an L2 penalty."""

    def __init__(self, spec: ModelSettings, size: int, neurons: Neurons, generators: Generators) -> None:
        super().__init__(neurons)
        inputs = spec.channels * size**2
        self.strength = spec.fc_penalty
        self.keep = 1 - spec.fc_dropout
        self.noise = generators.dropout
        self.linear = nn.Linear(inputs, len(neurons), bias=False)
        initialise(self.linear, generators.readout)

    def drive(self, features: Float[Tensor, "batch channels size size"]) -> Float[Tensor, "batch neurons"]:
        """A weight for every feature at every position, half of them dropped at each training step."""
        flat = features.flatten(1)
        if self.training:  # PyTorch's own dropout takes no generator
            kept = torch.rand(flat.shape, generator=self.noise, device=flat.device).lt_(self.keep)
            flat = flat * kept / self.keep
        return self.linear(flat)

    def penalty(self) -> Float[Tensor, ""]:
        """Strength times half the squared L2 norm of the weights."""
        return self.strength * self.linear.weight.square().sum() / 2


class FixedMaskReadout(Readout):
    """FM (Klindt 2017): the mask is one-hot at the receptive-field centre; only the features are learned."""

    position: Tensor

    def __init__(self, spec: ModelSettings, size: int, neurons: Neurons, generators: Generators) -> None:
        super().__init__(neurons)
        self.strength = spec.fm_penalty
        row, column = to_grid(neurons.receptive_field, size).unbind(1)
        self.register_buffer("position", row * size + column)
        self.features = nn.Parameter(torch.empty(len(self.position), spec.channels))
        nn.init.normal_(self.features, std=spec.readout_deviation, generator=generators.readout)

    def drive(self, features: Float[Tensor, "batch channels size size"]) -> Float[Tensor, "batch neurons"]:
        """The features at the centre of each neuron's receptive field, weighted."""
        at_centre = features.flatten(2)[:, :, self.position]
        return (at_centre * self.features.T).sum(1)

    def penalty(self) -> Float[Tensor, ""]:
        """Strength times the sum over neurons of |features|_1: FR's, with the norm 1 of a one-hot mask."""
        return self.strength * self.features.abs().sum()


class GaussianReadout(Readout):
    """Lurz 2021: a neuron reads all channels at one place, drawn from its Gaussian in training, at the mean else.

    Places are row and column from -1 to 1, the outer edges of the outer positions; between positions the features are
    interpolated bilinearly. Mean and deviation are learned by the gradient of the draw, mean + spread * noise.
    """

    def __init__(self, spec: ModelSettings, size: int, neurons: Neurons, generators: Generators) -> None:
        super().__init__(neurons)
        self.strength = spec.gauss_penalty
        self.noise = generators.dropout
        centre = 2 * (to_grid(neurons.receptive_field, size) + 0.5) / size - 1
        self.mean = nn.Parameter(centre.to(torch.get_default_dtype()))
        self.spread = nn.Parameter(torch.eye(2).repeat(len(neurons), 1, 1) * spec.gauss_deviation)
        self.features = nn.Parameter(torch.empty(len(neurons), spec.channels))
        nn.init.normal_(self.features, std=spec.readout_deviation, generator=generators.readout)

    def drive(self, features: Float[Tensor, "batch channels size size"]) -> Float[Tensor, "batch neurons"]:
        """The features at each neuron's place, weighted; in training a place of its own for every image."""
        place = self.mean.expand(len(features), -1, -1)
        if self.training:
            noise = torch.randn(place.shape, generator=self.noise, device=place.device, dtype=place.dtype)
            place = place + torch.einsum("nij,bnj->bni", self.spread, noise)
        size = features.shape[-1]
        # Beyond the outer positions lies what they have. PyTorch's grid_sample has no repeatable gradient on a GPU.
        position = ((place + 1) * size / 2 - 0.5).clamp(0, size - 1)
        distance = position[..., None] - torch.arange(size, device=place.device, dtype=place.dtype)
        rows, columns = (1 - distance.abs()).clamp(min=0).unbind(2)
        mask = (rows[..., :, None] * columns[..., None, :]).flatten(2)
        # In this order the gradient of the features has their own layout, as that of other readouts.
        sampled = widened(features).flatten(2) @ mask.mT
        return (sampled * self.features.T).sum(1)

    def penalty(self) -> Float[Tensor, ""]:
        """Strength times the sum over neurons of |features|_1."""
        return self.strength * self.features.abs().sum()
