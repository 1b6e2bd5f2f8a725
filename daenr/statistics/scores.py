"""What comparing models takes: a run's results image by image and neuron by neuron (``scores.npz``).

A metric in a table is a mean over the test images or over the neurons. How sure a difference between two
runs is shows only below that mean, so it is kept here. Importing this module needs numpy alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float64, Int64

from daenr.files import atomic, read_arrays


@dataclass(frozen=True, eq=False)
class Scores:
    """Results of one run on the test images; None for what the model does not have.

    Attributes:
        neurons: numbers of the neurons that the run was trained on; none if there were none to train on.
        mse: mean squared error of each test image, on the [-1, 1] scale.
        psnr: of each test image, dB.
        ssim: of each test image.
        pixel_correlation: of each test image, over its pixels.
        prediction: predicted rate of each neuron for each test image.
        response: mean over repeats of the recorded responses to them, of the same neurons.
    """

    neurons: Int64[np.ndarray, " neurons"]
    mse: Float64[np.ndarray, " images"] | None = None
    psnr: Float64[np.ndarray, " images"] | None = None
    ssim: Float64[np.ndarray, " images"] | None = None
    pixel_correlation: Float64[np.ndarray, " images"] | None = None
    prediction: Float[np.ndarray, "images neurons"] | None = None
    response: Float[np.ndarray, "images neurons"] | None = None

    @property
    def rates(self) -> tuple[Float[np.ndarray, "images neurons"], Float[np.ndarray, "images neurons"]]:
        """Prediction and response of a run that has a readout."""
        assert self.prediction is not None
        assert self.response is not None
        return self.prediction, self.response


def write_scores(path: Path, scores: Scores) -> None:
    """Write the arrays that there are, under their names; atomically."""
    arrays = {field.name: getattr(scores, field.name) for field in fields(Scores)}
    with atomic(path) as temporary:
        np.savez(temporary, **{name: array for name, array in arrays.items() if array is not None})


def read_scores_of(paths: Iterable[Path | str]) -> dict[str, Scores]:
    """Scores by the names of their files' folders, which are those of the runs, or the regions of linear codes."""
    return {Path(path).parent.name: read_scores(Path(path)) for path in paths}


def read_scores(path: Path) -> Scores:
    """Read what ``write_scores`` wrote."""
    return Scores(**read_arrays(path))
