"""How well repeated trials let any model do: the noise ceilings of a recording, one number a neuron.

Every function takes the single trials of one region's repeated test images; a repeat that was not made is NaN for all
neurons. Variances have one degree of freedom less than values (``ddof=1``); where every repeat was made, the ratios do
not depend on that choice. A neuron that never varies has no signal: it gets 0, without a warning.
"""

import numpy as np
from jaxtyping import Float, Float64, Int64, Shaped


def neuron_ceilings(
    trials: Float[np.ndarray, "repeats images neurons"],
) -> dict[str, Shaped[np.ndarray, " neurons"]]:
    """Ceilings of each neuron of a region.

    Returns:
        Arrays by name. ``cc_max`` is NaN for neurons without signal power; all but the number is NaN where there are
        fewer than two repeats or two images, which show no ceiling.
    """
    numbers = np.arange(trials.shape[2])
    if min(trials.shape[:2]) < 2:
        none = np.full(len(numbers), np.nan)
        names = ("signal_power", "cc_max", "oracle", "explainable_variance", "signal")
        return {"neuron": numbers} | dict.fromkeys(names, none)
    power = signal_power(trials)
    return {
        "neuron": numbers,
        "signal_power": power,
        "cc_max": cc_max(trials),
        "oracle": oracle_correlation(trials),
        "explainable_variance": explainable_variance(trials),
        "signal": power > 0,
    }


def signal_power(
    trials: Float[np.ndarray, "repeats images neurons"],
) -> Float64[np.ndarray, " neurons"]:
    """Signal power: the variance over images that repeats share, in squared units of the response.

    SP = (N Var(mean over repeats) - mean over repeats of Var(trial)) / (N - 1), with variances over images:
    unbiased, so it falls below zero for about half of the neurons that carry no signal. Where images were shown n
    times, each its own number, SP = Var(mean over repeats) - mean over images of (noise / n): as unbiased; the noise
    is the image's variance over its repeats, and of an image with one trial the mean of the others'.

    Raises:
        ValueError: there are fewer than two repeats or two images.

    Source: Sahani and Linden 2003; Schoppe et al. 2016 (doi:10.3389/fncom.2016.00010); the second is the estimate of
    a one-way analysis of variance.
    """
    repeats, images, _ = trials.shape
    if min(repeats, images) < 2:
        raise ValueError(
            f"trials: {repeats} repeats of {images} images; signal power needs at least two of each"
        )
    if _ragged(trials):
        made = _repeats(trials)[:, None]
        return _variance_of_mean(trials) - (_noise(trials) / made).mean(axis=0)
    shared = repeats * _variance_of_mean(trials) - _variance_of_trial(trials)
    return shared / (repeats - 1)


def cc_max(trials: Float[np.ndarray, "repeats images neurons"]) -> Float64[np.ndarray, " neurons"]:
    """Highest correlation that a model can reach with the mean over repeats: sqrt(SP / Var(mean)).

    NaN where the signal power is not positive: such a neuron carries no signal that these repeats show.
    A region's mean counts those neurons as 0, since a model's mean Pearson r does too.

    Source: Schoppe et al. 2016 (doi:10.3389/fncom.2016.00010).
    """
    power = signal_power(trials)
    with_signal = power > 0
    ceiling = np.full(power.shape, np.nan)
    ceiling[with_signal] = np.sqrt(power[with_signal] / _variance_of_mean(trials)[with_signal])
    return ceiling


def explainable_variance(
    trials: Float[np.ndarray, "repeats images neurons"],
) -> Float64[np.ndarray, " neurons"]:
    """Share of a single trial's variance that the image explains: SP / mean Var(trial).

    At most 1; as unbiased as the signal power, hence slightly negative for neurons without signal.
    """
    return _ratio(signal_power(trials), _variance_of_trial(trials))


def oracle_correlation(
    trials: Float[np.ndarray, "repeats images neurons"],
) -> Float64[np.ndarray, " neurons"]:
    """Jackknife oracle: Pearson r between each trial and the mean of the other repeats of its image.

    One r a neuron, over all pairs of repeat and image at once, so it also counts drifts between repeats. Images with
    one trial take no part.

    Source: the oracle of Walker et al. 2019 (doi:10.1038/s41593-019-0517-x).

    Raises:
        ValueError: there are fewer than two repeats.
    """
    repeats = len(trials)
    if repeats < 2:
        raise ValueError(f"trials: {repeats} repeat; the jackknife needs at least two")
    trials, made = trials.astype(np.float64), _repeats(trials)
    others = (np.nansum(trials, axis=0) - trials) / np.maximum(made - 1, 1)[:, None]
    used = ~np.isnan(trials).any(axis=2) & (made > 1)
    held_out, oracle = _centred(trials[used]), _centred(others[used])
    norm = np.sqrt((held_out**2).sum(axis=0) * (oracle**2).sum(axis=0))
    return _ratio((held_out * oracle).sum(axis=0), norm)


def _variance_of_mean(
    trials: Float[np.ndarray, "repeats images neurons"],
) -> Float64[np.ndarray, " neurons"]:
    """Variance over images of the mean over repeats; exactly 0 where it is constant."""
    if _ragged(trials):
        return _variance(np.nanmean(_from_least(trials), axis=0))
    return _variance(trials.mean(axis=0, dtype=np.float64))


def _variance_of_trial(
    trials: Float[np.ndarray, "repeats images neurons"],
) -> Float64[np.ndarray, " neurons"]:
    """Variance over images of a single trial, mean over repeats; signal and noise where repeats differ in number."""
    if _ragged(trials):
        return signal_power(trials) + _noise(trials).mean(axis=0)
    return np.stack([_variance(trial.astype(np.float64)) for trial in trials]).mean(axis=0)


def _ragged(trials: Float[np.ndarray, "repeats images neurons"]) -> bool:
    """Whether images differ in how often they were shown."""
    return bool(np.isnan(trials).any())


def _repeats(trials: Float[np.ndarray, "repeats images neurons"]) -> Int64[np.ndarray, " images"]:
    """How often each image was shown."""
    return (~np.isnan(trials).any(axis=2)).sum(axis=0)


def _noise(trials: Float[np.ndarray, "repeats images neurons"]) -> Float64[np.ndarray, "images neurons"]:
    """Variance over the repeats of each image; of images with one trial the mean of the others'."""
    repeated = _repeats(trials) > 1
    noise = np.empty(trials.shape[1:])
    noise[repeated] = np.nanvar(_from_least(trials)[:, repeated], axis=0, ddof=1)
    noise[~repeated] = noise[repeated].mean(axis=0)
    return noise


def _from_least(
    trials: Float[np.ndarray, "repeats images neurons"],
) -> Float64[np.ndarray, "repeats images neurons"]:
    """Responses above each neuron's least, which has no rounding where a neuron never varies."""
    exact = trials.astype(np.float64)
    return exact - np.nanmin(exact, axis=(0, 1))


def _variance(responses: Float64[np.ndarray, "images neurons"]) -> Float64[np.ndarray, " neurons"]:
    """Unbiased variance over images."""
    return (_centred(responses) ** 2).sum(axis=0) / (len(responses) - 1)


def _centred(responses: Float64[np.ndarray, "images neurons"]) -> Float64[np.ndarray, "images neurons"]:
    """Deviation from the mean over images; exactly 0 where all are equal, which rounding of the mean hides."""
    constant = (responses == responses[:1]).all(axis=0)
    return np.where(constant, 0.0, responses - responses.mean(axis=0))


def _ratio(
    numerator: Float64[np.ndarray, " neurons"], denominator: Float64[np.ndarray, " neurons"]
) -> Float64[np.ndarray, " neurons"]:
    """Quotient; 0 where the denominator is 0, which it is for neurons that never vary."""
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=denominator > 0)
