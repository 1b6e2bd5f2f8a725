"""What images that drive neurons are worth: how natural they are and, where it is known, what the true cell does."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float32, Float64, Int64

from daenr.data.preprocessing import from_unit
from daenr.data.simulated import LEVELS, SIDE, Population, drive, filters
from daenr.optimal import naturalness
from daenr.optimal.ascent import Shown, as_shown, see

COLUMNS = ["neuron", "method", "slope", "distance", "unexplained", "kind", "response", "filter_r"]
"""Columns of a frame of judgements; the last three are empty where the truth is not known."""


def judge(
    images: Mapping[str, Float32[np.ndarray, "neurons height width"]],
    neurons: Int64[np.ndarray, " neurons"],
    stimuli: Float32[np.ndarray, "stimuli 1 32 32"],
    shown: Shown,
    reconstruct: Callable[[Float32[np.ndarray, "images 1 32 32"]], Float32[np.ndarray, "images 1 32 32"]],
    population: Population | None,
) -> pd.DataFrame:
    """A row for each method and neuron.

    Args:
        images: of each method, in [-1, 1] and the recording's size.
        neurons: their numbers in the recording.
        stimuli: the training images.
        shown: mean and contrast at which another model sees the images, natural ones too.
        reconstruct: that model.
        population: the true neurons of a simulated recording.

    Returns:
        Columns ``COLUMNS``. ``slope``, ``distance`` and ``unexplained`` as in `naturalness`; ``kind`` is simple,
        complex or unresponsive; ``response`` is the true drive over the highest by any training image;
        ``filter_r`` is |r| with the filter of a simple cell.
    """
    frames = []
    for method, made in images.items():
        given = torch.from_numpy(made)[:, None]
        seen, alike = (see(each).numpy() for each in (given, shown.restore(given)))
        frame = {
            "neuron": neurons,
            "method": method,
            "slope": naturalness.spectrum_slope(seen[:, 0]),
            "distance": naturalness.distance(seen[:, 0], stimuli[:, 0]),
            "unexplained": naturalness.unexplained(alike[:, 0], reconstruct(alike)[:, 0]),
        }
        truth = _truth(made, neurons, stimuli, population) if population else dict.fromkeys(COLUMNS[5:])
        frames.append(pd.DataFrame(frame | truth)[COLUMNS])
    return pd.concat(frames, ignore_index=True)


def _truth(
    images: Float32[np.ndarray, "neurons height width"],
    neurons: Int64[np.ndarray, " neurons"],
    stimuli: Float32[np.ndarray, "stimuli 1 32 32"],
    population: Population,
) -> dict[str, np.ndarray]:
    """Kind of each neuron, its drive by its image over the highest by any stimulus, and |r| with its filter."""
    own = np.arange(len(neurons))
    kind = np.where(population.simple, "simple", "complex")
    kind = np.where(population.responsive, kind, "unresponsive")[neurons]
    originals = as_shown(torch.from_numpy(stimuli), (SIDE, SIDE)).numpy()[:, 0]
    highest = drive(population, levels(originals))[:, neurons].max(axis=0)
    response = drive(population, levels(images))[own, neurons] / highest
    r = np.abs(naturalness.filter_correlation(images, filters(population)[neurons]))
    return {
        "kind": kind,
        "response": np.where(kind == "unresponsive", np.nan, response),
        "filter_r": np.where(kind == "simple", r, np.nan),
    }


def levels(images: Float32[np.ndarray, "images height width"]) -> Float64[np.ndarray, "images pixels"]:
    """Images in [-1, 1] as the simulated population takes them, 0 to 255."""
    return from_unit(images.reshape(len(images), -1), (0.0, LEVELS - 1.0))
