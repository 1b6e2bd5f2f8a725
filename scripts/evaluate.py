"""Metrics of one run on the test images."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from daenr.evaluation import Evaluation, evaluate
from daenr.files import atomic
from daenr.logs import to_file
from daenr.preprocessing import read_region


def main(region: Path, predictions: Path, training: Path, ssim_window: str, metrics: Path) -> None:
    data = read_region(region)
    record = json.loads(training.read_text())
    with np.load(predictions, allow_pickle=False) as arrays:
        predicted = dict(arrays)
    if record["reason"] is not None:
        result = Evaluation(mse=None, psnr=None, ssim=None, pcc=None, constant_neurons=0)
    else:
        result = evaluate(
            data.test_images,
            predicted.get("reconstruction"),
            data.test_responses[:, predicted["neurons"]],
            predicted.get("response"),
            ssim_window=ssim_window,
        )
    print(result)
    document = {
        "run": record["run"],
        "metrics": asdict(result),
        "reason": record["reason"],
        "ssim_window": ssim_window,
        "data": data.attributes,
        "training": record,
    }
    with atomic(metrics) as path:
        path.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            region=Path(snakemake.input.region),
            predictions=Path(snakemake.input.predictions),
            training=Path(snakemake.input.training),
            ssim_window=snakemake.params.ssim_window,
            metrics=Path(snakemake.output.metrics),
        )
