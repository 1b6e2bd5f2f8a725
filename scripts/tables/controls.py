"""The controls beside joint training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.logs import to_file
from daenr.paper.plan import Cell
from daenr.reporting import controls, rendering
from daenr.statistics.scores import read_scores_of


def main(
    cells: Sequence[Mapping[str, Any]],
    scores: Sequence[Path],
    confidence: float,
    csv: Path,
    **rendered: Path,
) -> None:
    scored = read_scores_of(scores)
    placed = [Cell.from_row(cell) for cell in cells]
    frame = controls.tidy(placed, scored, confidence)
    rendering.save(frame, controls.render(frame, confidence), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            **snakemake.params,
            scores=snakemake.input.scores,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
