"""Which neurons a model predicts significantly (Figures 3, 4 and 8, Table 3)."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int64
from scipy import stats

from daenr.correlation import pearson

GROUPS = ("insignificant", "significant")


def test_neurons(
    prediction: Float[np.ndarray, "images neurons"],
    response: Float[np.ndarray, "images neurons"],
    threshold: float,
    neurons: Int64[np.ndarray, " neurons"],
) -> pd.DataFrame:
    """Test for each neuron whether prediction and response are correlated over the test images.

    Without a correlation r follows, for normal variables and n images, a beta distribution on [-1, 1] with
    both parameters n/2 - 1 (equivalently r sqrt((n - 2) / (1 - r^2)) follows Student's t with n - 2 degrees
    of freedom); p is two-sided, so a neuron that is predicted with the wrong sign can be significant too.
    A neuron that does not vary has r = 0 and p = 1.

    Args:
        prediction: predicted rates of the test images.
        response: mean over repeats of the responses to them.
        threshold: a neuron is significant if p <= threshold.
        neurons: the neurons' numbers in the region, in the order of the columns.

    Returns:
        One row a neuron in the order of the columns; columns neuron, pcc, p, significant.

    Raises:
        ValueError: there are fewer than 3 images, for which no p-value is defined.
    """
    images = len(prediction)
    if images < 3:
        raise ValueError(f"prediction: {images} test images, a correlation test needs at least 3; add images")
    correlation = pearson(prediction, response)
    p = 2 * stats.beta.sf(np.abs(correlation), images / 2 - 1, images / 2 - 1, loc=-1, scale=2)
    return pd.DataFrame({"neuron": neurons, "pcc": correlation, "p": p, "significant": p <= threshold})


def group(tested: pd.DataFrame, name: str) -> Int64[np.ndarray, " members"]:
    """Numbers of the neurons in a group, ascending; empty if there are none.

    Raises:
        ValueError: the group's name is unknown.
    """
    if name not in GROUPS:
        raise ValueError(f"neuron group must be one of {list(GROUPS)}, got {name!r}")
    chosen = tested["significant"] == (name == "significant")
    return np.sort(tested.loc[chosen, "neuron"].to_numpy(np.int64))
