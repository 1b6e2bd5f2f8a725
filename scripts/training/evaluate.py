"""Metrics of one run on the test images, and what they are made of."""

import json
from pathlib import Path

from daenr.data.region import read_region
from daenr.files import read_arrays, write_columns, write_json
from daenr.logs import run_main
from daenr.statistics import single_trials
from daenr.statistics.correlation import constant
from daenr.statistics.latents import latent_use
from daenr.statistics.metrics import evaluate, score
from daenr.statistics.scores import Scores, write_scores


def main(
    region: Path,
    predictions: Path,
    training: Path,
    ssim_window: str,
    metrics: Path,
    scores: Path,
    neuron_scores: Path,
) -> None:
    data = read_region(region)
    record = json.loads(training.read_text(encoding="utf-8"))
    predicted = read_arrays(predictions)
    neurons = predicted["neurons"]
    if record["reason"] is not None:
        scored = Scores(neurons)
    else:
        scored = score(
            data.test_images,
            predicted.get("reconstruction"),
            data.test_responses[:, neurons],
            predicted.get("response"),
            neurons,
            ssim_window,
        )
    by_neuron = single_trials.neuron_scores(scored.prediction, data.test_trials[:, :, neurons], neurons)
    result = evaluate(scored) | single_trials.means(by_neuron)
    print(result)
    document = {
        "run": record["run"],
        "metrics": result
        | {
            "silent_neurons": int(constant(data.train_responses[:, neurons]).sum()),
            "leverage": record.get("leverage"),
        },
        "latent": latent_use(predicted),
        "reason": record["reason"],
        "ssim_window": ssim_window,
        "data": data.attributes,
        "training": record,
    }
    write_scores(scores, scored)
    write_columns(neuron_scores, by_neuron)
    write_json(metrics, document)


if __name__ == "__main__":
    run_main(main, snakemake)
