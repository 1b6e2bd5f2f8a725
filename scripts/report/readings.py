"""How far the tables are from the paper's under every variant of the settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.logs import to_file
from daenr.paper.plan import Cell
from daenr.paper.results import read_results
from daenr.reporting.readings import render, tidy
from daenr.reporting.rendering import save
from daenr.statistics.metrics import evaluate


def main(
    cells: Mapping[str, Sequence[Mapping[str, Any]]],
    scores: Sequence[Path],
    paper: Sequence[Path],
    confidence: float,
    csv: Path,
    **rendered: Path,
) -> None:
    read, published = read_results(scores, paper)
    metrics = {name: evaluate(each) for name, each in read.items()}
    placed = {reading: [Cell.from_row(row) for row in rows] for reading, rows in cells.items()}
    frame = tidy(placed, metrics, published, confidence)
    save(frame, render(frame, confidence), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            cells=snakemake.params.cells,
            scores=snakemake.input.scores,
            paper=snakemake.input.paper,
            confidence=snakemake.params.confidence,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
