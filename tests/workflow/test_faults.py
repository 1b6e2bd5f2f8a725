"""What goes wrong on a machine: a killed job, a full disk, a second Snakemake, a hostile config."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
import yaml

from daenr.training.weights import read_weights

FOLDERS = ("config", "daenr", "docs", "envs", "scripts", "workflow")
SETTING = {
    "dataset": {"name": "mylab", "source": "mylab.zip"},
    "regions": ["v1"],
    "weights": {"alpha": 1, "beta": 0.1},
    "layers": ["h1", "h2"],
    "models": ["cae", "cae-fr"],
    "tables": ["table2"],
    "figures": [],
    "model": {"channels": 8},
    "training": {"batch_size": 16, "validate_every": 2, "max_steps": 2},
}
PLAIN = "mylab_v1_cae_none_a1_b0_all_s0"
OUTPUTS = {
    *("weights.safetensors", "history.csv", "training.json", "predictions.npz"),
    *("metrics.json", "scores.npz", "neurons.csv"),
}

# Python imports this by itself when it starts. A job's files get their names in the order weights, predictions,
# history, training: at the predictions, half of what a training leaves is in place.
FAULTS = """
import json, os, pathlib, re, signal, time

faults = json.loads(os.environ.get("FAULTS", "{}"))
replace = pathlib.Path.replace


def faulty(source, target):
    for place, fault in faults.items():
        if re.search(place, str(target)):
            if fault == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if fault == "memory":
                raise MemoryError("Unable to allocate 8 EiB")
            if fault == "hang":
                time.sleep(600)
    return replace(source, target)


pathlib.Path.replace = faulty
"""


class Laboratory:
    """A project of its own, in which faults can be planted: pattern of a result's path -> kill, memory or hang."""

    def __init__(self, folder, original):
        self.folder = folder
        self.runs = folder / "results/mylab/runs"
        for name in FOLDERS:
            shutil.copytree(original / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "faults").mkdir()
        (folder / "faults/daenr").symlink_to(folder / "daenr")
        (folder / "faults/sitecustomize.py").write_text(FAULTS)

    def start(self, *arguments, setting=None, config=None, faults=None):
        written = config or yaml.safe_dump(SETTING | (setting or {}))
        (self.folder / "faulty.yaml").write_text(written)
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments, "--configfile", "faulty.yaml"],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder / "faults"), "FAULTS": json.dumps(faults or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def snakemake(self, *arguments, **planted):
        """Exit status and output."""
        process = self.start(*arguments, **planted)
        output, _ = process.communicate()
        return process.returncode, output

    def would_run(self):
        _, output = self.snakemake("-n", "--quiet", "rules")
        return {
            name: int(count) for name, count in re.findall(r"^(train|evaluate|table) +(\d+)$", output, re.M)
        }


def laboratory_in(folder, original, archive="mylab.zip"):
    from daenr.data.simulated import simulate_archive

    laboratory = Laboratory(folder, original)
    size = {"train_images": 60, "test_images": 10, "repeats": 4, "neurons": 12}
    simulate_archive(folder / archive, {"v1": size}, seed=5)
    return laboratory


@pytest.fixture
def laboratory(copy, tmp_path):
    return laboratory_in(tmp_path, copy.folder)


def files(run):
    return {path.name for path in run.iterdir()} if run.exists() else set()


def test_a_loss_that_is_not_finite_leaves_no_metrics(laboratory):
    code, output = laboratory.snakemake(
        "--keep-going",
        setting={"training": SETTING["training"] | {"learning_rate": 1e30, "max_steps": 8}, "layers": ["h2"]},
    )
    assert code == 1
    failed = re.findall(
        r"^error: run (\S+), step \d+: the training loss is not finite \(term: (.+)\)$", output, re.M
    )
    assert len({run for run, _ in failed}) == 2
    assert all("reconstruction" in terms for _, terms in failed)
    assert "Traceback" not in output
    assert not laboratory.runs.exists() or not any(files(run) for run in laboratory.runs.iterdir())
    assert not (laboratory.folder / "results/mylab/tables/table2.csv").exists()


def test_the_other_runs_finish_and_the_rerun_repairs_what_is_missing(laboratory):
    """One training is killed when half of its files are in place, another runs out of memory."""
    faults = {f"{PLAIN}/predictions.npz": "kill", "_h1_.*/weights.safetensors": "memory"}
    code, output = laboratory.snakemake("--keep-going", faults=faults)
    assert code == 1
    assert "MemoryError: Unable to allocate 8 EiB" in output
    left = {run.name: files(run) for run in laboratory.runs.iterdir() if "h2" in run.name}
    assert list(left.values()) == [OUTPUTS]
    assert not any(
        name in OUTPUTS for run in laboratory.runs.iterdir() if "h2" not in run.name for name in files(run)
    )
    kept = {path: path.stat().st_mtime_ns for path in laboratory.runs.glob("*h2*/*")}

    assert laboratory.would_run() == {"train": 2, "evaluate": 2, "table": 1}
    code, output = laboratory.snakemake()
    assert code == 0, output
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    for run in laboratory.runs.iterdir():
        assert files(run) >= OUTPUTS
        assert read_weights(run / "weights.safetensors")


def test_a_second_snakemake_is_refused_and_a_crash_needs_what_the_message_says(laboratory):
    first = laboratory.start(faults={f"{PLAIN}/predictions.npz": "hang"})
    try:
        while not (laboratory.runs / PLAIN / "weights.safetensors").exists():
            assert first.poll() is None
            time.sleep(0.05)
        code, output = laboratory.snakemake()
        assert code == 1
        assert "Directory cannot be locked" in output
        assert first.poll() is None
    finally:
        os.killpg(first.pid, signal.SIGKILL)  # Snakemake and its jobs at once, as in a power cut
        first.communicate()
    assert files(laboratory.runs / PLAIN) & OUTPUTS == {"weights.safetensors"}

    code, output = laboratory.snakemake()
    assert code == 1
    assert "can be removed with the --unlock argument" in output
    assert laboratory.snakemake("--unlock")[0] == 0
    code, output = laboratory.snakemake()
    assert code == 0, output
    assert files(laboratory.runs / PLAIN) >= OUTPUTS


def test_a_full_disk_is_named_and_the_rerun_goes_on(laboratory, mount):
    results = laboratory.folder / "results"
    results.mkdir()
    mount(results, "-t", "tmpfs", "-o", "size=1100k")
    code, output = laboratory.snakemake("--keep-going")
    assert code == 1
    full = r"^error: \[Errno 28\] the disk is full: make room, then run the same command again: .*weights\.safetensors"
    assert re.search(full, output, re.M), output
    missing = laboratory.would_run()["train"]
    assert 0 < missing < 3
    assert not list(laboratory.runs.rglob(".*"))
    mount(results, "-o", "remount,size=50m")
    code, output = laboratory.snakemake()
    assert code == 0, output


def test_results_that_may_not_be_written_are_named(laboratory, mount):
    results = laboratory.folder / "results"
    results.mkdir()
    mount(results, "--bind", source=results)
    mount(results, "-o", "remount,ro,bind", source=results)
    code, output = laboratory.snakemake()
    assert code == 1
    assert "Failed to create output directory results/mylab" in output
    assert "Read-only file system" in output
    assert "Traceback" not in output


def test_a_file_name_is_never_executed(copy, tmp_path):
    name = 'my lab\'s "$(touch pwned)`touch pwned`" | touch pwned; touch pwned #*?.zip'
    laboratory = laboratory_in(tmp_path / "it's; touch pwned", copy.folder, archive=name)
    setting = {"dataset": {"name": "odd", "source": name}}
    code, output = laboratory.snakemake("results/odd/data/v1.h5", setting=setting)
    assert code == 0, output
    assert not list(tmp_path.rglob("pwned"))


def test_a_config_is_never_executed(laboratory):
    code, output = laboratory.snakemake(
        "-n", config="seeds: !!python/object/apply:os.system ['touch pwned']\n"
    )
    assert code == 1
    assert "Config file is not valid JSON or YAML" in output
    assert not list(laboratory.folder.rglob("pwned"))
