"""Figure 5: training stimuli of each region."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32
from matplotlib.figure import Figure

from daenr.reporting.figures import styled
from daenr.reporting.labels import region_label
from daenr.reporting.reconstructions import image_rows


@styled
def stimuli(images: Mapping[str, Float32[np.ndarray, "images 1 32 32"]], count: int = 10) -> Figure:
    """Figure 5: examples of the training stimuli, one row a region.

    Args:
        images: the training images of each region, intensities in [-1, 1]; their numbers may differ.
        count: how many are shown of each, evenly spaced in the training set.
    """
    return image_rows({region_label(region): stack for region, stack in images.items()}, count)
