"""The report as one page."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.data.region import read_attributes
from daenr.files import atomic
from daenr.logs import run_main
from daenr.reporting.contents import contents
from daenr.reporting.report import exhibit, report


def main(
    shown: Sequence[Path],
    regions: Mapping[str, str],
    captions: Sequence[Path],
    recorded: Sequence[Path],
    assumptions: Path,
    training: Sequence[Path],
    config: Mapping[str, Any],
    html: Path,
) -> None:
    def text(name: str) -> str:
        return (captions[0].parent / f"{name}.rst").read_text(encoding="utf-8")

    exhibits = [
        exhibit(item, text(item.caption), Path(item.path).read_bytes())
        for item in contents(map(str, shown), str(html.parent), regions)
    ]
    versions = json.loads(training[0].read_text(encoding="utf-8"))["versions"] if training else {}
    attributes = [read_attributes(path) for path in recorded]
    notes = {region["region"]: region["notes"] for region in attributes}
    page = report(
        exhibits, text("workflow"), assumptions.read_text(encoding="utf-8"), config, versions, notes
    )
    with atomic(html) as path:
        path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    run_main(main, snakemake)
