"""A control changes exactly one thing; what it leaves alone it leaves alone bit for bit."""

from typing import Any

import numpy as np
import pytest
import torch

from daenr.config import Config, ModelSettings, TrainingSettings
from daenr.models.joint import build
from daenr.run import Run
from daenr.training import controls
from daenr.training.train import Trained, train

NEURONS = np.arange(5)
SMALL = ModelSettings(channels=4, latent=5, codes=6, code_dimension=3)
PROTOCOL = TrainingSettings(batch_size=8, validate_every=2, patience=100, max_steps=4)
CONFIG = Config(model=SMALL, training=PROTOCOL, device="cpu")


@pytest.fixture(autouse=True)
def torch_settings():
    before = torch.are_deterministic_algorithms_enabled()
    yield
    torch.use_deterministic_algorithms(before)


def run(model: str = "cae-fr", alpha: float = 1.0, beta: float = 1.0, **changes: Any) -> Run:
    layer = None if model == "cae" else "h2"
    return Run("synthetic", "region1", model, layer, alpha, beta, "all", 0, **changes)


@pytest.fixture
def region(make_region):
    return make_region()


@pytest.fixture
def plain(region) -> Trained:
    return train(run("cae", beta=0.0), region, NEURONS, CONFIG)


def parameters(trained: Trained, part: str) -> dict[str, torch.Tensor]:
    return {name: value for name, value in trained.model.state_dict().items() if (part == name.split(".")[0])}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    assert one
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_shuffling_keeps_every_population_response_and_moves_nearly_all():
    responses = torch.arange(200.0).reshape(100, 2)
    shuffled = controls.shuffle(responses, torch.Generator().manual_seed(1))
    assert sorted(map(tuple, shuffled.tolist())) == sorted(map(tuple, responses.tolist()))
    assert (shuffled != responses).any(1).sum() > 90


def test_shuffled_responses_depend_on_the_seed_alone():
    responses = torch.arange(50.0)[:, None]
    draws = [controls.shuffle(responses, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_a_shuffled_run_differs_from_the_joint_one_in_its_responses_alone(region):
    joint = train(run(), region, NEURONS, CONFIG)
    shuffled = train(run(control="shuffled"), region, NEURONS, CONFIG)
    assert not same(parameters(joint, "encoder"), parameters(shuffled, "encoder"))
    # Without weight on the responses nothing is left that differs.
    silent = [train(run(beta=0.0, **c), region, NEURONS, CONFIG) for c in ({}, {"control": "shuffled"})]
    np.testing.assert_array_equal(
        silent[0].predictions["reconstruction"], silent[1].predictions["reconstruction"]
    )


def test_a_frozen_run_keeps_the_trained_encoder_and_trains_the_readout(region, plain):
    weights = plain.model.state_dict()
    frozen = train(run(alpha=0.0, control="frozen"), region, NEURONS, CONFIG, weights)
    for part in ("encoder", "autoencoder"):
        assert same(parameters(frozen, part), parameters(plain, part))
    np.testing.assert_array_equal(frozen.predictions["reconstruction"], plain.predictions["reconstruction"])
    losses = [validation.validation["response"] for validation in frozen.fit.history]
    assert losses[-1] < losses[0]


def test_a_random_run_keeps_the_untrained_encoder_and_trains_the_readout(region):
    control = run(alpha=0.0, control="random")
    trained = train(control, region, NEURONS, CONFIG)
    untrained = build("cae-fr", "h2", 5, settings=SMALL)
    for name, parameter in untrained.encoder.named_parameters():
        assert torch.equal(parameter, dict(trained.model.encoder.named_parameters())[name])
    assert not torch.equal(untrained.readout.bias, trained.model.readout.bias)


def test_an_untrained_encoders_batch_statistics_are_those_of_the_training_images(region):
    model = build("cae-fr", "h2", 5, settings=SMALL)
    images = torch.from_numpy(region.train_images)
    controls.freeze_untrained(model, images)
    convolution, norm, _ = model.encoder.blocks[0]
    before_norm = convolution(images).detach()
    torch.testing.assert_close(norm.running_mean, before_norm.mean((0, 2, 3)), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(norm.running_var, before_norm.var((0, 2, 3)), atol=1e-5, rtol=1e-4)
    assert norm.momentum == pytest.approx(0.1)


def test_weights_of_another_model_are_refused(region, plain):
    weights = dict(plain.model.state_dict())
    weights.pop("encoder." + next(name for name, _ in plain.model.encoder.named_parameters()))
    with pytest.raises(ValueError, match="stand on one side only"):
        train(run(alpha=0.0, control="frozen"), region, NEURONS, CONFIG, weights)


def test_every_run_predicts_the_validation_images(region):
    trained = train(run(), region, NEURONS, CONFIG)
    assert trained.predictions["validation_response"].shape == region.validation_responses.shape
