"""How much of their latents the auto-encoders of Table 5 use."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.files import read_documents
from daenr.logs import to_file
from daenr.paper.plan import Cell
from daenr.reporting import latents
from daenr.reporting.rendering import save


def main(cells: Sequence[Mapping[str, Any]], metrics: Sequence[Path], csv: Path, **rendered: Path) -> None:
    frame = latents.tidy([Cell.from_row(cell) for cell in cells], read_documents(metrics))
    save(frame, latents.render(frame), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            cells=snakemake.params.cells,
            metrics=snakemake.input.metrics,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
