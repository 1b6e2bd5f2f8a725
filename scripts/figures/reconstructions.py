"""Figures 2, 6 and 7: test images and their reconstructions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from daenr.data.region import read_region
from daenr.logs import to_file
from daenr.reporting.figures import save
from daenr.reporting.labels import model_label
from daenr.reporting.reconstructions import reconstructions
from daenr.run import Run


def main(region: Path, runs: Sequence[str], predictions: Sequence[Path], png: Path, pdf: Path) -> None:
    rows = {}
    for name, path in zip(runs, predictions, strict=True):
        run = Run.parse(name)
        with np.load(path, allow_pickle=False) as arrays:
            rows[model_label(run.model, run.layer)] = arrays["reconstruction"]
    save(reconstructions(read_region(region).test_images, rows), png, pdf)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            region=Path(snakemake.input.region),
            runs=snakemake.params.runs,
            predictions=snakemake.input.predictions,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
