"""Training curves of all runs."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from daenr.logs import to_file
from daenr.reporting import curves, figures
from daenr.run import Run


def main(runs: Sequence[str], histories: Sequence[Path], png: Path, pdf: Path) -> None:
    frames = [
        curves.curve(Run.parse(name), pd.read_csv(path)) for name, path in zip(runs, histories, strict=True)
    ]
    figures.save(curves.training_curves(pd.concat(frames, ignore_index=True)), png, pdf)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            runs=snakemake.params.runs,
            histories=snakemake.input.histories,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
