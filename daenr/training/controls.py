"""Controls: what joint training would look like if the neurons carried no information, or if it were not joint.

``shuffled`` keeps the responses' distribution and takes their relation to the images away; ``frozen`` and
``random`` train nothing but a readout.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from daenr.models.joint import DAENR, EVALUATION_BATCH


def shuffle(
    responses: Float[Tensor, "trials neurons"], order: torch.Generator
) -> Float[Tensor, "trials neurons"]:
    """The same population responses in a random order: none belongs to its image any more, save by chance.

    Whole rows move, so each neuron keeps its mean and variance and the neurons keep their correlations.
    """
    return responses[torch.randperm(len(responses), generator=order).to(responses.device)]


def freeze_trained(model: DAENR, weights: Mapping[str, Tensor]) -> None:
    """Take encoder and auto-encoder from a trained plain auto-encoder and hold them fixed.

    Args:
        model: a joint model; its readout is left as it is.
        weights: all parameters and batch statistics of the plain auto-encoder.

    Raises:
        ValueError: the weights are not those of this model's auto-encoder.
    """
    own = {name for name in model.state_dict() if not name.startswith("readout.")}
    if own != set(weights):
        raise ValueError(
            f"weights of the trained auto-encoder: parameters {sorted(own ^ set(weights))} stand on one side only; "
            "train the plain auto-encoder again"
        )
    model.load_state_dict(weights, strict=False)
    model.freeze()


@torch.no_grad()
def freeze_untrained(model: DAENR, images: Float[Tensor, "images 1 32 32"]) -> None:
    """Hold encoder and auto-encoder fixed as they were drawn, batch statistics measured on the training images.

    Without them the layers of an untrained encoder differ in scale by powers of two or three, and the readout's
    penalty would decide the comparison.

    Args:
        model: an untrained joint model.
        images: those of the training split, in [-1, 1].
    """
    norms = [module for module in model.encoder.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over batches
    model.encoder.train()
    for batch in torch.split(images, EVALUATION_BATCH):
        model.encoder(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.freeze()
