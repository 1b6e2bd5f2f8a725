"""What a training costs beside its steps: the start of its process, and validations, history and checkpoints.

    PYTHONPATH=. python benchmarks/overhead.py results/demo/data/region3.h5

The start is the time from nothing to the first step, as Snakemake starts a script, over that of
``python -c 'import torch'``, one after the other. The rest is a share of the fit's own time at the paper's
sizes, one training a core at once.
"""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
REPEATS = 9
STEPS = 500
MODELS = (("cae-fr", "h2"), ("cnn-fr", "h1"), ("vae-fc", "h2"), ("vq-vae-fm", "h3"))

FIRST_STEP = """
import pickle, runpy, sys
import snakemake.script  # as the head that Snakemake puts before a script does
script = runpy.run_path("scripts/training/train.py")
import daenr.training.fit
def stop(*_): sys.exit(0)
daenr.training.fit.training_step = stop
from daenr.config import Config
run = script["Run"]("x", "region3", "cae-fr", "h2", 0.4, 1.0, "all", 0)
region = script["read_region"](script["Path"](sys.argv[1]))
import numpy
script["train"](run, region, numpy.arange(region.train_responses.shape[1]), Config(device="cpu"))
"""


def start(*arguments: str) -> float:
    """Seconds that a Python process takes."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True
    )
    return time.perf_counter() - began


def starts(region: Path) -> None:
    """Alternate ``import torch`` with a training up to its first step."""
    bare, training = [], []
    for _ in range(REPEATS + 1):
        bare.append(start("-c", "import torch"))
        training.append(start("-c", FIRST_STEP, str(region)))
    bare, training = bare[1:], training[1:]  # the first of each read the disk
    ratios = [mine / theirs for mine, theirs in zip(training, bare, strict=True)]
    print(
        f"start: {statistics.median(training):.2f} s to the first step, {statistics.median(bare):.2f} s for "
        f"import torch; ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}, n={REPEATS})"
    )


def shares(model: str, layer: str) -> dict[str, float]:
    """Shares of a fit's time, by what it went to."""
    import torch
    from loops import Job

    from daenr.config import Config, TrainingSettings
    from daenr.training import fit as training  # here, since the process that asks needs no torch
    from daenr.training.checkpoints import Keeper, identity
    from daenr.training.timing import noise_region
    from daenr.training.train import train

    spent = dict.fromkeys(("validations", "history", "checkpoints"), 0.0)

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            result = function(*arguments, **named)
            spent[name] += time.perf_counter() - began
            return result

        return wrapped

    training.validate = timed("validations", training.validate)  # type: ignore[assignment]
    training.EarlyStopping.note = timed("history", training.EarlyStopping.note)  # type: ignore[method-assign]
    Keeper.after_step = timed("checkpoints", Keeper.after_step)  # type: ignore[method-assign]
    data = noise_region(1440, 360, 102)
    protocol = TrainingSettings(rounds=1, max_steps=STEPS)
    config = Config(training=protocol, device="cpu")
    run = Job(model, layer, protocol.batch_size, STEPS, 1440, 102).run
    with tempfile.TemporaryDirectory() as folder:
        key = identity(run.name, {}, [], [], np.arange(102), torch.device("cpu"), torch.float32)
        with Keeper(Path(folder) / "checkpoint.pt", key, STEPS) as keeper:
            seconds = train(run, data, np.arange(102), config, keeper=keeper).seconds
    return {name: value / seconds for name, value in spent.items()}


def main(region: Path) -> None:
    """Measure and print."""
    starts(region.resolve())
    print("| model | validations | history | checkpoints | together |")
    print("| --- " * 5 + "|")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), spawn, max_tasks_per_child=1) as pool:
        for (model, layer), found in zip(MODELS, pool.map(shares, *zip(*MODELS, strict=True)), strict=True):
            cells = [f"{100 * value:.1f}%" for value in (*found.values(), sum(found.values()))]
            print(f"| {model} {layer} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("region", type=Path, help="a region file, for the start")
    main(parser.parse_args().region)
