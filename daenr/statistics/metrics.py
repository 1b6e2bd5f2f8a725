"""How well a model reconstructs the test images and predicts the neurons: arrays in, numbers out.

Importing this module needs numpy alone. All numbers are computed in float64.
"""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one model on the test images; None is a metric that the model does not have.

    Attributes:
        mse: mean squared error on the [-1, 1] scale, mean over images.
        psnr: mean over images, dB; None too if an image is reproduced exactly, which makes it infinite.
        ssim: mean over images.
        pcc: Pearson r between prediction and mean response over the test images, mean over neurons.
        constant_neurons: neurons without variance in prediction or response; they count with r = 0.
    """

    mse: float | None
    psnr: float | None
    ssim: float | None
    pcc: float | None
    constant_neurons: int


def score(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"] | None,
    responses: Float[np.ndarray, "images neurons"],
    prediction: Float[np.ndarray, "images neurons"] | None,
    neurons: Int64[np.ndarray, " neurons"],
    ssim_window: str = "gaussian",
) -> Scores:
    """Every metric of the paper (Section 4.1) for one model, image by image and neuron by neuron.

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
        }
    if prediction is None:
        return Scores(neurons, **images)
    return Scores(neurons, **images, prediction=prediction, response=responses)


def evaluate(scores: Scores) -> Evaluation:
    """The means that stand in the paper's tables."""
    means = {
        name: None if values is None else float(values.mean())
        for name, values in (("mse", scores.mse), ("psnr", scores.psnr), ("ssim", scores.ssim))
    }
    if means["psnr"] is not None and not np.isfinite(means["psnr"]):
        means["psnr"] = None
    if scores.prediction is None or scores.response is None:
        return Evaluation(**means, pcc=None, constant_neurons=0)
    undefined = constant(scores.prediction) | constant(scores.response)
    return Evaluation(
        **means,
        pcc=float(pearson(scores.prediction, scores.response).mean()),
        constant_neurons=int(undefined.sum()),
    )


def mse(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"],
) -> Float64[np.ndarray, " images"]:
    """Mean squared error over the pixels of each image, on the [-1, 1] scale."""
    error = (originals.astype(np.float64) - reconstruction) ** 2
    mean: Float64[np.ndarray, " images"] = error.mean(axis=(1, 2, 3))
    return mean


def psnr(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"],
) -> Float64[np.ndarray, " images"]:
    """Peak signal-to-noise ratio of each image, 10 log10(2^2 / MSE), dB; infinite for an exact reproduction."""
    with np.errstate(divide="ignore"):
        decibel: Float64[np.ndarray, " images"] = 10 * np.log10(
            DATA_RANGE**2 / mse(originals, reconstruction)
        )
    return decibel


def ssim(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"],
    window: str = "gaussian",
) -> Float64[np.ndarray, " images"]:
    """Structural similarity of each image with data range 2, mean over positions of the window.

    Args:
        originals: images in [-1, 1].
        reconstruction: their reconstructions.
        window: ``gaussian`` is the 11x11 window of deviation 1.5 of Wang et al. 2004 with weights that sum
            to one; ``uniform`` is scikit-image's default, 7x7 pixels alike with the sample covariance.

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
