"""The report as one page."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.data.region import read_attributes
from daenr.files import atomic
from daenr.logs import to_file
from daenr.reporting.contents import contents
from daenr.reporting.report import exhibit, report


def main(
    shown: Sequence[Path],
    regions: Mapping[str, str],
    captions: Path,
    recorded: Sequence[Path],
    assumptions: Path,
    training: Path | None,
    config: Mapping[str, Any],
    page: Path,
) -> None:
    def text(name: str) -> str:
        return (captions / f"{name}.rst").read_text(encoding="utf-8")

    exhibits = [
        exhibit(item, text(item.caption), Path(item.path).read_bytes())
        for item in contents(map(str, shown), str(page.parent), regions)
    ]
    versions = json.loads(training.read_text(encoding="utf-8"))["versions"] if training else {}
    attributes = [read_attributes(Path(path)) for path in recorded]
    notes = {region["region"]: region["notes"] for region in attributes}
    html = report(
        exhibits, text("workflow"), assumptions.read_text(encoding="utf-8"), config, versions, notes
    )
    with atomic(page) as path:
        path.write_text(html, encoding="utf-8")


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            shown=snakemake.input.shown,
            regions=snakemake.params.regions,
            captions=Path(snakemake.input.captions[0]).parent,
            recorded=snakemake.input.recorded,
            assumptions=Path(snakemake.input.assumptions),
            training=Path(snakemake.input.training[0]) if snakemake.input.get("training") else None,
            config=snakemake.params.config,
            page=Path(snakemake.output.html),
        )
