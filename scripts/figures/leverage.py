"""Leverage of the responses over the steps of the joint trainings."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from daenr.data.region import read_attributes
from daenr.files import read_frame
from daenr.logs import run_main
from daenr.reporting.figures import save
from daenr.reporting.leverage import course, leverage_over_steps
from daenr.run import Run


def main(
    regions: Sequence[Path],
    weights: Sequence[str],
    histories: Sequence[Path],
    losses: Mapping[str, str],
    printed: bool,
    png: Path,
    pdf: Path,
) -> None:
    neurons = {path.stem: read_attributes(path)["counts"]["neurons"] for path in regions}
    runs = [Run.parse(path.parent.name) for path in histories]
    courses = [
        course(table, run, read_frame(path), neurons[run.region], losses)
        for table, run, path in zip(weights, runs, histories, strict=True)
    ]
    save(leverage_over_steps(pd.concat(courses, ignore_index=True), printed), png, pdf)


if __name__ == "__main__":
    run_main(main, snakemake)
