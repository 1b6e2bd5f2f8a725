"""Responses as they may come, made fit for training: whole trials, not negative, and a scale for each neuron."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from daenr.data.recording import Recording


def whole_trials(recording: Recording) -> tuple[Recording, int]:
    """The trials in which every neuron has a response, and how many others there were.

    Raises:
        ValueError: none is left to train on, or fewer than three images to test on.
    """
    missing = np.isnan(recording.responses)
    whole = ~missing.any(axis=1)
    if whole.all():
        return recording, 0
    kept = replace(
        recording,
        responses=recording.responses[whole],
        image_of_trial=recording.image_of_trial[whole],
        is_test=recording.is_test[whole],
        is_validation=None if recording.is_validation is None else recording.is_validation[whole],
    )
    tested = len(np.unique(kept.image_of_trial[kept.is_test]))
    if kept.is_test.all() or tested < 3:
        neuron = int(missing.sum(axis=0).argmax())
        raise ValueError(
            f"{recording.region}, responses: every neuron has one in {np.sum(~kept.is_test)} training trials and in "
            f"trials of {tested} test images, and 1 and 3 are needed; neuron {neuron} lacks the most, "
            f"{missing[:, neuron].sum()} of {len(missing)}: leave out such neurons"
        )
    return kept, int((~whole).sum())


def not_negative(recording: Recording, choice: str) -> tuple[Recording, int]:
    """A recording of whole trials with responses of 0 at least, and how many were below.

    ``choice`` is ``dataset.negative_responses``: ``refuse`` or ``clip``.

    Raises:
        ValueError: there is one and it is to be refused.
    """
    responses = recording.responses
    below = int((responses < 0).sum())
    if below and choice != "clip":
        raise ValueError(
            f"{recording.region}, responses: {below} of {responses.size} are below 0, down to {responses.min():g}; the "
            "models predict rates: set dataset.negative_responses to clip, which makes them 0, or save rates"
        )
    return (replace(recording, responses=responses.clip(min=0)) if below else recording), below


def scales(responses: Float32[np.ndarray, "train neurons"], choice: str) -> Float32[np.ndarray, " neurons"]:
    """What the responses of each neuron are divided by while it is trained on, so that their unit decides nothing.

    Args:
        responses: of the training split.
        choice: ``dataset.response_scale``: the ``mean`` or the ``deviation`` over trials, or ``none``.

    Returns:
        One number a neuron; 1 for ``none``, and where the neuron is silent, or for ``deviation`` constant.
    """
    if choice == "none":
        return np.ones(responses.shape[1], np.float32)
    exact = responses.astype(np.float64)
    if choice == "mean":
        scale, usable = exact.mean(axis=0), exact.max(axis=0) > 0
    else:
        scale, usable = exact.std(axis=0), np.ptp(exact, axis=0) > 0
    return np.where(usable, scale, 1).astype(np.float32)
