"""How the responses of a population are distributed: what a model of its trials must reproduce, beside the rates."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Float64

PAIR_FACTS = ("signal correlation", "noise correlation")


def neuron_facts(trials: Float[np.ndarray, "repeats images neurons"]) -> pd.DataFrame:
    """A row a neuron: mean response, variance over trials of one image, share of zeros, lifetime sparseness.

    Args:
        trials: at least two repeats.
    """
    return pd.DataFrame(
        {
            "mean": trials.mean((0, 1)),
            "variance": trials.var(0, ddof=1).mean(0),
            "zeros": (trials == 0).mean((0, 1)),
            "sparseness": sparseness(trials.mean(0)),
        }
    )


def pair_facts(trials: Float[np.ndarray, "repeats images neurons"]) -> pd.DataFrame:
    """A row a pair of neurons: correlation of their mean responses, and of their deviations from these.

    Empty for pairs with a neuron that never varies.

    Args:
        trials: at least two repeats.
    """
    means = trials.mean(0)
    upper = np.triu_indices(trials.shape[2], 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        signal = np.corrcoef(means, rowvar=False)[upper]
        noise = np.corrcoef((trials - means).reshape(-1, trials.shape[2]), rowvar=False)[upper]
    return pd.DataFrame(dict(zip(PAIR_FACTS, (signal, noise), strict=True)))


def sparseness(responses: Float[np.ndarray, "images neurons"]) -> Float64[np.ndarray, " neurons"]:
    """Lifetime sparseness: 0 for a neuron that answers all images alike, 1 for one that answers a single image.

    (1 - mean(r)^2 / mean(r^2)) / (1 - 1/images); 0 for a silent neuron. Source: Vinje and Gallant 2000.
    """
    values = responses.astype(np.float64)
    power = (values**2).mean(0)
    share = np.divide(values.mean(0) ** 2, power, out=np.ones_like(power), where=power > 0)
    return (1 - share) / (1 - 1 / len(values))
