"""How much of their latents the auto-encoders of Table 5 use."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.files import read_documents
from daenr.logs import run_main
from daenr.paper.plan import Cell
from daenr.reporting import latents
from daenr.reporting.rendering import save


def main(cells: Sequence[Mapping[str, Any]], metrics: Sequence[Path], csv: Path, **rendered: Path) -> None:
    frame = latents.tidy([Cell.from_row(cell) for cell in cells], read_documents(metrics))
    save(frame, latents.render(frame), csv, **rendered)


if __name__ == "__main__":
    run_main(main, snakemake)
