"""Train one run; write its weights, history, record and predictions of the test set."""

import csv
import io
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

import daenr
from daenr.files import atomic
from daenr.logs import to_file
from daenr.preprocessing import read_region
from daenr.runs import Run
from daenr.training import Check, Spec, Trained, train


def main(
    run: Run,
    region: Path,
    significance: Path | None,
    config: Mapping[str, Any],
    weights: Path,
    history: Path,
    training: Path,
    predictions: Path,
) -> None:
    data = read_region(region)
    count = data.train_responses.shape[1]
    neurons = np.arange(count) if significance is None else read_group(significance, run)
    print(f"{run.name}: {len(data.train_images)} training images, {len(neurons)} of {count} neurons")
    record = {"run": asdict(run), "name": run.name, "config": dict(config), "versions": versions()}
    if len(neurons) == 0:
        reason = f"no {run.neurons} neurons in {run.parent.name}"
        write(None, neurons, record | {"reason": reason}, weights, history, training, predictions)
        return
    trained = train(run, data, neurons, Spec.from_config(config))
    outcome = {
        "reason": None,
        "seed": run.seed,
        "device": str(next(trained.model.parameters()).device),
        "steps": trained.fit.history[-1].step,
        "best_step": trained.fit.best.step,
        "best_validation": trained.fit.best.validation["total"],
        "seconds": trained.seconds,
    }
    print(f"best step {outcome['best_step']} of {outcome['steps']}, {trained.seconds:.1f} s")
    write(trained, neurons, record | outcome, weights, history, training, predictions)


def read_group(significance: Path, run: Run) -> np.ndarray:
    import pandas as pd  # here, since most trainings need neither and would wait for both

    from daenr.significance import group

    return group(pd.read_csv(significance), run.neurons)


def versions() -> dict[str, str]:
    return {
        "daenr": daenr.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "h5py": h5py.__version__,
    }


def write(
    trained: Trained | None,
    neurons: np.ndarray,
    record: Mapping[str, Any],
    weights: Path,
    history: Path,
    training: Path,
    predictions: Path,
) -> None:
    arrays = {"neurons": neurons}
    checks: list[Check] = []
    if trained is not None:
        checks = trained.fit.history
        made = {"reconstruction": trained.reconstruction, "response": trained.response}
        arrays |= {name: array for name, array in made.items() if array is not None}
    # By way of memory, since PyTorch does not say so when the disk is full.
    content = io.BytesIO()
    torch.save(trained.model.state_dict() if trained else {}, content)
    with atomic(weights) as path:
        path.write_bytes(content.getbuffer())
    with atomic(predictions) as path:
        np.savez(path, **arrays)
    with atomic(history) as path, path.open("w", newline="") as file:
        rows = [check.row() for check in checks]
        writer = csv.DictWriter(
            file, fieldnames=list(rows[0]) if rows else ["step", "round"], lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
    with atomic(training) as path:
        path.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            run=Run.parse(snakemake.wildcards.run),
            region=Path(snakemake.input.region),
            significance=Path(snakemake.input.significance) if snakemake.input.get("significance") else None,
            config=snakemake.params.config,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
