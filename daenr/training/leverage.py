"""What the neurons can do to the encoder: the share of its gradient that they supply."""

from collections.abc import Sequence

import torch
from torch import Tensor

from daenr.models.joint import DAENR
from daenr.models.losses import JointLoss


def leverage(model: DAENR, loss: JointLoss, alpha: float, beta: float) -> float:
    """|beta g_s| / (|alpha g_r| + |beta g_s|), g_s and g_r the gradients of the two sides of Eq. 7.

    They are taken by the shared layers: those that the readout and the decoder both stand on. 0 where the responses
    have no weight, 1 where the images have none.

    Args:
        model: what made the loss; nothing in it changes.
        loss: its terms on some images, with their graph.
        alpha: weight of the reconstruction side.
        beta: weight of the response side.

    Returns:
        NaN where the shared layers learn nothing: they are held fixed, or both gradients are zero.
    """
    shared = [
        parameter
        for block in list(model.encoder.blocks)[: model.depth]
        for parameter in block.parameters()
        if parameter.requires_grad
    ]
    images = alpha * _norm(loss.reconstruction + loss.regularisation, shared)
    responses = beta * _norm(loss.response + loss.penalty, shared)
    total = images + responses
    return responses / total if total > 0 else float("nan")


def _norm(side: Tensor, parameters: Sequence[Tensor]) -> float:
    """Euclidean norm of a side's gradient; 0 for a side that the model does not have."""
    if not side.requires_grad or not parameters:
        return 0.0
    gradients = torch.autograd.grad(side, parameters, retain_graph=True, allow_unused=True)
    squares = [gradient.double().square().sum() for gradient in gradients if gradient is not None]
    return float(torch.stack(squares).sum().sqrt()) if squares else 0.0
