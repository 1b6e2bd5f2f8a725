"""One of Tables 2 to 6: the metrics of its runs beside the paper's values."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.files import read_documents
from daenr.logs import to_file
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
    paper: Path | None,
    confidence: float,
    csv: Path,
    **rendered: Path,
) -> None:
    placed = [Cell.from_row(cell) for cell in cells]
    frame = tables.tidy(
        table,
        placed,
        read_documents(metrics),
        published(paper, table) if paper else [],
        read_scores_of(scores),
        confidence,
        read_scores_of(linear),
    )
    rendering.save(frame, tables.render(table, frame, confidence), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            table=snakemake.wildcards.table,
            cells=snakemake.params.cells,
            metrics=snakemake.input.metrics,
            scores=snakemake.input.scores,
            linear=snakemake.input.linear,
            paper=Path(snakemake.input.paper[0]).parent if snakemake.input.paper else None,
            confidence=snakemake.params.confidence,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
