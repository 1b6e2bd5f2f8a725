import numpy as np
import pytest

from daenr.config import TrainingSettings
from daenr.training.timing import expected_steps, noise_region


def test_a_region_of_noise_has_the_sizes_asked_for_and_values_that_a_recording_has():
    region = noise_region(12, 5, 7, test=3)
    assert region.train_images.shape == (12, 1, 32, 32)
    assert region.validation_responses.shape == (5, 7)
    assert region.test_trials.shape == (1, 3, 7)
    assert region.receptive_field.shape == (7, 2)
    assert not set(region.train_image_id) & set(region.validation_image_id)
    assert -1 <= region.train_images.min() < -0.9 < 0.9 < region.train_images.max() <= 1
    assert region.train_responses.min() >= 0
    assert np.array_equal(region.test_responses, region.test_trials.mean(0))


@pytest.mark.parametrize(
    ("training", "steps"),
    [({}, 2500), ({"max_steps": 30}, 60), ({"patience": 100, "rounds": 4, "max_steps": None}, 900)],
)
def test_a_training_takes_its_cap_or_its_patience_and_what_improves(training, steps):
    assert expected_steps(TrainingSettings(**training)) == steps
