"""Synthetic beside recorded responses of one region."""

from pathlib import Path

from daenr.data.layouts.antolik2016 import read
from daenr.data.region import read_region
from daenr.logs import to_file
from daenr.reporting.figures import save
from daenr.reporting.synthetic import synthetic


def main(name: str, archive: Path, region: Path, png: Path, pdf: Path) -> None:
    made = read(archive, name).test_trials
    # The engine answers in as many trials as every test image had.
    save(synthetic(read_region(region).test_trials[: len(made)], made), png, pdf)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            name=snakemake.wildcards.region,
            archive=Path(snakemake.input.archive),
            region=Path(snakemake.input.region),
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
