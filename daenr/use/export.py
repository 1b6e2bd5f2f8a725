"""A trained model as a program of PyTorch's own, for use without this package."""

import json
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from daenr.files import atomic
from daenr.use.trained import TrainedModel


class Portable(nn.Module):
    """From the recording's images to rates and reconstructions, preprocessing included, in PyTorch alone.

    Preprocessing is done in float32 by two matrices, so results agree with `TrainedModel` to rounding.

    Args:
        model: what to carry.
    """

    low: Tensor
    high: Tensor
    scale: Tensor
    rows: Tensor
    columns: Tensor
    rows_back: Tensor
    columns_back: Tensor

    def __init__(self, model: TrainedModel) -> None:
        super().__init__()
        self.network = model.network
        (rows, rows_back), (columns, columns_back) = model.preprocessing.matrices()
        low, high = model.preprocessing.intensity_range
        known = {"low": low, "high": high, "scale": model.response_scale, "rows": rows, "columns": columns}
        for name, values in {**known, "rows_back": rows_back, "columns_back": columns_back}.items():
            self.register_buffer(name, torch.as_tensor(values, dtype=torch.float32))

    def forward(self, images: Float[Tensor, "images height width"]) -> dict[str, Tensor]:
        """``rate`` (images x neurons) and ``reconstruction`` (as the images), as far as the model has them."""
        scaled = (images - self.low) / (self.high - self.low) * 2 - 1
        output = self.network((self.rows @ scaled @ self.columns.T).clamp(-1, 1)[:, None])
        made = {}
        if output.rate is not None:
            made["rate"] = output.rate * self.scale
        if output.reconstruction is not None:
            framed = (self.rows_back @ output.reconstruction[:, 0] @ self.columns_back.T).clamp(-1, 1)
            made["reconstruction"] = self.low + (framed + 1) / 2 * (self.high - self.low)
        return made


def export(model: TrainedModel, path: Path) -> None:
    """Write the model as a ``torch.export`` program for batches of any size; the run's record goes with it.

    ``torch.export.load(path).module()(images)`` gives the dictionary of `Portable`.

    Args:
        model: on the CPU.
        path: ends in ``.pt2``.

    Raises:
        ValueError: the path has another ending.
    """
    if path.suffix != ".pt2":
        raise ValueError(f"{path}: an exported model's name must end in .pt2")
    low, high = model.preprocessing.intensity_range
    example = torch.full((2, *model.preprocessing.image_shape), (low + high) / 2)
    program = torch.export.export(
        Portable(model).eval(), (example,), dynamic_shapes=({0: torch.export.Dim("images")},)
    )
    with atomic(path) as temporary:
        torch.export.save(program, temporary, extra_files={"training.json": json.dumps(model.record)})
