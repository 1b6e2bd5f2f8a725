"""The table of images that drive a neuron: how much they drive it, and how natural they are."""

# ruff: noqa: RUF001 - the symbols are those of the paper

from collections.abc import Mapping

import numpy as np
import pandas as pd

from daenr.reporting.arrangement import NO_AXIS, Arrangement, Axis, Row, grid
from daenr.reporting.labels import model_label, region_label
from daenr.reporting.rendering import Entry, Rendered, interval_texts, spell
from daenr.run import Run
from daenr.statistics.inference import crossed

COLUMNS = ["table", "region", "model", "method", "metric", "value", "low", "high", "seeds", "neurons"]
"""Columns of the tidy frame."""

LEAST_R, MATCHING = 0.5, 0.7
"""Test correlation from which on a simple cell's image is held against its filter, and |r| from which it matches."""

METHODS: Mapping[str, str] = {
    "natural": "training image",
    "pixels": "pixels",
    "blurred": "pixels, blurred",
    "decoder": "decoder",
    "blurred control": "pixels, blurred; others held",
    "decoder control": "decoder; others held",
    "single": "another seed",
    "ensemble": "all other seeds",
    "decoder - pixels": "decoder − pixels",
    "decoder - blurred": "decoder − pixels, blurred",
    "ensemble - single": "all − another seed",
}
"""What methods, and differences between two of them, are called."""

_PAIRS = (("decoder", "pixels"), ("decoder", "blurred"), ("ensemble", "single"))

_METRICS = {
    "rate": "Predicted rate ↑",
    "others": "Others' change ↓",
    "response": "True response ↑",
    "exceeds": "Above any training image ↑",
    "filter_r": "|r| with the filter ↑",
    "matches": f"|r| ≥ {MATCHING:g} ↑",
    "slope": "Spectral slope",
    "slope_gap": "Slope off ↓",
    "distance": "Distance ↓",
    "unexplained": "Unexplained ↓",
}
"""Headings."""

_NATURAL = ("slope_gap", "distance", "unexplained")


def tidy(judged: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Means over seeds and neurons with their intervals, both drawn at random and crossed.

    Args:
        judged: what ``judge.py`` wrote of each run.
        confidence: of the intervals.

    Returns:
        Columns ``COLUMNS``. ``rate`` is in standard deviations over training images; ``response`` the true cell's over
        its highest by any training image; ``exceeds`` the share of cells where that is above 1; ``matches`` the share
        of simple cells predicted with r of ``LEAST_R`` whose image has |r| of ``MATCHING`` with their filter;
        ``slope_gap`` the distance from the mean slope of the ``natural`` images. Differences of methods are paired.
    """
    runs = {name: vars(Run.parse(name)) for name in judged["run"].unique()}
    frame = judged.join(pd.DataFrame(runs).T[["region", "model", "seed"]], on="run")
    natural = frame[frame["method"] == "natural"].groupby(["region", "model"])["slope"].mean().rename("usual")
    frame = frame.join(natural, on=["region", "model"])
    frame["slope_gap"] = (frame["slope"] - frame["usual"]).abs()
    frame["exceeds"] = (frame["response"] > 1).where(frame["response"].notna())
    frame["filter_r"] = frame["filter_r"].where(frame["r"] > LEAST_R)
    frame["matches"] = (frame["filter_r"] >= MATCHING).where(frame["filter_r"].notna())
    rows = [
        (*place, method, metric, *numbers)
        for place, group in frame.groupby(["region", "model"], sort=False)
        for metric in _METRICS
        for method, table in _tables(group, metric).items()
        if (numbers := _interval(table, confidence)) is not None
    ]
    return pd.DataFrame(rows, columns=COLUMNS[1:]).assign(table="optimal_images")[COLUMNS]


def _tables(group: pd.DataFrame, metric: str) -> dict[str, pd.DataFrame]:
    """Seeds by neurons of each method, and of differences between two."""
    tables = {
        method: own.pivot(index="seed", columns="neuron", values=metric).astype(np.float64)
        for method in METHODS
        if len(own := group[group["method"] == method])
    }
    pairs = {
        f"{one} - {other}": tables[one] - tables[other]
        for one, other in _PAIRS
        if one in tables and other in tables and metric != "slope"
    }
    return tables | pairs


def _interval(table: pd.DataFrame, confidence: float) -> tuple[float, float, float, int, int] | None:
    """Mean, ends of its interval and counts; neurons that lack the number in any seed are left out."""
    complete = table.dropna(axis="columns").to_numpy()
    if not complete.size:
        return None
    found = crossed([complete])
    return found.estimate, *found.interval(confidence), found.seeds, found.units


def verdict(frame: pd.DataFrame) -> str:
    """Whether images from the decoder are more natural than those from pixels, and drive as much: one sentence a pair.

    Args:
        frame: what `tidy` returns, of one region and model.
    """
    said = []
    for other in ("pixels", "blurred"):
        pair = frame[frame["method"] == f"decoder - {other}"].set_index("metric")
        if pair.empty:
            continue
        natural = pair.loc[[*_NATURAL]]
        better, worse = (natural["high"] < 0).sum(), (natural["low"] > 0).sum()
        drive = [
            f"the {name} {_direction(*pair.loc[metric, ['low', 'high']])}"
            for metric, name in (("rate", "predicted rate"), ("response", "true response"))
            if metric in pair.index
        ]
        said.append(
            f"against {METHODS[other]}: more natural in {better} of {len(_NATURAL)} measures, less in {worse}; "
            + " and ".join(drive)
        )
    return "; ".join(said)


def _direction(low: float, high: float) -> str:
    if low > 0:
        return "is higher"
    return "is lower" if high < 0 else "does not differ measurably"


_ARRANGEMENT = Arrangement(
    corner="Images",
    rows=Axis(
        ("region", "model", "method"),
        lambda region, model, method: f"{region_label(region)}, {model_label(model)}, {METHODS[method]}",
    ),
    upper=NO_AXIS,
    lower=Axis(("metric",), _METRICS.__getitem__),
    block=lambda row: row[:2],
)


def render(frame: pd.DataFrame, confidence: float) -> Rendered:
    """Spell what `tidy` made: a row for each region, model and method."""
    verdicts = [
        f"{region_label(str(region))}, {model_label(str(model))}, images from the decoder {verdict(group)}."
        for (region, model), group in frame.groupby(["region", "model"], sort=False)
    ]
    caption = (
        f"Mean over neurons, below it the {confidence:.0%} interval over "
        f"{'seeds and neurons' if frame['seeds'].max() > 1 else 'neurons'}. "
        "Predicted rate of the neuron, and root mean square of all others, by the run's own model, in standard "
        "deviations over the training images. Slope off: distance of the spectrum's slope from that of natural images. "
        "Distance: 1 − r with the nearest training images. Unexplained: what a CAE that was trained without responses "
        "does not reconstruct, as a share of the image's variance. "
        + (
            "The truth of the simulated recording: the true cell's response over its highest by any training image, "
            f"and |r| with the filter of simple cells that are predicted with r > {LEAST_R:g} on the test images. "
            if "response" in set(frame["metric"])
            else ""
        )
        + " ".join(verdicts)
    )
    # A region may lack a metric that another has.
    by_metric = frame.sort_values("metric", key=lambda names: names.map([*_METRICS].index), kind="stable")
    return spell(
        grid(_ARRANGEMENT, by_metric, _entry, "optimal_images", "Images that drive a neuron", caption)
    )


def _entry(row: Row, _: str) -> Entry:
    sign = "+" if " - " in row["method"] else ""
    if not np.isfinite(row["low"]):
        return Entry(f"{row['value']:{sign}z.2f}")
    numbers = [row["value"], row["low"], row["high"]]
    (value, low, high), power = interval_texts(numbers, 2 if max(map(abs, numbers)) >= 0.1 else 3, sign)
    return Entry(f"{value}{power}", f"{low} to {high}{power}")
