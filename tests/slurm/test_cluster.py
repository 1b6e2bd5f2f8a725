"""The workflow on a real Slurm, from the first submission to the last table.

Every rule, but few trainings: each submission starts Python three times, and the smoke config has 58 trainings.
"""

import os
import subprocess
import sys
import time

import pytest
import yaml

CONFIG = {
    "dataset": {
        "name": "cluster",
        "layout": "simulated",
        "simulation": {"sizes": {"v1": {"train_images": 60, "test_images": 10, "repeats": 4, "neurons": 12}}},
    },
    "regions": ["v1"],
    "weights": {"alpha": 1, "beta": 0.1},
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


class Copy:
    """A copy of the project without results."""

    def __init__(self, folder, copy_project):
        self.folder, self.environment = folder, copy_project(folder)
        (folder / "cluster.yaml").write_text(yaml.safe_dump(CONFIG))

    def snakemake(self, *arguments):
        """Start Snakemake; what it says goes to a file."""
        command = [sys.executable, "-m", "snakemake", *arguments, "--configfile", "cluster.yaml"]
        with (self.folder / "said.txt").open("a") as said:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=os.environ | self.environment,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def said(self):
        """All that Snakemake has said."""
        return (self.folder / "said.txt").read_text()

    def tables(self):
        """Content of every table, but that of run times."""
        made = (self.folder / "results/cluster/tables").glob("*")
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
def test_a_killed_job_is_made_up_for_and_tables_are_those_of_a_local_run(tmp_path, copy_project):
    local, cluster = (Copy(tmp_path / name, copy_project) for name in ("local", "cluster"))
    assert local.snakemake("--cores", "all").wait() == 0, local.said()
    first = cluster.snakemake(*ON_SLURM)
    killed = a_running_training(first)
    assert "gres:gpu:1" in subprocess.check_output(["scontrol", "show", "job", killed], text=True)
    subprocess.check_call(["scancel", killed])
    assert first.wait() != 0
    assert len(cluster.tables()) < len(local.tables())

    assert cluster.snakemake(*ON_SLURM).wait() == 0, cluster.said()
    assert cluster.tables() == local.tables()
    submitted = {comment.split("_wildcards_")[0] for comment in jobs().values()}
    assert submitted == {
        "rule_simulate",
        "rule_preprocess",
        "rule_trainings_train",
        "rule_group_trainings_train",
        "rule_verdicts",
    }
