"""Where a training computes: the only module that knows one device from another."""

from typing import TypeVar

import torch
from torch import Tensor, nn

Module = TypeVar("Module", bound=nn.Module)

DEVICES = ("auto", "cpu", "cuda")


def resolve(name: str) -> torch.device:
    """The device that the config's ``device`` means on this machine.

    Args:
        name: ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one.

    Raises:
        ValueError: for another name, or for ``cuda`` on a machine without a GPU that PyTorch can use.
    """
    if name not in DEVICES:
        raise ValueError(f"device must be one of {list(DEVICES)}, got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: cuda, but PyTorch sees no GPU here; set device: auto or device: cpu")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda")


def make_repeatable() -> None:
    """Make this process compute the same bits from the same seed.

    One thread on the CPU: the workflow runs one training a core, and sums do not depend on a thread count.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


def place(module: Module, device: torch.device) -> Module:
    """Move a module to the device, weights in channels-last order, which convolutions read fastest."""
    return module.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def place_images(images: Tensor, device: torch.device) -> Tensor:
    """Move images to the device in the order of the weights."""
    return images.to(device=device, memory_format=torch.channels_last)
