"""Noise ceilings of each region."""

from collections.abc import Sequence
from pathlib import Path

from daenr.files import read_frame
from daenr.logs import run_main
from daenr.reporting import ceilings
from daenr.reporting.rendering import save


def main(neurons: Sequence[Path], csv: Path, **rendered: Path) -> None:
    frame = ceilings.tidy({path.stem: read_frame(path) for path in neurons})
    save(frame, ceilings.render(frame), csv, **rendered)


if __name__ == "__main__":
    run_main(main, snakemake)
