"""The significance rules held against the truth, which a simulated recording knows (`tables/significance.*`)."""

# ruff: noqa: RUF001 - the symbols are those of the paper

from collections.abc import Iterable

import numpy as np
import pandas as pd
from jaxtyping import Bool

from daenr.reporting.labels import region_label
from daenr.reporting.rendering import Entry, Grid, RenderedTable, spell
from daenr.statistics.significance import RULES

METRICS = ("false_positives", "false_positive_rate", "false_discovery_rate", "power")

COLUMNS = ["table", "region", "rule", "metric", "value", "sd", "n"]
"""Columns of the tidy frame."""

_METRIC_LABELS = {
    "false_positives": "False positives",
    "false_positive_rate": "of unresponsive ↓",
    "false_discovery_rate": "of significant ↓",
    "power": "Power ↑",
}


def errors(tested: pd.DataFrame, responsive: Bool[np.ndarray, " neurons"]) -> pd.DataFrame:
    """How each rule does on one run's neurons.

    Args:
        tested: what `daenr.statistics.significance.test_neurons` returns.
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
    return pd.DataFrame(rows, columns=["rule", *METRICS])


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
    long = wide.melt(["region", "seed", "rule"], list(METRICS), "metric")
    seeds = long.groupby(["region", "rule", "metric", "seed"], sort=False, as_index=False)["value"].mean()
    frame = seeds.groupby(["region", "rule", "metric"], sort=False, as_index=False).agg(
        value=("value", "mean"), sd=("value", "std"), n=("value", "count")
    )
    tidied: pd.DataFrame = frame.assign(table="significance")[COLUMNS]
    return tidied


def render(frame: pd.DataFrame, threshold: float) -> RenderedTable:
    """Spell the table: a row for each region and rule.

    Args:
        frame: what `tidy` returns.
        threshold: that of the tests.
    """
    names = {
        "significant": f"p ≤ {threshold:g} (the paper's)",
        "significant_bh": f"Benjamini–Hochberg q ≤ {threshold:g}",
        "significant_permutation": f"permutation p ≤ {threshold:g}",
    }
    numbers = frame.set_index(["region", "rule", "metric"])
    blocks = [
        [
            (
                f"{region_label(region)}, {names[rule]}",
                [_entry(metric, *numbers.loc[(region, rule, metric), ["value", "sd"]]) for metric in METRICS],
            )
            for rule in RULES
        ]
        for region in frame["region"].unique()
    ]
    n = int(frame["n"].max())
    caption = (
        "Which neurons the rules call significant, held against the truth of the simulated recording. False positives: "
        "neurons called significant that do not respond to the image, their number, their share of the unresponsive "
        "and of the significant neurons. Power: share of the responsive neurons called significant. CAE-FRᵢ on the "
        "test images, mean over its layers; "
        + (f"then mean ± standard deviation over {n} seeds." if n > 1 else "one seed.")
    )
    columns = [_METRIC_LABELS[metric] for metric in METRICS]
    return spell(Grid("significance", "Significance", caption, "Region, rule", [], columns, blocks, []))


def _entry(metric: str, value: float, sd: float) -> Entry:
    if np.isnan(value):
        return Entry("–")
    digits = 1 if metric == "false_positives" else 3
    return Entry(f"{value:.{digits}f}", "" if np.isnan(sd) else f"± {sd:.{digits}f}")
