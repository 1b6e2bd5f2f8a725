"""The losses of Eqs. 4, 6 and 7 as pure functions, and a record of their named terms."""

from dataclasses import dataclass, fields
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from daenr.models.joint import Output

Reduction = Literal["sum", "mean"]
EPSILON = 1e-5


@dataclass(frozen=True)
class JointLoss:
    """Terms of the training objective, each before its weight.

    Attributes:
        total: alpha * (reconstruction + regularisation) + beta * (response + penalty), Eq. 7.
        reconstruction: Eq. 4.
        regularisation: KL of the VAE or codebook terms of the VQ-VAE, beside Eq. 4.
        response: Eq. 6.
        penalty: the readout's, beside Eq. 6.
    """

    total: Float[Tensor, ""]
    reconstruction: Float[Tensor, ""]
    regularisation: Float[Tensor, ""]
    response: Float[Tensor, ""]
    penalty: Float[Tensor, ""]

    def stacked(self) -> Float[Tensor, " terms"]:
        """All terms as one detached vector in the order of ``TERMS``, so that they can be averaged over steps."""
        return torch.stack([getattr(self, term).detach() for term in TERMS])


TERMS = tuple(field.name for field in fields(JointLoss))


def reconstruction_loss(
    reconstruction: Float[Tensor, "batch 1 height width"], image: Float[Tensor, "batch 1 height width"]
) -> Float[Tensor, ""]:
    """Reconstruction loss, Eq. 4: squared error, sum over the pixels of an image; mean over the batch."""
    return (image - reconstruction).square().flatten(1).sum(1).mean()


def response_loss(
    rate: Float[Tensor, "batch neurons"], response: Float[Tensor, "batch neurons"]
) -> Float[Tensor, ""]:
    """Response loss, Eq. 6: sum over neurons of s_hat - s log(s_hat + 1e-5); mean over the batch.

    The Poisson likelihood without the term that the prediction does not move.
    """
    return (rate - response * (rate + EPSILON).log()).sum(1).mean()


def joint_loss(
    output: Output,
    images: Float[Tensor, "batch 1 height width"],
    responses: Float[Tensor, "batch neurons"],
    alpha: float,
    beta: float,
    over_pixels: Reduction = "sum",
    over_neurons: Reduction = "sum",
) -> JointLoss:
    """The training objective, Eq. 7; a part that the model lacks adds exactly 0.

    Args:
        output: what the model makes of ``images``.
        images: in [-1, 1].
        responses: single trials of the neurons that are trained on.
        alpha: weight of the reconstruction side.
        beta: weight of the response side.
        over_pixels: ``sum`` as printed, or ``mean``: the whole reconstruction side divided by the pixels.
        over_neurons: ``sum`` as printed, or ``mean``: the whole response side divided by the neurons.
    """
    zero = images.new_zeros(())
    reconstruction = regularisation = response = penalty = zero
    if output.reconstruction is not None and output.regularisation is not None:
        reconstruction = reconstruction_loss(output.reconstruction, images)
        regularisation = output.regularisation.mean()
    if output.rate is not None and output.penalty is not None:
        response = response_loss(output.rate, responses)
        penalty = output.penalty
    if over_pixels == "mean":
        pixels = images[0].numel()
        reconstruction, regularisation = reconstruction / pixels, regularisation / pixels
    if over_neurons == "mean":
        neurons = responses.shape[1]
        response, penalty = response / neurons, penalty / neurons
    total = alpha * (reconstruction + regularisation) + beta * (response + penalty)
    return JointLoss(total, reconstruction, regularisation, response, penalty)
