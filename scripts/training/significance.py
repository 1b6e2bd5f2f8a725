"""Which neurons one run predicts significantly, on the test or on the validation images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from daenr.config import SplitSettings
from daenr.data.preprocessing import with_split
from daenr.data.region import read_region
from daenr.files import atomic
from daenr.logs import to_file
from daenr.run import Run
from daenr.statistics.significance import RULES, mean_over_trials, neuron_significance


def main(
    run: Run,
    images: str,
    region: Path,
    predictions: Path,
    split: Mapping[str, Any],
    threshold: float,
    permutations: int,
    significance: Path,
) -> None:
    data = with_split(read_region(region), SplitSettings(**split), run.seed)
    with np.load(predictions, allow_pickle=False) as arrays:
        predicted = dict(arrays)
    neurons = predicted["neurons"]
    prediction, response = predicted["response"], data.test_responses[:, neurons]
    if images == "validation":
        prediction, response = (
            mean_over_trials(values, data.validation_image_id)
            for values in (predicted["validation_response"], data.validation_responses[:, neurons])
        )
    rng = np.random.default_rng(run.seed)
    table = neuron_significance(prediction, response, threshold, neurons, permutations, rng)
    counts = ", ".join(f"{rule} {table[rule].sum()}" for rule in RULES)
    print(f"{len(prediction)} {images} images, {len(table)} neurons, level {threshold}: {counts}")
    print(f"expected on shuffled data: {table.chance.sum():.1f}")
    with atomic(significance) as path:
        table.to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            run=Run.parse(snakemake.wildcards.run),
            images=snakemake.params.images,
            region=Path(snakemake.input.region),
            predictions=Path(snakemake.input.predictions),
            split=snakemake.params.split,
            threshold=snakemake.params.threshold,
            permutations=snakemake.params.permutations,
            significance=Path(snakemake.output.significance),
        )
