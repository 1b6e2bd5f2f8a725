"""The script that says how long a config will take counts what Snakemake would run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]

CONFIG = {
    "dataset": {"name": "guess", "layout": "simulated"},
    "regions": ["region1"],
    "layers": ["h2"],
    "models": ["cae", "cae-fr"],
    "tables": ["table2"],
    "figures": ["figure5"],
    "seeds": [0, 1],
    "training": {"batch_size": 8, "validate_every": 10, "max_steps": 10, "rounds": 3},
}


def test_it_counts_trainings_steps_and_other_jobs(tmp_path):
    path, shorter = tmp_path / "guess.yaml", tmp_path / "shorter.yaml"
    path.write_text(yaml.safe_dump(CONFIG | {"training": CONFIG["training"] | {"rounds": 5}}))
    shorter.write_text(yaml.safe_dump({"training": {"rounds": 3}}))
    done = subprocess.run(
        [sys.executable, "scripts/estimate.py", "--configfile", path, shorter, "--cores", "2"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    minutes = [float(number) for number in re.findall(r"^ +([\d.]+) min", done.stdout, re.MULTILINE)]
    assert minutes[-1] > 0
    assert abs(sum(minutes[:-1]) - minutes[-1]) < 0.05 * len(minutes)
    # Two models and two seeds, three rounds, which is what the later file says, of ten steps each; every training is
    # evaluated.
    assert "4 trainings, 120 steps" in done.stdout
    assert "4 evaluations" in done.stdout
    others = int(re.search(r"(\d+) other jobs", done.stdout)[1])
    assert others >= 4  # recording, region, table and figure
    assert "A gain in MSE of 0." in done.stdout
    assert "PCC" not in done.stdout  # no table of responses is made


def test_a_mistake_in_the_config_is_named():
    done = subprocess.run(
        [sys.executable, "scripts/estimate.py", "--configfile", "no.yaml"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "no.yaml" in done.stderr
