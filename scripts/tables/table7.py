"""Table 7: counts of each region, from the data."""

from collections.abc import Sequence
from pathlib import Path

from daenr.data.region import read_region
from daenr.logs import to_file
from daenr.reporting import rendering, tables


def main(regions: Sequence[Path], csv: Path, md: Path, tex: Path, html: Path) -> None:
    read = [read_region(Path(path)).attributes for path in regions]
    frame = tables.region_table({region["region"]: region["counts"] for region in read})
    rendering.save(frame, tables.render_region_table(frame), csv, md, tex, html)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            regions=snakemake.input.regions,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
