"""The table of images that drive a neuron: how much they drive it, and how natural they are."""

# ruff: noqa: RUF001 - the symbols are those of the paper

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from daenr.reporting.labels import model_label, region_label
from daenr.reporting.rendering import Entry, Grid, Rendered, interval_texts, spell
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
    runs = judged["run"].map({name: Run.parse(name) for name in judged["run"].unique()})
    frame = judged.assign(
        region=runs.map(lambda run: run.region),
        model=runs.map(lambda run: run.model),
        seed=runs.map(lambda run: run.seed),
    )
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
    values = group.assign(value=group[metric].astype(np.float64))
    tables = {
        method: values[values["method"] == method].pivot(index="seed", columns="neuron", values="value")
        for method in METHODS
        if method in set(group["method"])
    }
    pairs = {
        f"{one} - {other}": tables[one] - tables[other]
        for one, other in _PAIRS
        if one in tables and other in tables and metric != "slope"
    }
    return tables | pairs


def _interval(table: pd.DataFrame, confidence: float) -> tuple[float, float, float, int, int] | None:
    """Mean, ends of its interval and counts; neurons that lack the number in any seed are left out."""
    complete = table.dropna(axis="columns")
    if complete.empty:
        return None
    found = crossed([complete.to_numpy(dtype=np.float64)])
    return found.estimate, *found.interval(confidence), found.seeds, found.units


def verdict(frame: pd.DataFrame) -> str:
    """Whether images from the decoder are more natural than those from pixels, and drive as much: one sentence a pair.

    Args:
        frame: what `tidy` returns, of one region and model.
    """
    at = frame.set_index(["method", "metric"])
    said = []
    for other in ("pixels", "blurred"):
        pair = f"decoder - {other}"
        if pair not in set(frame["method"]):
            continue
        found: dict[str, Any] = {
            metric: at.loc[(pair, metric)] for metric in _METRICS if (pair, metric) in at.index
        }
        better = sum(bool(found[metric]["high"] < 0) for metric in _NATURAL)
        worse = sum(bool(found[metric]["low"] > 0) for metric in _NATURAL)
        drive = [
            f"the {name} {_direction(found[metric])}"
            for metric, name in (("rate", "predicted rate"), ("response", "true response"))
            if metric in found
        ]
        said.append(
            f"against {METHODS[other]}: more natural in {better} of {len(_NATURAL)} measures, less in {worse}; "
            + " and ".join(drive)
        )
    return "; ".join(said)


def _direction(row: Mapping[str, float]) -> str:
    if row["low"] > 0:
        return "is higher"
    return "is lower" if row["high"] < 0 else "does not differ measurably"


def render(frame: pd.DataFrame, confidence: float) -> Rendered:
    """Spell what `tidy` made: a row for each region, model and method."""
    metrics = [metric for metric in _METRICS if metric in set(frame["metric"])]
    at = frame.set_index(["region", "model", "method", "metric"])
    blocks, verdicts = [], []
    for key, group in frame.groupby(["region", "model"], sort=False):
        region, model = map(str, key)
        name = f"{region_label(region)}, {model_label(model)}"
        shown = [method for method in METHODS if method in set(group["method"])]
        blocks.append(
            [
                (
                    f"{name}, {METHODS[method]}",
                    [_entry(at, (region, model, method, metric)) for metric in metrics],
                )
                for method in shown
            ]
        )
        verdicts.append(f"{name}, images from the decoder {verdict(group)}.")
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
            if "response" in metrics
            else ""
        )
        + " ".join(verdicts)
    )
    columns = [_METRICS[metric] for metric in metrics]
    return spell(Grid("optimal_images", "Images that drive a neuron", caption, "Images", columns, blocks))


def _entry(at: pd.DataFrame, place: tuple[str, str, str, str]) -> Entry:
    if place not in at.index:
        return Entry("")
    row: Any = at.loc[place]  # type: ignore[index]
    sign = "+" if " - " in place[2] else ""
    if not np.isfinite(row["low"]):
        return Entry(f"{row['value']:{sign}z.2f}")
    numbers = row[["value", "low", "high"]].tolist()
    texts, power = interval_texts(numbers, 2 if max(map(abs, numbers)) >= 0.1 else 3, sign)
    value, low, high = texts
    return Entry(f"{value}{power}", f"{low} to {high}{power}")
