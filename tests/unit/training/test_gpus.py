"""Trainings as real processes that contend for devices; a GPU is not needed to hold a lock."""

import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from daenr.training import gpus

ROOT = Path(__file__).parents[3]
# What a training does, without the training: says which device it sees, and computes until told to end.
TRAINING = """
import os, sys
from pathlib import Path
import filelock
from daenr.training.gpus import claimed
os.setuid(int(sys.argv[3]))
os.umask(0o022)
with claimed(sys.argv[4:], int(sys.argv[2]), Path(sys.argv[1])):
    print("sees", os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def start(tmp_path):
    """Start a training that contends for places on devices; all are ended with the test."""
    processes = []

    def start(*devices: str, places: int = 1, user: int = os.getuid(), folder: Path = tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", TRAINING, str(folder / "locks"), str(places), str(user), *devices],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def device_of(training):
    """The device that a training sees, after what it says of waiting."""
    for line in training.stdout:
        if line.startswith("sees "):
            return line.split()[1]
    raise AssertionError("the training ended without a device")


def test_every_training_has_its_own_device(start):
    trainings = [start("0", "1", "GPU-ab") for _ in range(3)]
    assert sorted(map(device_of, trainings)) == ["0", "1", "GPU-ab"]


def test_a_killed_training_frees_its_device(start):
    first, second = start("0", "1"), start("0", "1")
    lost, kept = device_of(first), device_of(second)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert device_of(start("0", "1")) == lost != kept


def test_one_training_too_many_says_so_and_waits_for_a_device(start):
    first = start("0")
    assert device_of(first) == "0"
    second = start("0")
    said = second.stdout.readline()
    assert "waiting for a GPU: 1 here, 1 training(s) on each, all taken" in said
    assert "--resources gpu=1 " in said
    first.communicate("done\n")
    assert device_of(second) == "0"


def test_trainings_spread_over_devices_before_they_share_one(start):
    seen = [device_of(start("0", "1", places=2)) for _ in range(4)]
    assert sorted(seen[:2]) == ["0", "1"]
    assert Counter(seen) == {"0": 2, "1": 2}
    assert "--resources gpu=4 " in start("0", "1", places=2).stdout.readline()


def test_without_a_device_nothing_is_taken(tmp_path, monkeypatch):
    monkeypatch.delenv(gpus.VISIBLE, raising=False)
    with gpus.claimed([], 1, tmp_path / "locks"):
        assert gpus.VISIBLE not in os.environ
    assert not (tmp_path / "locks").exists()


@pytest.mark.parametrize(
    ("chosen", "devices"),
    [("2,0", ["2", "0"]), ("GPU-7a", ["GPU-7a"]), ("", []), ("-1", []), ("NoDevFiles", [])],
)
def test_a_choice_of_slurm_or_the_user_stands(monkeypatch, chosen, devices):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert gpus.visible("auto") == gpus.visible("cuda") == devices
    assert gpus.visible("cpu") == []


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Put an nvidia-smi first on PATH that runs ``script``."""

    def install(script: str) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return install


def test_a_machines_devices_are_counted_by_uuid(nvidia_smi):
    nvidia_smi(
        "[ $1 = -L ] && echo 'GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5c89852c-d268)'"
        " && echo 'GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-8d042338-e67f)'"
    )
    assert gpus.visible("auto") == ["GPU-5c89852c-d268", "GPU-8d042338-e67f"]


@pytest.mark.parametrize("ending", ["exit 9", "exec sleep 20"])
def test_an_nvidia_smi_that_fails_or_hangs_means_no_device(nvidia_smi, ending):
    """Whatever it said before."""
    nvidia_smi(f"echo 'GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5c89852c-d268)'; {ending}")
    assert gpus.visible("auto", patience=3.0) == []


def test_a_machine_without_nvidia_smi_has_no_device(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    assert gpus.visible("auto") == []


def test_slurm_jobs_on_one_node_do_not_share_locks(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    machine = gpus.lock_folder()
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    seventh = gpus.lock_folder()
    monkeypatch.setenv("SLURM_JOB_ID", "8")
    assert len({machine, seventh, gpus.lock_folder()}) == 3


def test_the_locks_of_a_machine_do_not_depend_on_tmpdir(monkeypatch, tmp_path):
    before = gpus.lock_folder()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert gpus.lock_folder() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may act for two other users")
def test_two_users_share_the_devices_of_a_machine(start):
    """Whoever made the folder and its files."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        first, second = (start("0", "1", user=user, folder=Path(folder)) for user in (1001, 1002))
        assert {device_of(first), device_of(second)} == {"0", "1"}
        third = start("0", "1", user=1001, folder=Path(folder))
        assert "waiting for a GPU" in third.stdout.readline()
        second.communicate("done\n")
        assert device_of(third) in ("0", "1")  # by the lock file that the other user made


def test_a_lock_is_open_to_every_user_from_its_first_moment(tmp_path, monkeypatch):
    """Another user may ask between its making and a change of its mode."""
    monkeypatch.setattr("os.fchmod", lambda *_: None)
    monkeypatch.setattr("pathlib.Path.chmod", lambda *_: None)
    monkeypatch.setenv(gpus.VISIBLE, "0")  # put back at the end
    strict = os.umask(0o077)
    try:
        with gpus.claimed(["0"], 1, tmp_path / "locks"):
            modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "locks").iterdir()}
        assert os.umask(0o077) == 0o077, "the training's own files are the user's alone"
    finally:
        os.umask(strict)
    assert (tmp_path / "locks").stat().st_mode & 0o777 == 0o777
    assert modes == {"0-0.lock": 0o666}
