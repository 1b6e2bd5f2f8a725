"""Models of other papers that predict responses, so that a reader knows where the numbers stand.

A further one is one class and one line in `daenr.registry`. It is a `DAENR` without an auto-encoder, on a core of its
own, so everything that trains and judges models takes it as it is.
"""

from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from daenr import IMAGE_SIZE
from daenr.config import ModelSettings
from daenr.models.autoencoders import Core, Generators
from daenr.models.joint import DAENR
from daenr.models.randomness import initialise
from daenr.models.readouts import FactorizedReadout, Neurons, Readout

LAPLACIAN = ((0.25, 0.5, 0.25), (0.5, -3.0, 0.5), (0.25, 0.5, 0.25))
"""Second difference in all directions, as in the published code of Klindt 2017."""


def laplacian(images: Float[Tensor, "images height width"]) -> Float[Tensor, "images height width"]:
    """Each image less the mean of its neighbourhood, times 3; beyond its edges there are zeros."""
    kernel = images.new_tensor(LAPLACIAN)[None, None]
    return functional.conv2d(images[:, None], kernel, padding=1)[:, 0]


class Pixels(Core):
    """The images as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Identity()])


class FilterReadout(Readout):
    """A filter a neuron over all pixels, which starts at 0; small and smooth by two penalties."""

    def __init__(self, spec: ModelSettings, neurons: Neurons) -> None:
        super().__init__(neurons)
        if len(spec.ln_ridge) > 1 or len(spec.ln_smoothness) > 1:
            raise ValueError(
                "ln takes one strength each, of `LinearNonlinear.candidates`; got "
                f"model.ln_ridge {list(spec.ln_ridge)} and model.ln_smoothness {list(spec.ln_smoothness)}"
            )
        (self.ridge,), (self.smoothness,) = spec.ln_ridge, spec.ln_smoothness
        self.filter = nn.Parameter(torch.zeros(len(neurons), IMAGE_SIZE, IMAGE_SIZE))

    def drive(self, features: Float[Tensor, "batch 1 32 32"]) -> Float[Tensor, "batch neurons"]:
        """The scalar product of filter and image."""
        return functional.linear(features.flatten(1), self.filter.flatten(1))

    def penalty(self) -> Float[Tensor, ""]:
        """Strengths times the squared norms of the filters and of their Laplacians, summed over neurons."""
        squares = self.filter.square().sum(), laplacian(self.filter).square().sum()
        return self.ridge * squares[0] + self.smoothness * squares[1]


class LinearNonlinear(DAENR):
    """LN: softplus(filter * image + bias) for each neuron by itself."""

    def __init__(self, settings: ModelSettings, neurons: Neurons, generators: Generators) -> None:
        super().__init__(Pixels(), None, FilterReadout(settings, neurons), depth=1)

    @classmethod
    def candidates(cls, settings: ModelSettings) -> list[ModelSettings]:
        """Every pair of the two strengths."""
        return [
            settings.model_copy(update={"ln_ridge": (ridge,), "ln_smoothness": (smoothness,)})
            for ridge, smoothness in product(settings.ln_ridge, settings.ln_smoothness)
        ]


class KlindtCore(Core):
    """48 filters of 13x13 without padding, 48 of 3x3, 48 of 3x3, each with batch norm; softplus between them."""

    SIZE = IMAGE_SIZE - 12
    """Side of the last feature map, in positions."""

    def __init__(self, spec: ModelSettings, init: torch.Generator) -> None:
        super().__init__()
        self.smoothness, self.sparsity = spec.klindt_smoothness, spec.klindt_sparsity
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inputs, spec.channels, side, padding=padding, bias=False),
                nn.BatchNorm2d(spec.channels),
                nonlinearity,
            )
            for inputs, side, padding, nonlinearity in (
                (1, 13, 0, nn.Softplus()),
                (spec.channels, 3, 1, nn.Softplus()),
                (spec.channels, 3, 1, nn.Identity()),
            )
        )
        initialise(self, init)

    def penalty(self) -> Float[Tensor, ""]:
        """Roughness of the first filters, whatever their norm, and group sparsity of the others.

        Strength times the sum over filters of |Laplacian|^2 / |filter|^2; strength times the sum over pairs of
        channels of the norm of the 3x3 weights between them.
        """
        first, *later = (layer.weight for layer in self.modules() if isinstance(layer, nn.Conv2d))
        filters = first[:, 0]
        roughness = laplacian(filters).square().sum((1, 2)) / filters.square().sum((1, 2))
        groups = torch.stack([weight.square().sum((2, 3)).sqrt().sum() for weight in later])
        return self.smoothness * roughness.sum() + self.sparsity * groups.sum()


class Klindt(DAENR):
    """Klindt 2017 as in its published code: three layers and a factorized readout with positive masks."""

    encoder: KlindtCore

    def __init__(self, settings: ModelSettings, neurons: Neurons, generators: Generators) -> None:
        positive = settings.model_copy(update={"mask_sign": "positive"})
        core = KlindtCore(settings, generators.encoder)
        readout = FactorizedReadout(positive, KlindtCore.SIZE, neurons, generators)
        super().__init__(core, None, readout, len(core.blocks), settings.activity_penalty)

    def _penalty(
        self, readout: Readout, activity: Float[Tensor, "batch channels size size"]
    ) -> Float[Tensor, ""]:
        """The readout's and the core's."""
        return super()._penalty(readout, activity) + self.encoder.penalty()
