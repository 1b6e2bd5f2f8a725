"""Synthetic trials have the mean and the variance that they should, and the workflow reads them."""

import json
import runpy
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import daenr
from daenr.cli import main
from daenr.data.layouts.antolik2016 import read
from daenr.data.preprocessing import preprocess
from daenr.data.region import read_region
from daenr.use.engine import TrialNoise, fit_noise, noise_like, respond, whole_repeats

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("power", [1.1, 1.5, 1.9])
def test_noise_has_the_variance_and_the_zeros_of_tweedies_distribution(power):
    rates, dispersion = np.array([0.2, 1.0, 3.0]), np.array([0.5, 1.0, 2.0])
    noise = TrialNoise(power, dispersion)
    drawn = noise.draw(np.broadcast_to(rates, (1000, 200, 3)), np.random.default_rng(0)).reshape(-1, 3)
    np.testing.assert_allclose(drawn.mean(0), rates, rtol=0.03)
    np.testing.assert_allclose(drawn.var(0), dispersion * rates**power, rtol=0.08)
    zeros = np.exp(-(rates ** (2 - power)) / (dispersion * (2 - power)))
    np.testing.assert_allclose((drawn == 0).mean(0), zeros, atol=0.01)


def test_noise_is_found_again():
    generator = np.random.default_rng(1)
    rates = generator.gamma(1.0, 1.0, (300, 8)) + 0.05
    dispersion = np.full(8, 1.3)
    trials = TrialNoise(1.5, dispersion).draw(np.repeat(rates[None], 12, 0), generator)
    found = fit_noise(trials, rates)
    assert abs(found.power - 1.5) < 0.1
    np.testing.assert_allclose(found.dispersion, dispersion, rtol=0.25)


def test_poisson_counts_and_bare_rates():
    rates = np.array([[0.5, 2.0]])
    counts = respond(rates, 20_000, "poisson", np.random.default_rng(0))
    np.testing.assert_allclose(counts.mean((0, 1)), rates[0], rtol=0.03)
    np.testing.assert_allclose(counts.var((0, 1)), rates[0], rtol=0.05)
    np.testing.assert_array_equal(
        respond(rates, 3, "none", np.random.default_rng(0)), np.repeat(rates[None], 3, 0)
    )


def test_silent_neurons_stay_silent_and_few_repeats_are_refused():
    trials = np.random.default_rng(0).gamma(1.0, 1.0, (6, 40, 2))
    trials[..., 1] = 0
    noise = fit_noise(trials, np.maximum(trials.mean(0), 1e-6))
    assert noise.dispersion[1] == 0
    assert noise.draw(np.zeros((2, 3, 2)), np.random.default_rng(0)).max() == 0
    with pytest.raises(ValueError, match="3 repeats, matched noise needs 4"):
        fit_noise(trials[:3], trials.mean(0))


@pytest.mark.parametrize("noise", ["matched", "poisson", "none"])
def test_an_archive_that_is_read_like_a_recording_and_says_what_it_is(
    noise, runs, recording, tmp_path, capsys
):
    images = np.concatenate([recording.training_images, recording.test_images])
    np.save(tmp_path / "images.npy", images)
    archive = tmp_path / "synthetic.zip"
    arguments = ["simulate", str(runs["cae-fr"]), str(tmp_path / "images.npy"), "-o", str(archive)]
    assert main([*arguments, "--trials", "5", "--test", "9", "--noise", noise]) == 0
    assert "intensity_range: [0, 0.000255]" in capsys.readouterr().out
    with zipfile.ZipFile(archive) as file:
        provenance = json.loads(file.read("provenance.json"))
    assert provenance["synthetic"] is True
    assert runs["cae-fr"].name in provenance["what"]

    made = read(archive, "v1")
    assert made.test_trials.shape == (5, 9, 6)
    np.testing.assert_array_equal(made.training_images, recording.training_images)
    if noise == "none":
        rates = daenr.load(runs["cae-fr"]).predict(recording.test_images)
        np.testing.assert_allclose(made.test_trials[3], rates, rtol=1e-6)
    settings = {"intensity_range": (0.0, 0.000255), "validation_fraction": 0.2, "split_seed": 0, "blur": 2.0}
    region = preprocess(made, dataset="synthetic", source="synthetic.zip", **settings)
    assert region.attributes["counts"]["neurons"] == 6

    content = archive.read_bytes()
    assert main([*arguments, "--trials", "5", "--test", "9", "--noise", noise]) == 0
    assert archive.read_bytes() == content


def test_the_rules_archive_answers_what_the_model_was_trained_and_tested_on(runs, recording, tmp_path):
    folder, archive = runs["cnn-fr"], tmp_path / "answers.zip"
    main = runpy.run_path(str(ROOT / "scripts/engine/engine.py"))["main"]
    main(
        weights=folder / "weights.safetensors",
        region=folder.parents[1] / "data/v1.h5",
        noise="none",
        archive=archive,
    )
    made = read(archive, "v1")
    with np.load(folder / "predictions.npz") as stored:
        answers = np.repeat(stored["response"][None], 4, 0)
    np.testing.assert_allclose(made.test_trials, answers, rtol=1e-5)
    settings = {"intensity_range": (0.0, 0.000255), "validation_fraction": 0.2, "split_seed": 0, "blur": 2.0}
    data = preprocess(made, dataset="answers", source="answers.zip", **settings)
    known = read_region(folder.parents[1] / "data/v1.h5")
    np.testing.assert_allclose(data.test_images, known.test_images, atol=1e-6)
    assert len(made.training_images) == 40


def test_repeats_that_some_images_lack_are_left_out(runs):
    known = read_region(runs["cnn-fr"].parents[1] / "data/v1.h5")
    trials = np.concatenate([known.test_trials, np.full_like(known.test_trials[:1], np.nan)])
    ragged = replace(known, test_trials=trials)
    np.testing.assert_array_equal(whole_repeats(ragged), known.test_trials)
    assert np.isfinite(noise_like(daenr.load(runs["cnn-fr"]), ragged).dispersion).all()


def test_images_must_leave_some_for_training(runs, recording, tmp_path, capsys):
    np.save(tmp_path / "images.npy", recording.test_images)
    arguments = ["simulate", str(runs["cae-fr"]), str(tmp_path / "images.npy"), "-o", str(tmp_path / "a.zip")]
    assert main([*arguments, "--test", "9"]) == 2
    assert "9 images, of which 9 for testing in 10 trials" in capsys.readouterr().err
