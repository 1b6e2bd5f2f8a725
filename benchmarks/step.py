"""Where the time of a training step goes: operators by kind, their FLOPs, and the share of the limit that each reaches.

    PYTHONPATH=. python benchmarks/step.py

One training a core at once, as the workflow runs them; the limit is that of matrix products, measured before and after.
The last line is the share of the limit that a step would reach if all but convolutions and products took no time.
"""

import multiprocessing
import os
import statistics
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor

import loops
import torch
from loops import Job
from speed import BATCH, counted, matrix_product
from torch.profiler import ProfilerActivity, profile

from daenr.config import TrainingSettings
from daenr.models.randomness import generator
from daenr.training import devices
from daenr.training.fit import Objective, fit
from daenr.training.memory import ENVIRONMENT

STEPS = 20
WARM_UPS = 3
"""Profiles that are thrown away: the profiler's own notes push tensors into memory that no step has touched before."""

MODELS = (("cae-fr", "h2"), ("vae-fc", "h2"))
KINDS: Mapping[str, tuple[str, ...]] = {
    "convolutions": ("conv",),
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm"),
    "batch norm": ("batch_norm",),
    "ELU": ("elu",),
    "Adam": ("adam", "lerp_", "addcmul_", "addcdiv_", "sqrt", "aten::mul_", "aten::div_"),
    "random numbers": ("uniform_", "normal_", "random_"),
    "copies, casts, layouts": ("aten::copy_", "aten::to", "contiguous", "aten::clone"),
}
"""Operators of each kind, by what their names contain."""


def kind(name: str) -> str:
    """The kind of an operator."""
    return next((kind for kind, parts in KINDS.items() if any(part in name for part in parts)), "the rest")


def profiled(job: Job, precision: torch.dtype) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds, with a step's share of a validation in them as in ``speed.py``, and FLOPs of a step by kind."""
    devices.make_repeatable()
    training, validation = loops.data(job)
    model = loops.model_of(job.run, training)
    objective = Objective(job.run.alpha, job.run.beta, precision=precision)
    protocol = TrainingSettings(batch_size=job.batch, validate_every=STEPS, rounds=1, max_steps=STEPS)
    seconds: dict[str, float] = defaultdict(float)
    flops: dict[str, float] = defaultdict(float)
    for _ in range(WARM_UPS + 1):
        with profile(activities=[ProfilerActivity.CPU]) as found:
            fit(model, training, validation, objective, protocol, generator(0, "order"))
    for event in found.key_averages():
        seconds[kind(event.key)] += event.self_cpu_time_total / 1e6 / STEPS
    for operator, count in counted(job, precision).get_flop_counts()["Global"].items():
        flops[kind(str(operator).replace(".", "::"))] += count
    return dict(seconds), dict(flops)


def main() -> None:
    """Measure and print."""
    cores = os.cpu_count() or 1
    os.environ.update(ENVIRONMENT)
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as pool:
        for precision in (torch.float32, torch.bfloat16):
            for model, layer in MODELS:
                job = Job(model, layer, BATCH, STEPS, 1440, 102)
                limits = [*pool.map(matrix_product, [precision] * cores)]
                (seconds, flops), *_ = pool.map(profiled, [job] * cores, [precision] * cores)
                limits += pool.map(matrix_product, [precision] * cores)
                show(f"{model} {layer}, {precision}", seconds, flops, statistics.median(limits))


def show(title: str, seconds: Mapping[str, float], flops: Mapping[str, float], limit: float) -> None:
    """One table."""
    whole = sum(seconds.values())
    print(f"\n{title}; limit {limit / 1e9:.0f} GFLOP/s a core\n")
    print("| | ms a step | share | MFLOP an image | of the limit |")
    print("| --- " * 5 + "|")
    for name in (*KINDS, "the rest"):
        took, count = seconds.get(name, 0.0), flops.get(name, 0.0)
        reached = f"{count / took / limit:.2f}" if count else ""
        mega = f"{count / BATCH / 1e6:.1f}" if count else ""
        print(f"| {name} | {1000 * took:.1f} | {100 * took / whole:.0f}% | {mega} | {reached} |")
    total = sum(flops.values())
    multiplying = seconds["convolutions"] + seconds["matrix products"]
    print(
        f"| all | {1000 * whole:.1f} | 100% | {total / BATCH / 1e6:.1f} | {total / whole / limit:.2f} |",
        end="",
    )
    print(f"\n\nconvolutions and products alone: {total / multiplying / limit:.2f} of the limit", flush=True)


if __name__ == "__main__":
    main()
