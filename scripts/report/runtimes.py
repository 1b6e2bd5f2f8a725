"""How long the trainings took."""

import json
from collections.abc import Sequence
from pathlib import Path

from daenr.logs import to_file
from daenr.reporting import rendering
from daenr.reporting.runtimes import render, runtimes


def main(trainings: Sequence[Path], csv: Path, md: Path, tex: Path, html: Path) -> None:
    frame = runtimes([json.loads(Path(path).read_text()) for path in trainings])
    rendering.save(frame, render(frame), csv, md, tex, html)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            trainings=snakemake.input.trainings,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
