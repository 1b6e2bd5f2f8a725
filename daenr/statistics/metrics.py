"""How well a model reconstructs the test images and predicts the neurons: arrays in, numbers out.

All numbers are computed in float64.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Int64

from daenr.statistics.correlation import constant, pearson
from daenr.statistics.scores import Scores

DATA_RANGE = 2.0
"""Range of an image's values, from -1 to 1; the paper's PSNR and MSE agree with it."""

_SSIM_WINDOWS: dict[str, dict[str, Any]] = {
    "gaussian": {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False},
    "uniform": {"win_size": 7},
}


def score(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"] | None,
    responses: Float[np.ndarray, "images neurons"],
    prediction: Float[np.ndarray, "images neurons"] | None,
    neurons: Int64[np.ndarray, " neurons"],
    ssim_window: str = "gaussian",
) -> Scores:
    """Every metric of one model, image by image and neuron by neuron: those of the paper (Section 4.1) among them.

    Args:
        originals: test images in [-1, 1].
        reconstruction: the model's reconstruction of them; None if it has no decoder.
        responses: mean over repeats of the neurons that were trained on.
        prediction: the model's rates of the same neurons; None if it has no readout.
        neurons: their numbers in the region.
        ssim_window: see `ssim`.

    Raises:
        ValueError: the window is unknown.
    """
    images: dict[str, Float64[np.ndarray, " images"]] = {}
    if reconstruction is not None:
        images = {
            "mse": mse(originals, reconstruction),
            "psnr": psnr(originals, reconstruction),
            "ssim": ssim(originals, reconstruction, ssim_window),
            "pixel_correlation": pixel_correlation(originals, reconstruction),
        }
    response = None if prediction is None else responses
    return Scores(neurons, **images, prediction=prediction, response=response)


def mse(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"],
) -> Float64[np.ndarray, " images"]:
    """Mean squared error over the pixels of each image, on the [-1, 1] scale."""
    error = (originals.astype(np.float64) - reconstruction) ** 2
    return error.mean(axis=(1, 2, 3))


def psnr(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"],
) -> Float64[np.ndarray, " images"]:
    """Peak signal-to-noise ratio of each image, 10 log10(2^2 / MSE), dB; infinite for an exact reproduction."""
    with np.errstate(divide="ignore"):
        return 10 * np.log10(DATA_RANGE**2 / mse(originals, reconstruction))


def ssim(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"],
    window: str = "gaussian",
) -> Float64[np.ndarray, " images"]:
    """Structural similarity of each image with data range 2, mean over positions of the window.

    The window ``gaussian`` is the one of 11x11 pixels and deviation 1.5 of Wang et al. 2004 with weights that sum to
    one; ``uniform`` is scikit-image's default, 7x7 pixels alike with the sample covariance.

    Raises:
        ValueError: the window is unknown.
    """
    from skimage.metrics import structural_similarity  # here, since it loads much of scipy

    if window not in _SSIM_WINDOWS:
        raise ValueError(f"ssim window must be one of {sorted(_SSIM_WINDOWS)}, got {window!r}")
    values = [
        structural_similarity(  # type: ignore[no-untyped-call]
            original.astype(np.float64),
            reconstructed.astype(np.float64),
            data_range=DATA_RANGE,
            **_SSIM_WINDOWS[window],
        )
        for original, reconstructed in zip(originals[:, 0], reconstruction[:, 0], strict=True)
    ]
    return np.array(values, dtype=np.float64)


def pixel_correlation(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"],
) -> Float64[np.ndarray, " images"]:
    """Pearson r of each image and its reconstruction, over pixels; 0 where one of them is uniform.

    Brightness and contrast do not count, unlike in SSIM and MSE.
    """
    count = len(originals)
    return pearson(originals.reshape(count, -1).T, reconstruction.reshape(count, -1).T)


# ---- registry -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a result is measured by; everything that computes, compares or prints it reads it here.

    Attributes:
        name: as in the files of results.
        label: as the paper prints it.
        unit: of its values; empty for a plain number.
        decimals: of a value in a table.
        effect_decimals: of a difference between models.
        lower_is_better: which way is better.
        of_images: a run's number for each test image, whose mean is the metric; None if the run does not have it.
        of_neurons: for a metric that is a mean over neurons, the number of each, from Pearson r of the last axis'
            neurons and the least r that is significant.
        per_run: whether a run has a value without a threshold of significance being chosen.
    """

    name: str
    label: str
    unit: str = ""
    decimals: int = 3
    effect_decimals: int = 4
    lower_is_better: bool = False
    of_images: Callable[[Scores], Float64[np.ndarray, " images"] | None] | None = None
    of_neurons: Callable[[np.ndarray, float], np.ndarray] | None = None
    per_run: bool = True

    @property
    def sign(self) -> int:
        """The sign that makes larger better."""
        return -1 if self.lower_is_better else 1

    @property
    def heading(self) -> str:
        """The label with an arrow that shows which way is better: MSE ↓."""
        return f"{self.label} {'↓' if self.lower_is_better else '↑'}"

    @property
    def visible(self) -> float:
        """Half a unit of the last digit in a table: a smaller difference does not show there."""
        return 0.5 * 10.0**-self.decimals

    def images(self, scores: Scores) -> int:
        """Number of test images of a run that has the metric; 0 for one that has not, or not for every image."""
        values = self.of_images(scores) if self.of_images else scores.prediction
        return len(values) if values is not None and values.size and np.isfinite(values).all() else 0

    def mean(self, scores: Scores) -> float | None:
        """The value of a run; None if it does not have the metric, as PSNR where an image is reproduced exactly."""
        if not self.images(scores):
            return None
        if self.of_images:
            return float(self.values(scores).mean())
        assert self.of_neurons
        return float(self.of_neurons(pearson(*scores.rates), np.nan).mean())

    def values(self, scores: Scores) -> Float64[np.ndarray, " images"]:
        """The numbers of the test images of a run that has them."""
        values = self.of_images(scores) if self.of_images else None
        assert values is not None
        return values


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(name="mse", label="MSE", lower_is_better=True, of_images=attrgetter("mse")),
        Metric(name="psnr", label="PSNR", unit="dB", effect_decimals=2, of_images=attrgetter("psnr")),
        Metric(name="ssim", label="SSIM", of_images=attrgetter("ssim")),
        Metric(
            name="pixel_correlation",
            label="Pixel correlation",
            of_images=attrgetter("pixel_correlation"),
        ),
        Metric(name="pcc", label="PCC", of_neurons=lambda r, _: r),
        Metric(
            name="significant",
            label="significant neurons",
            decimals=0,
            effect_decimals=1,
            per_run=False,
            of_neurons=lambda r, least: (np.abs(r) >= least) * float(r.shape[-1]),
        ),
    )
}
"""A further metric is one entry; which ones a table prints is listed in the plan."""


def metric_named(name: str) -> Metric:
    """A metric by its name.

    Raises:
        ValueError: there is none; the message lists those there are.
    """
    if name not in METRICS:
        raise ValueError(f"metric must be one of {list(METRICS)}, got {name!r}")
    return METRICS[name]


def evaluate(scores: Scores) -> dict[str, float | int | None]:
    """The means that stand in tables.

    Returns:
        Each metric by its name, see `Metric.mean`. ``constant_neurons`` counts neurons without variance in prediction
        or response, which count with r = 0.
    """
    flat = 0 if scores.prediction is None else int(np.logical_or(*map(constant, scores.rates)).sum())
    means = {name: metric.mean(scores) for name, metric in METRICS.items() if metric.per_run}
    return {**means, "constant_neurons": flat}
