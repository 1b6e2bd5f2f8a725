"""Bring the archive here, verified, with a record of where it came from."""

from collections.abc import Sequence
from pathlib import Path

from daenr.data import download
from daenr.data.archive import read_manifest
from daenr.files import write_json
from daenr.logs import run_main


def main(
    source: str,
    mirrors: Sequence[str],
    by_hand: str,
    archive: Path,
    record: Path,
    manifest: Path | None = None,
) -> None:
    facts = read_manifest(manifest) if manifest else None
    write_json(record, download.fetch(source, archive, facts, mirrors, by_hand=by_hand))


if __name__ == "__main__":
    run_main(main, snakemake)
