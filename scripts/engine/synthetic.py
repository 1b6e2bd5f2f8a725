"""Synthetic beside recorded responses of one region."""

from pathlib import Path

from daenr.data.layouts.antolik2016 import read
from daenr.data.region import read_region
from daenr.logs import to_file
from daenr.reporting.figures import save
from daenr.reporting.synthetic import synthetic
from daenr.use.engine import whole_repeats


def main(name: str, archive: Path, region: Path, png: Path, pdf: Path) -> None:
    save(synthetic(whole_repeats(read_region(region)), read(archive, name).test_trials), png, pdf)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            name=snakemake.wildcards.region,
            archive=Path(snakemake.input.archive),
            region=Path(snakemake.input.region),
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
