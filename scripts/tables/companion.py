"""Table 4 or 6 as fractions of the noise ceiling, with other models' published results."""

from pathlib import Path

import pandas as pd

from daenr.logs import to_file
from daenr.paper.published import other_results
from daenr.reporting import ceiling_tables, rendering


def main(
    table: str,
    own: Path,
    ceilings: Path,
    published: Path | None,
    csv: Path,
    md: Path,
    tex: Path,
    html: Path,
) -> None:
    regions = pd.read_csv(ceilings, index_col="region")["cc_max"].to_dict()
    others = other_results(published) if published else []
    frame = ceiling_tables.companion(table, pd.read_csv(own), regions, others)
    rendering.save(frame, ceiling_tables.render_companion(table, frame), csv, md, tex, html)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            table=snakemake.wildcards.table,
            own=Path(snakemake.input.own),
            ceilings=Path(snakemake.input.ceilings),
            published=Path(snakemake.input.published) if snakemake.input.get("published") else None,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
