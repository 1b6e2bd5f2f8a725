"""Noise ceilings of each neuron of one region."""

from pathlib import Path

from daenr.data.region import read_region
from daenr.files import atomic
from daenr.logs import to_file
from daenr.reporting import ceiling_tables


def main(region: Path, csv: Path) -> None:
    neurons = ceiling_tables.neuron_table(read_region(region).test_trials)
    with atomic(csv) as path:
        neurons.to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(region=Path(snakemake.input.region), csv=Path(snakemake.output.csv))
