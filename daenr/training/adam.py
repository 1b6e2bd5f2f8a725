"""Adam (Kingma & Ba 2015), by PyTorch's own function.

The first ``torch.optim.Adam`` that a process makes imports PyTorch's compiler, which takes as long as importing
PyTorch itself and as long as a quarter of a training of the demo; the function behind it does not.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam


class Adam:
    """The bits of ``torch.optim.Adam(parameters, lr=learning_rate)``.

    Args:
        parameters: what to train; those that have no gradient at a step stay as they are.
        learning_rate: size of a step in which the gradient does not change.
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.restart()

    def restart(self) -> None:
        """Forget the moving averages."""
        self.steps = [torch.zeros(()) for _ in self.parameters]
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]

    def zero_grad(self) -> None:
        """Forget the gradients of the last step."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters along their gradients."""
        states = zip(self.parameters, self.means, self.squares, self.steps, strict=True)
        moved = [(state[0].grad, *state) for state in states if state[0].grad is not None]
        gradients, parameters, means, squares, steps = map(list, zip(*moved, strict=True))
        adam(
            parameters,
            gradients,
            means,
            squares,
            [],
            steps,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.learning_rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
            foreach=True,  # one call for all parameters, with the bits of one each
        )

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "learning_rate": self.learning_rate,
            "steps": self.steps,
            "means": self.means,
            "squares": self.squares,
        }

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Go on from a state; its tensors may come from another device."""
        self.learning_rate = state["learning_rate"]
        for name in ("steps", "means", "squares"):
            for own, kept in zip(getattr(self, name), state[name], strict=True):
                own.copy_(kept)
