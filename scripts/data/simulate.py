"""Simulate a recording in the published layout."""

from collections.abc import Mapping
from pathlib import Path

from daenr.data.simulated import simulate_archive
from daenr.logs import to_file


def main(sizes: Mapping[str, Mapping[str, int]], seed: int, destination: Path) -> None:
    simulate_archive(destination, sizes, seed)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            sizes=snakemake.params.sizes,
            seed=snakemake.params.seed,
            destination=Path(snakemake.output.archive),
        )
