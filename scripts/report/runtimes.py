"""How long the trainings took."""

from collections.abc import Sequence
from pathlib import Path

from daenr.files import read_documents
from daenr.logs import run_main
from daenr.reporting import runtimes
from daenr.reporting.rendering import save


def main(trainings: Sequence[Path], csv: Path, **rendered: Path) -> None:
    frame = runtimes.tidy(list(read_documents(trainings).values()))
    save(frame, runtimes.render(frame), csv, **rendered)


if __name__ == "__main__":
    run_main(main, snakemake)
