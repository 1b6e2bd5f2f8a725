"""Bring the archive here, verified, with a record of where it came from."""

import json
from collections.abc import Sequence
from pathlib import Path

from daenr.data import download
from daenr.data.archive import read_manifest
from daenr.files import atomic
from daenr.logs import to_file


def main(
    source: str, mirrors: Sequence[str], by_hand: str, manifest: Path | None, destination: Path, record: Path
) -> None:
    facts = read_manifest(manifest) if manifest else None
    fetched = download.fetch(source, destination, facts, mirrors, by_hand=by_hand)
    with atomic(record) as temporary:
        temporary.write_text(json.dumps(fetched, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            **snakemake.params,
            manifest=Path(snakemake.input.manifest) if snakemake.input.get("manifest") else None,
            destination=Path(snakemake.output.archive),
            record=Path(snakemake.output.record),
        )
