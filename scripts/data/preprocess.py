"""Archive to region file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.data import archive as published
from daenr.data.preprocessing import preprocess
from daenr.data.region import write_region
from daenr.logs import to_file


def main(
    archive: Path,
    manifest: Path | None,
    region: str,
    dataset: str,
    source: str,
    intensity_range: Sequence[float],
    split: Mapping[str, Any],
    blur: float,
    destination: Path,
) -> None:
    facts = published.read_manifest(manifest) if manifest else None
    data = preprocess(
        published.read(archive, region, facts),
        dataset=dataset,
        source=source,
        intensity_range=(float(intensity_range[0]), float(intensity_range[1])),
        validation_fraction=split["validation_fraction"],
        split_seed=split["seed"],
        blur=float(blur),
    )
    print(f"{region}: {data.attributes['counts']}")
    write_region(destination, data)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            archive=Path(snakemake.input.archive),
            manifest=Path(snakemake.input.manifest) if snakemake.input.get("manifest") else None,
            region=snakemake.wildcards.region,
            **snakemake.params,
            destination=Path(snakemake.output.region),
        )
