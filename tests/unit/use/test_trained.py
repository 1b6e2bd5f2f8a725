"""A run's folder is a model: images of the recording in, what the evaluation saw out."""

import json
import shutil

import numpy as np
import pytest
import torch

import daenr
from daenr.registry import AUTOENCODERS, baseline_names, joint_names, model_names
from daenr.training.train import predict


def stored(folder):
    with np.load(folder / "predictions.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def copied(folder, to, **changes):
    """A copy of a run whose record says something else."""
    shutil.copytree(folder, to)
    record = json.loads((to / "training.json").read_text()) | changes
    (to / "training.json").write_text(json.dumps(record))
    return to


@pytest.mark.parametrize("model", [*baseline_names(), *joint_names()])
def test_rates_of_the_test_images_are_the_stored_ones_bit_for_bit(model, runs, recording):
    rates = daenr.load(runs[model]).predict(recording.test_images)
    assert rates.dtype == np.float32
    np.testing.assert_array_equal(rates, stored(runs[model])["response"])


@pytest.mark.parametrize("model", [*AUTOENCODERS, *joint_names()])
def test_reconstructions_are_the_stored_ones_bit_for_bit_but_in_the_recordings_intensities_and_size(
    model, runs, recording
):
    trained = daenr.load(str(runs[model]))
    found = trained.reconstruct(recording.test_images)
    given = trained.prepared(recording.test_images)
    made = predict(trained.network, given, torch.device("cpu"))["reconstruction"]
    np.testing.assert_array_equal(made, stored(runs[model])["reconstruction"])
    small = torch.from_numpy(made).double()
    sized = torch.nn.functional.interpolate(small, (31, 31), mode="bilinear", antialias=True)[:, 0]
    assert found.shape == recording.test_images.shape
    assert found.min() >= 0
    assert found.max() <= 0.000255
    # Smoothed by a little on the way from 32 to 31 pixels, by either library in its own way.
    np.testing.assert_allclose(found, (sized + 1) / 2 * 0.000255, atol=0.01 * 0.000255)


@pytest.mark.parametrize("model", model_names())
def test_features_are_what_the_blocks_of_the_encoder_give(model, runs, recording):
    trained = daenr.load(runs[model])
    images = torch.from_numpy(trained.prepared(recording.test_images))
    with torch.no_grad():
        first = trained.network.encoder.blocks[0](images)
        second = trained.network.encoder.blocks[1](first)
    np.testing.assert_array_equal(trained.features(recording.test_images, "h1"), first)
    np.testing.assert_array_equal(trained.features(recording.test_images, "h2"), second)


def test_tensors_give_tensors_and_one_image_is_a_batch_of_one(runs, recording):
    trained, images = daenr.load(runs["vae-fr"]), recording.test_images
    rates = trained.predict(torch.from_numpy(images))
    assert isinstance(rates, torch.Tensor)
    np.testing.assert_array_equal(rates, trained.predict(images))
    np.testing.assert_allclose(trained.predict(images[4]), rates[4:5], rtol=1e-5)
    assert trained.reconstruct(torch.from_numpy(images[4])).shape == (1, 31, 31)


def test_rates_come_in_the_recordings_unit(runs, recording, tmp_path):
    """A network that was trained on responses divided by a scale has its rates multiplied by it."""
    scale = [1.0, 2.0, 0.5, 4.0, 1.0, 8.0]
    trained = daenr.load(copied(runs["cnn-fr"], tmp_path / "run", response_scale=scale))
    found = trained.predict(recording.test_images)
    np.testing.assert_array_equal(found, stored(runs["cnn-fr"])["response"] * np.float32(scale))


def test_the_record_says_all(runs):
    trained = daenr.load(runs["cae-fr"])
    record = trained.record
    assert record["preprocessing"] == {
        "intensity_range": [0.0, 0.000255],
        "image_shape": [31, 31],
        "fit": None,
    }
    assert record["versions"]["daenr"] == daenr.__version__
    assert record["commit"] is None or len(record["commit"].removesuffix("-dirty")) == 40
    assert record["config"]["model"]["channels"] == 4
    assert trained.run.name == runs["cae-fr"].name == record["name"]
    np.testing.assert_array_equal(trained.neurons, np.arange(6))


@pytest.mark.parametrize(
    ("model", "use", "message"),
    [
        ("cae", lambda model, images: model.predict(images), "small_v1_cae_.* predicts no neurons"),
        ("cnn-fc", lambda model, images: model.reconstruct(images), "cnn-fc_.* reconstructs nothing"),
        ("cnn-fc", lambda model, images: model.features(images, "h3"), r"one of \['h1', 'h2'\], got 'h3'"),
        ("cae-fr", lambda model, images: model.predict(images[:, 1:]), "the model takes images x 31 x 31"),
        ("cae-fr", lambda model, images: model.predict(images[:0]), r"shape \(0, 31, 31\)"),
        ("cae-fr", lambda model, images: model.predict(images * 1e6), "model takes 0 to 0.000255"),
        ("cae-fr", lambda model, images: model.predict(images * np.nan), "intensities from nan"),
    ],
)
def test_what_a_model_cannot_do_is_refused(model, use, message, runs, recording):
    with pytest.raises(ValueError, match=message):
        use(daenr.load(runs[model]), recording.test_images)


def test_a_blank_image_has_rates(runs):
    assert np.isfinite(daenr.load(runs["cae-fr"]).predict(np.full((31, 31), 0.0001))).all()


def test_a_folder_without_a_model_is_refused(runs, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"training.json: no such file; give the folder of a"):
        daenr.load(tmp_path)
    with pytest.raises(ValueError, match="the run has no model: no significant neurons"):
        daenr.load(copied(runs["cae-fr"], tmp_path / "empty", reason="no significant neurons in x"))
    other = copied(runs["cae-fr"], tmp_path / "other", neurons=[0, 1])
    with pytest.raises(ValueError, match=r"weights.safetensors: are not the weights of small_v1_cae-fr"):
        daenr.load(other)
