"""Table 4 or 6 as fractions of the noise ceiling, with other models' published results."""

from pathlib import Path

from daenr.files import read_frame
from daenr.logs import to_file
from daenr.paper.published import other_results
from daenr.reporting import companion
from daenr.reporting.rendering import save


def main(table: str, own: Path, ceilings: Path, published: Path | None, csv: Path, **rendered: Path) -> None:
    regions = read_frame(ceilings).set_index("region")["cc_max"].to_dict()
    others = other_results(published) if published else []
    frame = companion.tidy(table, read_frame(own), regions, others)
    save(frame, companion.render(table, frame), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            table=snakemake.wildcards.table,
            own=Path(snakemake.input.own),
            ceilings=Path(snakemake.input.ceilings),
            published=Path(snakemake.input.published) if snakemake.input.get("published") else None,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
