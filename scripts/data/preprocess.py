"""Archive to region file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.data.archive import read_manifest
from daenr.data.download import fetched_from
from daenr.data.layouts import reader
from daenr.data.preprocessing import preprocess
from daenr.data.region import write_region
from daenr.logs import to_file


def main(
    archive: Path,
    record: Path | None,
    manifest: Path | None,
    region: str,
    dataset: str,
    layout: str,
    source: str,
    image_shape: Sequence[int] | None,
    fit: str | None,
    negative_responses: str,
    response_scale: str,
    intensity_range: Sequence[float],
    split: Mapping[str, Any],
    blur: float,
    destination: Path,
) -> None:
    if record:
        source = fetched_from(json.loads(record.read_text(encoding="utf-8")), archive, source)
    facts = read_manifest(manifest) if manifest else None
    data = preprocess(
        reader(layout)(archive, region, facts, image_shape),
        dataset=dataset,
        source=source,
        intensity_range=(float(intensity_range[0]), float(intensity_range[1])),
        validation_fraction=split["validation_fraction"],
        split_seed=split["seed"],
        blur=float(blur),
        fit=fit,
        negative_responses=negative_responses,
        response_scale=response_scale,
    )
    print(f"{region}: {data.attributes['counts']}")
    for note in data.attributes["notes"]:
        print(f"{region}: {'WARNING: ' if note['warning'] else ''}{note['text']}")
    write_region(destination, data)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            archive=Path(snakemake.input.archive),
            record=Path(snakemake.input.record) if snakemake.input.get("record") else None,
            manifest=Path(snakemake.input.manifest) if snakemake.input.get("manifest") else None,
            region=snakemake.wildcards.region,
            **snakemake.params,
            destination=Path(snakemake.output.region),
        )
