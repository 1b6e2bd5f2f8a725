"""How far the tables are from the paper's under every variant of the settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.logs import run_main
from daenr.paper.plan import Cell
from daenr.paper.published import published
from daenr.reporting.readings import render, tidy
from daenr.reporting.rendering import save
from daenr.statistics.metrics import evaluate
from daenr.statistics.scores import read_scores_of


def main(
    cells: Mapping[str, Sequence[Mapping[str, Any]]],
    scores: Sequence[Path],
    paper: Sequence[Path],
    confidence: float,
    csv: Path,
    **rendered: Path,
) -> None:
    metrics = {name: evaluate(each) for name, each in read_scores_of(scores).items()}
    placed = {reading: [Cell.from_row(row) for row in rows] for reading, rows in cells.items()}
    frame = tidy(placed, metrics, published(paper), confidence)
    save(frame, render(frame, confidence), csv, **rendered)


if __name__ == "__main__":
    run_main(main, snakemake)
