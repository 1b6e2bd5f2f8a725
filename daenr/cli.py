"""The command ``daenr``: what a trained model is good for, from a shell. RUN is a folder ``results/NAME/runs/RUN``."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import daenr
from daenr.files import atomic


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; 0, or 2 after an error, which is told on one line."""
    given = vars(_parser().parse_args(arguments))
    command: Callable[..., None] = given.pop("command")
    try:
        command(**given)
    except (ValueError, OSError) as error:
        print(f"daenr: error: {error}", file=sys.stderr)
        return 2
    return 0


def info(run: Path) -> None:
    """Say what a run is: model, recording, images that it takes, how it trained and how well it predicts."""
    model = daenr.load(run)
    record, images = model.record, model.preprocessing
    low, high = images.intensity_range
    lines = {
        "run": model.run.name,
        "model": f"{model.run.model}, layer {model.run.layer or 'none'}",
        "recording": f"{model.run.dataset}, {model.run.region}, {len(model.neurons)} neurons",
        "images": f"{' x '.join(map(str, images.image_shape))}, intensities from {low:g} to {high:g}",
        "training": f"best of {record['steps']} steps: {record['best_step']}, on {record['device']}",
        "made with": f"daenr {record['versions']['daenr']}, commit {record['commit'] or 'unknown'}",
    }
    metrics = run / "metrics.json"
    if metrics.exists():
        measured = json.loads(metrics.read_text(encoding="utf-8"))["metrics"]
        known = {name: value for name, value in measured.items() if isinstance(value, float)}
        lines["test set"] = ", ".join(f"{name} {value:.4g}" for name, value in known.items())
    for name, text in lines.items():
        print(f"{name:10} {text}")


def predict(run: Path, images: Path, output: Path | None) -> None:
    """Predict the rates of a run's neurons to images, in the recording's unit."""
    import pandas as pd

    model = daenr.load(run)
    rates = model.predict(_read(images))
    table = pd.DataFrame(rates, columns=[f"neuron{number}" for number in model.neurons])
    text = table.to_csv(index_label="image", lineterminator="\n")
    if output is None:
        print(text, end="")
    else:
        with atomic(output) as path:
            path.write_text(text, encoding="utf-8")


def export(run: Path, output: Path) -> None:
    """Write a run's model as a torch.export program: its preprocessing included, this package not needed."""
    from daenr.use import export as portable

    portable.export(daenr.load(run), output)


def simulate(
    run: Path, images: Path, output: Path, trials: int, test: int, noise: str, seed: int, region: Path | None
) -> None:
    """Let a run's model answer images in place of the animal: an archive that the workflow reads like a recording."""
    from daenr.data.layouts.antolik2016 import write
    from daenr.data.region import read_region
    from daenr.use.engine import TrialNoise, noise_like, synthesise

    model, shown = daenr.load(run), _read(images)
    shown = shown.reshape(-1, *model.preprocessing.image_shape)
    if trials < 1 or not 3 <= test < len(shown):
        raise ValueError(
            f"{len(shown)} images, of which {test} for testing in {trials} trials: --test must be 3 at least and "
            "leave images for training, --trials 1 at least"
        )
    drawn: TrialNoise | str = noise
    if noise == "matched":
        drawn = noise_like(model, read_region(region or run.parents[1] / f"data/{model.run.region}.h5"))
    recording, provenance = synthesise(
        model, shown[:-test], shown[-test:], trials=trials, noise=drawn, seed=seed
    )
    write(output, [recording], provenance)
    low, high = model.preprocessing.intensity_range
    name = "".join(character for character in output.stem if character not in "_/")
    print(
        f"{output}: {len(shown) - test} training and {test} test images. To train on it, a config of:\n"
        f"dataset: {{name: {name}, source: {output}, intensity_range: [{low:g}, {high:g}]}}\n"
        f"regions: [{recording.region}]\n"
        "weights: {alpha: 1, beta: 0.1}"
    )


def optimize(run: Path, neuron: int, output: Path, method: str, region: Path | None) -> None:
    """Find an image that drives one neuron most, in the recording's size and intensities."""
    from daenr.config import OptimalImages
    from daenr.data.region import read_region
    from daenr.optimal import optimize as optimal

    model = daenr.load(run)
    if neuron not in model.neurons:
        raise ValueError(
            f"--neuron must be one of the {len(model.neurons)} that {model.run.name} predicts, got {neuron}"
        )
    data = model.split(read_region(region or run.parents[1] / f"data/{model.run.region}.h5"))
    position = np.flatnonzero(model.neurons == neuron)
    shape = optimal.shape_shown(model.preprocessing)
    found = optimal.optimize(model.network, [], data, position, shape, OptimalImages(), model.run.seed)
    if method not in found.images:
        raise ValueError(f"--method of {model.run.name} must be one of {list(found.images)}, got {method!r}")
    # An open file, since numpy adds .npy to the name of one that lacks it.
    with atomic(output) as path, path.open("wb") as file:
        np.save(file, optimal.to_intensities(found.images[method], model.preprocessing)[0])
    for name, rates in found.rates.items():
        print(f"{name:16} {rates[0]:6.2f} standard deviations above the mean rate to training images")


def _read(images: Path) -> np.ndarray:
    """Images from an .npy file."""
    try:
        with images.open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except ValueError as error:
        raise ValueError(
            f"{images}: is no .npy file of numbers ({error}); write it with numpy.save"
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="daenr", description="Use the models that the workflow trained.")
    parser.add_argument("--version", action="version", version=f"daenr {daenr.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add(commands, info)

    command = _add(commands, predict)
    _add_images(command)
    command.add_argument("-o", "--output", type=Path, help="CSV file, a row an image; printed if not given")

    command = _add(commands, export)
    command.add_argument("output", type=Path, help="file to write, MODEL.pt2")

    command = _add(commands, simulate)
    _add_images(command)
    command.add_argument("-o", "--output", type=Path, required=True, help="archive to write, NAME.zip")
    command.add_argument("--trials", type=int, default=10, help="of each test image (%(default)s)")
    command.add_argument(
        "--test", type=int, default=50, help="the last so many images are for testing (%(default)s)"
    )
    command.add_argument(
        "--noise",
        choices=("matched", "poisson", "none"),
        default="matched",
        help="variance that follows the rate as in the recording, that equals it, or none (%(default)s)",
    )
    command.add_argument("--seed", type=int, default=0, help="of the noise (%(default)s)")
    command.add_argument(
        "--region", type=Path, help="region file that noise is matched to (RUN/../../data/REGION.h5)"
    )
    command = _add(commands, optimize)
    command.add_argument("--neuron", type=int, required=True, help="its number in the recording")
    command.add_argument("-o", "--output", type=Path, required=True, help="image to write, IMAGE.npy")
    command.add_argument(
        "--method",
        default="blurred",
        help="natural, pixels, blurred or decoder; blurred control or decoder control hold the other neurons "
        "(%(default)s)",
    )
    command.add_argument(
        "--region", type=Path, help="region file with the training images (RUN/../../data/REGION.h5)"
    )
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", command: Callable[..., None]
) -> argparse.ArgumentParser:
    """A subcommand: a function whose name and docstring are the command's and whose arguments are its options."""
    text = (command.__doc__ or "").strip()
    parser = commands.add_parser(command.__name__, help=text, description=text)
    parser.set_defaults(command=command)
    parser.add_argument(
        "run", type=Path, metavar="RUN", help="folder of a trained run, results/NAME/runs/RUN"
    )
    return parser


def _add_images(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "images",
        type=Path,
        metavar="IMAGES.npy",
        help="images x height x width in the size and the intensities of the recording's; see `daenr info RUN`",
    )


if __name__ == "__main__":
    sys.exit(main())
