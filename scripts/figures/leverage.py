"""Leverage of the responses over the steps of the joint trainings."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from daenr.data.region import read_attributes
from daenr.files import read_frame
from daenr.logs import to_file
from daenr.reporting.figures import save
from daenr.reporting.leverage import course, leverage_over_steps
from daenr.run import Run


def main(
    regions: Mapping[str, Path],
    weights: Sequence[str],
    runs: Sequence[str],
    histories: Sequence[Path],
    losses: Mapping[str, str],
    printed: bool,
    png: Path,
    pdf: Path,
) -> None:
    neurons = {region: read_attributes(path)["counts"]["neurons"] for region, path in regions.items()}
    courses = [
        course(table, run, read_frame(path), neurons[run.region], losses)
        for table, run, path in zip(weights, map(Run.parse, runs), histories, strict=True)
    ]
    save(leverage_over_steps(pd.concat(courses, ignore_index=True), printed), png, pdf)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            regions=dict(zip(snakemake.params.regions, map(Path, snakemake.input.regions), strict=True)),
            weights=snakemake.params.weights,
            runs=snakemake.params.runs,
            histories=snakemake.input.histories,
            losses=snakemake.params.losses,
            printed=snakemake.params.printed,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
