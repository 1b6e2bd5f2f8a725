"""How well predictions fit single trials, neuron by neuron: what the field reports beside PCC.

Names are those of the Sensorium benchmark (Willeke et al. 2022, arXiv:2206.08666): ``correlation``, ``feve``. A trial
that was not recorded is NaN and is left out.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Float64, Int64, Shaped

from daenr.statistics.ceilings import cc_max
from daenr.statistics.correlation import constant, pearson

MEANS = ("correlation", "feve", "cc_norm")
"""Columns of `neuron_scores` that a model is summarised by."""

RELIABLE = 0.15
"""Least share of explainable variance of a neuron that counts in the means of FEVe and CC_norm, which divide by it."""


def neuron_scores(
    prediction: Float[np.ndarray, "images neurons"] | None,
    trials: Float[np.ndarray, "repeats images neurons"],
    neurons: Int64[np.ndarray, " neurons"],
) -> dict[str, Shaped[np.ndarray, " scored"]]:
    """Every correlation of each neuron.

    Args:
        prediction: predicted rates of the test images; None of a model without a readout.
        trials: responses to them.
        neurons: the neurons' numbers in the region, in the order of the columns.

    Returns:
        Arrays by name, none of a neuron without a readout: ``neuron``; ``pcc``, Pearson r with the mean over
        repeats; ``correlation``, see `single_trial_correlation`; ``fev`` and ``feve``, see `explained`; ``cc_norm``,
        PCC over `daenr.statistics.ceilings.cc_max` (Schoppe et al. 2016), NaN for a neuron without signal power.
        The last three are NaN where there are fewer than two repeats or two images.
    """
    if prediction is None:
        return dict.fromkeys(("neuron", "pcc", "correlation", "fev", "feve", "cc_norm"), np.empty(0))
    pcc = pearson(prediction, np.asarray(np.nanmean(trials, axis=0, dtype=np.float64)))
    scores = {"neuron": neurons, "pcc": pcc, "correlation": single_trial_correlation(prediction, trials)}
    if min(trials.shape[:2]) < 2:
        return scores | dict.fromkeys(("fev", "feve", "cc_norm"), np.full(len(neurons), np.nan))
    fev, feve = explained(prediction, trials)
    return scores | {"fev": fev, "feve": feve, "cc_norm": pcc / cc_max(trials)}


def means(scores: Mapping[str, Shaped[np.ndarray, " neurons"]]) -> dict[str, float | int | None]:
    """Means over neurons of `MEANS`: of the correlation over all, of the others over the reliable ones.

    Args:
        scores: what `neuron_scores` returns.

    Returns:
        Means by name, None where no neuron has one; ``reliable_neurons``, how many have at least `RELIABLE` of ``fev``.
    """
    reliable = scores["fev"] >= RELIABLE
    counted = {name: scores[name] if name == "correlation" else scores[name][reliable] for name in MEANS}
    counted = {name: values[~np.isnan(values)] for name, values in counted.items()}
    return {
        **{name: float(values.mean()) if len(values) else None for name, values in counted.items()},
        "reliable_neurons": int(reliable.sum()),
    }


def single_trial_correlation(
    prediction: Float[np.ndarray, "images neurons"], trials: Float[np.ndarray, "repeats images neurons"]
) -> Float64[np.ndarray, " neurons"]:
    """Pearson r of the prediction and single trials, over all pairs of repeat and image at once.

    0 where the prediction is `constant` or all trials are alike.
    """
    recorded = trials.astype(np.float64)
    predicted = np.where(np.isnan(recorded), np.nan, prediction.astype(np.float64))
    recorded -= np.nanmean(recorded, axis=(0, 1))
    predicted -= np.nanmean(predicted, axis=(0, 1))
    varies = ~constant(prediction) & (np.nanmax(trials, axis=(0, 1)) > np.nanmin(trials, axis=(0, 1)))
    norm = np.sqrt(np.nansum(recorded**2, axis=(0, 1)) * np.nansum(predicted**2, axis=(0, 1)))
    return np.divide(
        np.nansum(recorded * predicted, axis=(0, 1)), norm, out=np.zeros_like(norm), where=varies
    )


def explained(
    prediction: Float[np.ndarray, "images neurons"], trials: Float[np.ndarray, "repeats images neurons"]
) -> tuple[Float64[np.ndarray, " neurons"], Float64[np.ndarray, " neurons"]]:
    """Share of a neuron's variance that can be explained (FEV), and what share of it the prediction explains (FEVe).

    With Var the variance of all single trials, noise the variance over an image's repeats, mean over images, and MSE
    the squared error of single trials: FEV = (Var - noise) / Var, FEVe = 1 - (MSE - noise) / (Var - noise). FEVe is 1
    for a prediction that leaves the noise alone and 0 for the mean response; a wrong scale makes it negative. Unlike a
    correlation it tells whether the prediction has the response's unit.

    Returns:
        FEV and FEVe; NaN where nothing varies, FEVe also where nothing can be explained.

    Source: Cadena et al. 2019 (doi:10.1371/journal.pcbi.1006897), in the form of Willeke et al. 2022.
    """
    trials = trials.astype(np.float64)
    total = np.nanvar(trials, axis=(0, 1), ddof=1)
    noise = _noise_variance(trials)
    error = np.nanmean((trials - prediction) ** 2, axis=(0, 1))
    nothing = np.full_like(total, np.nan)
    fev = np.divide(total - noise, total, out=nothing.copy(), where=total > 0)
    return fev, 1 - np.divide(error - noise, total - noise, out=nothing, where=total > noise)


def _noise_variance(
    trials: Float64[np.ndarray, "repeats images neurons"],
) -> Float64[np.ndarray, " neurons"]:
    """Variance over an image's repeats, mean over the images that were repeated; 0 if none was."""
    freedom = (~np.isnan(trials)).sum(axis=0) - 1
    squares = np.nansum((trials - np.nanmean(trials, axis=0)) ** 2, axis=0)
    variance = np.divide(squares, freedom, out=np.zeros_like(squares), where=freedom > 0)
    return variance.sum(axis=0) / np.maximum((freedom > 0).sum(axis=0), 1)
