"""Which neurons one run predicts significantly, on the test or on the validation images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from daenr.config import SplitSettings
from daenr.data.preprocessing import with_split
from daenr.data.region import read_region
from daenr.files import read_arrays, write_frame
from daenr.logs import run_main
from daenr.run import Run
from daenr.statistics.significance import RULES, mean_over_trials, neuron_significance


def main(
    run: str,
    images: str,
    region: Path,
    predictions: Path,
    split: Mapping[str, Any],
    threshold: float,
    permutations: int,
    significance: Path,
) -> None:
    seed = Run.parse(run).seed
    data = with_split(read_region(region), SplitSettings(**split), seed)
    predicted = read_arrays(predictions)
    neurons = predicted["neurons"]
    prediction, response = predicted["response"], data.test_responses[:, neurons]
    if images == "validation":
        prediction, response = (
            mean_over_trials(values, data.validation_image_id)
            for values in (predicted["validation_response"], data.validation_responses[:, neurons])
        )
    rng = np.random.default_rng(seed)
    table = neuron_significance(prediction, response, threshold, neurons, permutations, rng)
    counts = ", ".join(f"{rule} {table[rule].sum()}" for rule in RULES)
    print(f"{len(prediction)} {images} images, {len(table)} neurons, level {threshold}: {counts}")
    print(f"expected on shuffled data: {table.chance.sum():.1f}")
    write_frame(significance, table)


if __name__ == "__main__":
    run_main(main, snakemake)
