"""An exported model computes what the model does, without this package."""

import subprocess
import sys

import numpy as np
import pytest

import daenr
from daenr.data.preprocessing import Preprocessing
from daenr.use.export import export

ALONE = """
import sys
sys.modules["daenr"] = None
import numpy as np, torch
made = torch.export.load(sys.argv[1]).module()(torch.from_numpy(np.load(sys.argv[2])))
np.savez(sys.argv[3], **{name: values.detach().numpy() for name, values in made.items()})
"""


def test_an_exported_model_agrees_without_the_package(runs, recording, tmp_path):
    """Of discrete codes and a factorised readout, the parts that are hardest to trace."""
    trained, images = daenr.load(runs["vq-vae-fr"]), recording.test_images.astype(np.float32)
    export(trained, tmp_path / "model.pt2")
    np.save(tmp_path / "images.npy", images)
    files = [tmp_path / name for name in ("model.pt2", "images.npy", "made.npz")]
    subprocess.run([sys.executable, "-c", ALONE, *files], check=True, cwd=tmp_path)
    with np.load(tmp_path / "made.npz") as made:
        assert set(made) == {"rate", "reconstruction"}
        np.testing.assert_allclose(made["rate"], trained.predict(images), rtol=1e-4)
        np.testing.assert_allclose(made["reconstruction"], trained.reconstruct(images), atol=1e-4 * 0.000255)


def test_an_exported_model_has_its_ending(runs, tmp_path):
    with pytest.raises(ValueError, match=r"model.zip: an exported model's name must end in .pt2"):
        export(daenr.load(runs["cae"]), tmp_path / "model.zip")


@pytest.mark.parametrize("shape", [(31, 31), (36, 64), (50, 20), (20, 24)])
@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_preprocessing_is_two_matrices(fit, shape):
    images = np.random.default_rng(0).uniform(2, 5, (3, *shape))
    preprocessing = Preprocessing((2.0, 5.0), shape, fit)
    (rows, _), (columns, _) = preprocessing.matrices()
    expected = preprocessing.to_model(images)[:, 0]
    np.testing.assert_allclose(rows @ ((images - 3.5) / 1.5) @ columns.T, expected, atol=1e-6)


@pytest.mark.parametrize(("fit", "shape"), [("crop", (40, 70)), ("pad", (40, 70)), ("stretch", (40, 70))])
def test_smooth_images_come_back_where_the_model_sees_them(fit, shape):
    row, column = np.mgrid[: shape[0], : shape[1]]
    images = (1 + np.sin(row / 9) * np.cos(column / 11))[None]
    preprocessing = Preprocessing((0.0, 2.0), shape, fit)
    back = preprocessing.to_recording(preprocessing.to_model(images))
    seen = slice(15, 55) if fit == "crop" else slice(None)
    assert np.abs(back - images)[:, 3:-3, seen][:, :, 3:-3].max() < 0.05
    if fit == "crop":
        np.testing.assert_array_equal(back[:, :, :15], 1)
