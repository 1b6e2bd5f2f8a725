"""The workflow on a real Slurm, from the first submission to the last table.

Every rule, but few trainings: each submission starts Python three times, and the smoke config has 58 trainings.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONFIG = {
    "dataset": {
        "name": "cluster",
        "layout": "simulated",
        "simulation": {"sizes": {"v1": {"train_images": 60, "test_images": 10, "repeats": 4, "neurons": 12}}},
    },
    "regions": ["v1"],
    "layers": ["h2"],
    "models": ["cae", "cae-fr"],
    "tables": ["table2", "table3", "table7"],
    "figures": ["figure2", "figure3", "figure5"],
    "training": {"batch_size": 16, "validate_every": 4, "max_steps": 8},
    "device": "cpu",
}
ON_SLURM = (
    *("--workflow-profile", "workflow/profiles/slurm", "--retries", "0", "--latency-wait", "10"),
    *("--slurm-no-account", "--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "2"),
    # Both trainings of a stage in one allocation, one after the other on its only GPU.
    *("--group-components", "trainings=2", "group_trainings=2"),
    *("--set-resource-scopes", "gpu=local", "--resources", "gpu=1"),
)


def copied(folder):
    """A copy of the project without results."""
    for name in ("config", "daenr", "docs", "envs", "scripts", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "cluster.yaml").write_text(yaml.safe_dump(CONFIG))
    return folder


def snakemake(folder, *arguments):
    """Start Snakemake in a copy; what it says goes to a file there."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--configfile", "cluster.yaml"]
    with (folder / "said.txt").open("a") as said:
        return subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT)


def tables(folder):
    """Content of every table, but that of run times."""
    made = (folder / "results/cluster/tables").glob("*")
    return {path.name: path.read_bytes() for path in made if path.stem != "runtimes"}


def jobs(state="all"):
    """Numbers and comments of Slurm's jobs; the plugin puts rule and wildcards into the comment."""
    listing = subprocess.check_output(["squeue", "-h", "-t", state, "-o", "%i %k"], text=True)
    return dict(line.split(maxsplit=1) for line in listing.splitlines())


def a_running_training(run, seconds=300):
    """Number of the first job that trains, while it does."""
    for _ in range(2 * seconds):
        for job, comment in jobs("running").items():
            if "train" in comment:
                return job
        assert run.poll() is None, "Snakemake ended before a training ran"
        time.sleep(0.5)
    raise TimeoutError(f"no training runs after {seconds} s: {jobs()}")


@pytest.mark.usefixtures("slurm")
def test_a_killed_job_is_made_up_for_and_tables_are_those_of_a_local_run(tmp_path):
    local, cluster = copied(tmp_path / "local"), copied(tmp_path / "cluster")
    assert snakemake(local, "--cores", "all").wait() == 0, (local / "said.txt").read_text()
    first = snakemake(cluster, *ON_SLURM)
    killed = a_running_training(first)
    assert "gres:gpu:1" in subprocess.check_output(["scontrol", "show", "job", killed], text=True)
    subprocess.check_call(["scancel", killed])
    assert first.wait() != 0
    assert len(tables(cluster)) < len(tables(local))

    assert snakemake(cluster, *ON_SLURM).wait() == 0, (cluster / "said.txt").read_text()
    assert tables(cluster) == tables(local)
    submitted = {comment.split("_wildcards_")[0] for comment in jobs().values()}
    assert submitted == {
        "rule_simulate",
        "rule_preprocess",
        "rule_trainings_train",
        "rule_group_trainings_train",
        "rule_verdicts",
    }
