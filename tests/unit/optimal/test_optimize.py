"""The methods of one run, and the truth that judges them."""

import numpy as np
import pytest
import torch

from daenr.config import ModelSettings, OptimalImages
from daenr.data.preprocessing import preprocess
from daenr.data.simulated import SIDE, filters, simulate, true_population
from daenr.models.joint import build
from daenr.optimal.judge import judge
from daenr.optimal.optimize import chosen, optimize, stimuli_shown
from daenr.training.devices import make_repeatable

SETTINGS = OptimalImages(neurons=2, starts=2, steps=3)


@pytest.fixture(scope="module")
def recording():
    return simulate("v1", train_images=40, test_images=9, repeats=4, neurons=6, seed=3)


@pytest.fixture(scope="module")
def data(recording):
    settings = {"intensity_range": (0.0, 0.000255), "validation_fraction": 0.2, "split_seed": 0, "blur": 2.0}
    return preprocess(recording, dataset="small", source="none", **settings)


def model(seed):
    return build("cae-fr", "h2", 6, seed=seed, settings=ModelSettings(channels=4, latent=6))


@pytest.mark.parametrize(("others", "more"), [((), set()), ((1, 2), {"single", "ensemble"})])
def test_every_method_gives_an_image_a_neuron(data, others, more):
    found = optimize(
        model(0), [model(seed) for seed in others], data, np.array([4, 1]), (31, 31), SETTINGS, 0
    )
    always = {"natural", "pixels", "blurred", "decoder", "blurred control", "decoder control"}
    assert set(found.images) == always | more
    assert all(images.shape == (2, 31, 31) for images in found.images.values())
    assert all(np.isfinite(rates).all() for rates in (*found.rates.values(), *found.others.values()))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no GPU on this machine")
def test_an_ascent_on_a_gpu_repeats_itself(data):
    before = torch.are_deterministic_algorithms_enabled()
    make_repeatable()
    try:
        first, second = (
            optimize(model(0).cuda(), [], data, np.array([4, 1]), (31, 31), SETTINGS, 0) for _ in range(2)
        )
    finally:
        torch.use_deterministic_algorithms(before)
    for name, images in first.images.items():
        np.testing.assert_array_equal(images, second.images[name])


def test_the_natural_image_is_the_stimulus_with_the_highest_rate(recording, data):
    found = optimize(model(0), [], data, np.array([4]), (31, 31), SETTINGS, 0)
    with torch.no_grad():
        rates = model(0).eval()(torch.from_numpy(data.train_images)).rate[:, 4]
    best = data.train_image_id[rates.argmax()]
    ids = np.concatenate([data.train_image_id, data.validation_image_id])
    original = np.unique(recording.training_images.reshape(len(ids), -1), axis=0)[best].reshape(31, 31)
    np.testing.assert_allclose(found.images["natural"][0], original / 0.000255 * 2 - 1, atol=1e-3)


def test_the_best_predicted_neurons_come_first_and_a_list_is_taken_as_it_is():
    correlation = np.array([0.1, 0.9, 0.5])
    assert chosen(2, correlation).tolist() == [1, 2]
    assert chosen((2, 0), correlation).tolist() == [2, 0]
    with pytest.raises(ValueError, match="3 is none of the 3 neurons"):
        chosen((3,), correlation)


def test_the_truth_of_a_simple_cell_is_its_filter(data):
    population = true_population("v1", 6, seed=3)
    np.testing.assert_array_equal(population.responsive, data.responsive)
    gabors = filters(population)
    images = (0.9 * gabors / np.abs(gabors).max((1, 2), keepdims=True)).astype(np.float32)
    shown = stimuli_shown(torch.from_numpy(data.train_images), (SIDE, SIDE), 0.05)
    frame = judge({"filter": images}, np.arange(6), data.train_images, shown, lambda given: given, population)
    simple = frame[frame["kind"] == "simple"]
    assert len(simple) >= 3
    np.testing.assert_allclose(simple["filter_r"], 1, atol=1e-6)
    assert (simple["response"] > 1).all(), "no stimulus drives a simple cell as its own filter does"
    np.testing.assert_allclose(frame["unexplained"], 0, atol=1e-12)
    assert frame.loc[frame["kind"] == "unresponsive", "response"].isna().all()
