"""Where a training computes: the only module that knows one device from another."""

import os

import torch

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
    """Make this process compute the same bits from the same seed; call it before anything is on a GPU.

    One thread on the CPU: the workflow runs one training a core, and sums do not depend on a thread count.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
