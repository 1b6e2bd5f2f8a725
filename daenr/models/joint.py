"""The joint model (Fig. 1c): one encoder, an auto-encoder above it, and a readout of one of its layers.

Plain auto-encoders and end-to-end baselines are the same model with one of the two parts missing; what is
missing is neither built nor computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from daenr.config import ModelSettings
from daenr.models.autoencoders import STRIDES, Autoencoder, Encoder, Generators
from daenr.models.randomness import generator
from daenr.models.readouts import Population, Readout
from daenr.registry import autoencoder_class, readout_class, split_model
from daenr.run import Run


@dataclass(frozen=True)
class Output:
    """What the model makes of a batch of images; None for the part that it does not have.

    Attributes:
        reconstruction: images in [-1, 1].
        regularisation: the auto-encoder's own terms (KL, codebook), summed over an image.
        rate: predicted responses, positive.
        penalty: the readout's regularisation, summed over neurons.
    """

    reconstruction: Float[Tensor, "batch 1 32 32"] | None = None
    regularisation: Float[Tensor, " batch"] | None = None
    rate: Float[Tensor, "batch neurons"] | None = None
    penalty: Float[Tensor, ""] | None = None


def joined(outputs: Sequence[Output]) -> Output:
    """The outputs of one model for parts of a batch, as that for the whole batch."""
    if len(outputs) == 1:
        return outputs[0]

    def together(name: str) -> Tensor | None:
        parts = [getattr(output, name) for output in outputs]
        return None if parts[0] is None else torch.cat(parts)

    return Output(
        together("reconstruction"), together("regularisation"), together("rate"), outputs[0].penalty
    )


class DAENR(nn.Module):
    """Encoder f_1, auto-encoder f_2 and readout f_3 (Eqs. 1 and 2).

    Args:
        encoder: as deep as the parts need.
        autoencoder: reconstructs from the encoder's last layer, or None.
        readout: predicts responses from layer ``depth``, or None.
        depth: the layer h_depth that is read out, 1 to 4.
    """

    def __init__(
        self, encoder: Encoder, autoencoder: Autoencoder | None, readout: Readout | None, depth: int
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.autoencoder = autoencoder
        self.readout = readout
        self.depth = depth
        self.frozen = False

    def freeze(self) -> None:
        """Hold the encoder and what stands above it fixed from now on; only the readout learns."""
        self.frozen = True
        for part in (self.encoder, self.autoencoder):
            if part is not None:
                part.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> "DAENR":
        """As for every module, but frozen parts keep the batch statistics that they have."""
        super().train(mode)
        for part in (self.encoder, self.autoencoder):
            if self.frozen and part is not None:
                part.eval()
        return self

    def forward(self, images: Float[Tensor, "batch 1 32 32"]) -> Output:
        """Reconstruct the images and predict the responses to them."""
        features = self.encoder(images)
        decoded = self.autoencoder(features[-1]) if self.autoencoder is not None else None
        return Output(
            reconstruction=decoded.image if decoded else None,
            regularisation=decoded.regularisation if decoded else None,
            rate=self.readout(features[self.depth - 1]) if self.readout is not None else None,
            penalty=self.readout.penalty() if self.readout is not None else None,
        )


def build(run: Run, spec: ModelSettings, population: Population, device: torch.device) -> DAENR:
    """The model of a run, its initial parameters drawn on the CPU from the run's seed.

    Args:
        run: names model, layer and seed.
        spec: sizes and penalties.
        population: the neurons that the readout predicts.
        device: where the model will draw its noise; the caller moves the parameters there.
    """
    autoencoder, readout = split_model(run.model)
    depth = len(STRIDES) if run.layer is None else int(run.layer.removeprefix("h"))
    generators = Generators(
        **{name: generator(run.seed, name) for name in ("encoder", "latent", "decoder", "readout")},
        **{name: generator(run.seed, name, device) for name in ("latent_noise", "dropout")},
    )
    return DAENR(
        Encoder(len(STRIDES) if autoencoder else depth, spec.channels, generators.encoder),
        autoencoder_class(autoencoder)(spec, generators) if autoencoder else None,
        readout_class(readout)(spec, depth, population, generators) if readout else None,
        depth,
    )
