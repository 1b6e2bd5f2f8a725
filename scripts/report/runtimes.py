"""How long the trainings took."""

import json
from collections.abc import Sequence
from pathlib import Path

from daenr.logs import to_file
from daenr.reporting import runtimes
from daenr.reporting.rendering import save


def main(trainings: Sequence[Path], csv: Path, **rendered: Path) -> None:
    frame = runtimes.tidy([json.loads(Path(path).read_text(encoding="utf-8")) for path in trainings])
    save(frame, runtimes.render(frame), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            trainings=snakemake.input.trainings,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
