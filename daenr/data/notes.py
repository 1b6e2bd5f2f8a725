"""What a person must know of a region before its results: told in the log, under Table 7 and in the report."""

from typing import Any

import numpy as np
from jaxtyping import Float32

from daenr.data.recording import Recording

COPY = 0.999
"""Correlation of two images above which one is taken for a copy of the other."""


def notes(
    recording: Recording,
    training_images: Float32[np.ndarray, "train 1 32 32"],
    test_images: Float32[np.ndarray, "test 1 32 32"],
    *,
    dropped: int,
    clipped: int,
) -> list[dict[str, Any]]:
    """What is unusual, warnings first: ``text``, and ``warning`` where the results are not to be trusted.

    Args:
        recording: as it is used.
        training_images: its images as the models see them, those of the validation split among them.
        test_images: likewise.
        dropped: trials that were left out since neurons lack a response.
        clipped: responses that were below 0.
    """
    copied = int(copies(test_images, training_images).sum())
    shown = np.unique(recording.image_of_trial[recording.is_test], return_counts=True)[1]
    train, tested = recording.training_responses, np.nanmean(recording.test_trials, axis=0)
    silent, constant = (train == 0).all(axis=0), np.ptp(train, axis=0) == 0
    unmoved = np.ptp(tested, axis=0) == 0
    told = {
        f"{copied} of {len(test_images)} test images also stand among the training images, or nearly (a correlation "
        f"above {COPY}): what is measured on them is no prediction.": copied,
        f"{silent.sum()} of {len(silent)} neurons are silent in training.": silent.sum(),
        f"{(constant & ~silent).sum()} of {len(silent)} neurons respond to every training image alike.": (
            constant & ~silent
        ).sum(),
        f"{unmoved.sum()} of {len(silent)} neurons respond to every test image alike.": unmoved.sum(),
        f"{clipped} of {recording.responses.size} responses were below 0 and count as 0.": clipped,
        f"{dropped} trials are left out: they lack the response of a neuron or more.": dropped,
        f"Test images were shown {shown.min()} to {shown.max()} times.": shown.max() > shown.min(),
        f"{(shown == 1).sum()} of {len(shown)} test images were shown in a single trial.": (shown == 1).sum(),
    }
    return [
        {"text": text, "warning": index == 0} for index, (text, found) in enumerate(told.items()) if found
    ]


def copies(
    images: Float32[np.ndarray, "images 1 32 32"], others: Float32[np.ndarray, "others 1 32 32"]
) -> np.ndarray:
    """Whether each image stands among the others: the same pixels, or a correlation above `COPY`."""
    from scipy.spatial.distance import cdist  # here, since a training that splits a region anew needs it not

    own, their = (each.reshape(len(each), -1).astype(np.float64) for each in (images, others))
    found = (cdist(own, their, "correlation") < 1 - COPY).any(axis=1)
    # A blank image correlates with nothing: its distances are NaN.
    blank = np.ptp(own, axis=1) == 0
    found[blank] = [(their == image).all(axis=1).any() for image in own[blank]]
    return found
