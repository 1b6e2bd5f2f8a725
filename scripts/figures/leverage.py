"""Leverage of the responses over the steps of the joint trainings."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from daenr.files import read_frame
from daenr.logs import to_file
from daenr.reporting.figures import save
from daenr.reporting.leverage import course, leverage_over_steps
from daenr.run import Run


def main(
    weights: Sequence[str], runs: Sequence[str], histories: Sequence[Path], png: Path, pdf: Path
) -> None:
    courses = [
        course(table, Run.parse(name), read_frame(path))
        for table, name, path in zip(weights, runs, histories, strict=True)
    ]
    save(leverage_over_steps(pd.concat(courses, ignore_index=True)), png, pdf)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            weights=snakemake.params.weights,
            runs=snakemake.params.runs,
            histories=snakemake.input.histories,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
