"""Table 7: counts of each region, from the data."""

from collections.abc import Sequence
from pathlib import Path

from daenr.data.region import read_attributes
from daenr.logs import run_main
from daenr.reporting import table7
from daenr.reporting.rendering import save


def main(regions: Sequence[Path], csv: Path, **rendered: Path) -> None:
    read = [read_attributes(path) for path in regions]
    frame = table7.tidy({region["region"]: region for region in read})
    save(frame, table7.render(frame), csv, **rendered)


if __name__ == "__main__":
    run_main(main, snakemake)
