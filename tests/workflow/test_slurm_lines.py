"""What is submitted to Slurm, word for word; stubs in place of its programs record it, so no Slurm is needed."""

import json
import os
import shutil
import sys

import pytest

# Every job that they are given fails at once.
STUBS = {
    "sbatch": """
        with log.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # Snakemake submits several jobs at once
            file.seek(0)
            number = len(file.readlines()) + 1
            file.write(json.dumps(sys.argv[1:]) + "\\n")
        print(number)
    """,
    "squeue": """
        for job, _ in enumerate(log.read_text().splitlines(), 1):
            print(f"{job}|FAILED")
    """,
    "scontrol": "print('MinJobAge = 3600 sec')",
    "sacctmgr": "print('lab')",
    "sinfo": "print('gpu*')",
}
# Not the resources: names, paths and the command that Snakemake runs on the node.
ELSEWHERE = ("--job-name", "--output", "--comment", "--wrap", "-D")
RUNS = [f"stub_v1_cae-fr_h2_a1_b{beta}_all_s0" for beta in ("0.1", "0.2", "0.3")]
PACKED = ("--group-components", "trainings=3")
ONE_GPU_A_JOB = ("--set-resource-scopes", "gpu=local", "--resources", "gpu=1")
GRES = ("--set-resources", "train:gpu=0", "train:gres=gpu:1")


@pytest.fixture
def submitted(copy, tmp_path, monkeypatch):
    """Ask for trainings of a recording that is already preprocessed; give the words of every submission."""
    log = tmp_path / "submissions"
    log.touch()
    for name, body in STUBS.items():
        lines = "\n".join(line.removeprefix(" " * 8) for line in body.splitlines())
        program = tmp_path / name
        program.write_text(
            f"#!{sys.executable}\nimport fcntl, json, sys\nfrom pathlib import Path\n"
            f"log = Path({str(log)!r})\n{lines}\n"
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    data = copy.folder / "results/stub/data"
    data.mkdir(parents=True, exist_ok=True)
    for name in ("archive.zip", "v1.h5"):
        (data / name).write_text("not read: no training starts")
    size = {"train_images": 60, "test_images": 10, "repeats": 4, "neurons": 12}
    dataset = {"name": "stub", "layout": "simulated", "simulation": {"sizes": {"v1": size}}}

    def submitted(runs, *arguments, file="weights.safetensors"):
        copy.snakemake(
            *(f"results/stub/runs/{run}/{file}" for run in runs),
            *("--workflow-profile", "workflow/profiles/slurm", "--retries", "0", "--keep-going", *arguments),
            *("--default-resources", "slurm_account=lab", "slurm_partition=gpu"),
            *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1"),
            *copy.config(dataset=dataset),
            check=False,
        )
        return [json.loads(line) for line in log.read_text().splitlines()]

    return submitted


def asked_for(words):
    """The submission without names, paths and the command."""
    kept, words = [], iter(words)
    for word in words:
        name = word.partition("=")[0]
        if name not in ELSEWHERE:
            kept.append(word)
        elif "=" not in word:
            next(words)
    return " ".join(kept)


LINE = "--parsable --export=ALL -A lab -p gpu"


def test_a_training_asks_for_one_gpu_and_for_more_of_the_rest_when_it_failed(submitted):
    calls = submitted(RUNS[:1], "--retries", "1")
    assert [asked_for(call) for call in calls] == [
        f"{LINE} -t 120 --mem 2000 --cpus-per-task=1 --gpus=1",
        f"{LINE} -t 240 --mem 4000 --cpus-per-task=1 --gpus=1",
    ]


def test_trainings_are_submitted_one_by_one(submitted):
    calls = submitted(RUNS)
    assert [asked_for(call) for call in calls] == [f"{LINE} -t 120 --mem 2000 --cpus-per-task=1 --gpus=1"] * 3


def test_packed_trainings_take_turns_on_one_gpu(submitted):
    (call,) = submitted(RUNS, *PACKED, *ONE_GPU_A_JOB)
    assert asked_for(call) == f"{LINE} -t 360 --mem 2000 --cpus-per-task=1 --gpus=1"


def test_gres_in_place_of_gpus(submitted):
    (call,) = submitted(RUNS[:1], *GRES)
    assert asked_for(call) == f"{LINE} -t 120 --mem 2000 --cpus-per-task=1 --gres=gpu:1"


def test_packed_trainings_share_what_gres_gives_them(submitted):
    (call,) = submitted(RUNS, *PACKED, *GRES, "--cores", "3")
    assert asked_for(call) == f"{LINE} -t 120 --mem 6000 --cpus-per-task=3 --gres=gpu:1"


def test_light_rules_stay_where_snakemake_runs(submitted, copy):
    folder = copy.folder / "results/stub/runs" / RUNS[0]
    folder.mkdir(parents=True)
    for name in ("weights.safetensors", "history.csv", "training.json", "predictions.npz"):
        (folder / name).write_text("not a training's")
    try:
        assert submitted(RUNS[:1], file="metrics.json") == []
    finally:
        shutil.rmtree(folder)
    assert (copy.folder / f"results/stub/logs/evaluate/{RUNS[0]}.log").read_text()
