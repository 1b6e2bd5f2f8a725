"""How long a config will take on this machine, and what it could find: for the time before an overnight run.

    python scripts/estimate.py --configfile config/study.yaml config/fast.yaml --cores 2

Several files are merged as Snakemake does: where two name a key, the later counts. It times a few steps of each model.
Trains on noise of the recording's size, so it needs no data; it writes nothing. All cores are busy while it
measures, as they will be later. It counts every job that Snakemake runs from nothing but a downloaded recording.
"""

import argparse
import multiprocessing
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from snakemake.utils import update_config

from daenr.config import Config, TrainingSettings
from daenr.paper.claims import claim_tree
from daenr.paper.plan import Plan
from daenr.paper.power import SPREADS, smallest_effects
from daenr.paper.published import region_sizes
from daenr.paper.resolved import resolve, training_trials
from daenr.paper.verdicts import CHANCE, Rules
from daenr.run import Run
from daenr.statistics.metrics import METRICS
from daenr.training.memory import ENVIRONMENT
from daenr.training.timing import expected_steps, noise_region

ROOT = Path(__file__).resolve().parents[1]

PAPER = ROOT / "config/paper"
TIMED_STEPS = 8
STARTS_OF_A_RESULT = 2
"""How many times the start of its process a table or figure takes, as seen in the demo."""


@dataclass(frozen=True)
class Cost:
    """Seconds on one core: of a training step with its share of a look, and of all that a process does once."""

    step: float
    once: float


def size(config: Mapping[str, Any]) -> tuple[int, int]:
    """Training images and neurons of the largest region; those of the paper where they are not known yet."""
    paper = region_sizes(PAPER)
    dataset = Config(**config).dataset
    counts = training_trials(dataset, config["regions"])
    images = max(counts.values()) if counts else max(region.train_images for region in paper)
    neurons = [region.neurons for region in (dataset.simulation.sizes or {}).values()]
    return images, max(neurons or [region.neurons for region in paper])


def cost(run: Run, config: Mapping[str, Any]) -> Cost:
    """Time a few steps of a run's model in a process that has trained nothing yet, after two to warm up."""
    from daenr.training.train import train

    images, neurons = size(config)
    protocol = config["training"]
    looked_at = config["split"]["validation_fraction"] * images
    # A look at a validation split as much smaller as these steps are fewer than those between two looks.
    validation = max(1, round(looked_at * TIMED_STEPS / protocol["validate_every"]))
    data = noise_region(max(images - round(looked_at), protocol["batch_size"]), validation, neurons)
    typed = Config(**config)
    took = {}
    for steps in (2, TIMED_STEPS):
        brief = {"validate_every": steps, "patience": steps, "rounds": 1, "max_steps": steps}
        short = typed.model_copy(update={"training": typed.training.model_copy(update=brief)})
        start = time.perf_counter()
        trained = train(run, data, np.arange(neurons), short)
        took[steps] = time.perf_counter() - start
    step = trained.seconds / TIMED_STEPS
    # The first one met a fresh process, as every training does: it builds kernels and fills its caches.
    return Cost(step, max(took[2] - 2 * step, took[TIMED_STEPS] - trained.seconds))


def settings(run: Run, config: Mapping[str, Any]) -> dict[str, Any]:
    """The config as the run's variant has it."""
    return {**config, **config["variants"].get(run.variant, {})}


def start_time(script: str, cores: int) -> float:
    """Seconds until a script of the workflow has imported what it needs, with all cores doing so at once."""
    path = str(next(ROOT.glob(f"scripts/*/{script}")))
    command = [sys.executable, "-c", f"import runpy; runpy.run_path({path!r})"]

    def seconds(_: int) -> float:
        start = time.perf_counter()
        subprocess.run(command, check=True)
        return time.perf_counter() - start

    with ThreadPoolExecutor(cores) as threads:
        list(threads.map(seconds, range(cores)))  # reads the files from the disk
        return float(np.median(list(threads.map(seconds, range(2 * cores)))))


def merged(configfiles: Sequence[Path]) -> dict[str, Any]:
    """The config that Snakemake makes of these files, as the user wrote it."""
    written: dict[str, Any] = {}
    for path in configfiles:
        update_config(written, yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    return written


def findable(config: Mapping[str, Any]) -> list[str]:
    """The smallest effect of each primary claim that the study could find, a line each."""
    primary = [claim.metric for claim in claim_tree(Plan(config, PAPER)) if claim.level == "primary"]
    seeds, rules = len(config["seeds"]), Rules(**config["comparison"])
    simulated = Config(**config).dataset.simulation.sizes
    images = min(each.test_images for each in (simulated.values() if simulated else region_sizes(PAPER)))
    if not primary:
        return ["It trains nothing that a primary claim is about."]
    if seeds < 2:
        return ["One seed decides none of the paper's claims: nothing can be found."]
    return [
        f"A gain in {METRICS[metric].label} of {effect:.4f} or more is found with a chance of {CHANCE:.0%}, if gains "
        f"vary by {SPREADS[metric].seeds:g} over seeds and have a standard error of {SPREADS[metric].images:g} over 50 "
        f"test images ({SPREADS[metric].source}; of a mean over twelve cells, fewer vary more)."
        for metric, effect in smallest_effects(primary, seeds, images, rules).items()
    ]


def jobs(configfiles: Sequence[Path]) -> tuple[dict[str, int], float]:
    """Jobs of each rule as a dry run counts them, and how long Snakemake took to do so."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        *["--dry-run", "--forceall", "--quiet", "host", "--cores", "1"],
    ]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "--configfile", *(str(path.resolve()) for path in configfiles)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ValueError(f"{', '.join(map(str, configfiles))}: {(done.stderr or done.stdout).strip()}")
    table = done.stdout.partition("Job stats:")[2].partition("total")[0]
    counts = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
    return counts, time.perf_counter() - start


def main(configfiles: Sequence[Path], cores: int) -> None:
    config = resolve(merged(configfiles), ROOT)
    counts, scheduling = jobs(configfiles)
    runs = Plan(config, PAPER).runs()
    alike = {(run.model, run.layer, run.variant): replace(run, control=None) for run in runs}
    print(f"timing {len(alike)} models on {cores} cores ...", flush=True)
    os.environ.update(ENVIRONMENT)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, spawn, max_tasks_per_child=1) as pool:
        costs = pool.map(cost, alike.values(), [settings(run, config) for run in alike.values()])
        measured = dict(zip(alike, costs, strict=True))
    starts = {script: start_time(f"{script}.py", cores) for script in ("train", "evaluate", "neuron_counts")}
    result = STARTS_OF_A_RESULT * starts["neuron_counts"]
    steps = [expected_steps(TrainingSettings(**settings(run, config)["training"])) for run in runs]
    found = [measured[run.model, run.layer, run.variant] for run in runs]
    evaluations = counts.get("evaluate", 0)
    results = sum(counts.values()) - counts.get("train", 0) - counts.get("all", 0) - evaluations
    parts = {
        f"{len(runs)} trainings, {sum(steps):,} steps": sum(
            count * each.step for count, each in zip(steps, found, strict=True)
        ),
        f"{len(runs)} starts of a training, {starts['train']:.1f} s each": len(runs) * starts["train"],
        "kernels and models built, test sets predicted": sum(each.once for each in found),
        f"{evaluations} evaluations, {starts['evaluate']:.1f} s each": evaluations * starts["evaluate"],
        f"{results} other jobs, {result:.1f} s each": results * result,
    }
    for part, seconds in parts.items():
        print(f"{seconds / cores / 60:8.1f} min  {part}")
    print(f"{scheduling / 60:8.1f} min  Snakemake's plan")
    print(f"{(sum(parts.values()) / cores + scheduling) / 60:8.1f} min  in all, on {cores} cores")
    print(*findable(config), sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--configfile", type=Path, nargs="+", default=[ROOT / "config/config.yaml"])
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    options = parser.parse_args()
    try:
        main(options.configfile, options.cores)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
