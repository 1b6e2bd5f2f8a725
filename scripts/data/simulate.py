"""Simulate a recording in the published layout."""

from collections.abc import Mapping
from pathlib import Path

from daenr.data.simulated import simulate_archive
from daenr.logs import run_main


def main(sizes: Mapping[str, Mapping[str, int]], seed: int, archive: Path) -> None:
    simulate_archive(archive, sizes, seed)


if __name__ == "__main__":
    run_main(main, snakemake)
