"""What a linear code of the latent's size makes of one region's test images."""

from pathlib import Path

import numpy as np

from daenr.data.region import read_region
from daenr.files import write_json
from daenr.logs import run_main
from daenr.statistics.linear_code import linear_code
from daenr.statistics.metrics import evaluate, score
from daenr.statistics.scores import write_scores


def main(region: Path, size: int, ssim_window: str, metrics: Path, scores: Path) -> None:
    data = read_region(region)
    reconstruction = linear_code(data.train_images, data.test_images, size)
    no_neurons = np.arange(0)
    scored = score(
        data.test_images,
        reconstruction,
        data.test_responses[:, no_neurons],
        None,
        no_neurons,
        ssim_window,
    )
    result = {
        "metrics": evaluate(scored),
        "size": min(size, len(data.train_images)),
        "ssim_window": ssim_window,
        "data": data.attributes,
    }
    print(result["metrics"])
    write_scores(scores, scored)
    write_json(metrics, result)


if __name__ == "__main__":
    run_main(main, snakemake)
