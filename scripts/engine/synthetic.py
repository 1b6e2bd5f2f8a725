"""Synthetic beside recorded responses of one region."""

from pathlib import Path

from daenr.data.layouts.antolik2016 import read
from daenr.data.region import read_region
from daenr.logs import run_main
from daenr.reporting.figures import save
from daenr.reporting.synthetic import synthetic


def main(archive: Path, region: Path, png: Path, pdf: Path) -> None:
    made = read(archive, region.stem).test_trials
    # The engine answers in as many trials as every test image had.
    save(synthetic(read_region(region).test_trials[: len(made)], made), png, pdf)


if __name__ == "__main__":
    run_main(main, snakemake)
