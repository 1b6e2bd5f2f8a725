"""Train one run; write its weights, history, record and predictions of the test set."""

import csv
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import safetensors
import torch

import daenr
from daenr.config import Config
from daenr.data.preprocessing import Preprocessing, with_split
from daenr.data.region import read_region
from daenr.files import atomic, read_frame, write_json
from daenr.logs import run_main
from daenr.run import Run
from daenr.training import devices, gpus
from daenr.training.checkpoints import Keeper, identity
from daenr.training.train import Trained, train
from daenr.training.weights import read_weights, write_weights


def main(
    run: str,
    region: Path,
    settings: Mapping[str, Any],
    config: Mapping[str, Any],
    code: Sequence[Path],
    significance: Path | None = None,
    pretrained: Path | None = None,
    **outputs: Path,
) -> None:
    parsed, typed = Run.parse(run), Config(**settings)
    data = with_split(read_region(region), typed.split, parsed.seed, typed.receptive_field.blur)
    count = data.train_responses.shape[1]
    neurons = np.arange(count) if significance is None else read_group(significance, parsed)
    print(f"{run}: {len(data.train_images)} training images, {len(neurons)} of {count} neurons")
    record = {
        "run": asdict(parsed),
        "name": run,
        "preprocessing": asdict(Preprocessing.of(data.attributes)),
        "neurons": neurons.tolist(),
        "response_scale": data.response_scale[neurons].tolist(),
        "config": dict(settings),
        "versions": versions(),
        "commit": commit(),
    }
    if len(neurons) == 0:
        reason = f"no {parsed.neurons} neurons in {parsed.parent.name}"
        write(None, neurons, record | {"reason": reason}, **outputs)
        return
    data_files = [region, *([pretrained] if pretrained else [])]
    encoder = read_weights(pretrained) if pretrained else None
    # Not an output, which Snakemake removes when a training fails.
    checkpoint = outputs["weights"].parents[2] / f"checkpoints/{run}.pt"
    # Of the whole config, not parameters: nothing is trained again for how often it is kept or how many share a GPU.
    every, sharing = config["checkpoint_every"], config["trainings_per_gpu"]
    # The GPU is chosen before anything asks CUDA what devices there are.
    with gpus.claimed(gpus.visible(typed.device), sharing, gpus.lock_folder()):
        device = devices.resolve(typed.device)
        precision = devices.resolve_precision(typed.precision, device)
        key = identity(run, settings, code, data_files, neurons, device, precision)
        with Keeper(checkpoint, key, every) as keeper:
            trained = train(parsed, data, neurons, typed, encoder, keeper)
    outcome = {
        "reason": None,
        "seed": parsed.seed,
        "device": str(next(trained.model.parameters()).device),
        "precision": str(trained.precision).removeprefix("torch."),
        "steps": trained.fit.history[-1].step,
        "best_step": trained.fit.best.step,
        "best_validation": trained.fit.best.validation["total"],
        "leverage": trained.fit.leverage,
        "seconds": trained.seconds,
        "settings": trained.settings.model_dump(mode="json"),
    }
    print(f"best step {outcome['best_step']} of {outcome['steps']}, {trained.seconds:.1f} s")
    write(trained, neurons, record | outcome, **outputs)
    keeper.discard()


def read_group(significance: Path, run: Run) -> np.ndarray:
    # Here, since most trainings do not need it and would wait for it.
    from daenr.statistics.significance import group

    return group(read_frame(significance), run.neurons, run.seed)


def versions() -> dict[str, str]:
    return {
        "daenr": daenr.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "h5py": h5py.__version__,
        "safetensors": safetensors.__version__,
    }


def commit() -> str | None:
    """The package's commit, "-dirty" where files differ from it; None where it is not used from its repository."""
    root = Path(daenr.__file__).parents[1]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def write(
    trained: Trained | None,
    neurons: np.ndarray,
    record: Mapping[str, Any],
    weights: Path,
    history: Path,
    training: Path,
    predictions: Path,
) -> None:
    write_weights(weights, trained.model.state_dict() if trained else {})
    with atomic(predictions) as path:
        np.savez(path, neurons=neurons, **(trained.predictions if trained else {}))
    with atomic(history) as path, path.open("w", newline="", encoding="utf-8") as file:
        rows = [validation.row() for validation in trained.fit.history] if trained else []
        writer = csv.DictWriter(
            file, fieldnames=list(rows[0]) if rows else ["step", "round"], lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
    write_json(training, record)


if __name__ == "__main__":
    run_main(main, snakemake)
