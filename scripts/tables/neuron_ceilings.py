"""Noise ceilings of each neuron of one region."""

from pathlib import Path

from daenr.data.region import read_region
from daenr.files import atomic
from daenr.logs import to_file
from daenr.statistics.ceilings import neuron_ceilings


def main(region: Path, csv: Path) -> None:
    neurons = neuron_ceilings(read_region(region).test_trials)
    with atomic(csv) as path:
        neurons.to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(region=Path(snakemake.input.region), csv=Path(snakemake.output.csv))
