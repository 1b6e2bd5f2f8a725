"""One of Tables 2 to 6: the metrics of its runs beside the paper's values."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.files import read_documents
from daenr.logs import run_main
from daenr.paper.plan import Cell
from daenr.paper.published import published
from daenr.reporting import rendering, tables
from daenr.statistics.scores import read_scores_of


def main(
    table: str,
    cells: Sequence[Mapping[str, Any]],
    metrics: Sequence[Path],
    scores: Sequence[Path],
    linear: Sequence[Path],
    paper: Sequence[Path],
    confidence: float,
    csv: Path,
    **rendered: Path,
) -> None:
    placed = [Cell.from_row(cell) for cell in cells]
    frame = tables.tidy(
        table,
        placed,
        read_documents(metrics),
        published(paper),
        read_scores_of(scores),
        confidence,
        read_scores_of(linear),
    )
    rendering.save(frame, tables.render(table, frame, confidence), csv, **rendered)


if __name__ == "__main__":
    run_main(main, snakemake)
