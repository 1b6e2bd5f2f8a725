"""What the axes of stimuli are: height and width of flattened ones, and colours that become gray."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

ALIKE = 2.0
"""Largest ratio of the differences between neighbours down and across at which flattened images are taken for square.

Of images of 36 x 64 that are cut into rows of 48, neighbours down are strangers: the ratio is 10 and more.
"""


def image_shape(name: str, images: np.ndarray, given: Sequence[int] | None) -> tuple[int, int]:
    """Height and width of the images: as the array says, as the config says, or square where they are seen to be.

    Args:
        name: of the array, for the error.
        images: images x height x width, or images x pixels, row by row.
        given: height and width of images that are flattened.

    Raises:
        ValueError: flattened images have another size than given, or are not seen to be square.
    """
    if images.ndim == 3:
        return images.shape[1], images.shape[2]
    pixels = images.shape[1]
    if given is not None:
        height, width = given
        if height * width != pixels:
            raise ValueError(
                f"{name}: {pixels} numbers an image, not {height} x {width}; correct dataset.image_shape"
            )
        return height, width
    remedy = "give dataset.image_shape: [height, width], or save the images as images x height x width"
    side = math.isqrt(pixels)
    wider = [f"{height} x {pixels // height}" for height in range(side, 0, -1) if pixels % height == 0]
    if side**2 != pixels:
        raise ValueError(
            f"{name}: {pixels} numbers an image, which is no square but {' or '.join(wider[:3])}; {remedy}"
        )
    square = images.reshape(-1, side, side)
    across, down = (float(np.mean(np.diff(square, axis=axis) ** 2)) if side > 1 else 0.0 for axis in (2, 1))
    if max(across, down) > ALIKE * min(across, down):
        ratio = down / max(across, np.finfo(float).tiny)
        raise ValueError(
            f"{name}: {pixels} numbers an image are {wider[0]}, or not square ({' or '.join(wider[1:3])}); read as "
            f"{wider[0]}, neighbours down differ {ratio:.2g} times as much as neighbours across; {remedy}"
        )
    return side, side


def without_colour(name: str, images: np.ndarray, gray: bool) -> Float64[np.ndarray, "*images height width"]:
    """Images without channels or of one as they are; of red, green and blue 0.2125 R + 0.7154 G + 0.0721 B, if wanted.

    Args:
        name: of the array, for the error.
        images: images x height x width, or with a further axis of channels before or behind height and width.
        gray: whether colours become gray (``dataset.gray``).

    Raises:
        ValueError: there are colours and they are not to become gray, or the channels are not 1 or 3.
    """
    if images.ndim < 4:
        return images
    first, last = images.shape[-3], images.shape[-1]
    if (first == 1) != (last == 1):
        return np.squeeze(images, axis=-3 if first == 1 else -1).astype(np.float64)
    if (first == 3) == (last == 3):
        raise ValueError(
            f"{name}: shape {images.shape}, of which not one of the last and the third last axis is 1 or 3 channels; "
            "save images in gray, as height x width"
        )
    if not gray:
        raise ValueError(
            f"{name}: shape {images.shape} is an image in colour; set dataset.gray: true, or save it in gray"
        )
    from skimage.color import rgb2gray  # here, since reading a region does not need it

    axis = -3 if first == 3 else -1
    return rgb2gray(images.astype(np.float64), channel_axis=axis)
