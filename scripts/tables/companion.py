"""One of Tables 2 to 6 by what the field measures beside the paper's metrics."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from daenr.files import read_documents, read_frame
from daenr.logs import run_main
from daenr.paper.plan import Cell
from daenr.paper.published import other_results
from daenr.reporting import companion, tables
from daenr.reporting.rendering import save


def main(
    table: str,
    cells: Sequence[Mapping[str, Any]],
    references: Sequence[Mapping[str, Any]],
    own: Path,
    metrics: Sequence[Path],
    reference_metrics: Sequence[Path],
    linear: Sequence[Path],
    ceilings: Path,
    csv: Path,
    published: Path | None = None,
    **rendered: Path,
) -> None:
    printed, found = read_frame(own), read_documents([*metrics, *reference_metrics])
    others_here = [Cell.from_row(cell) for cell in references]
    if others_here:
        printed = pd.concat([printed, tables.unpublished(others_here, found, ("pcc",))], ignore_index=True)
    placed = [*(Cell.from_row(cell) for cell in cells), *others_here]
    beside = tables.unpublished(placed, found, companion.BESIDE[table])
    if table in tables.RECONSTRUCTION:
        codes = {
            region: code["metrics"]["pixel_correlation"] for region, code in read_documents(linear).items()
        }
        frame = companion.of_images(table, printed, beside, codes)
    else:
        regions = read_frame(ceilings).set_index("region")["cc_max"].to_dict()
        others = other_results(published) if published else []
        frame = companion.of_responses(table, printed, beside, regions, others)
    save(frame, companion.render(table, frame), csv, **rendered)


if __name__ == "__main__":
    run_main(main, snakemake)
