"""How well a model reconstructs the test images and predicts the neurons: arrays in, numbers out.

Importing this module needs numpy alone. All numbers are computed in float64.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float64

from daenr.correlation import constant, pearson

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


def evaluate(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"] | None,
    responses: Float[np.ndarray, "images neurons"] | None,
    prediction: Float[np.ndarray, "images neurons"] | None,
    ssim_window: str = "gaussian",
) -> Evaluation:
    """Every metric of the paper (Section 4.1) for one model.

    Args:
        originals: test images in [-1, 1].
        reconstruction: the model's reconstruction of them; None if it has no decoder.
        responses: mean over repeats of the neurons that were trained on; needed with a prediction.
        prediction: the model's rates of the same neurons; None if it has no readout.
        ssim_window: see `ssim`.

    Raises:
        ValueError: there is a prediction but no responses, or the window is unknown.
    """
    image_metrics: dict[str, float | None] = {"mse": None, "psnr": None, "ssim": None}
    if reconstruction is not None:
        decibel = psnr(originals, reconstruction)
        image_metrics = {
            "mse": mse(originals, reconstruction),
            "psnr": decibel if np.isfinite(decibel) else None,
            "ssim": ssim(originals, reconstruction, ssim_window),
        }
    if prediction is None:
        return Evaluation(**image_metrics, pcc=None, constant_neurons=0)
    if responses is None:
        raise ValueError("responses: needed to evaluate a prediction; give the mean over repeats")
    return Evaluation(
        **image_metrics,
        pcc=float(pearson(prediction, responses).mean()),
        constant_neurons=int((constant(prediction) | constant(responses)).sum()),
    )


def mse(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"],
) -> float:
    """Mean squared error over pixels, mean over images, on the [-1, 1] scale."""
    return float(_squared_error(originals, reconstruction).mean())


def psnr(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"],
) -> float:
    """Peak signal-to-noise ratio, 10 log10(2^2 / MSE) of each image, mean over images, dB.

    An image that is reproduced exactly has an infinite ratio, and so has the mean then.
    """
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(DATA_RANGE**2 / _squared_error(originals, reconstruction)).mean())


def ssim(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"],
    window: str = "gaussian",
) -> float:
    """Structural similarity with data range 2, mean over positions of the window and over images.

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
    return float(np.mean(values))


def _squared_error(
    originals: Float[np.ndarray, "images 1 height width"],
    reconstruction: Float[np.ndarray, "images 1 height width"],
) -> Float64[np.ndarray, " images"]:
    """Mean over the pixels of each image."""
    error = (originals.astype(np.float64) - reconstruction) ** 2
    mean: Float64[np.ndarray, " images"] = error.mean(axis=(1, 2, 3))
    return mean
