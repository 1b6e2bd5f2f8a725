"""Where a training computes: the only module that knows one device from another."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

BF16_UNITS = ("avx512_bf16", "amx_bf16")
"""Names in ``torch.cpu.get_capabilities`` of what multiplies bfloat16 in a processor."""


def resolve(name: str) -> torch.device:
    """The device that the config's ``device`` means on this machine.

    Args:
        name: ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one.

    Raises:
        ValueError: for ``cuda`` on a machine without a GPU that PyTorch can use.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: cuda, but PyTorch sees no GPU here; set device: auto or device: cpu")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda")


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware; elsewhere it is emulated, and slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    units = torch.cpu.get_capabilities()
    return any(units.get(name, False) for name in BF16_UNITS)


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """The type that the config's ``precision`` has the device multiply in.

    Args:
        name: ``float32``, ``bf16``, or ``auto`` for bf16 where the device has units for it.
        device: where the training computes.
    """
    if name == "bf16" or (name == "auto" and has_bf16(device)):
        return torch.bfloat16
    return torch.float32


def multiplying_in(precision: torch.dtype, device: torch.device) -> torch.autocast:
    """A context in which convolutions and linear layers multiply in ``precision``; parameters keep their own type.

    With float32 it does nothing, and models in float64 stay there.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == torch.bfloat16)


@contextmanager
def laid_out(model: nn.Module, shared: Iterable[nn.Module], precision: torch.dtype) -> Iterator[None]:
    """A context in which a model that multiplies in bf16 keeps its feature maps channels-last, a tenth faster there.

    In float32 nothing changes: sums would round otherwise.

    Args:
        model: its parameters are laid out anew, in place, and put back at the end.
        shared: modules whose output has several readers. Their gradients come in several layouts, and the sum of these
            would go the whole way down in the slower one.
        precision: what the model multiplies in.
    """
    if precision != torch.bfloat16:
        yield
        return
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    hooks = [module.register_forward_hook(_lay_out_gradient) for module in shared]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def _lay_out_gradient(_module: nn.Module, _inputs: object, output: Tensor) -> None:
    if output.requires_grad:
        output.register_hook(lambda gradient: gradient.contiguous(memory_format=torch.channels_last))  # type: ignore[no-untyped-call]


def make_repeatable() -> None:
    """Make this process compute the same bits from the same seed; call it before anything is on a GPU.

    One thread on the CPU: the workflow runs one training a core, and sums do not depend on a thread count.
    Memory is not filled before its first use, which costs time; nothing here reads before it writes.
    On a GPU float32 is float32: cuDNN would round what its convolutions multiply to 10 bits (TF32).
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    # The same as torch.use_deterministic_algorithms(True), which imports PyTorch's compiler to tell it too: a second.
    torch.set_deterministic_debug_mode("error")
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
