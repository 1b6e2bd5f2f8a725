"""The archive of a run's answers to the images of its own recording."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from daenr import IMAGE_SIZE
from daenr.data.layouts.antolik2016 import write
from daenr.data.preprocessing import Preprocessing
from daenr.data.region import read_region
from daenr.logs import run_main
from daenr.training import devices
from daenr.use.engine import noise_like, synthesise, whole_repeats
from daenr.use.trained import load


def main(weights: Path, region: Path, noise: str, archive: Path) -> None:
    devices.make_repeatable()
    model, data = load(weights.parent), read_region(region)
    # As the model sees them, of whatever shape the recording's are: nothing is resized twice.
    seen = Preprocessing(model.preprocessing.intensity_range, (IMAGE_SIZE, IMAGE_SIZE), None)
    recording, provenance = synthesise(
        replace(model, preprocessing=seen),
        seen.to_recording(np.concatenate([data.train_images, data.validation_images])),
        seen.to_recording(data.test_images),
        trials=len(whole_repeats(data)),
        noise=noise_like(model, data) if noise == "matched" else noise,
        seed=model.run.seed,
    )
    write(archive, [recording], provenance)


if __name__ == "__main__":
    run_main(main, snakemake)
