"""The file of a model's weights: safetensors, numbers with their names and nothing that could be executed."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from daenr.files import atomic


def write_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write the parameters and batch statistics of a model, atomically.

    Args:
        path: ``weights.safetensors`` in the folder of a run.
        weights: the model's ``state_dict()``; empty for a run without a result.
    """
    content = save(dict(weights))
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read what `write_weights` wrote, on the CPU.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged; the message names it.
    """
    try:
        return load(path.read_bytes())
    except SafetensorError as error:
        raise ValueError(
            f"{path}: is no whole safetensors file ({error}); delete it and run the workflow, which makes it again"
        ) from error
