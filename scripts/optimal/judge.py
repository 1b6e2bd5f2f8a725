"""What the images of one run are worth: their naturalness and, in a simulated recording, the true cells' responses."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from daenr.data.region import read_region
from daenr.data.simulated import true_population
from daenr.files import read_arrays, write_frame
from daenr.logs import run_main
from daenr.optimal.judge import judge
from daenr.optimal.optimize import from_intensities, stimuli_shown
from daenr.statistics.correlation import pearson
from daenr.training import devices
from daenr.training.train import predict
from daenr.use.trained import load


def main(
    weights: Path,
    judging: Path,
    region: Path,
    images: Path,
    contrast: float,
    simulation: Mapping[str, int] | None,
    csv: Path,
) -> None:
    devices.make_repeatable()
    run = weights.parent
    model, other = load(run), load(judging.parent)
    data = model.split(read_region(region))
    arrays = read_arrays(images)
    r = pearson(read_arrays(run / "predictions.npz")["response"], data.test_responses)
    scaled = np.stack([from_intensities(each, model.preprocessing) for each in arrays["images"]])
    made = dict(zip(arrays["methods"].tolist(), scaled, strict=True))
    height, width = scaled.shape[-2:]
    shown = stimuli_shown(torch.from_numpy(data.train_images), (height, width), contrast)

    def reconstruct(given: np.ndarray) -> np.ndarray:
        return predict(other.network, given, torch.device("cpu"))["reconstruction"]

    neurons = arrays["neurons"]
    population = true_population(model.run.region, **simulation) if simulation else None
    frame = judge(made, neurons, data.train_images, shown, reconstruct, population)
    frame["rate"], frame["others"] = arrays["rates"].ravel(), arrays["others"].ravel()
    frame["r"] = r[frame["neuron"]]
    frame.insert(0, "run", model.run.name)
    write_frame(csv, frame)


if __name__ == "__main__":
    run_main(main, snakemake)
