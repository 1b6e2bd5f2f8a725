"""How sure a difference between models is when seeds and test images are both drawn at random, and crossed.

What is asked is whether the difference would show again with other seeds *and* other test images. Every seed sees
the same images, so the mean of a table of seeds by images has the variance of a crossed two-way random-effects design
(Clark 1973, Journal of Verbal Learning and Verbal Behavior 12:335, "the language-as-fixed-effect fallacy"):

    d[s, i] = mean + seed[s] + image[i] + rest[s, i],    V(mean) = V_seed / S + V_image / I + V_rest / (S I)

which the mean squares estimate as (MS_seed + MS_image - MS_rest) / (S I), the denominator of Clark's quasi-F.

How many standard errors an interval reaches is where the methods differ. Satterthwaite's degrees of freedom are
themselves estimated, from a few seeds, and at the small levels at which the claims of a tree are tested (.0125) that
finds what is not there up to 1.5 (5 seeds) or 4.8 times (2 seeds) too often. So each mean square takes the t of its
own degrees of freedom, reach^2 = (t_S^2 MS_seed + t_I^2 MS_image - t_R^2 MS_rest) / (S I), which errs towards finding
too little (Banerjee 1960, Sankhya 22:357) and is Student's test where one factor has all the variance. The corrected
two-factor bootstrap (Schuett et al. 2023, eLife 12:e82566) estimates the same variance, and takes the t of the
smaller factor for all of it: a gain of .017 in PCC is then found in 54% of sets, and here in 86%.
``benchmarks/power.py --methods`` compares them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, inf, log, sqrt

import numpy as np
from jaxtyping import Float64
from scipy import optimize, special

from daenr.statistics.correlation import least_significant_r, pearson, standardized
from daenr.statistics.metrics import Metric, metric_named
from daenr.statistics.scores import Scores

Pair = tuple[Scores, Scores]
"""Two runs of one seed on the same test images: the treated, and the reference that it is compared with."""

_NO_VARIANCE = 1e-10
"""Of what remains when one image is left out, in units of the variance over all: rounding."""

_SMALLEST_P, _LARGEST_P = 1e-12, 0.999
"""Between which p is computed."""


# ---- a difference -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Term:
    """A mean square as its share in the variance of the mean, and its degrees of freedom; 0 if there are none."""

    variance: float = 0.0
    freedom: int = 0

    def reach(self, level: float) -> float:
        """Squared half width of Student's interval if this were all the variance there is."""
        if self.variance == 0:
            return 0.0
        return float(special.stdtrit(self.freedom, level / 2)) ** 2 * self.variance


@dataclass(frozen=True)
class Difference:
    """A mean difference and the mean squares that say how sure it is.

    Attributes:
        estimate: in the metric's unit, the difference of the numbers that the tables show.
        seeds: how many; with one, nothing is known about another, and what is said is about test images alone.
        units: how many test images, or neurons for ``significant``; the fewest of any region.
        of_seeds: MS_seed / (S I).
        of_units: MS_image / (S I).
        of_rest: MS_rest / (S I).
    """

    estimate: float
    seeds: int
    units: int
    of_seeds: Term
    of_units: Term
    of_rest: Term

    @property
    def error(self) -> float:
        """Standard error of the estimate; infinite where neither seeds nor images repeat."""
        return self._combined(*(term.variance for term in self._terms))

    @property
    def freedom(self) -> float:
        """Satterthwaite's degrees of freedom of the standard error, for information: no interval rests on them."""
        pooled = sum(t.variance**2 / t.freedom for t in self._terms if t.variance > 0)
        return float(self.error**4 / pooled) if pooled else inf

    def reach(self, level: float) -> float:
        """Half the width of the interval of confidence 1 - level."""
        return self._combined(*(term.reach(level) for term in self._terms))

    def interval(self, confidence: float) -> tuple[float, float]:
        """What the difference may be."""
        reach = self.reach(1 - confidence)
        return self.estimate - reach, self.estimate + reach

    def significant(self, level: float) -> bool:
        """Whether the interval of confidence 1 - level excludes 0."""
        return abs(self.estimate) > self.reach(level)

    @cached_property
    def p(self) -> float:
        """Two-sided, of no difference: the level at which it begins to be significant, and no less than 1e-12."""
        if not self.significant(_LARGEST_P):
            return 1.0
        if self.significant(_SMALLEST_P):
            return _SMALLEST_P
        size = abs(self.estimate)
        return exp(optimize.brentq(lambda x: self.reach(exp(x)) - size, log(_SMALLEST_P), log(_LARGEST_P)))

    def within(self, margin: float, level: float) -> bool:
        """Whether a difference as large as the margin is excluded, in both directions: two one-sided tests.

        Each is at ``level``, so what must lie within the margin is the interval of confidence 1 - 2 * level
        (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15:657).
        """
        return abs(self.estimate) + self.reach(2 * level) < margin

    def with_size(self, seeds: int, units: int) -> "Difference":
        """What as many seeds and images are expected to show, from the variance components seen.

        A component is E[MS_seed] - E[MS_rest] (and so on), and none is negative.
        """
        rest = self.of_rest.variance
        per_seed = max(0.0, self.of_seeds.variance - rest) * self.seeds / seeds
        per_unit = max(0.0, self.of_units.variance - rest) * self.units / units
        rest *= self.seeds * self.units / (seeds * units)
        return Difference(
            self.estimate,
            seeds,
            units,
            Term(per_seed + rest, seeds - 1) if seeds > 1 else Term(),
            Term(per_unit + rest, units - 1) if units > 1 else Term(),
            Term(rest, (seeds - 1) * (units - 1)) if seeds > 1 and units > 1 else Term(),
        )

    @property
    def _terms(self) -> tuple[Term, Term, Term]:
        return self.of_seeds, self.of_units, self.of_rest

    def _combined(self, seeds: float, units: float, rest: float) -> float:
        """Never below either factor alone: a rest that exceeds one of them by chance would leave too little."""
        if self.seeds == 1 and self.units == 1:
            return inf
        return sqrt(max(seeds + units - rest, seeds, units))


def difference(
    metric: str, regions: Sequence[Sequence[Sequence[Pair]]], threshold: float = 0.05
) -> Difference:
    """How much better the treated is than the reference, pooled over layers, then regions, then seeds.

    Args:
        metric: one of ``METRICS``.
        regions: for each region and seed its pairs, one a layer where there are several; seeds in one order.
        threshold: for ``significant``, the largest p of a significant neuron.

    Raises:
        ValueError: the metric is unknown, or a region lacks a seed.
    """
    sign = metric_named(metric).sign
    tables = [[[gains(metric, *pair, threshold) for pair in seed] for seed in region] for region in regions]
    return crossed([sign * np.mean(table, axis=1) for table in tables])


def crossed(regions: Sequence[Float64[np.ndarray, "_ _"]]) -> Difference:
    """The mean of tables of seeds by images, one table a region, with both factors drawn at random.

    A seed is one draw for all regions. Regions of equally many images are averaged image by image: where they share
    their images that is what makes them one draw, and where they do not, the pairing is arbitrary and changes nothing.

    Args:
        regions: one row a seed, the same seeds in each.

    Raises:
        ValueError: a region lacks a seed.
    """
    if len({len(region) for region in regions}) != 1:
        raise ValueError(
            f"every region needs the same seeds, got {[len(region) for region in regions]} of them"
        )
    seeds, sizes = len(regions[0]), sorted({region.shape[1] for region in regions})
    tables = [
        np.sum([region for region in regions if region.shape[1] == size], axis=0) / len(regions)
        for size in sizes
    ]
    of_seed = np.sum([table.mean(axis=1) for table in tables], axis=0)
    parts = [_units_and_rest(table) for table in tables]
    return Difference(
        float(np.mean(of_seed)),
        seeds,
        sizes[0],
        _spread(of_seed),
        _sum([units for units, _ in parts]),
        _sum([rest for _, rest in parts]),
    )


def _units_and_rest(table: Float64[np.ndarray, "seeds units"]) -> tuple[Term, Term]:
    (seeds, units), of_unit = table.shape, table.mean(axis=0)
    if seeds == 1 or units == 1:
        return _spread(of_unit), Term()
    rest = table - table.mean(axis=1, keepdims=True) - of_unit + table.mean()
    freedom = (seeds - 1) * (units - 1)
    return _spread(of_unit), Term(float((rest**2).sum()) / freedom / (seeds * units), freedom)


def _spread(means: Float64[np.ndarray, " levels"]) -> Term:
    """Of a factor, from its means over the other one."""
    levels = len(means)
    return Term(float(means.var(ddof=1)) / levels, levels - 1) if levels > 1 else Term()


def _sum(terms: Sequence[Term]) -> Term:
    """Sum of independent terms, with the fewest degrees of freedom of any."""
    used = [term for term in terms if term.freedom]
    return Term(sum(term.variance for term in used), min(term.freedom for term in used)) if used else Term()


# ---- what is crossed with the seeds -------------------------------------------------------------------


def gains(
    metric: str, treated: Scores, reference: Scores, threshold: float = 0.05
) -> Float64[np.ndarray, " units"]:
    """Treated minus reference, image by image, or neuron by neuron for a count of neurons; its mean is the tables'.

    A mean over neurons of their correlations is no mean over images. Image i stands for its jackknife pseudo-value,
    n m - (n - 1) m_without_i (Tukey 1958), moved so that their mean is the mean m itself.

    A number of significant neurons counts crossings of a threshold, which resampled images cross too readily. What is
    counted is paired: each neuron is significant in the treated and not in the reference (n, the number of neurons),
    or the other way round (-n), or no different (0); what chance alone calls significant is in both, and cancels. The
    test images are those that were recorded.

    Args:
        metric: one of ``METRICS``.
        treated: a run.
        reference: another, with the same test images, and for ``significant`` the same neurons.
        threshold: for ``significant``, the largest p of a significant neuron.

    Raises:
        ValueError: the metric is unknown, or the neurons differ.
    """
    measure = metric_named(metric)
    if measure.of_images:
        return measure.values(treated) - measure.values(reference)
    if measure.per_run:
        return _pseudo_values(measure, treated) - _pseudo_values(measure, reference)
    if not np.array_equal(treated.neurons, reference.neurons):
        raise ValueError(f"{metric} is compared neuron by neuron, but the runs differ in their neurons")
    assert measure.of_neurons
    least = least_significant_r(measure.images(treated), threshold)
    with_treated, with_reference = (
        measure.of_neurons(pearson(*run.rates), least) for run in (treated, reference)
    )
    return with_treated - with_reference


def _pseudo_values(metric: Metric, run: Scores) -> Float64[np.ndarray, " images"]:
    """Of a mean over neurons."""
    assert metric.of_neurons
    x, y = map(standardized, run.rates)
    images = len(x)
    r = (x * y).mean(axis=0)
    # Variances and covariance without image i, from their values with it, which are 1, 1 and r.
    left_x, left_y = 1 - x**2 / (images - 1), 1 - y**2 / (images - 1)
    undefined = (left_x <= _NO_VARIANCE) | (left_y <= _NO_VARIANCE)
    without = (r - x * y / (images - 1)) / np.sqrt(np.where(undefined, 1.0, left_x * left_y))
    without = metric.of_neurons(np.where(undefined, 0.0, without), np.nan).mean(axis=1)
    influence = -(images - 1) * without
    whole = metric.of_neurons(r, np.nan).mean()
    return whole + influence - influence.mean()


# ---- neurons ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NeuronGain:
    """How a gain in PCC is spread over the neurons, which an average hides.

    Attributes:
        share: of the neurons whose mean gain over layers and seeds is above 0.
        error: standard error over neurons of the mean gain; NaN with fewer than two neurons.
    """

    share: float
    error: float


def neuron_gain(regions: Sequence[Sequence[Sequence[Pair]]]) -> NeuronGain:
    """Share of neurons that gain, and the standard error over neurons, of the mean over regions.

    Args:
        regions: as for ``difference``; within a region all runs have the same neurons.
    """
    by_neuron = [
        np.mean([pearson(*t.rates) - pearson(*r.rates) for seed in region for t, r in seed], axis=0)
        for region in regions
    ]
    errors = [g.var(ddof=1) / len(g) if len(g) > 1 else np.nan for g in by_neuron]
    return NeuronGain(
        float(np.mean(np.concatenate(by_neuron) > 0)), float(np.sqrt(np.sum(errors)) / len(by_neuron))
    )
