"""What our runs say about the paper's claims: effect, interval, p and verdict; and how settings sway them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from daenr.paper.claims import VERDICTS, Claim
from daenr.paper.plan import Cell
from daenr.paper.published import Published
from daenr.statistics.metrics import METRICS
from daenr.statistics.resampling import Pair, difference, smallest_p
from daenr.statistics.scores import Scores

COLUMNS = [
    *("claim", "statement", "source", "region", "metric", "effect", "low", "high", "p", "p_holm"),
    *("n", "images", "paper", "verdict", "note"),
]
"""Columns of a frame of verdicts; ``n`` counts seeds, ``images`` test images."""


# ---- verdicts -----------------------------------------------------------------------------------------


def judge(
    claims: Sequence[Claim],
    scores: Mapping[str, Scores],
    published: Sequence[Published],
    *,
    confidence: float,
    resamples: int,
    smallest_seeds: int,
    threshold: float,
    seed: int = 0,
) -> pd.DataFrame:
    """One row a claim: how large the effect is, how sure we are of it, and what follows.

    A claim is decided if p, corrected for all claims together (Holm), is at most 1 - confidence: ``supported`` if the
    effect is as claimed and ``contradicted`` if it is the opposite. One that is not decided is ``not supported``, or
    has ``too few seeds to say``; one seed decides nothing, since it says nothing about another.

    Args:
        claims: what to judge; the claims among which p is corrected.
        scores: of every run of the claims, by its name.
        published: the paper's results.
        confidence: of the intervals; see above.
        resamples: of the bootstrap.
        smallest_seeds: with fewer seeds than this, a claim that is not decided has too few.
        threshold: largest p of a significant neuron.
        seed: of the resamples; every claim draws its own.

    Returns:
        Columns ``COLUMNS``. ``effect``, ``low`` and ``high`` are in the metric's unit, positive as claimed: the mean
        over layers (and readouts) of a seed, then over seeds. ``paper`` is the same contrast of the published
        numbers. What there is not is NaN.
    """
    options = {"resamples": resamples, "confidence": confidence, "threshold": threshold}
    rows = [
        _row(claim, scores, np.random.default_rng([seed, *claim.name.encode()]), options) for claim in claims
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["paper"] = [_published_effect(claim, published) for claim in claims]
    tested = frame["p"].notna()
    if tested.any():
        frame.loc[tested, "p_holm"] = multipletests(frame.loc[tested, "p"], method="holm")[1]
    level = 1 - confidence
    frame["verdict"] = [
        _verdict(effect, p, n, level, smallest_seeds)
        for effect, p, n in zip(frame["effect"], frame["p_holm"], frame["n"], strict=True)
    ]
    least = [smallest_p(resamples, images) if images > 1 else 0.0 for images in frame["images"]]
    short = (frame["p_holm"] > level) & (frame["p"] <= least)
    frame.loc[short, "note"] = "p is as small as so few resamples allow; raise comparison.resamples"
    return frame


def _row(
    claim: Claim, scores: Mapping[str, Scores], rng: np.random.Generator, options: Mapping[str, Any]
) -> dict[str, Any]:
    """What one claim's runs show, before it is seen among the others."""
    row: dict[str, Any] = {
        **{"claim": claim.name, "statement": claim.statement, "source": claim.source},
        **{"region": claim.region, "metric": claim.metric, "n": 0, "images": 0},
        **dict.fromkeys(("effect", "low", "high", "p", "p_holm", "paper"), np.nan),
    }
    pairs = _usable_pairs(claim, scores)
    missing = len(claim.pairs) - sum(map(len, pairs))
    notes = [f"{missing} of {len(claim.pairs)} pairs of runs lack a result"] if missing else []
    if pairs:
        found = difference(claim.metric, pairs, rng=rng, **options)
        row |= zip(("effect", "low", "high"), found.improvement(METRICS[claim.metric].sign), strict=True)
        row |= {"n": found.seeds, "images": found.images}
        if found.seeds > 1:
            row["p"] = found.p
        else:
            notes.append("one seed: the interval is over test images alone")
    return row | {"note": "; ".join(notes)}


def _usable_pairs(claim: Claim, scores: Mapping[str, Scores]) -> list[list[Pair]]:
    """The pairs of each seed of which both sides have a result."""
    of_seeds: dict[int, list[Pair]] = {}
    for treated, reference in claim.pairs:
        pair = scores[treated.run.name], scores[reference.run.name]
        if all(METRICS[claim.metric].images(side) for side in pair):
            of_seeds.setdefault(treated.run.seed, []).append(pair)
    return list(of_seeds.values())


def _published_effect(claim: Claim, published: Sequence[Published]) -> float:
    """The claim's contrast in the paper's numbers, mean over the same layers; NaN if the paper lacks one."""
    printed = {(p.table, p.region, p.model, p.layer, p.neurons, p.metric): p.value for p in published}

    def value(cell: Cell) -> float:
        if cell.control:
            return np.nan
        return printed.get(
            (cell.table, cell.region, cell.model, cell.layer, cell.neurons, claim.metric), np.nan
        )

    effects = [value(treated) - value(reference) for treated, reference in claim.pairs]
    return float(METRICS[claim.metric].sign * np.mean(effects))


def _verdict(effect: float, p: float, seeds: int, level: float, smallest_seeds: int) -> str:
    supported, not_supported, contradicted, too_few = VERDICTS
    if p <= level:
        return supported if effect > 0 else contradicted
    return too_few if seeds < smallest_seeds else not_supported


# ---- sensitivity --------------------------------------------------------------------------------------

_KEY = ["claim", "statement", "source", "region", "metric"]
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
