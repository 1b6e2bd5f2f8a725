"""The command says what a run is, predicts, and tells on one line what is wrong."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import daenr
from daenr.cli import main


@pytest.fixture
def images(tmp_path, recording):
    path = tmp_path / "images.npy"
    np.save(path, recording.test_images)
    return path


def test_predictions_as_a_table(runs, recording, images, tmp_path):
    assert main(["predict", str(runs["cae-fr"]), str(images), "-o", str(tmp_path / "rates.csv")]) == 0
    table = pd.read_csv(tmp_path / "rates.csv", index_col="image")
    assert list(table) == [f"neuron{number}" for number in range(6)]
    expected = daenr.load(runs["cae-fr"]).predict(recording.test_images)
    np.testing.assert_allclose(table, expected, rtol=1e-6)


def test_flattened_images_are_those_of_the_published_layout(runs, recording, tmp_path, capsys):
    np.save(tmp_path / "flat.npy", recording.test_images.reshape(9, -1))
    assert main(["predict", str(runs["cae-fr"]), str(tmp_path / "flat.npy")]) == 0
    assert capsys.readouterr().out.count("\n") == 10


def test_what_a_run_is(runs, capsys):
    assert main(["info", str(runs["cae-fr"])]) == 0
    told = capsys.readouterr().out
    assert "cae-fr, layer h2" in told
    assert "31 x 31, intensities from 0 to 0.000255" in told


def test_an_image_that_drives_a_neuron_more_than_any_training_image(runs, recording, tmp_path, capsys):
    path = tmp_path / "image"  # Without a suffix the file still has this name.
    assert main(["optimize", str(runs["vae-fr"]), "--neuron", "2", "-o", str(path)]) == 0
    assert "decoder control" in capsys.readouterr().out
    model, image = daenr.load(runs["vae-fr"]), np.load(path)
    assert image.shape == (31, 31)
    assert model.predict(image)[0, 2] > model.predict(recording.training_images)[:, 2].max()
    assert main(["optimize", str(runs["vae-fr"]), "--neuron", "6", "-o", str(path)]) == 2
    assert "one of the 6 that small_v1_vae-fr" in capsys.readouterr().err


def test_errors_are_one_line(runs, images, tmp_path, capsys):
    (tmp_path / "text.npy").write_text("no array")
    for arguments, message in [
        (["info", str(tmp_path)], "training.json: no such file"),
        (["predict", str(runs["cae"]), str(images)], "predicts no neurons"),
        (["predict", str(runs["cae-fr"]), str(tmp_path / "none.npy")], "No such file"),
        (["predict", str(runs["cae-fr"]), str(tmp_path / "text.npy")], "text.npy: is no .npy file"),
        (["export", str(runs["cae-fr"]), str(tmp_path / "model.zip")], "must end in .pt2"),
    ]:
        assert main(arguments) == 2
        told = capsys.readouterr().err
        assert told.startswith("daenr: error: ")
        assert message in told
        assert told.count("\n") == 1


def test_help_names_every_command():
    done = subprocess.run(
        [sys.executable, "-m", "daenr.cli", "--help"], capture_output=True, text=True, check=True
    )
    assert all(command in done.stdout for command in ("info", "predict", "export"))
