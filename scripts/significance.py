"""Which neurons one run predicts significantly."""

from pathlib import Path

import numpy as np

from daenr.files import atomic
from daenr.logs import to_file
from daenr.preprocessing import read_region
from daenr.significance import test_neurons


def main(region: Path, predictions: Path, threshold: float, significance: Path) -> None:
    data = read_region(region)
    with np.load(predictions, allow_pickle=False) as arrays:
        neurons, response = arrays["neurons"], arrays["response"]
    table = test_neurons(response, data.test_responses[:, neurons], threshold, neurons)
    print(f"{table.significant.sum()} of {len(table)} neurons significant at p <= {threshold}")
    with atomic(significance) as path:
        table.to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            region=Path(snakemake.input.region),
            predictions=Path(snakemake.input.predictions),
            threshold=snakemake.params.threshold,
            significance=Path(snakemake.output.significance),
        )
