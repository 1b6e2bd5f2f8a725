"""What it takes to time trainings: a region of noise, and how long the paper's protocol goes on."""

import numpy as np
from jaxtyping import Float32

from daenr.preprocessing import RegionData

STEPS_OF_A_TRAINING = 2500
"""Of the paper's protocol, which ends when it has learned enough: 2,000 to 3,000 in what was seen."""


def noise_region(train: int, validation: int, neurons: int, test: int = 50) -> RegionData:
    """A region of uniform images and exponential responses, which train as fast as others.

    Args:
        train: images of the training split.
        validation: of the validation split.
        neurons: how many.
        test: test images, each shown once.
    """
    rng = np.random.default_rng(0)

    def stimuli(count: int) -> Float32[np.ndarray, "images 1 32 32"]:
        images = rng.random((count, 1, 32, 32), np.float32)
        images *= 2  # in place: memory is measured too
        images -= 1
        return images

    def responses(count: int) -> Float32[np.ndarray, "images neurons"]:
        return rng.standard_exponential((count, neurons), np.float32)

    trials = responses(test)[None]
    return RegionData(
        train_images=stimuli(train),
        train_responses=responses(train),
        train_image_id=np.arange(train),
        validation_images=stimuli(validation),
        validation_responses=responses(validation),
        validation_image_id=np.arange(train, train + validation),
        test_images=stimuli(test),
        test_trials=trials,
        test_responses=trials[0],
        receptive_field=rng.integers(0, 32, (neurons, 2)),
        responsive=None,
        attributes={},
    )
