"""How fast trainings are here, against plain PyTorch, PyTorch Lightning and neuralpredictors, in one run.

    pip install -r benchmarks/requirements.txt
    PYTHONPATH=. python benchmarks/speed.py

Ours is measured as the workflow runs it, one training of one thread on every core at once; the others as
people run them, one training on all cores. The measurements of one model follow each other directly, in another
order each time, so that what else the machine does meets all of them alike. ``--smoke`` takes two models
and two steps: does it run?
"""

import argparse
import importlib.util
import multiprocessing
import os
import statistics
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import loops
import torch
from loops import Job, Timed
from torch.utils.flop_counter import FlopCounterMode

from daenr.config import TrainingSettings
from daenr.paper.plan import Plan
from daenr.paper.published import region_sizes
from daenr.paper.resolved import resolve
from daenr.registry import AUTOENCODERS, LAYERS, printed_names
from daenr.training import devices
from daenr.training.fit import Objective
from daenr.training.memory import ENVIRONMENT
from daenr.training.timing import expected_steps

ROOT = Path(__file__).parents[1]
BATCH = 64
MATRIX = 1536
"""Side of the matrices whose product is the limit."""

AGREEMENT = 1e-4
SHORT_WARM_UP, WARM_UP = 2, 20
"""Steps before a measurement, and before the first one of a model: until then ours meets memory that it has not touched
before, which a training of 2,500 steps does once."""

OURS = ("ours", "ours_in_bf16")
OTHERS: Mapping[str, str | None] = {
    "plain": None,
    "lightning": "pytorch_lightning",
    "neuralpredictors": "neuralpredictors",
}
"""The loops that take all cores, and the package that each needs."""


class Cores:
    """One process a core for what runs on a single thread, and one process that has them all."""

    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.single = [ProcessPoolExecutor(1, context, _quiet) for _ in range(count)]
        self.all = ProcessPoolExecutor(1, context, _quiet)
        self.all.submit(
            _quiet
        ).result()  # it starts now, without what the workflow tells the processes of ours
        os.environ.update(ENVIRONMENT)

    def rate(self, loop: str, job: Job, warm_up: int) -> float:
        """Images a second on the whole machine, after a few steps that are not timed."""
        executors = self.single if loop in OURS else [self.all]
        for task in (replace(job, steps=warm_up), job):
            results = [executor.submit(getattr(loops, loop), task) for executor in executors]
            rates = [result.result().rate for result in results]
        return sum(rates)

    def matrix_product(self, precision: torch.dtype, size: int) -> float:
        """FLOPs a second of matrix products on the whole machine, one thread a core."""
        results = [executor.submit(matrix_product, precision, size) for executor in self.single]
        return sum(result.result() for result in results)

    def close(self) -> None:
        """End all processes."""
        for executor in (*self.single, self.all):
            executor.shutdown()


def _quiet() -> None:
    warnings.filterwarnings("ignore")  # Lightning's advice on workers and steps


def matrix_product(precision: torch.dtype, size: int = MATRIX, repeats: int = 8) -> float:
    """FLOPs a second of square matrix products on one thread."""
    devices.make_repeatable()
    left, right = (torch.randn(size, size).to(precision) for _ in range(2))
    left @ right
    start = time.perf_counter()
    for _ in range(repeats):
        left @ right
    return repeats * 2 * size**3 / (time.perf_counter() - start)


def counted(job: Job, precision: torch.dtype = torch.float32) -> FlopCounterMode:
    """The FLOPs of one training step, forward and backward, by operator; the sum is the same in either precision."""
    training, _ = loops.data(job)
    model, run = loops.model_of(job.run, training), job.run
    objective = Objective(run.alpha, run.beta, precision=precision)
    with FlopCounterMode(display=False) as counter:
        objective.of(model, training.batch(torch.arange(job.batch))).total.backward()
    return counter


@dataclass
class Row:
    """What was measured of one model and layer: FLOPs a step and image; images a second of each loop at each repeat."""

    job: Job
    flops: float
    rates: dict[str, list[float]]

    def median(self, loop: str) -> float:
        """Images a second, median over repeats."""
        return statistics.median(self.rates[loop])

    def spread(self, loop: str) -> float:
        """Range over repeats as a share of the median."""
        return (max(self.rates[loop]) - min(self.rates[loop])) / self.median(loop)


def cases(models: Sequence[str], layers: Sequence[str]) -> list[tuple[str, str | None]]:
    """Every model at every layer; a plain auto-encoder reads out none."""
    return [
        (model, layer) for model in models for layer in ([None] if model in AUTOENCODERS else list(layers))
    ]


def measure(cores: Cores, job: Job, chosen: Sequence[str], repeats: int, warm_up: int) -> Row:
    """Every loop, the others' order turned by one each time."""
    row = Row(job, counted(job).get_total_flops() / job.batch, {loop: [] for loop in chosen})
    for repeat in range(repeats):
        turn = repeat % len(chosen)
        for loop in (*chosen[turn:], *chosen[:turn]):
            row.rates[loop].append(cores.rate(loop, job, SHORT_WARM_UP if repeat else warm_up))
    return row


def available() -> list[str]:
    """The loops that can run here; says why another cannot."""
    found = [*OURS]
    for loop, package in OTHERS.items():
        if package is None or importlib.util.find_spec(package):
            found.append(loop)
        else:
            print(f"{loop}: skipped, {package} is not installed (benchmarks/requirements.txt)")
    return found


def show(rows: Sequence[Row], chosen: Sequence[str], limits: Mapping[str, float]) -> None:
    """One line a model: rates with their spread, how many times the others' ours is, and its share of the limit."""
    others = [loop for loop in chosen if loop not in OURS]
    print(
        "\nimages/s (range over repeats, % of the median); ratios of ours; share of the matrix products' FLOPs"
    )
    print("| model | layer | MFLOP/image | " + " | ".join(chosen), end=" | ")
    print(" | ".join(f"{ours}/{loop}" for loop in others for ours in OURS), end=" | ")
    print("of float32 limit | of bf16 limit |")
    print("| --- " * (5 + len(chosen) + 2 * len(others)) + "|")
    for row in rows:
        cells = [f"{row.median(loop):.0f} ({100 * row.spread(loop):.0f})" for loop in chosen]
        cells += [f"{row.median(ours) / row.median(loop):.2f}" for loop in others for ours in OURS]
        cells += [f"{row.flops * row.median(loop) / limits[loop]:.2f}" for loop in OURS]
        print(
            f"| {row.job.model} | {row.job.layer or ''} | {row.flops / 1e6:.0f} | {' | '.join(cells)} |",
            flush=True,
        )


def project(rows: Sequence[Row], chosen: Sequence[str]) -> None:
    """Hours that the paper's 216 trainings take with each loop, and their ratio to the plain one's."""
    by_case = {(row.job.model, row.job.layer): row for row in rows}
    config = resolve({}, ROOT)
    runs = Plan(config, ROOT / "config/paper").runs()
    steps = expected_steps(TrainingSettings(**config["training"]))
    measured = [by_case[run.model, run.layer] for run in runs if (run.model, run.layer) in by_case]
    hours = {loop: sum(steps * BATCH / row.median(loop) for row in measured) / 3600 for loop in chosen}
    print(f"\n{len(measured)} of the paper's {len(runs)} trainings, {steps} steps of {BATCH} each:")
    for loop, value in hours.items():
        print(f"{loop:>17}: {value:6.2f} h, {value / hours['plain']:.2f} of plain")


def compare_losses(cores: Cores, jobs: Sequence[Job]) -> None:
    """Losses of ours and of the plain loop after the same batches.

    Raises:
        AssertionError: they differ by more than 1e-4, relatively.
    """
    worst = 0.0
    for job in jobs:
        mine = cores.single[0].submit(loops.ours, job)
        theirs = cores.all.submit(loops.plain, job, our_order=True)
        one: Timed = mine.result()
        other: Timed = theirs.result()
        difference = abs(one.loss - other.loss) / abs(other.loss)
        worst = max(worst, difference)
        print(
            f"{job.model} {job.layer or ''}: {one.loss:.6f} and {other.loss:.6f}, {difference:.1e}",
            flush=True,
        )
    assert worst < AGREEMENT, f"the losses of ours and of the plain loop differ by {worst:.1e}"


def main() -> None:
    """Measure, and print everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--steps",
        type=int,
        default=loops.VALIDATE_EVERY,
        help="timed steps of one measurement; fewer count the leverage, once a validation, too often",
    )
    parser.add_argument("--repeats", type=int, default=3, help="measurements of each loop")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="cores to keep busy")
    parser.add_argument("--smoke", action="store_true", help="two models, two steps: does it run?")
    options = parser.parse_args()
    size = region_sizes(ROOT / "config/paper")[-1]
    job = Job("cae", None, BATCH, options.steps, round(0.8 * size.train_images), size.neurons)
    models, layers, compared, warm_up, matrix = printed_names(), LAYERS, 50, WARM_UP, MATRIX
    if options.smoke:
        job, options.repeats, compared = replace(job, steps=2, images=64, batch=8), 1, 3
        models, layers, warm_up, matrix = ("cae", "cnn-fr"), ("h2",), SHORT_WARM_UP, 64
    chosen, cores = available(), Cores(options.cores)
    jobs = [replace(job, model=model, layer=layer) for model, layer in cases(models, layers)]
    rates = {"ours": torch.float32, "ours_in_bf16": torch.bfloat16}
    limits: dict[str, list[float]] = {loop: [] for loop in OURS}
    rows = []
    for one in jobs:
        for loop, precision in rates.items():
            limits[loop].append(cores.matrix_product(precision, matrix))
        rows.append(measure(cores, one, chosen, options.repeats, warm_up))
        print(f"{len(rows)} of {len(jobs)}: {one.model} {one.layer or ''}", file=sys.stderr, flush=True)
    limit = {loop: statistics.median(values) for loop, values in limits.items()}
    for loop, value in limit.items():
        print(f"matrix products on {options.cores} cores, {rates[loop]}: {value / 1e9:.0f} GFLOP/s")
    show(rows, chosen, limit)
    project(rows, chosen)
    print(f"\nvalidation objective of ours and of plain after {compared} steps in the same order:")
    compare_losses(cores, [replace(one, steps=compared) for one in jobs if one.layer in (None, "h2")])
    cores.close()


if __name__ == "__main__":
    main()
