"""What it takes to time trainings: a region of noise, and how many steps a training will take."""

import numpy as np
from jaxtyping import Float32

from daenr.config import TrainingSettings
from daenr.data.region import RegionData

IMPROVING_STEPS = 500
"""Steps before the last improvements of all rounds, typically: 100 to 1,000 in what was seen."""


def expected_steps(protocol: TrainingSettings) -> int:
    """Steps of a training over all rounds: the cap where there is one, else what patience adds to what improves.

    The paper's protocol gives 2,500; 2,000 to 3,000 were seen.
    """
    if protocol.max_steps:
        return protocol.rounds * protocol.max_steps
    return IMPROVING_STEPS + protocol.rounds * protocol.patience


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
        response_scale=np.ones(neurons, np.float32),
        responsive=None,
        attributes={},
    )
