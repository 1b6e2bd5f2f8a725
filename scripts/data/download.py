"""Bring the archive here, verified."""

from collections.abc import Sequence
from pathlib import Path

from daenr.data import archive, download
from daenr.logs import to_file


def main(source: str, mirrors: Sequence[str], manifest: Path | None, destination: Path) -> None:
    facts = archive.read_manifest(manifest) if manifest else None
    download.fetch(source, destination, facts, mirrors)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            source=snakemake.params.source,
            mirrors=snakemake.params.mirrors,
            manifest=Path(snakemake.input.manifest) if snakemake.input.get("manifest") else None,
            destination=Path(snakemake.output.archive),
        )
