"""A demo of 216 short trainings is 216 starts of a process: what a training imports is what they cost."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROGRAM = """
import json, runpy, sys
import numpy as np
script = runpy.run_path("scripts/training/train.py")
from daenr.config import Config
from daenr.run import Run
from daenr.training.timing import noise_region
run = Run("x", "region1", "vq-vae-fc", "h1", 1.0, 1.0, "all", 0)
protocol = {"batch_size": 4, "validate_every": 2, "max_steps": 2}
config = Config(model={"channels": 2}, training=protocol, device="cpu")
script["train"](run, noise_region(8, 8, 3), np.arange(3), config)
print(json.dumps(sorted(sys.modules)))
"""


def test_a_training_imports_nothing_that_takes_long():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    imported = set(json.loads(done.stdout))
    assert {"torch", "h5py", "daenr.training.fit"} <= imported
    slow = {"scipy", "skimage", "pandas", "matplotlib", "jinja2", "snakemake", "torch._dynamo", "sympy"}
    assert not imported & slow
