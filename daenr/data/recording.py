"""One region of a recording, whatever layout it comes in."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64


@dataclass(frozen=True, eq=False)
class Recording:
    """One region's images and responses as published; every array is finite and in float64.

    Attributes:
        region: name of the region's folder in the archive.
        training_images: raw intensities; pixels = side * side, row-major.
        training_responses: one trial an image, not negative.
        test_images: as the training images; the archive calls them validation images.
        test_trials: single trials, not negative.
        responsive: True where a neuron responds to the image at all; None where the truth is not known.
        sha256: name of each member that was read -> SHA-256 of its bytes.
    """

    region: str
    training_images: Float64[np.ndarray, "train pixels"]
    training_responses: Float64[np.ndarray, "train neurons"]
    test_images: Float64[np.ndarray, "test pixels"]
    test_trials: Float64[np.ndarray, "repeats test neurons"]
    responsive: Bool[np.ndarray, " neurons"] | None
    sha256: dict[str, str]
