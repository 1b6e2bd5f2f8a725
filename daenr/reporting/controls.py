"""The controls beside joint training: what it gains over trainings that lack one of its ingredients."""

# ruff: noqa: RUF001 - the symbols are those of the paper

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from daenr.paper.plan import CONTROL_METRICS, Cell
from daenr.reporting.layouts import LAYERS, NOTHING, REGIONS, Axis, Layout, Row, grid, in_order
from daenr.reporting.rendering import Entry, Rendered, interval_texts, spell
from daenr.statistics.inference import Pair, difference
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
    by_place: dict[tuple[str, str, str], dict[str, list[Cell]]] = {}
    for cell in cells:
        place = by_place.setdefault((cell.table, cell.region, cell.layer or ""), {})
        place.setdefault(cell.control, []).append(cell)
    rows = [
        row
        for controls in by_place.values()
        for metric in CONTROL_METRICS[next(iter(controls.values()))[0].table]
        for row in _rows(metric, controls, scores, confidence)
    ]
    return in_order(pd.DataFrame(rows, columns=COLUMNS), _LAYOUT)


def _rows(
    metric: str,
    controls: Mapping[str, Sequence[Cell]],
    scores: Mapping[str, Scores],
    confidence: float,
) -> Iterator[tuple[object, ...]]:
    """Rows of one metric, region and layer."""
    joint = _of_seeds(metric, controls.get("joint", ()), scores)
    for control, cells in controls.items():
        own = _of_seeds(metric, cells, scores)
        values = [_value(metric, score) for score in own.values()]
        shared = [(joint[seed], own[seed]) for seed in own if seed in joint]
        gain = (np.nan, np.nan, np.nan)
        if control != "joint" and shared:
            gain = _gain(metric, shared, confidence)
        cell = cells[0]
        yield (
            *(cell.table, cell.region, cell.model, cell.layer or "", control, metric),
            float(np.mean(values)) if values else np.nan,
            float(np.std(values, ddof=1)) if len(values) > 1 else np.nan,
            len(values),
            *gain,
        )


def _of_seeds(metric: str, cells: Sequence[Cell], scores: Mapping[str, Scores]) -> dict[int, Scores]:
    """What the seeds scored that have the metric, which an image without error lacks: its PSNR is infinite."""
    found = {cell.run.seed: scores[cell.run.name] for cell in cells}
    return {seed: score for seed, score in found.items() if not np.isnan(_value(metric, score))}


def _value(metric: str, scores: Scores) -> float:
    value = METRICS[metric].mean(scores)
    return np.nan if value is None else value


def _gain(metric: str, pairs: Sequence[Pair], confidence: float) -> tuple[float, float, float]:
    """Improvement of the joint model over a control, with its interval."""
    found = difference(metric, [[[pair] for pair in pairs]])
    return found.estimate, *found.interval(confidence)


def _row_label(metric: str, control: str, model: str) -> str:
    return f"{METRICS[metric].heading}, {LABELS.get(control, model.upper())}"


_LAYOUT = Layout(
    corner="Metric, trained as",
    rows=Axis(("metric", "control", "model"), _row_label),
    upper=REGIONS,
    lower=LAYERS,
    block=lambda row: row[0],
)


def render(frame: pd.DataFrame, confidence: float) -> Rendered:
    """Spell the table of controls that `tidy` made."""
    return spell(grid(_LAYOUT, frame, _entry, "controls", "Controls", _caption(frame, confidence)))


def _entry(row: Row, _: str) -> Entry:
    decimals = METRICS[row["metric"]].decimals
    text = "–" if np.isnan(row["value"]) else f"{row['value']:z.{decimals}f}"
    if np.isnan(row["low"]):
        return Entry(text)
    (low, high), unit = interval_texts((row["low"], row["high"]), decimals)
    return Entry(text, f"[{low}, {high}]{unit}")


def _caption(frame: pd.DataFrame, confidence: float) -> str:
    """What the rows are, what stands in brackets, how many seeds."""
    if frame.empty:
        return NOTHING
    n = int(frame["n"].max())
    values = f"Values are means over {n} seeds" if n > 1 else "Values are of one seed"
    drawn = "test images and seeds" if n > 1 else "the test images alone, as there is one seed"
    return (
        "Is it the neurons that joint training gains from? CAE-FR beside its baselines (CAE, CNN-FR) and beside "
        f"trainings that lack one ingredient each: {_explained(frame)}. {values}; in brackets the {confidence:.0%} "
        "interval of how much better the joint model is than the row, positive where joint training gains (over "
        f"{drawn}; not corrected for the number of comparisons)."
    )


_EXPLANATIONS: Mapping[str, str] = {
    "shuffled": "shuffled responses belong to other images",
    "frozen": "a frozen encoder was trained without neurons and learns nothing more",
    "random": "a random encoder is not trained at all",
}


def _explained(frame: pd.DataFrame) -> str:
    shown = set(frame["control"])
    return "; ".join(text for control, text in _EXPLANATIONS.items() if control in shown)
