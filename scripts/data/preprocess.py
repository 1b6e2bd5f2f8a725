"""Archive to region file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daenr.config import NeuronSettings
from daenr.data.archive import read_manifest
from daenr.data.download import fetched_from
from daenr.data.layouts import reader
from daenr.data.neurons import choose
from daenr.data.preprocessing import preprocess
from daenr.data.region import write_region
from daenr.logs import run_main


def main(
    archive: Path,
    region: Path,
    layout: str,
    source: str,
    reading: Mapping[str, Any],
    neurons: Mapping[str, Any],
    settings: Mapping[str, Any],
    record: Path | None = None,
    manifest: Path | None = None,
) -> None:
    name = region.stem
    if record:
        source = fetched_from(json.loads(record.read_text(encoding="utf-8")), archive, source)
    facts = {"manifest": read_manifest(manifest)} if manifest else {}
    recording = reader(layout)(archive, name, **facts, **reading)
    data = preprocess(choose(recording, NeuronSettings(**neurons)), source=source, **settings)
    print(f"{name}: {data.attributes['counts']}")
    for note in data.attributes["notes"]:
        print(f"{name}: {'WARNING: ' if note['warning'] else ''}{note['text']}")
    write_region(region, data)


if __name__ == "__main__":
    run_main(main, snakemake)
