"""Where a neuron's receptive field lies, from the spike-triggered average; used by the fixed-mask readout.

The method is the one of the fixed-mask baseline of Klindt et al. 2017 (``v1data/convnet.py`` in
https://github.com/david-klindt/NIPS2017). Importing this module needs numpy alone, since training does.
"""

import numpy as np
from jaxtyping import Float, Int64

from daenr import IMAGE_SIZE

TRUNCATE = 2.5
"""Radius of the blur in deviations, after which Klindt et al. cut it off."""


def spike_triggered_average(
    images: Float[np.ndarray, "images 1 32 32"], responses: Float[np.ndarray, "images neurons"]
) -> Float[np.ndarray, "neurons 32 32"]:
    """STA_n = sum_i s_in x_i / sum_i s_in: the mean image, weighted by a neuron's responses of 0 at least.

    One average a neuron in float64, in the unit of the images; zero for a neuron that never responds.
    """
    total = responses.sum(axis=0, dtype=np.float64)
    weights = responses / np.where(total > 0, total, 1.0)
    average = weights.T @ images.reshape(len(images), -1).astype(np.float64)
    return average.reshape(-1, IMAGE_SIZE, IMAGE_SIZE)


def centres(
    images: Float[np.ndarray, "images 1 32 32"],
    responses: Float[np.ndarray, "images neurons"],
    sigma: float,
) -> Int64[np.ndarray, "neurons 2"]:
    """Row and column of each receptive-field centre, in pixels of the 32 x 32 image (Klindt et al. 2017).

    The spike-triggered average is taken of what the images have beyond their mean image; its squared
    deviation from its median over pixels is blurred with a Gaussian, and the centre is where that is
    largest. The image goes on as zeros beyond its border. All of this is theirs, save that they also
    divide each pixel by its deviation over the images. A neuron that responds alike to all images, or
    never, gets the centre of the image. A complex cell has a flat average, so its centre is a guess.

    Args:
        images: stimuli of the training split in [-1, 1], one a trial.
        responses: their single-trial responses, not negative.
        sigma: deviation of the Gaussian, pixels; theirs is 4.8 (25 taps from -2.5 to 2.5 deviations).
    """
    from scipy.ndimage import gaussian_filter  # here, since reading a region file needs no scipy

    average = spike_triggered_average(images - images.mean(axis=0), responses)
    energy = (average - np.median(average, axis=(1, 2), keepdims=True)) ** 2
    blurred = gaussian_filter(energy, sigma, mode="constant", truncate=TRUNCATE, axes=(1, 2))
    largest = blurred.reshape(len(blurred), -1).argmax(axis=1)
    found = np.stack(np.unravel_index(largest, (IMAGE_SIZE, IMAGE_SIZE)), axis=1).astype(np.int64)
    found[np.ptp(responses, axis=0) == 0] = IMAGE_SIZE // 2
    return found
