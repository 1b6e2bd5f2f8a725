"""The controls beside joint training: what it gains over trainings that lack one of its ingredients."""

# ruff: noqa: RUF001 - the symbols are those of the paper

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd

from daenr.paper.plan import CONTROL_METRICS, Cell
from daenr.reporting.arrangement import (
    LAYER_AXIS,
    REGION_AXIS,
    Arrangement,
    Axis,
    Row,
    captioned,
    grid,
    in_order,
)
from daenr.reporting.rendering import Entry, Rendered, interval_texts, spell
from daenr.statistics.inference import difference
from daenr.statistics.metrics import METRICS
from daenr.statistics.scores import Scores

_PLACE = ["table", "region", "model", "layer", "control", "metric"]
COLUMNS = [*_PLACE, "value", "sd", "n", "difference", "low", "high"]
"""Columns of the tidy frame; ``difference`` is joint minus row, signed so that positive means joint is better."""

LABELS: Mapping[str, str] = {
    "shuffled": "shuffled responses",
    "frozen": "frozen encoder",
    "random": "random encoder",
}
"""What the controls are called in tables and figures; baseline and joint model go by the model's name."""

_EXPLANATIONS: Mapping[str, str] = {
    "shuffled": "shuffled responses belong to other images",
    "frozen": "a frozen encoder was trained without neurons and learns nothing more",
    "random": "a random encoder is not trained at all",
}


def tidy(cells: Sequence[Cell], scores: Mapping[str, Scores], confidence: float) -> pd.DataFrame:
    """One row for each number: a region, a layer, a metric, and the joint model or what it is compared with.

    Args:
        cells: of both halves, one a seed.
        scores: for each run's name its results image by image and neuron by neuron.
        confidence: of the intervals.

    Returns:
        Columns ``COLUMNS``. ``value`` is the mean over seeds, ``sd`` their sample standard deviation (empty for one
        seed), ``n`` counts the seeds in which the run has the metric. ``difference`` is the mean over the seeds that
        joint model and row share, ``low`` and ``high`` its interval; the joint model's own are empty.
    """
    found: dict[tuple[str, ...], dict[int, tuple[float, Scores]]] = {}
    for table, metrics in CONTROL_METRICS.items():
        for metric, cell in product(metrics, [cell for cell in cells if cell.table == table]):
            place = (table, cell.region, cell.model, cell.layer or "", cell.control, metric)
            of_seeds, scored = found.setdefault(place, {}), scores[cell.run.name]
            value = METRICS[metric].mean(scored)
            if value is not None:  # an image without error has no PSNR
                of_seeds[cell.run.seed] = value, scored
    joint = {
        (region, layer, metric): of_seeds
        for (_, region, _, layer, control, metric), of_seeds in found.items()
        if control == "joint"
    }
    rows = []
    for (table, region, model, layer, control, metric), of_seeds in found.items():
        values = [value for value, _ in of_seeds.values()]
        mean = np.mean(values) if values else np.nan
        sd = np.std(values, ddof=1) if len(values) > 1 else np.nan
        against = joint.get((region, layer, metric), {}) if control != "joint" else {}
        pairs = [[(against[seed][1], scored)] for seed, (_, scored) in of_seeds.items() if seed in against]
        gain = difference(metric, [pairs]) if pairs else None
        interval = (gain.estimate, *gain.interval(confidence)) if gain else (np.nan, np.nan, np.nan)
        rows.append((table, region, model, layer, control, metric, mean, sd, len(values), *interval))
    return in_order(pd.DataFrame(rows, columns=COLUMNS), _ARRANGEMENT)


_ARRANGEMENT = Arrangement(
    corner="Metric, trained as",
    rows=Axis(
        ("metric", "control", "model"),
        lambda metric, control, model: f"{METRICS[metric].heading}, {LABELS.get(control, model.upper())}",
    ),
    upper=REGION_AXIS,
    lower=LAYER_AXIS,
    block=lambda row: row[0],
)


def render(frame: pd.DataFrame, confidence: float) -> Rendered:
    """Spell the table of controls that `tidy` made."""
    return spell(grid(_ARRANGEMENT, frame, _entry, "controls", "Controls", _caption(frame, confidence)))


def _entry(row: Row, _: str) -> Entry:
    decimals = METRICS[row["metric"]].decimals
    text = "–" if np.isnan(row["value"]) else f"{row['value']:z.{decimals}f}"
    if np.isnan(row["low"]):
        return Entry(text)
    (low, high), unit = interval_texts((row["low"], row["high"]), decimals)
    return Entry(text, f"[{low}, {high}]{unit}")


def _caption(frame: pd.DataFrame, confidence: float) -> str:
    """What the rows are, what stands in brackets, how many seeds."""
    shown = set(frame["control"])
    explained = "; ".join(text for control, text in _EXPLANATIONS.items() if control in shown)
    n = frame["n"].max()
    values = f"Values are means over {n} seeds" if n > 1 else "Values are of one seed"
    drawn = "test images and seeds" if n > 1 else "the test images alone, as there is one seed"
    return captioned(
        frame,
        "Is it the neurons that joint training gains from? CAE-FR beside its baselines (CAE, CNN-FR) and beside "
        f"trainings that lack one ingredient each: {explained}. {values}; in brackets the {confidence:.0%} "
        "interval of how much better the joint model is than the row, positive where joint training gains (over "
        f"{drawn}; not corrected for the number of comparisons).",
    )
