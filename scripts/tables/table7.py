"""Table 7: counts of each region, from the data."""

from collections.abc import Sequence
from pathlib import Path

from daenr.data.region import read_attributes
from daenr.logs import to_file
from daenr.reporting import table7
from daenr.reporting.rendering import save


def main(regions: Sequence[Path], csv: Path, **rendered: Path) -> None:
    read = [read_attributes(Path(path)) for path in regions]
    frame = table7.tidy({region["region"]: region for region in read})
    save(frame, table7.render(frame), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            regions=snakemake.input.regions,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
