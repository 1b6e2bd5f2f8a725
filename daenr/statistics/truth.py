"""The significance rules held against the truth, which a simulated recording knows (`tables/truth.*`)."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from jaxtyping import Bool

from daenr.statistics.significance import RULES

MEASURES = ("false_positives", "false_positive_rate", "false_discovery_rate", "power")

COLUMNS = ["table", "region", "rule", "metric", "value", "sd", "n"]
"""Columns of the tidy frame; ``metric`` is one of ``MEASURES``."""


def errors(tested: pd.DataFrame, responsive: Bool[np.ndarray, " neurons"]) -> pd.DataFrame:
    """How each rule does on one run's neurons.

    Args:
        tested: what `daenr.statistics.significance.neuron_significance` returns.
        responsive: for all neurons of the region, whether they respond to the image at all.

    Returns:
        One row a rule; columns rule, false_positives (unresponsive neurons called significant), false_positive_rate
        (their share of the unresponsive), false_discovery_rate (their share of the significant, 0 if there are
        none), power (share of the responsive called significant). A share of no neurons is NaN.
    """
    truth = pd.Series(responsive[tested["neuron"]])
    rows = [
        (
            rule,
            (called & ~truth).sum(),
            called[~truth].mean(),
            (~truth)[called].mean() if called.any() else 0.0,
            called[truth].mean(),
        )
        for rule, called in ((rule, tested[rule].reset_index(drop=True)) for rule in RULES)
    ]
    return pd.DataFrame(rows, columns=["rule", *MEASURES])


def tidy(runs: Iterable[tuple[str, int, pd.DataFrame]]) -> pd.DataFrame:
    """The table's numbers: mean over layers within a seed, then mean and deviation over seeds.

    Layers of one seed share the recording and the start of the encoder, so they do not count as repeats.

    Args:
        runs: region, seed and `errors` of each run, regions in the order in which they are to be shown.

    Returns:
        Columns ``COLUMNS``, a row for each number; ``sd`` is the sample standard deviation over seeds (n - 1 below the
        line, empty for one seed), ``n`` counts the seeds.
    """
    wide = pd.concat([found.assign(region=region, seed=seed) for region, seed, found in runs])
    long = wide.melt(["region", "seed", "rule"], list(MEASURES), "metric")
    seeds = long.groupby(["region", "rule", "metric", "seed"], sort=False, as_index=False)["value"].mean()
    frame = seeds.groupby(["region", "rule", "metric"], sort=False, as_index=False).agg(
        value=("value", "mean"), sd=("value", "std"), n=("value", "count")
    )
    return frame.assign(table="truth")[COLUMNS]
