"""Which neurons a model predicts significantly (Figures 3, 4 and 8, Table 3), and how far that can be trusted.

The paper's rule, p <= threshold, tests every neuron by itself: of neurons that have nothing to do with the image
it finds the threshold's share. Beside it stand a rule that allows for the number of neurons, one that does not
ask for normal responses, and the number of neurons that the paper's rule finds on shuffled data.
"""

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float64, Int64
from scipy import stats

from daenr.run import NEURONS, RANDOM
from daenr.statistics.correlation import least_significant_r, pearson_with_p, standardized

RULES = ("significant", "significant_bh", "significant_permutation")
"""Columns of `neuron_significance` that say which neurons a rule calls significant; the first is the paper's."""

_BATCH = 10**7
"""Numbers that the permutation test holds in memory at once."""


def significant(p: Float64[np.ndarray, " neurons"], threshold: float) -> Bool[np.ndarray, " neurons"]:
    """Which neurons are significant: p, or what stands in its place, is at most the threshold."""
    return p <= threshold


def neuron_significance(
    prediction: Float[np.ndarray, "images neurons"],
    response: Float[np.ndarray, "images neurons"],
    threshold: float,
    neurons: Int64[np.ndarray, " neurons"],
    permutations: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Test for each neuron whether prediction and response are correlated over images.

    Args:
        prediction: predicted rates, one row an image; images are taken as independent.
        response: mean over repeats of the responses to them.
        threshold: of `significant`.
        neurons: the neurons' numbers in the region, in the order of the columns.
        permutations: how many permutations of the images make the null distribution of |r|.
        rng: draws them.

    Returns:
        One row a neuron in the order of the columns:

        - neuron, pcc, p, significant: number, `pearson_with_p`, the paper's rule.
        - q, significant_bh: p adjusted by Benjamini and Hochberg (1995) over the neurons; q <= threshold keeps the
          expected share of false discoveries among the significant neurons at the threshold.
        - p_permutation, significant_permutation: share of permutations with |r| at least that of the neuron,
          the data as recorded counted among them. Responses are far from normal: this p does not need them to be.
        - chance: share of permutations in which the paper's rule calls the neuron significant. Its sum over neurons
          is the number that the rule finds on shuffled data.

    Raises:
        ValueError: there are fewer than 3 images, for which no p-value is defined.
    """
    images = len(prediction)
    if images < 3:
        raise ValueError(
            f"prediction: {images} images, a correlation test needs at least 3; add test images, or validation "
            "images (split.validation_fraction) if the neurons are tested on those"
        )
    r, p = pearson_with_p(prediction, response)
    q = stats.false_discovery_control(p)
    p_permutation, shuffled = _permute(prediction, response, permutations, rng)
    return pd.DataFrame(
        {
            "neuron": neurons,
            "pcc": r,
            "p": p,
            "significant": significant(p, threshold),
            "q": q,
            "significant_bh": significant(q, threshold),
            "p_permutation": p_permutation,
            "significant_permutation": significant(p_permutation, threshold),
            "chance": (shuffled >= least_significant_r(images, threshold)).mean(axis=0),
        }
    )


def _permute(
    prediction: Float[np.ndarray, "images neurons"],
    response: Float[np.ndarray, "images neurons"],
    permutations: int,
    rng: np.random.Generator,
) -> tuple[Float64[np.ndarray, " neurons"], Float64[np.ndarray, "permutations neurons"]]:
    """Permutation p of each neuron's |r|, and |r| under each permutation of the images.

    A permutation moves the images of all neurons alike, so their correlations stay. Where there are no more
    orders of the images than permutations asked for, each order is taken once and p is exact.
    """
    recorded = standardized(response).T

    def strength(predicted: Float64[np.ndarray, "*batch neurons images"], axis: int) -> np.ndarray:
        return np.abs((predicted * recorded).mean(axis=axis))

    result = stats.permutation_test(
        (standardized(prediction).T,),
        strength,
        permutation_type="pairings",
        alternative="greater",
        n_resamples=permutations,
        batch=max(1, _BATCH // recorded.size),
        axis=-1,
        rng=rng,
    )
    return result.pvalue, result.null_distribution


def mean_over_trials(
    values: Float[np.ndarray, "trials neurons"], image_id: Int64[np.ndarray, " trials"]
) -> Float64[np.ndarray, "images neurons"]:
    """Mean over the trials of each distinct image: trials of one image are not independent, images are."""
    _, image, trials = np.unique(image_id, return_inverse=True, return_counts=True)
    total = np.zeros((len(trials), values.shape[1]))
    np.add.at(total, image, values)
    return total / trials[:, None]


def group(tested: pd.DataFrame, name: str, seed: int = 0) -> Int64[np.ndarray, " members"]:
    """Numbers of the neurons in a group by the paper's rule, ascending; empty if there are none.

    Args:
        tested: what `neuron_significance` returns.
        name: one of `daenr.run.NEURONS` but ``all``; random groups divide the neurons at random, in the same sizes.
        seed: of that division.

    Raises:
        ValueError: the group's name is unknown.
    """
    if name not in NEURONS[1:]:
        raise ValueError(f"neuron group must be one of {list(NEURONS[1:])}, got {name!r}")
    neurons = tested["neuron"].to_numpy(np.int64)
    if name.startswith(RANDOM):
        neurons = np.random.default_rng(seed).permutation(neurons)
    chosen = tested["significant"].to_numpy() == (name.removeprefix(RANDOM) == "significant")
    return np.sort(neurons[chosen])
