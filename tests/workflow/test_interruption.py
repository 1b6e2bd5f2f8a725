"""A training that is killed, and started again, ends as if nothing had happened."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from daenr.config import Config
from daenr.data.region import read_region
from daenr.run import Run
from daenr.training.train import train
from daenr.training.weights import read_weights

ROOT = Path(__file__).parents[2]

RUN = "mylab_v1_vae-fc_h2_a1_b0.5_all_s0"
SETTINGS = {
    "split": {},
    "receptive_field": {},
    "model": {"channels": 8},
    "training": {"batch_size": 16, "validate_every": 7, "max_steps": 120, "patience": 120},
    "loss": {"reconstruction": "sum", "response": "sum"},
    "device": "cpu",
    "precision": "float32",
}
OUTPUTS = ("weights.safetensors", "history.csv", "training.json", "predictions.npz")

SCRIPT = """
import json, runpy, sys
from pathlib import Path
from daenr.logs import to_file

given = json.loads(sys.argv[1])
paths = ("region", "weights", "history", "training", "predictions")
with to_file(Path(given.pop("log"))):
    runpy.run_path("scripts/training/train.py")["main"](
        code=[Path(path) for path in given.pop("code")],
        **{key: Path(value) if key in paths else value for key, value in given.items()},
    )
"""


class Process:
    """Trainings of one run by ``scripts/training/train.py`` in processes of their own."""

    def __init__(self, folder, region):
        self.checkpoint, self.log = folder / f"checkpoints/{RUN}.pt", folder / "run.log"
        self.outputs = {Path(name).stem: folder / f"runs/{RUN}/{name}" for name in OUTPUTS}
        self.arguments = {
            "run": RUN,
            "region": region,
            "settings": SETTINGS,
            "code": [ROOT / "daenr/training/fit.py"],
            "log": self.log,
            **self.outputs,
        }

    def start(self, every):
        config = {"checkpoint_every": every, "trainings_per_gpu": 1}
        arguments = json.dumps(self.arguments | {"config": config}, default=str)
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def finish(self):
        """Train to the end."""
        assert self.start(every=5).wait() == 0, self.log.read_text()

    def results(self):
        """All that a training leaves but its wall time."""
        record = json.loads(self.outputs["training"].read_text())
        assert record.pop("seconds") > 0
        with np.load(self.outputs["predictions"]) as file:
            predictions = {name: file[name].tobytes() for name in file.files}
        weights = read_weights(self.outputs["weights"])
        return {
            "record": record,
            "history": self.outputs["history"].read_bytes(),
            "predictions": predictions,
            "weights": {name: value.numpy().tobytes() for name, value in weights.items()},
        }


def _wait_for_another(checkpoint, process):
    """Until the process has written a checkpoint of its own."""
    before = checkpoint.stat().st_ino if checkpoint.exists() else None
    while not checkpoint.exists() or checkpoint.stat().st_ino == before:
        assert process.poll() is None, "the process ended before it wrote a checkpoint"
        time.sleep(0.002)


@pytest.fixture(scope="module")
def region(finished):
    return finished.folder / "results/mylab/data/v1.h5"


@pytest.fixture(scope="module")
def whole(region, tmp_path_factory):
    """What a training leaves that nobody interrupts."""
    process = Process(tmp_path_factory.mktemp("whole"), region)
    process.finish()
    return process.results()


def test_killed_at_random_moments_it_leaves_the_same_bytes(region, whole, tmp_path):
    process, moment = Process(tmp_path, region), random.Random(0)
    for _ in range(3):
        running = process.start(every=5)
        _wait_for_another(process.checkpoint, running)
        time.sleep(moment.uniform(0, 0.1))
        running.kill()
        assert running.wait() == -signal.SIGKILL
        assert not any(output.exists() for output in process.outputs.values())
    process.finish()
    assert "the training goes on after step" in process.log.read_text()
    assert process.results() == whole
    assert list(process.checkpoint.parent.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_saves_what_it_has_and_fails(region, whole, tmp_path, number):
    process = Process(tmp_path, region)
    running = process.start(every=11)
    _wait_for_another(process.checkpoint, running)
    running.send_signal(number)
    assert running.wait() == 128 + number
    assert not any(output.exists() for output in process.outputs.values())
    (stopped,) = [line for line in process.log.read_text().splitlines() if line.startswith(number.name)]
    step = int(stopped.split("state of step ")[1].split()[0])
    process.finish()
    assert f"the training goes on after step {step}\n" in process.log.read_text()
    assert process.results() == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_workflow_goes_on_where_it_was_stopped(finished, number):
    """Ctrl-C reaches Snakemake and its trainings; SIGKILL is a crash of all of them."""
    name = f"stopped{number}"
    training = {"batch_size": 16, "validate_every": 7, "max_steps": 150, "patience": 150}
    arguments = finished.config(
        dataset={"name": name, "source": "mylab.zip"},
        model={"channels": 8},
        training=training,
        checkpoint_every=5,
        device="cpu",
    )
    run = Run(name, "v1", "vae-fc", "h2", 1.0, 0.5, "all", 0)
    results = finished.folder / f"results/{name}"
    target = f"results/{name}/runs/{run.name}/predictions.npz"
    running = subprocess.Popen(
        [finished.program, "--cores", "2", target, *map(str, arguments)],
        cwd=finished.folder,
        env=os.environ | finished.environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    checkpoint = results / f"checkpoints/{run.name}.pt"
    _wait_for_another(checkpoint, running)
    os.killpg(running.pid, number)
    assert running.wait() != 0
    assert checkpoint.exists()
    assert not (finished.folder / target).exists()
    if number == signal.SIGKILL:
        finished.snakemake("--unlock", *arguments)
    finished.snakemake(target, *arguments)
    assert "the training goes on after step" in (results / f"logs/train/{run.name}.log").read_text()
    assert not checkpoint.exists()
    config = json.loads((results / f"runs/{run.name}/training.json").read_text())["config"]
    assert config["training"] | training == config["training"]
    once = train(run, read_region(results / "data/v1.h5"), np.arange(12), Config(**config))
    with np.load(finished.folder / target) as predictions:
        np.testing.assert_array_equal(predictions["reconstruction"], once.predictions["reconstruction"])
        np.testing.assert_array_equal(predictions["response"], once.predictions["response"])


def test_another_period_trains_nothing_again(finished):
    assert finished.would_run(*finished.config(checkpoint_every=None)) == {}
