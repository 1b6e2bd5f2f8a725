"""DAE-NR: deep auto-encoders joined with the responses of V1 neurons (reproduction).

The package is the science and knows nothing of Snakemake; ``scripts/`` and ``workflow/`` call it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daenr.use.trained import TrainedModel

__version__ = "0.1.0"

IMAGE_SIZE = 32
"""Side of the square images that every model takes, in pixels."""


def load(run: str | Path, device: str = "cpu") -> "TrainedModel":
    """The model that a training left in its folder ``results/NAME/runs/RUN``, see `daenr.use.trained.load`."""
    from daenr.use import trained  # here, since the workflow reads its files without PyTorch

    return trained.load(run, device)
