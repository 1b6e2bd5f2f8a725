"""How sure a difference between models is: an interval and a p-value over test images and seeds together.

What is asked is whether the difference would show again with other test images and other seeds; so both are
resampled, independently. The neurons are those that were recorded, and stay.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Integer
from scipy import stats

from daenr.statistics.correlation import standardized
from daenr.statistics.metrics import Metric, metric_named
from daenr.statistics.scores import Scores
from daenr.statistics.significance import least_significant_r

Pair = tuple[Scores, Scores]
"""Two runs of one seed on the same test images: the treated, and the reference that it is compared with."""

_PerSeed = Callable[[Float64[np.ndarray, "resamples images"]], Float64[np.ndarray, "resamples seeds"]]
"""From how often each image is in a resample to the difference of each seed."""

_NO_VARIANCE = 1e-10
"""Of a resample, in units of the variance over all images: rounding, as in ``correlation.constant``."""


@dataclass(frozen=True)
class Interval:
    """A difference, treated minus reference, in the metric's unit.

    Attributes:
        estimate: mean over the pairs of a seed, then over seeds.
        low: lower end of the interval.
        high: upper end.
        p: two-sided, of no difference.
        seeds: how many.
        images: how many.
    """

    estimate: float
    low: float
    high: float
    p: float
    seeds: int
    images: int

    def improvement(self, sign: int) -> tuple[float, float, float]:
        """Estimate, low and high with a metric's sign: positive means that the treated is better."""
        low, high = sorted((sign * self.low, sign * self.high))
        return sign * self.estimate, low, high


def difference(
    metric: str,
    pairs: Sequence[Sequence[Pair]],
    *,
    resamples: int,
    confidence: float = 0.95,
    threshold: float = 0.05,
    rng: np.random.Generator,
) -> Interval:
    """The difference between models, by bootstrap over images and seeds and by a t-test over seeds.

    A bootstrap over three seeds does not know that they agree in sign by chance one time in four, and a t-test over
    seeds does not know that all of them saw the same images. So p is the larger of the two, and the interval holds
    what either does not refuse: the union of the bootstrap's percentile interval and of Student's over seeds.
    With one seed there is the bootstrap over images alone, which says nothing about other seeds.

    Percentile intervals are too narrow for few images; they are expanded to the coverage of Student's t
    (Hesterberg 2015, The American Statistician 69:371), which for 50 images is a matter of 3%.

    Args:
        metric: name of one of ``METRICS``.
        pairs: for each seed its pairs, one a layer where there are several. The runs have the metric's scores.
        resamples: how many.
        confidence: of the interval.
        threshold: for ``significant``, the largest p of a significant neuron.
        rng: draws the resamples.

    Raises:
        ValueError: the metric is unknown.
    """
    measure = metric_named(metric)
    images, seeds = measure.images(pairs[0][0][0]), len(pairs)
    per_seed = _per_seed(measure, pairs, threshold)

    def statistic(*drawn: Integer[np.ndarray, "resamples _"], axis: int) -> Float64[np.ndarray, " resamples"]:
        weights = _counts(drawn[1]) if seeds > 1 else np.ones((len(drawn[0]), 1))
        mean: Float64[np.ndarray, " resamples"] = (per_seed(_counts(drawn[0])) * weights).sum(-1) / seeds
        return mean

    result = stats.bootstrap(
        (np.arange(images), np.arange(seeds))[: 1 if seeds == 1 else 2],
        statistic,
        n_resamples=resamples,
        batch=1000,
        vectorized=True,
        paired=False,
        confidence_level=1 - 2 * _percentile_tail((1 - confidence) / 2, images),
        method="percentile",
        rng=rng,
    )
    low, high = result.confidence_interval
    p = _student_tail(_rank_p(result.bootstrap_distribution) / 2, images) * 2
    observed = per_seed(np.ones((1, images)))[0]
    if seeds > 1:
        reach, p_over_seeds = _over_seeds(observed, confidence)
        low, high = min(low, observed.mean() - reach), max(high, observed.mean() + reach)
        p = max(p, p_over_seeds)
    return Interval(float(observed.mean()), float(low), float(high), float(p), seeds, images)


def smallest_p(resamples: int, images: int) -> float:
    """The smallest p that so many resamples can show."""
    return 2 * _student_tail(1 / (resamples + 1), images)


def _counts(drawn: Integer[np.ndarray, "resamples drawn"]) -> Float64[np.ndarray, "resamples drawn"]:
    """How often each image, or seed, is in each resample."""
    resamples, size = drawn.shape
    numbered = drawn + size * np.arange(resamples)[:, None]
    counts = np.bincount(numbered.ravel(), minlength=resamples * size)
    return counts.reshape(resamples, size).astype(np.float64)


# ---- what is resampled --------------------------------------------------------------------------------


def _per_seed(metric: Metric, pairs: Sequence[Sequence[Pair]], threshold: float) -> _PerSeed:
    """Differences of each seed as a function of the images' counts."""
    if metric.of_images:
        by_image = np.stack(
            [np.mean([metric.values(t) - metric.values(r) for t, r in seed], 0) for seed in pairs]
        )
        return lambda counts: counts @ by_image.T / counts.shape[1]
    moments = [[tuple(map(_Moments, pair)) for pair in seed] for seed in pairs]
    least = least_significant_r(metric.images(pairs[0][0][0]), threshold)

    def mean(run: _Moments, counts: Float64[np.ndarray, "resamples images"]) -> np.ndarray:
        assert metric.of_neurons
        over_neurons: np.ndarray = metric.of_neurons(run.correlation(counts), least).mean(-1)
        return over_neurons

    return lambda counts: np.stack(
        [np.mean([mean(t, counts) - mean(r, counts) for t, r in seed], 0) for seed in moments], -1
    )


class _Moments:
    """Pearson r per neuron of resamples, from products of their images' counts with the moments of an image."""

    def __init__(self, scores: Scores) -> None:
        assert scores.prediction is not None
        assert scores.response is not None
        x, y = standardized(scores.prediction), standardized(scores.response)
        self._moments = np.concatenate([x, y, x * x, y * y, x * y], axis=1)

    def correlation(
        self, counts: Float64[np.ndarray, "resamples images"]
    ) -> Float64[np.ndarray, "resamples neurons"]:
        """Pearson r; 0 where prediction or response does not vary within a resample."""
        x, y, xx, yy, xy = np.split(counts @ self._moments / counts.shape[1], 5, axis=1)
        variances = xx - x**2, yy - y**2
        undefined = (variances[0] <= _NO_VARIANCE) | (variances[1] <= _NO_VARIANCE)
        norm = np.sqrt(np.where(undefined, 1.0, variances[0] * variances[1]))
        return np.where(undefined, 0.0, (xy - x * y) / norm)


# ---- tails --------------------------------------------------------------------------------------------


def _rank_p(distribution: Float64[np.ndarray, " resamples"]) -> float:
    """Twice the share of resamples on the rarer side of no difference, which itself counts on both."""
    rarer = min((distribution <= 0).sum(), (distribution >= 0).sum())
    return float(min(1.0, 2 * (rarer + 1) / (len(distribution) + 1)))


def _student_tail(percentile_tail: float, images: int) -> float:
    """What a tail of the bootstrap's distribution is worth: its z, taken as Student's t of ``images`` values.

    The resamples' variance is (n - 1) / n of the unbiased one, and the unbiased one is itself an estimate.
    """
    z = stats.norm.isf(percentile_tail)
    return float(stats.t.sf(z * np.sqrt((images - 1) / images), images - 1))


def _percentile_tail(student_tail: float, images: int) -> float:
    """The inverse of ``_student_tail``."""
    t = stats.t.isf(student_tail, images - 1)
    return float(stats.norm.sf(t * np.sqrt(images / (images - 1))))


def _over_seeds(values: Float64[np.ndarray, " seeds"], confidence: float) -> tuple[float, float]:
    """Half the width of Student's interval of a mean, and the two-sided p of mean 0."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    if error == 0:
        return 0.0, float(not values.any())
    freedom = len(values) - 1
    reach = error * stats.t.isf((1 - confidence) / 2, freedom)
    return float(reach), float(2 * stats.t.sf(abs(values.mean()) / error, freedom))
