"""The encoder h_1 ... h_4, and the auto-encoders that reconstruct the image from h_4: CAE, VAE, VQ-VAE.

The encoder stands apart from what is above it, since a readout shares it (Fig. 1c) and an end-to-end
baseline has nothing but it. A further auto-encoder is one class with a ``latent`` and one line in `daenr.registry`.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from daenr import IMAGE_SIZE
from daenr.config import ModelSettings
from daenr.models.randomness import initialise

STRIDES = (2, 1, 2, 1)


def layer_size(depth: int) -> int:
    """Side of the feature map h_depth in positions: 16, 16, 8, 8."""
    return IMAGE_SIZE // math.prod(STRIDES[:depth])


class Core(nn.Module):
    """What turns images into features, block by block; a readout stands on the last one that it needs."""

    blocks: nn.ModuleList

    def forward(self, images: Float[Tensor, "batch 1 32 32"]) -> list[Float[Tensor, "batch channels _ _"]]:
        """Features [h_1, ..., h_depth]."""
        features = []
        for block in self.blocks:
            images = block(images)
            features.append(images)
        return features


class Encoder(Core):
    """48C23-48C13-48C23-48C13 up to block ``depth``; a block is a 3x3 convolution, batch norm and ELU.

    The convolutions before a batch norm have no bias: batch norm takes it off again, and Adam would turn the
    rounding noise in its gradient into steps of full size.

    Args:
        depth: number of blocks, 1 to 4; the layers above the one that is read out are not built.
        channels: filters a block.
        init: generator of the initial weights. Blocks draw in order, so a short encoder starts like a long one.
    """

    def __init__(self, depth: int, channels: int, init: torch.Generator) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(1 if index == 0 else channels, channels, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ELU(),
            )
            for index, stride in enumerate(STRIDES[:depth])
        )
        initialise(self, init)


class Decoder(nn.Sequential):
    """48DC13-48DC23-48DC13-1DC23: transposed 3x3 convolutions, batch norm and ELU; the last one ends in tanh."""

    def __init__(self, channels: int, init: torch.Generator) -> None:
        layers: list[nn.Module] = []
        for stride in reversed(STRIDES[1:]):
            layers += [
                _transposed(channels, channels, stride),
                nn.BatchNorm2d(channels),
                nn.ELU(),
            ]
        last = nn.ConvTranspose2d(channels, 1, 3, STRIDES[0], padding=1, output_padding=STRIDES[0] - 1)
        super().__init__(*layers, last, nn.Tanh())
        initialise(self, init)


def _transposed(inputs: int, outputs: int, stride: int) -> nn.ConvTranspose2d:
    """A transposed convolution that multiplies the side of its input by the stride; batch norm follows."""
    return nn.ConvTranspose2d(inputs, outputs, 3, stride, padding=1, output_padding=stride - 1, bias=False)


def widened(values: Tensor) -> Tensor:
    """What a layer put out in bf16, from here on in float32; other types as they are."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


@dataclass(frozen=True)
class Generators:
    """Generators that a model draws from: initial weights on the CPU, noise where it computes."""

    encoder: torch.Generator
    latent: torch.Generator
    decoder: torch.Generator
    readout: torch.Generator
    latent_noise: torch.Generator
    dropout: torch.Generator


@dataclass(frozen=True)
class Decoded:
    """What an auto-encoder makes of h_4.

    Attributes:
        image: the reconstruction, in [-1, 1].
        regularisation: the auto-encoder's own terms beside the squared error, summed over an image.
    """

    image: Float[Tensor, "batch 1 32 32"]
    regularisation: Float[Tensor, " batch"]


class Autoencoder(nn.Module, ABC):
    """What stands above the encoder: a latent, which is all that a variant defines, and the decoder."""

    def __init__(self, spec: ModelSettings, generators: Generators) -> None:
        super().__init__()
        self.decoder = Decoder(spec.channels, generators.decoder)

    def forward(self, features: Float[Tensor, "batch channels 8 8"]) -> Decoded:
        """Reconstruct images from h_4."""
        restored, regularisation = self.latent(features)
        return Decoded(self.decoder(restored), regularisation)

    @abstractmethod
    def latent(
        self, features: Float[Tensor, "batch channels 8 8"]
    ) -> tuple[Float[Tensor, "batch channels 8 8"], Float[Tensor, " batch"]]:
        """Squeeze h_4 through the latent; return what the decoder starts from and the regularisation.

        Layers multiply in what autocast says; the regularisation is computed from what is ``widened``.
        """

    def code(self, features: Float[Tensor, "batch channels 8 8"]) -> dict[str, Tensor]:
        """What images become in the latent, for `daenr.statistics.latents`; nothing unless a variant says."""
        return {}


class CAE(Autoencoder):
    """Convolutional auto-encoder (Masci 2011): a latent of 100 numbers, linear on both sides."""

    outputs = 1
    """Numbers that the encoder's side puts out for each one of the latent."""

    def __init__(self, spec: ModelSettings, generators: Generators) -> None:
        super().__init__(spec, generators)
        self.shape = (spec.channels, layer_size(4), layer_size(4))
        self.to_latent = nn.Linear(math.prod(self.shape), self.outputs * spec.latent)
        self.from_latent = nn.Linear(spec.latent, math.prod(self.shape))
        for layer in (self.from_latent, self.to_latent):
            initialise(layer, generators.latent)

    def latent(
        self, features: Float[Tensor, "batch channels 8 8"]
    ) -> tuple[Float[Tensor, "batch channels 8 8"], Float[Tensor, " batch"]]:
        """Linear down, linear up."""
        code = self.encode(features)
        # Not len(), which would fix the size of an exported model's batch.
        return self.restore(code), widened(features).new_zeros(code.shape[0])

    def code(self, features: Float[Tensor, "batch channels 8 8"]) -> dict[str, Tensor]:
        """``code``, the numbers of the latent."""
        return {"code": self.to_latent(features.flatten(1))}

    def encode(self, features: Float[Tensor, "batch channels 8 8"]) -> Float[Tensor, "batch latent"]:
        """The code of an image, from its h_4; of a Gaussian latent its mean."""
        return self.code(features)["code"]

    def restore(self, code: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch channels 8 8"]:
        """The feature map that the decoder starts from."""
        restored: Tensor = self.from_latent(code)
        return restored.reshape(-1, *self.shape)


class VAE(CAE):
    """Variational auto-encoder (Kingma & Welling 2014): a Gaussian latent with the prior N(0, 1).

    The latent is sampled in training; validation and test use its mean.
    """

    outputs = 2
    """A mean and a log-variance."""

    def __init__(self, spec: ModelSettings, generators: Generators) -> None:
        super().__init__(spec, generators)
        self.kl_weight = spec.kl_weight
        self.noise = generators.latent_noise

    def latent(
        self, features: Float[Tensor, "batch channels 8 8"]
    ) -> tuple[Float[Tensor, "batch channels 8 8"], Float[Tensor, " batch"]]:
        """Draw z = mean + deviation * noise; the regularisation is KL(q || N(0, 1)) in nats, weighted.

        ELBO with unit variance: -(|x - x_hat|^2 / 2 + KL), so KL stands with weight 2 beside the squared error.
        """
        mean, log_variance = self.code(features).values()
        code = mean
        if self.training:
            noise = torch.randn(mean.shape, generator=self.noise, device=mean.device, dtype=mean.dtype)
            code = mean + (log_variance / 2).exp() * noise
        return self.restore(code), self.kl_weight * kl_divergence(mean, log_variance)

    def code(self, features: Float[Tensor, "batch channels 8 8"]) -> dict[str, Tensor]:
        """``code`` and ``code_log_variance``: mean and log-variance of the posterior."""
        mean, log_variance = widened(self.to_latent(features.flatten(1))).chunk(2, dim=1)
        return {"code": mean, "code_log_variance": log_variance}


def kl_divergence(
    mean: Float[Tensor, "batch latent"], log_variance: Float[Tensor, "batch latent"]
) -> Float[Tensor, " batch"]:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) in nats, summed over the latent (Kingma & Welling 2014, App. B)."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2


class VQVAE(Autoencoder):
    """Vector-quantised auto-encoder (van den Oord 2017): each of 8x8 positions takes one of 256 codes.

    The gradient passes the quantisation straight through; the codes follow the codebook term, no moving averages.
    """

    def __init__(self, spec: ModelSettings, generators: Generators) -> None:
        super().__init__(spec, generators)
        self.commitment = spec.commitment
        self.to_code = nn.Conv2d(spec.channels, spec.code_dimension, 1)
        self.from_code = nn.Conv2d(spec.code_dimension, spec.channels, 1)
        self.codebook = nn.Parameter(torch.empty(spec.codes, spec.code_dimension))
        for layer in (self.from_code, self.to_code):
            initialise(layer, generators.latent)
        bound = math.sqrt(3 / spec.code_dimension)  # unit scaling, as the authors' own code starts it
        nn.init.uniform_(self.codebook, -bound, bound, generator=generators.latent)

    def latent(
        self, features: Float[Tensor, "batch channels 8 8"]
    ) -> tuple[Float[Tensor, "batch channels 8 8"], Float[Tensor, " batch"]]:
        """Quantise; the regularisation is |sg(z) - e|^2 + commitment |z - sg(e)|^2, summed over positions."""
        vectors = widened(self.to_code(features))
        codes = self.codebook[nearest(vectors, self.codebook)].permute(0, 3, 1, 2)
        codebook_term = (vectors.detach() - codes).square().flatten(1).sum(1)
        commitment_term = (vectors - codes.detach()).square().flatten(1).sum(1)
        straight_through = vectors + (codes - vectors).detach()
        return self.from_code(straight_through), codebook_term + self.commitment * commitment_term

    def code(self, features: Float[Tensor, "batch channels 8 8"]) -> dict[str, Tensor]:
        """``codes``, the index of each position's code."""
        return {"codes": nearest(widened(self.to_code(features)), self.codebook)}


def nearest(
    vectors: Float[Tensor, "batch dimension height width"], codebook: Float[Tensor, "codes dimension"]
) -> Int[Tensor, "batch height width"]:
    """Index of the code with the smallest Euclidean distance to each vector."""
    half_squares = codebook.detach().square().sum(1)[:, None, None] / 2
    with torch.autocast(vectors.device.type, enabled=False):
        scores = functional.conv2d(vectors.detach(), codebook.detach()[:, :, None, None])
    return scores.sub_(half_squares).argmax(1)
