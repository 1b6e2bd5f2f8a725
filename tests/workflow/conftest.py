"""A copy of the project in which the whole workflow has run once, on a small recording of one's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SMALL = {
    "regions": ["v1"],
    "weights": {"alpha": 1, "beta": 0.1},
    "layers": ["h2"],
    "models": ["cae", "cnn-fr", "cae-fr"],
    "tables": ["table2", "table3", "table4", "table7"],
    "figures": ["figure2", "figure3", "figure4", "figure5"],
    "training": {"batch_size": 16, "validate_every": 4, "max_steps": 8},
}


class Project:
    """A folder to run Snakemake in, with the variable with which its package is installed."""

    program = Path(sys.executable).with_name("snakemake")

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, environment

    def snakemake(self, *arguments, check=True, cwd=None):
        done = subprocess.run(
            [self.program, "--cores", "2", *map(str, arguments)],
            cwd=cwd or self.folder,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        if check:
            assert done.returncode == 0, output
        return output

    def config(self, **changes):
        path = self.folder / "small.yaml"
        path.write_text(
            yaml.safe_dump(SMALL | {"dataset": {"name": "mylab", "source": "mylab.zip"}} | changes)
        )
        return ("--configfile", path)

    def would_run(self, *arguments):
        """Number of jobs a rule that a dry run announces."""
        jobs = {}
        table = self.snakemake(*arguments, "-n", "--quiet", "rules").split("Job stats:")
        for line in table[1].splitlines() if len(table) > 1 else []:
            name, _, count = line.rpartition(" ")
            if count.isdigit():
                jobs[name.strip()] = int(count)
        jobs.pop("total", None)
        return jobs


@pytest.fixture(scope="session")
def copy(tmp_path_factory, copy_project):
    """A copy of the project without results."""
    folder = tmp_path_factory.mktemp("project")
    return Project(folder, copy_project(folder))


@pytest.fixture(scope="module")
def project(tmp_path_factory, copy_project):
    """A copy of the project for one module's tests, which may change it."""
    folder = tmp_path_factory.mktemp("project")
    return Project(folder, copy_project(folder))


@pytest.fixture(scope="session")
def finished(copy):
    """The same after a whole run on a local archive."""
    from daenr.data.simulated import simulate_archive

    size = {"train_images": 60, "test_images": 10, "repeats": 4, "neurons": 12}
    simulate_archive(copy.folder / "mylab.zip", {"v1": size}, seed=5)
    copy.snakemake(*copy.config())
    return copy
