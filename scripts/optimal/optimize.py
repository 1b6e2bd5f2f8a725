"""Images that drive the neurons of one run, in the recording's intensities."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from daenr.config import OptimalImages
from daenr.data.region import RegionData, read_region
from daenr.files import atomic, read_arrays
from daenr.logs import run_main
from daenr.optimal.optimize import chosen, optimize, shape_shown, to_intensities
from daenr.statistics.correlation import pearson
from daenr.training import devices, gpus
from daenr.use.trained import load


def main(
    weights: Path,
    others: Sequence[Path],
    region: Path,
    settings: Mapping[str, Any],
    device: str,
    images: Path,
    config: Mapping[str, Any],
) -> None:
    devices.make_repeatable()
    whole, runs = read_region(region), [path.parent for path in (weights, *others)]
    # Not a parameter: how many share a GPU changes no result.
    with gpus.claimed(gpus.visible(device), config["trainings_per_gpu"], gpus.lock_folder()):
        models = [load(folder, str(devices.resolve(device))) for folder in runs]
        data = [model.split(whole) for model in models]
        r = [validation_correlation(*pair) for pair in zip(runs, data, strict=True)]
        asked = OptimalImages(**settings)
        neurons = chosen(asked.neurons, np.mean(r, axis=0))
        own = models[0]
        found = optimize(
            own.network,
            [model.network for model in models[1:]],
            data[0],
            neurons,
            shape_shown(own.preprocessing),
            asked,
            own.run.seed,
        )
    with atomic(images) as path:
        np.savez_compressed(
            path,
            neurons=neurons,
            methods=list(found.images),
            images=[to_intensities(made, own.preprocessing) for made in found.images.values()],
            rates=list(found.rates.values()),
            others=list(found.others.values()),
        )


def validation_correlation(run: Path, data: RegionData) -> np.ndarray:
    predicted = read_arrays(run / "predictions.npz")["validation_response"]
    return pearson(predicted, data.validation_responses)


if __name__ == "__main__":
    run_main(main, snakemake)
