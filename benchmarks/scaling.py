"""How a training's time and memory grow with neurons, images and batch size; a plot, a table and exponents.

    PYTHONPATH=. python benchmarks/scaling.py docs/scaling.png
    PYTHONPATH=. python benchmarks/scaling.py --families

Each point is a training of CAE-FR at h2 in a process of its own, on one thread and on noise. The exponent k of
y ~ x^k is fitted to the upper half of the points, where what does not grow no longer hides what does.
``--families``: the memory of each of the fifteen families at the paper's size instead, in both precisions.
"""

import argparse
import multiprocessing
import resource
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from daenr.registry import LAYERS, model_names

PAPER: Mapping[str, int] = {"neurons": 102, "images": 1440, "batch": 64}
"""Region 3 of the paper; what is not varied has these values."""

VARIED: Mapping[str, Sequence[int]] = {
    "neurons": (50, 102, 500, 2000, 5000, 16000, 50000),
    "images": (1000, 3000, 10000, 30000, 100000),
    "batch": (8, 16, 32, 64, 128, 256, 512),
}
VALIDATION = 64
STEPS = 6


@dataclass(frozen=True)
class Point:
    """One training: milliseconds a step, and the process's largest memory in MB (the start of it alone is 250)."""

    step: float
    memory: float


def measure(
    neurons: int,
    images: int,
    batch: int,
    model: str = "cae-fr",
    layer: str | None = "h2",
    precision: str = "float32",
    validation: int = VALIDATION,
) -> Point:
    """Train for a few steps, after two to warm up."""
    from loops import Job

    from daenr.config import Config, TrainingSettings
    from daenr.training.timing import noise_region
    from daenr.training.train import train

    data = noise_region(images, validation, neurons)
    run = Job(model, layer, batch, STEPS, images, neurons).run
    for steps in (2, STEPS):
        protocol = TrainingSettings(batch_size=batch, validate_every=steps, rounds=1, max_steps=steps)
        config = Config(training=protocol, device="cpu", precision=precision)
        trained = train(run, data, np.arange(neurons), config)
    return Point(1000 * trained.seconds / STEPS, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """Slope of log y over log x in the upper half of the points."""
    half = len(sizes) // 2
    slope, _ = np.polyfit(np.log(sizes[half:]), np.log(values[half:]), 1)
    return float(slope)


def alone(**options: Any) -> Point:
    """``measure`` in a process of its own, since memory that was taken once counts for good."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(measure, **options).result()


def families() -> None:
    """Print the largest memory of every family: over its layers, with the paper's share of validation images."""
    from speed import cases  # here, since what it imports would count as memory of the measuring processes

    print("| model | float32, MB | bf16, MB |")
    print("| --- " * 3 + "|")
    for model in model_names():
        cells = []
        for precision in ("float32", "bf16"):
            memory = {
                layer or "": alone(
                    **PAPER, model=model, layer=layer, precision=precision, validation=PAPER["images"] // 4
                ).memory
                for _, layer in cases([model], LAYERS)
            }
            largest = max(memory, key=lambda layer: memory[layer])
            cells.append(f"{memory[largest]:.0f} {largest}".strip())
        print(f"| {model} | {' | '.join(cells)} |", flush=True)


def main(plot: Path) -> None:
    """Measure every point, print the table and draw the plot."""
    figure, axes = plt.subplots(2, len(VARIED), figsize=(9, 5), layout="constrained", sharey="row")
    for column, (name, sizes) in enumerate(VARIED.items()):
        points = []
        for size in sizes:
            points.append(alone(**{**PAPER, name: size}))
            print(f"{name} {size}: {points[-1].step:.0f} ms a step, {points[-1].memory:.0f} MB", flush=True)
        for row, (field, label) in enumerate((("step", "ms a step"), ("memory", "peak memory, MB"))):
            values = [getattr(point, field) for point in points]
            power = exponent(sizes, values)
            print(f"{label} ~ {name}^{power:.2f}")
            axes[row, column].loglog(sizes, values, marker="o", color="black")
            axes[row, column].set_title(f"{label.split(',')[0]} ~ {name}$^{{{power:.2f}}}$", fontsize=9)
            axes[row, 0].set_ylabel(label)
        axes[1, column].set_xlabel(name)
    figure.savefig(plot, dpi=120)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("plot", type=Path, nargs="?")
    chosen.add_argument("--families", action="store_true", help="memory of every family instead of the plot")
    options = parser.parse_args()
    if options.families:
        families()
    else:
        main(options.plot)
