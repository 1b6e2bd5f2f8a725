"""Choose loss weights by validation scores; write all scores and the choice, and draw them."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from daenr import IMAGE_SIZE
from daenr.files import write_frame
from daenr.logs import run_main
from daenr.paper import published
from daenr.paper.plan import Cell
from daenr.paper.search import TASKS, choose, chosen_weights, validation_mse
from daenr.reporting.figures import save
from daenr.reporting.weights import COLUMNS, score_over_ratio


def main(
    cells: Sequence[Mapping[str, Any]],
    trainings: Sequence[Path],
    histories: Sequence[Path],
    tested: Sequence[Path],
    paper: Sequence[Path],
    weights: Path,
    scores: Path,
    png: Path,
    pdf: Path,
) -> None:
    tries = [Cell.from_row(cell) for cell in cells]
    found = {
        ("ir", path.parent.name): mse(path, history)
        for path, history in zip(trainings, histories, strict=True)
    }
    found |= {("nrs", path.parent.name): float(pd.read_csv(path)["pcc"].mean()) for path in tested}
    chosen = choose(tries, found)
    tried = pd.DataFrame([row_of(cell, found, cell in chosen) for cell in tries], columns=COLUMNS)
    kept = pd.DataFrame([asdict(weight) for weight in chosen_weights(chosen)])
    write_frame(scores, tried)
    write_frame(weights, kept)
    print(kept.to_string(index=False))
    save(score_over_ratio(tried, published.weights(paper[0]) if paper else []), png, pdf)


def mse(training: Path, history: Path) -> float:
    with history.open(newline="", encoding="utf-8") as file:
        validations = list(csv.DictReader(file))
    return validation_mse(json.loads(training.read_text(encoding="utf-8")), validations, IMAGE_SIZE**2)


def row_of(cell: Cell, scores: Mapping[tuple[str, str], float], chosen: bool) -> dict[str, Any]:
    task = TASKS[cell.table]
    return {
        **{name: getattr(cell, name) for name in ("table", "region", "model", "layer")},
        **{name: getattr(cell.run, name) for name in ("alpha", "beta", "seed")},
        "task": task,
        "layer": cell.layer or "",
        "metric": {"ir": "mse", "nrs": "pcc"}[task],
        "value": scores[task, cell.run.name],
        "chosen": chosen,
        "run": cell.run.name,
    }


if __name__ == "__main__":
    run_main(main, snakemake)
