"""How much of their latents the auto-encoders of Table 5 use."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.logs import to_file
from daenr.paper.plan import Cell
from daenr.reporting import latents
from daenr.reporting.rendering import save


def main(cells: Sequence[Mapping[str, Any]], metrics: Sequence[Path], csv: Path, **rendered: Path) -> None:
    documents = {
        Path(path).parent.name: json.loads(Path(path).read_text(encoding="utf-8")) for path in metrics
    }
    frame = latents.tidy([Cell.from_row(cell) for cell in cells], documents)
    save(frame, latents.render(frame), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            cells=snakemake.params.cells,
            metrics=snakemake.input.metrics,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
