"""Train one run; write its weights, history, record and predictions of the test set."""

import csv
import json
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
from daenr.config import ReceptiveFieldSettings, SplitSettings
from daenr.data.preprocessing import Preprocessing, with_split
from daenr.data.region import read_region
from daenr.files import atomic
from daenr.logs import to_file
from daenr.run import Run
from daenr.training import devices, gpus
from daenr.training.checkpoints import Keeper, identity
from daenr.training.train import Spec, Trained, train
from daenr.training.weights import read_weights, write_weights


def main(
    run: Run,
    region: Path,
    significance: Path | None,
    pretrained: Path | None,
    config: Mapping[str, Any],
    code: Sequence[Path],
    checkpoint: Path,
    checkpoint_every: int | None,
    trainings_per_gpu: int,
    weights: Path,
    history: Path,
    training: Path,
    predictions: Path,
) -> None:
    split, field = SplitSettings(**config["split"]), ReceptiveFieldSettings(**config["receptive_field"])
    data = with_split(read_region(region), split, run.seed, field.blur)
    count = data.train_responses.shape[1]
    neurons = np.arange(count) if significance is None else read_group(significance, run)
    print(f"{run.name}: {len(data.train_images)} training images, {len(neurons)} of {count} neurons")
    record = {
        "run": asdict(run),
        "name": run.name,
        "preprocessing": asdict(Preprocessing.of(data.attributes)),
        "neurons": neurons.tolist(),
        "response_scale": data.response_scale[neurons].tolist(),
        "config": dict(config),
        "versions": versions(),
        "commit": commit(),
    }
    if len(neurons) == 0:
        reason = f"no {run.neurons} neurons in {run.parent.name}"
        write(None, neurons, record | {"reason": reason}, weights, history, training, predictions)
        return
    spec = Spec.from_config(config)
    data_files = [region, *([pretrained] if pretrained else [])]
    encoder = read_weights(pretrained) if pretrained else None
    # The GPU is chosen before anything asks CUDA what devices there are.
    with gpus.claimed(gpus.visible(config["device"]), trainings_per_gpu, gpus.lock_folder()):
        device = devices.resolve(spec.device)
        precision = devices.resolve_precision(spec.precision, device)
        key = identity(run.name, config, code, data_files, neurons, device, precision)
        with Keeper(checkpoint, key, checkpoint_every) as keeper:
            trained = train(run, data, neurons, spec, encoder, keeper)
    outcome = {
        "reason": None,
        "seed": run.seed,
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
    write(trained, neurons, record | outcome, weights, history, training, predictions)
    keeper.discard()


def read_group(significance: Path, run: Run) -> np.ndarray:
    import pandas as pd  # here, since most trainings need neither and would wait for both

    from daenr.statistics.significance import group

    return group(pd.read_csv(significance), run.neurons, run.seed)


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
    with atomic(training) as path:
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            run=Run.parse(snakemake.wildcards.run),
            region=Path(snakemake.input.region),
            significance=Path(snakemake.input.significance) if snakemake.input.get("significance") else None,
            pretrained=Path(snakemake.input.pretrained) if snakemake.input.get("pretrained") else None,
            config=snakemake.params.config,
            code=[Path(path) for path in snakemake.input.code],
            # Neither an output, which Snakemake removes when a training fails, nor a parameter, which would train anew.
            checkpoint=Path(snakemake.output.weights).parents[2]
            / f"checkpoints/{snakemake.wildcards.run}.pt",
            checkpoint_every=snakemake.config["checkpoint_every"],
            # Not a parameter: how many share a GPU changes no result, so nothing is trained again for it.
            trainings_per_gpu=snakemake.config["trainings_per_gpu"],
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
