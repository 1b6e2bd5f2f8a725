"""The joint model (Fig. 1c): one encoder, an auto-encoder above it, and a readout of one of its layers.

Plain auto-encoders and end-to-end baselines are the same model with one of the two parts missing; what is
missing is neither built nor computed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name

import torch
from jaxtyping import Float
from torch import Tensor, nn

from daenr.config import ModelSettings
from daenr.models.autoencoders import STRIDES, Autoencoder, Core, Encoder, Generators, layer_size, widened
from daenr.models.randomness import generator
from daenr.models.readouts import Neurons, Readout
from daenr.registry import AUTOENCODERS, READOUTS, REFERENCES, layer_depth, split_model

EVALUATION_BATCH = 256
"""Images that are computed at once where nothing is learned."""


@dataclass(frozen=True)
class Output:
    """What the model makes of a batch of images; None for the part that it does not have.

    Attributes:
        reconstruction: images in [-1, 1].
        regularisation: the auto-encoder's own terms (KL, codebook), summed over an image.
        rate: predicted responses, positive.
        penalty: the readout's regularisation, summed over neurons, and the activities' where there is one.
    """

    reconstruction: Float[Tensor, "batch 1 32 32"] | None = None
    regularisation: Float[Tensor, " batch"] | None = None
    rate: Float[Tensor, "batch neurons"] | None = None
    penalty: Float[Tensor, ""] | None = None


class DAENR(nn.Module):
    """Encoder f_1, auto-encoder f_2 and readout f_3 (Eqs. 1 and 2).

    Args:
        encoder: as deep as the parts need.
        autoencoder: reconstructs from the encoder's last layer, or None.
        readout: predicts responses from layer ``depth``, or None.
        depth: the layer h_depth that is read out, 1 to 4.
        activity_penalty: strength of the L1 penalty on the activities of h_depth.
    """

    def __init__(
        self,
        encoder: Core,
        autoencoder: Autoencoder | None,
        readout: Readout | None,
        depth: int,
        activity_penalty: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.autoencoder = autoencoder
        self.readout = readout
        self.depth = depth
        self.activity_penalty = activity_penalty
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

    @classmethod
    def candidates(cls, settings: ModelSettings) -> list[ModelSettings]:
        """Settings between which the validation images choose; for most models there is nothing to choose."""
        return [settings]

    def forward(self, images: Float[Tensor, "batch 1 32 32"]) -> Output:
        """Reconstruct the images and predict the responses to them."""
        return self.above(self.encoder(images))

    def above(self, features: list[Float[Tensor, "batch channels _ _"]]) -> Output:
        """The same from the encoder's features."""
        read_out = features[self.depth - 1]
        decoded = self.autoencoder(features[-1]) if self.autoencoder is not None else None
        return Output(
            reconstruction=decoded.image if decoded else None,
            regularisation=decoded.regularisation if decoded else None,
            rate=self.readout(read_out) if self.readout is not None else None,
            penalty=self._penalty(self.readout, read_out) if self.readout is not None else None,
        )

    def rates(self, images: Float[Tensor, "batch 1 32 32"]) -> Float[Tensor, "batch neurons"]:
        """The predicted responses alone, without the auto-encoder, which they do not need."""
        assert self.readout is not None
        return self.readout(self.encoder(images)[self.depth - 1])

    def _penalty(
        self, readout: Readout, activity: Float[Tensor, "batch channels size size"]
    ) -> Float[Tensor, ""]:
        """The readout's, and the strength times |h|_1, summed over an image, mean over the batch."""
        penalty = readout.penalty()
        if self.activity_penalty:  # without it, a pass over h_1 less at every step
            penalty = penalty + self.activity_penalty * widened(activity).abs().flatten(1).sum(1).mean()
        return penalty


@torch.no_grad()
def in_batches(
    compute: Callable[[Float[Tensor, "batch 1 32 32"]], Tensor], images: Float[Tensor, "images 1 32 32"]
) -> Tensor:
    """What ``compute`` makes of images, so many at a time; nothing learns from it."""
    return torch.cat([compute(batch) for batch in torch.split(images, EVALUATION_BATCH)])


def build(
    model: str,
    layer: str | None = None,
    neurons: int | Neurons | None = None,
    *,
    seed: int = 0,
    settings: ModelSettings | None = None,
    device: torch.device | str = "cpu",
) -> DAENR:
    """A model by its name, ``build("cae-fr", "h2", neurons=103)``; its initial parameters follow from the seed alone.

    Args:
        model: one of `daenr.registry.model_names` or `daenr.registry.REFERENCES`.
        layer: the encoder layer that is read out, ``h1`` to ``h4``; None for a plain auto-encoder and a
            reference model.
        neurons: what the readout knows of its neurons, or how many there are; not used without a readout.
        seed: of everything that the model draws.
        settings: sizes and penalties; the defaults if None.
        device: where the model computes and draws its noise; the parameters are drawn on the CPU.

    Raises:
        ValueError: if there is no such model, or if it takes another layer or needs neurons.
    """
    autoencoder, readout = split_model(model)
    depth = layer_depth(model, layer)
    if readout is not None and neurons is None:
        raise ValueError(f"{model} predicts neurons: neurons must say which, or how many, got None")
    known = neurons if isinstance(neurons, Neurons | None) else Neurons.unknown(neurons)
    settings = settings or ModelSettings()
    generators = Generators(
        **{name: generator(seed, name) for name in ("encoder", "latent", "decoder", "readout")},
        **{name: generator(seed, name, device) for name in ("latent_noise", "dropout")},
    )
    if model in REFERENCES:
        reference: DAENR = resolve_name(REFERENCES[model])(settings, known, generators)
        return reference.to(device)
    return DAENR(
        Encoder(len(STRIDES) if autoencoder else depth, settings.channels, generators.encoder),
        resolve_name(AUTOENCODERS[autoencoder])(settings, generators) if autoencoder else None,
        resolve_name(READOUTS[readout])(settings, layer_size(depth), known, generators) if readout else None,
        depth,
        settings.activity_penalty,
    ).to(device)
