"""The controls beside joint training."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.logs import run_main
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
    run_main(main, snakemake)
