"""Training curves of all runs."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from daenr.files import read_frame
from daenr.logs import to_file
from daenr.reporting.curves import curve, training_curves
from daenr.reporting.figures import save
from daenr.run import Run


def main(runs: Sequence[str], histories: Sequence[Path], png: Path, pdf: Path) -> None:
    frames = [curve(Run.parse(name), read_frame(path)) for name, path in zip(runs, histories, strict=True)]
    save(training_curves(pd.concat(frames, ignore_index=True)), png, pdf)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            runs=snakemake.params.runs,
            histories=snakemake.input.histories,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
