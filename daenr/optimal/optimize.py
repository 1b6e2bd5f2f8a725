"""The images that drive the neurons of one trained run, by every method; the seeds left out of it test it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int64
from torch import Tensor

from daenr import IMAGE_SIZE
from daenr.config import OptimalImages
from daenr.data.preprocessing import Preprocessing, from_unit, to_unit
from daenr.data.region import RegionData
from daenr.models.autoencoders import CAE
from daenr.models.joint import DAENR, in_batches
from daenr.models.randomness import generator
from daenr.optimal.ascent import (
    Codes,
    Rates,
    Shown,
    as_shown,
    ascend_latent,
    ascend_pixels,
    best_start,
    objective,
    see,
    standardised,
)

LEAST_SEEDS = 3
"""Seeds from which on an image is optimised over all but one of them."""


@dataclass(frozen=True, eq=False)
class Optimal:
    """Images that drive neurons, each method's beside each other.

    Attributes:
        images: of each method, in [-1, 1] and the recording's size.
        rates: what the run's model predicts of each image's own neuron, in standard deviations over training images.
        others: root mean square of what it predicts of the other neurons, likewise.
    """

    images: dict[str, Float32[np.ndarray, "neurons height width"]]
    rates: dict[str, Float32[np.ndarray, " neurons"]]
    others: dict[str, Float32[np.ndarray, " neurons"]]


def chosen(
    wanted: int | Sequence[int], correlation: Float64[np.ndarray, " neurons"]
) -> Int64[np.ndarray, " chosen"]:
    """Neurons to drive: a list as given, or so many that are predicted best, the best first.

    Args:
        wanted: neurons, or how many.
        correlation: of each neuron's prediction with its responses to the validation images.

    Raises:
        ValueError: the list names a neuron that there is not.
    """
    count = len(correlation)
    if isinstance(wanted, int):
        return np.argsort(-correlation, kind="stable")[:wanted]
    if unknown := [neuron for neuron in wanted if not 0 <= neuron < count]:
        raise ValueError(
            f"optimal_images.neurons: {unknown[0]} is none of the {count} neurons, 0 to {count - 1}"
        )
    return np.array(wanted, np.int64)


def shape_shown(preparation: Preprocessing) -> tuple[int, int]:
    """Height and width in which images are sought: the recording's, or the model's where the fit cuts or pads."""
    if preparation.fit in ("crop", "pad"):
        return IMAGE_SIZE, IMAGE_SIZE
    height, width = preparation.image_shape
    return height, width


def to_intensities(
    images: Float32[np.ndarray, "images height width"], preparation: Preprocessing
) -> Float64[np.ndarray, "images rows columns"]:
    """Images in [-1, 1], as `optimize` finds them, in the recording's size and intensities."""
    if preparation.fit in ("crop", "pad"):
        return preparation.to_recording(images[:, None])
    return from_unit(images, preparation.intensity_range)


def from_intensities(
    images: Float64[np.ndarray, "images rows columns"], preparation: Preprocessing
) -> Float32[np.ndarray, "images height width"]:
    """Images in [-1, 1] in the size of `shape_shown`: those that `to_intensities` made these of."""
    if preparation.fit in ("crop", "pad"):
        return preparation.to_model(images)[:, 0]
    return to_unit(images, preparation.intensity_range).astype(np.float32)


def stimuli_shown(
    stimuli: Float[Tensor, "stimuli 1 32 32"], shape: tuple[int, int], quantile: float
) -> Shown:
    """The mean intensity of the stimuli, and the contrast that this share of them falls below."""
    contrasts = stimuli.std((1, 2, 3), correction=0)
    return Shown(shape, float(stimuli.mean()), float(contrasts.quantile(quantile)))


def optimize(
    model: DAENR,
    others: Sequence[DAENR],
    data: RegionData,
    neurons: Int64[np.ndarray, " neurons"],
    shape: tuple[int, int],
    settings: OptimalImages,
    seed: int,
) -> Optimal:
    """Images by every method that the model allows.

    ``natural`` is the training image with the highest predicted rate, as it was shown. ``pixels`` and ``blurred`` are
    ascents on pixels, ``decoder`` is that in the latent space; with ``control`` they hold the other neurons. With the
    models of other seeds, ``ensemble`` is a ``blurred`` ascent over all of them and ``single`` over the first: both
    know nothing of ``model``, which says what they are worth.

    Args:
        model: a trained one with a readout.
        others: those of other seeds.
        data: the recording; its training images alone are used.
        neurons: which to drive.
        shape: height and width of the recording's images.
        settings: of the ascent.
        seed: of the starts.
    """
    for each in (model, *others):
        each.eval().requires_grad_(False)
    stimuli = torch.from_numpy(data.train_images).to(next(model.parameters()).device)
    shown = stimuli_shown(stimuli, shape, settings.contrast)
    own = standardised([model], stimuli)
    repeated = torch.from_numpy(neurons).to(stimuli.device).repeat_interleave(settings.starts)

    def climb(rates: Rates, name: str, ascend: Callable[..., Tensor], **options: float) -> Tensor:
        images = ascend(rates, repeated, shown, generator(seed, name), settings, **options)
        with torch.no_grad():
            values = objective(rates(see(images)), repeated, options.get("control", 0.0))
        return best_start(values, images, settings.starts)

    most_exciting = in_batches(own, stimuli).argmax(0)[torch.from_numpy(neurons)]
    made = {"natural": as_shown(stimuli[most_exciting], shape)}
    made["pixels"] = climb(own, "pixels", ascend_pixels)
    for suffix, control in (("", 0.0), (" control", settings.control)):
        made[f"blurred{suffix}"] = climb(own, "blurred", ascend_pixels, blur=settings.blur, control=control)
        if isinstance(model.autoencoder, CAE):  # a VQ-VAE's codes have no gradient to climb
            ascend = partial(ascend_latent, Codes.of(model, stimuli))
            made[f"decoder{suffix}"] = climb(own, "decoder", ascend, control=control)
    if len(others) >= LEAST_SEEDS - 1:
        for name, models in (("single", others[:1]), ("ensemble", others)):
            made[name] = climb(standardised(models, stimuli), name, ascend_pixels, blur=settings.blur)
    return _judged(made, own, neurons)


def _judged(made: dict[str, Tensor], rates: Rates, neurons: Int64[np.ndarray, " neurons"]) -> Optimal:
    """What the run's own model makes of the images."""
    own: dict[str, np.ndarray] = {}
    rest: dict[str, np.ndarray] = {}
    for name, images in made.items():
        with torch.no_grad():
            predicted: Float32[np.ndarray, "images neurons"] = rates(see(images)).cpu().numpy()
        own[name] = predicted[np.arange(len(neurons)), neurons]
        rest[name] = np.sqrt(((predicted**2).sum(1) - own[name] ** 2) / max(predicted.shape[1] - 1, 1))
    return Optimal({name: images[:, 0].cpu().numpy() for name, images in made.items()}, own, rest)
