"""Adam (Kingma & Ba 2015), the same bits as ``torch.optim.Adam`` without what that brings along.

The first optimizer of PyTorch that a process makes imports PyTorch's compiler, which takes as long as importing
PyTorch itself and as long as a quarter of a training of the demo.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class Adam:
    """One step moves each parameter by lr * m / (sqrt(v) + eps), m and v being bias-corrected moving averages.

    Args:
        parameters: what to train; those that have no gradient at a step stay as they are.
        learning_rate: lr.
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.steps = 0
        self.gradient = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.square = [torch.zeros_like(parameter) for parameter in self.parameters]

    def zero_grad(self) -> None:
        """Forget the gradients of the last step."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters along their gradients."""
        self.steps += 1
        size = self.learning_rate / (1 - BETAS[0] ** self.steps)
        correction = (1 - BETAS[1] ** self.steps) ** 0.5
        for parameter, mean, square in zip(self.parameters, self.gradient, self.square, strict=True):
            if parameter.grad is not None:
                mean.lerp_(parameter.grad, 1 - BETAS[0])
                square.mul_(BETAS[1]).addcmul_(parameter.grad, parameter.grad, value=1 - BETAS[1])
                deviation = square.sqrt().div_(correction).add_(EPSILON)
                parameter.addcdiv_(mean, deviation, value=-size)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"steps": self.steps, "gradient": self.gradient, "square": self.square}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Go on from a state; its tensors may come from another device."""
        self.steps = state["steps"]
        for own, kept in (
            *zip(self.gradient, state["gradient"], strict=True),
            *zip(self.square, state["square"], strict=True),
        ):
            own.copy_(kept)


class FusedAdam(Adam):
    """The same in one pass over the parameters instead of seven; it rounds in another order."""

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters along their gradients."""
        self.steps += 1
        moved, gradients, means, squares = [], [], [], []
        for parameter, mean, square in zip(self.parameters, self.gradient, self.square, strict=True):
            if parameter.grad is not None:
                moved.append(parameter)
                gradients.append(parameter.grad)
                means.append(mean)
                squares.append(square)
        torch._fused_adam_(  # what torch.optim.Adam(fused=True) calls
            moved,
            gradients,
            means,
            squares,
            [],
            [torch.tensor(self.steps, dtype=torch.float32, device=moved[0].device)] * len(moved),
            lr=self.learning_rate,
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=0.0,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )
