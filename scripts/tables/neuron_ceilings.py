"""Noise ceilings of each neuron of one region."""

from pathlib import Path

from daenr.data.region import read_region
from daenr.files import write_columns
from daenr.logs import run_main
from daenr.statistics.ceilings import neuron_ceilings


def main(region: Path, csv: Path) -> None:
    write_columns(csv, neuron_ceilings(read_region(region).test_trials))


if __name__ == "__main__":
    run_main(main, snakemake)
