"""How far the tables are from the paper's under every variant of the settings."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.logs import to_file
from daenr.paper.plan import Cell
from daenr.paper.published import all_published
from daenr.reporting.readings import render, tidy
from daenr.reporting.rendering import save


def main(
    cells: Mapping[str, Sequence[Mapping[str, Any]]],
    metrics: Sequence[Path],
    paper: Path,
    confidence: float,
    csv: Path,
    **rendered: Path,
) -> None:
    found = {
        Path(path).parent.name: json.loads(Path(path).read_text(encoding="utf-8"))["metrics"]
        for path in metrics
    }
    placed = {reading: [Cell.from_row(row) for row in rows] for reading, rows in cells.items()}
    frame = tidy(placed, found, all_published(paper), confidence)
    save(frame, render(frame, confidence), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            cells=snakemake.params.cells,
            metrics=snakemake.input.metrics,
            paper=Path(snakemake.input.paper[0]).parent,
            confidence=snakemake.params.confidence,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
