"""Runs as the workflow leaves them, of any model, on a small simulated recording."""

import runpy
from pathlib import Path

import pytest

from daenr.data.layouts.antolik2016 import read
from daenr.data.preprocessing import preprocess
from daenr.data.region import write_region
from daenr.data.simulated import simulate_archive
from daenr.registry import AUTOENCODERS
from daenr.run import Run

ROOT = Path(__file__).parents[3]
SIZE = {"train_images": 40, "test_images": 9, "repeats": 4, "neurons": 6}
SETTINGS = {
    "split": {},
    "receptive_field": {},
    "model": {"channels": 4, "latent": 6, "codes": 8},
    "training": {"batch_size": 16, "validate_every": 2, "max_steps": 4},
    "loss": {},
    "device": "cpu",
    "precision": "float32",
}


@pytest.fixture(scope="session")
def recording(tmp_path_factory):
    """The raw recording, as a laboratory would have it."""
    archive = tmp_path_factory.mktemp("archive") / "small.zip"
    simulate_archive(archive, {"v1": SIZE}, seed=3)
    return read(archive, "v1")


class Runs(dict):
    """Model -> the folder of its run, trained when it is first asked for."""

    train = staticmethod(runpy.run_path(str(ROOT / "scripts/training/train.py"))["main"])

    def __init__(self, results):
        super().__init__()
        self.results = results

    def __missing__(self, model):
        layer = None if model in AUTOENCODERS else "h2"
        weights = (float(not model.startswith("cnn")), float(layer is not None))
        run = Run("small", "v1", model, layer, *weights, "all", 1)
        folder = self.results / "runs" / run.name
        self.train(
            run=run.name,
            region=self.results / "data/v1.h5",
            settings=SETTINGS,
            config={"checkpoint_every": None, "trainings_per_gpu": 1},
            code=[],
            weights=folder / "weights.safetensors",
            history=folder / "history.csv",
            training=folder / "training.json",
            predictions=folder / "predictions.npz",
        )
        self[model] = folder
        return folder


@pytest.fixture(scope="session")
def runs(recording, tmp_path_factory):
    """Model -> the folder of its run."""
    results = tmp_path_factory.mktemp("results")
    settings = {"intensity_range": (0.0, 0.000255), "validation_fraction": 0.2, "split_seed": 0, "blur": 2.0}
    region = preprocess(recording, dataset="small", source="small.zip", **settings)
    write_region(results / "data/v1.h5", region)
    return Runs(results)
