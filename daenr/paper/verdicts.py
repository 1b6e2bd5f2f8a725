"""What follows for each claim of the tree: supported, practically none, contradicted or open.

A verdict needs more than a p: how large the difference is against what the paper's own tables cannot tell apart, and,
where nothing is decided, what would decide. The probability that any claim of the tree is called supported or
contradicted wrongly is at most 1 - confidence (``claims.levels``); that a single one is wrongly called practically
none likewise.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from daenr.paper.claims import Claim, Pairs, levels
from daenr.paper.plan import Cell
from daenr.paper.published import Published
from daenr.run import Run
from daenr.statistics.inference import Difference, Pair, difference, neuron_gain
from daenr.statistics.metrics import METRICS
from daenr.statistics.scores import Scores

SUPPORTED, PRACTICALLY_NONE, CONTRADICTED, OPEN = VERDICTS = (
    "supported",
    "practically none",
    "contradicted",
    "open",
)

NOT_TESTED = "not tested"
"""In place of a verdict: the claim rests on one that is not supported."""

COLUMNS = [
    *("claim", "parent", "level", "statement", "source", "region", "metric", "against"),
    *("effect", "error", "freedom", "low", "high", "p", "tested_at", "paper", "paper_excluded"),
    *("neurons_gain", "neurons_error", "n", "images", "verdict", "seeds_needed", "images_needed", "note"),
]
"""Columns of a frame of verdicts; see ``judge``."""

CHANCE = 0.8
"""With which the seeds and images that are asked for would decide."""

_MOST_SEEDS = 100
_MOST_IMAGES = 10_000


@dataclass(frozen=True)
class Rules:
    """What a verdict goes by, each by metric.

    Attributes:
        confidence: of the intervals; 1 minus it is the familywise error of the whole tree.
        margins: a difference below this is practically none.
    """

    confidence: float
    margins: Mapping[str, float]

    @property
    def alpha(self) -> float:
        """Familywise error of the whole tree."""
        return 1 - self.confidence


@dataclass(frozen=True)
class Decision:
    """A verdict, and the contrast that it rests on: of several the one that the claim does worst in.

    Attributes:
        verdict: one of ``VERDICTS``, or ``NOT_TESTED``.
        tested_at: significance level; NaN if it was not tested.
        against: name of the contrast.
        found: its difference, positive as claimed.
    """

    verdict: str
    tested_at: float
    against: str
    found: Difference


# ---- verdicts -----------------------------------------------------------------------------------------


def decide(
    claims: Sequence[Claim], found: Callable[[Claim], Mapping[str, Difference]], rules: Rules
) -> dict[str, Decision]:
    """The verdict on each claim that is tested, by name.

    The claims of the paper share the familywise error; a reference model is tested at all of it, by itself.

    Args:
        claims: the roots.
        found: the difference of each contrast of a claim, positive as claimed; empty if runs lack a result.
        rules: what a verdict goes by.
    """

    def supported(claim: Claim, level: float) -> bool:
        differences = found(claim)
        return bool(differences) and decision(claim.metric, differences, level, rules).verdict == SUPPORTED

    apart = [claim.name for claim in claims if claim.level == "reference"]
    papers = [claim for claim in claims if claim.name not in apart]
    tested_at = levels(papers, rules.alpha, supported) | dict.fromkeys(apart, rules.alpha)
    return {
        claim.name: decision(claim.metric, differences, tested_at[claim.name], rules)
        for root in claims
        for claim, _ in root.walk()
        if claim.name in tested_at and (differences := found(claim))
    }


def verdict(found: Difference, metric: str, level: float, rules: Rules) -> str:
    """What one difference, positive as claimed, shows when it is tested at a level.

    A difference that is there but smaller than the margin is practically none. With one seed everything is open,
    since nothing is known about another.
    """
    if found.seeds == 1:
        return OPEN
    if found.within(rules.margins[metric], rules.alpha):
        return PRACTICALLY_NONE
    if _hidden(found, metric) or not found.significant(level):
        return OPEN
    return SUPPORTED if found.estimate > 0 else CONTRADICTED


def decision(metric: str, found: Mapping[str, Difference], level: float, rules: Rules) -> Decision:
    """An intersection-union test (Berger 1982, Technometrics 24:295): better in every contrast, each at the level.

    Its p is the largest. Contradicted takes one contrast that is worse at the level divided by how many there are.

    Args:
        metric: of the claim.
        found: by contrast, positive as claimed.
        level: at which it is tested; NaN if it is not.
        rules: what a verdict goes by.
    """
    worst = _worst(found)
    if np.isnan(level):
        return Decision(NOT_TESTED, level, worst, found[worst])
    each = {name: verdict(difference, metric, level, rules) for name, difference in found.items()}
    if set(each.values()) == {SUPPORTED}:
        return Decision(SUPPORTED, level, worst, found[worst])
    if verdict(found[worst], metric, level / len(found), rules) == CONTRADICTED:
        return Decision(CONTRADICTED, level, worst, found[worst])
    if none := [name for name, result in each.items() if result == PRACTICALLY_NONE]:
        worst = _worst({name: found[name] for name in none})
        return Decision(PRACTICALLY_NONE, level, worst, found[worst])
    return Decision(OPEN, level, worst, found[worst])


def _worst(found: Mapping[str, Difference]) -> str:
    """The contrast with the largest p, or among those that go the other way the one with the smallest."""
    if len(found) == 1:
        return next(iter(found))
    return max(found, key=lambda name: found[name].p if found[name].estimate > 0 else 2 - found[name].p)


# ---- what would decide --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Needed:
    """Seeds and test images that would decide an open claim; None where a hundred times as many would not."""

    seeds: int | None = None
    images: int | None = None


def needed(found: Difference, metric: str, level: float, rules: Rules) -> Needed:
    """What would decide with a chance of .8, if the effect and the variance components are those seen.

    The fewest seeds with the images at hand; if a hundred seeds would not do, because the images bind, the fewest
    images with the seeds at hand, and if these do not do either, with a hundred seeds.
    """
    if found.seeds == 1:
        return Needed()

    def decides(seeds: int, images: int) -> bool:
        return chance(found.with_size(seeds, images), metric, level, rules) >= CHANCE

    if seeds := _fewest(lambda count: decides(count, found.units), found.seeds, _MOST_SEEDS):
        return Needed(seeds, found.units)
    if metric == "significant":  # its units are the neurons, and there are no more of them
        return Needed()
    for seeds in (found.seeds, _MOST_SEEDS):
        if images := _fewest(partial(decides, seeds), found.units, _MOST_IMAGES):
            return Needed(seeds, images)
    return Needed()


def _fewest(enough: Callable[[int], bool], low: int, high: int) -> int | None:
    """The smallest count from low to high that is enough; more never decides less."""
    if low > high or not enough(high):
        return None
    return low + bisect_left(range(low, high), True, key=enough)


def chance(expected: Difference, metric: str, level: float, rules: Rules) -> float:
    """The chance that an effect with such a standard error is decided: shown to be there, or practically none."""
    size, error = abs(expected.estimate), expected.error
    room = rules.margins[metric] - expected.reach(2 * rules.alpha)
    if error == 0:
        return 1.0
    none = (
        float(special.ndtr((room - size) / error) - special.ndtr((-room - size) / error)) if room > 0 else 0.0
    )
    there = float(special.ndtr((size - max(expected.reach(level), METRICS[metric].visible)) / error))
    return max(none, there)


def smallest_effect(expected: Difference, metric: str, level: float, rules: Rules) -> float:
    """The smallest effect that is found with a chance of .8 at a level, before a study or after it.

    Args:
        expected: mean squares to go by, not its estimate; ``with_size`` gives those of a study of another size.
        metric: whose visible digits bound it from below.
        level: of the test; half of the tree's for a primary claim.
        rules: what a verdict goes by.
    """
    least = max(expected.reach(level), METRICS[metric].visible)
    return least + float(special.ndtri(CHANCE)) * expected.error


# ---- from runs to a frame -----------------------------------------------------------------------------


def judge(
    claims: Sequence[Claim],
    scores: Mapping[str, Scores],
    published: Sequence[Published],
    rules: Rules,
    threshold: float = 0.05,
) -> pd.DataFrame:
    """One row a claim, parents first: how large the effect is, how sure we are of it, and what follows.

    Args:
        claims: the roots of ``claim_tree``.
        scores: of every run of the claims, by its name.
        published: the paper's results.
        rules: what a verdict goes by.
        threshold: largest p of a significant neuron.

    Returns:
        Columns ``COLUMNS``. ``effect`` is in the metric's unit, positive as claimed: the mean over layers (and models)
        of a region, then over regions, then over seeds; of a claim with several contrasts, of the one that it does
        worst in, which ``against`` names. ``error`` its standard error, ``low`` and ``high`` its interval at the
        rules' confidence, ``p`` two-sided and uncorrected; the claim is tested at ``tested_at``. ``paper`` is the same
        contrast of the published numbers, ``paper_excluded`` whether the interval of several seeds excludes it.
        ``neurons_gain`` is the share of neurons whose PCC gains and ``neurons_error`` the standard error over neurons.
        ``n`` counts seeds,
        ``images`` test images (neurons, for ``significant``). ``seeds_needed`` and ``images_needed`` would decide an
        open claim. What there is not is NaN, and empty in texts.
    """
    nodes = [node for root in claims for node in root.walk()]
    used = {
        claim.name: {name: _used(claim.metric, pairs, scores) for name, pairs in claim.contrasts.items()}
        for claim, _ in nodes
    }
    # Better in every contrast can only be asked where every contrast has a result.
    found = {
        claim.name: {
            name: difference(claim.metric, regions, threshold) for name, regions in used[claim.name].items()
        }
        for claim, _ in nodes
        if all(used[claim.name].values())
    }
    decisions = decide(claims, lambda claim: found.get(claim.name, {}), rules)
    for claim, _ in nodes:
        if claim.name in found and claim.name not in decisions:
            decisions[claim.name] = decision(claim.metric, found[claim.name], nan, rules)
    printed = {(p.table, p.region, p.model, p.layer, p.neurons, p.metric): p.value for p in published}
    rows = [
        _row(claim, parent, decisions.get(claim.name), used[claim.name], printed, rules)
        for claim, parent in nodes
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _used(metric: str, pairs: Pairs, scores: Mapping[str, Scores]) -> list[list[list[Pair]]]:
    """By region, then seed: the pairs of which every seed has a result, among the seeds that have any.

    A cell that one seed lacks, for example since no neuron was insignificant there, would make seeds differ in what
    they are a mean of.
    """
    by_cell: dict[tuple[Run, Run], dict[int, Pair]] = {}
    for treated, reference in pairs:
        pair = scores[treated.run.name], scores[reference.run.name]
        if all(map(METRICS[metric].images, pair)):
            cell = replace(treated.run, seed=0), replace(reference.run, seed=0)
            by_cell.setdefault(cell, {})[treated.run.seed] = pair
    seeds = sorted({seed for of_seeds in by_cell.values() for seed in of_seeds})
    full = {cell: of_seeds for cell, of_seeds in by_cell.items() if len(of_seeds) == len(seeds)}
    return [
        [[of_seeds[seed] for (run, _), of_seeds in full.items() if run.region == region] for seed in seeds]
        for region in dict.fromkeys(run.region for run, _ in full)
    ]


def _row(
    claim: Claim,
    parent: Claim | None,
    decided: Decision | None,
    used: Mapping[str, Sequence[Sequence[Sequence[Pair]]]],
    printed: Mapping[tuple[Any, ...], float],
    rules: Rules,
) -> dict[str, Any]:
    """What there is of a row; the frame passes over what is no column, and has NaN where a number is missing."""
    row = vars(claim) | {
        "claim": claim.name,
        "parent": parent.name if parent else "",
        "region": claim.regions[0] if len(claim.regions) == 1 else "",
        **{"against": "", "paper_excluded": "", "n": 0, "images": 0},
    }
    if decided is None:
        return row | {"verdict": OPEN, "note": "runs lack a result"}
    found, pairs, regions = decided.found, claim.contrasts[decided.against], used[decided.against]
    low, high = found.interval(rules.confidence)
    paper = _published_effect(claim.metric, pairs, printed)
    row |= vars(decided) | {
        **{"effect": found.estimate, "error": found.error, "freedom": found.freedom},
        **{"low": low, "high": high, "p": found.p, "paper": paper, "n": found.seeds, "images": found.units},
    }
    if found.seeds > 1 and not np.isnan(paper):
        row["paper_excluded"] = "no" if low <= paper <= high else "yes"
    if claim.metric == "pcc":
        neurons = neuron_gain(regions)
        row |= {"neurons_gain": neurons.share, "neurons_error": neurons.error}
    if decided.verdict == OPEN:
        need = needed(found, claim.metric, decided.tested_at, rules)
        row |= {"seeds_needed": need.seeds or nan, "images_needed": need.images or nan}
    left_out = len(pairs) - sum(len(seed) for region in regions for seed in region)
    notes = [f"{left_out} of {len(pairs)} pairs of runs are left out"] if left_out else []
    return row | {"note": "; ".join(notes + _notes(decided, claim, parent))}


def _notes(decided: Decision, claim: Claim, parent: Claim | None) -> list[str]:
    """What the numbers of a row do not say by themselves."""
    found, notes = decided.found, []
    if found.seeds == 1:
        notes.append("one seed: the interval is over test images alone")
    if decided.verdict == NOT_TESTED and parent:
        notes.append(f"rests on {parent.name}, which is not supported")
    if decided.verdict == PRACTICALLY_NONE and found.significant(decided.tested_at):
        notes.append("different from 0, but by less than the margin")
    if decided.verdict == OPEN and found.significant(decided.tested_at) and _hidden(found, claim.metric):
        notes.append("smaller than the printed digits show")
    if claim.metric == "significant":
        notes.append("over seeds and neurons, with the test images that were recorded")
    return notes


def _hidden(found: Difference, metric: str) -> bool:
    """Whether the printed digits do not show the effect."""
    return abs(found.estimate) < METRICS[metric].visible


def _published_effect(metric: str, pairs: Pairs, printed: Mapping[tuple[Any, ...], float]) -> float:
    """The contrast in the paper's numbers, mean over the same cells; NaN if the paper lacks one."""

    def value(cell: Cell) -> float:
        if cell.control:
            return nan
        return printed.get((cell.table, cell.region, cell.model, cell.layer, cell.neurons, metric), nan)

    effects = [value(treated) - value(reference) for treated, reference in pairs]
    return float(METRICS[metric].sign * np.mean(effects))


# ---- sensitivity --------------------------------------------------------------------------------------

_KEY = ["claim", "parent", "statement", "source", "region", "metric"]
_COMPARED = ["effect", "low", "high", "verdict"]


def sensitivity(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The verdicts under several settings side by side.

    Args:
        frames: what ``judge`` returns, by the name of the variant; the config's own first, under any name.

    Returns:
        One row a claim that every variant has: the claim; ``effect``, ``low``, ``high`` and ``verdict`` of the
        config's own and ``effect_NAME`` ... of each variant; ``moves``, whether any variant's verdict is another.
    """
    own, *variants = frames
    merged = frames[own][_KEY + _COMPARED]
    for name in variants:
        theirs = frames[name][["claim", *_COMPARED]]
        merged = merged.merge(theirs, on="claim", suffixes=("", f"_{name}"), validate="one_to_one")
    verdicts = merged[[f"verdict_{name}" for name in variants]]
    return merged.assign(moves=verdicts.ne(merged["verdict"], axis=0).any(axis=1))
