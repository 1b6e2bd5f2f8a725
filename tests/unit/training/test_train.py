"""A run in scaled responses: what their unit may change, which is nothing but the unit of the predictions."""

from dataclasses import replace

import numpy as np
import pytest

from daenr.config import Config, ModelSettings, TrainingSettings
from daenr.run import Run
from daenr.training.train import train

CONFIG = Config(
    model=ModelSettings(channels=4, latent=6),
    training=TrainingSettings(batch_size=8, validate_every=4, patience=4, max_steps=8),
    device="cpu",
)


@pytest.mark.parametrize("model", ["cae-fr", "cnn-fc", "cae-fm"])
def test_the_unit_of_responses_is_the_unit_of_predictions_and_nothing_else(make_region, model):
    """Powers of two, so that nothing rounds: another unit, and another for each neuron."""
    region = make_region()
    run = Run("x", "v1", model, "h2", 1.0 if model.startswith("cae") else 0.0, 1.0, "all", 0, None)
    neurons = np.array([0, 2, 3])
    plain = train(run, region, neurons, CONFIG)
    unit = 2.0 ** np.array([-7, 0, 10, 3, -20], dtype=np.float32)
    other = replace(
        region,
        train_responses=region.train_responses * unit,
        validation_responses=region.validation_responses * unit,
        response_scale=unit,
    )
    scaled = train(run, other, neurons, CONFIG)
    np.testing.assert_array_equal(
        scaled.predictions["response"], plain.predictions["response"] * unit[neurons]
    )
    np.testing.assert_array_equal(
        scaled.predictions["validation_response"], plain.predictions["validation_response"] * unit[neurons]
    )
    assert scaled.fit.history[-1].validation == plain.fit.history[-1].validation
