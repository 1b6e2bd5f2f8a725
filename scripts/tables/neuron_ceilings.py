"""Noise ceilings of each neuron of one region."""

from pathlib import Path

from daenr.data.region import read_region
from daenr.files import atomic
from daenr.logs import run_main
from daenr.statistics.ceilings import neuron_ceilings


def main(region: Path, csv: Path) -> None:
    neurons = neuron_ceilings(read_region(region).test_trials)
    with atomic(csv) as path:
        neurons.to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    run_main(main, snakemake)
