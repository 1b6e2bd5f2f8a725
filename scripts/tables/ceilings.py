"""Noise ceilings of each region."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from daenr.logs import to_file
from daenr.reporting import ceiling_tables, rendering


def main(ceilings: Sequence[Path], csv: Path, md: Path, tex: Path, html: Path) -> None:
    frame = ceiling_tables.region_table({Path(path).stem: pd.read_csv(path) for path in ceilings})
    rendering.save(frame, ceiling_tables.render_region_table(frame), csv, md, tex, html)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            ceilings=snakemake.input.ceilings,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
