"""Noise ceilings of each region."""

from collections.abc import Sequence
from pathlib import Path

from daenr.files import read_frame
from daenr.logs import to_file
from daenr.reporting import ceilings
from daenr.reporting.rendering import save


def main(neurons: Sequence[Path], csv: Path, **rendered: Path) -> None:
    frame = ceilings.tidy({Path(path).stem: read_frame(path) for path in neurons})
    save(frame, ceilings.render(frame), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            neurons=snakemake.input.ceilings,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
