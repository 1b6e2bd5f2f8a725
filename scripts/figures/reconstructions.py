"""Figures 2, 6 and 7: test images and their reconstructions."""

from collections.abc import Sequence
from pathlib import Path

from daenr.data.region import read_region
from daenr.files import read_arrays
from daenr.logs import run_main
from daenr.reporting.figures import save
from daenr.reporting.labels import model_label
from daenr.reporting.reconstructions import reconstructions
from daenr.run import Run


def main(region: Path, predictions: Sequence[Path], png: Path, pdf: Path) -> None:
    rows = {}
    for path in predictions:
        run = Run.parse(path.parent.name)
        rows[model_label(run.model, run.layer)] = read_arrays(path)["reconstruction"]
    save(reconstructions(read_region(region).test_images, rows), png, pdf)


if __name__ == "__main__":
    run_main(main, snakemake)
