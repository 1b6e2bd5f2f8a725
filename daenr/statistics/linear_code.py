"""The best linear code of an image: what a reconstruction must beat to need a deep network."""

import numpy as np
from jaxtyping import Float, Float32


def linear_code(
    training: Float[np.ndarray, "training 1 height width"],
    images: Float[np.ndarray, "images 1 height width"],
    size: int,
) -> Float32[np.ndarray, "images 1 height width"]:
    """Reconstruct images from their first principal components, x -> m + W W^T (x - m).

    Of all codes with as many numbers that are linear in the image and back it has the smallest squared error on the
    training images (Eckart and Young 1936).

    Args:
        training: images that the mean m and the components W come from; no others do.
        images: what is reconstructed, in the same unit.
        size: numbers in the code; no more than training images or pixels count.

    Returns:
        The reconstructions, within the range of the unit -1 to 1 as those of the networks are.
    """
    flat = training.reshape(len(training), -1).astype(np.float64)
    mean = flat.mean(axis=0)
    components = np.linalg.svd(flat - mean, full_matrices=False)[2][:size]
    deviations = images.reshape(len(images), -1) - mean
    restored = mean + deviations @ components.T @ components
    return restored.clip(-1, 1).astype(np.float32).reshape(images.shape)
