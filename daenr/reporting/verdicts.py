"""The pages of verdicts on the paper's claims, under the config's own settings and under others."""

# ruff: noqa: RUF001 - the minus signs are those of print

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from daenr.paper.claims import VERDICTS
from daenr.reporting.labels import region_label
from daenr.reporting.rendering import Entry, Grid, Rendered, interval_texts, spell
from daenr.statistics.metrics import METRICS

_NO_NUMBER = "–"


def render(frame: pd.DataFrame, title: str = "The paper's claims") -> Rendered:
    """The page of verdicts, a section a statement.

    Args:
        frame: what ``judge`` returns.
        title: heads the page.
    """
    counts = Counter(frame["verdict"])
    summary = f"Of {len(frame)} claims: " + ", ".join(
        f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]
    )
    caption = (
        f"{summary}. An effect is the mean over layers (and readouts) of each seed, then over seeds, never that of the "
        "best layer; it is positive if the claim is right. In brackets its interval, over test images and seeds "
        "together. p is two-sided and corrected for all these claims together (Holm). n counts seeds. Paper: the same "
        "mean of the published numbers. A claim that p does not decide is not supported, which does not make it wrong."
    )
    columns = ["Metric", "Effect", "Paper", "p", "n", "Verdict", "Note"]
    return spell(*_grids(frame, columns, _verdict_cells), title=title, caption=caption)


def render_sensitivity(frame: pd.DataFrame, title: str = "Sensitivity of the verdicts") -> Rendered:
    """The page that compares variants of the settings.

    Args:
        frame: what ``sensitivity`` returns.
        title: heads the page.
    """
    names = [name.removeprefix("verdict_") for name in map(str, frame.columns) if name.startswith("verdict_")]
    caption = (
        f"{frame['moves'].sum()} of {len(frame)} verdicts move with the settings, marked ←. Each column is the "
        "same claim with all trainings repeated under other settings: effect, its interval, verdict. An effect is "
        "positive if the claim is right; intervals are over test images and seeds together, and p is corrected among "
        "the claims of one column (Holm)."
    )

    def cells(row: Mapping[str, Any]) -> list[str]:
        own = [_compared(row, ""), *(_compared(row, f"_{name}") for name in names)]
        return [_metric(row), *own, "←" if row["moves"] else ""]

    columns = ["Metric", "As configured", *names, "Moves"]
    return spell(*_grids(frame, columns, cells), title=title, caption=caption)


def _grids(
    frame: pd.DataFrame, columns: Sequence[str], cells: Callable[[Mapping[str, Any]], list[str]]
) -> list[Grid]:
    """A table a statement, a row for each of its claims; columns that are empty in all of them are left out."""
    records = [
        dict(zip(map(str, frame.columns), row, strict=True))
        for row in frame.itertuples(index=False, name=None)
    ]
    texts = {record["claim"]: cells(record) for record in records}
    shown = [index for index in range(len(columns)) if any(row[index] for row in texts.values())]
    grids = []
    for (source, statement), of_statement in groupby(
        records, key=lambda row: (row["source"], row["statement"])
    ):
        claims = list(of_statement)
        rows = [
            (region_label(claim["region"]), [Entry(texts[claim["claim"]][index]) for index in shown])
            for claim in claims
        ]
        shown_columns = [columns[index] for index in shown]
        grids.append(Grid(claims[0]["claim"], source, statement, "Region", shown_columns, [rows], prose=True))
    return grids


def _verdict_cells(row: Mapping[str, Any]) -> list[str]:
    decimals = METRICS[row["metric"]].effect_decimals
    return [
        _metric(row),
        _effect(row, ""),
        _signed(row["paper"], decimals),
        _p(row["p_holm"]),
        str(row["n"]),
        row["verdict"],
        row["note"],
    ]


def _metric(row: Mapping[str, Any]) -> str:
    metric = METRICS[row["metric"]]
    return f"{metric.label}, {metric.unit}" if metric.unit else metric.label


def _compared(row: Mapping[str, Any], suffix: str) -> str:
    return f"{_effect(row, suffix)}, {row[f'verdict{suffix}']}"


def _effect(row: Mapping[str, Any], suffix: str) -> str:
    """+0.0123 [-0.0010, +0.0256]."""
    numbers = [row[f"{key}{suffix}"] for key in ("effect", "low", "high")]
    if np.isnan(numbers[0]):
        return _NO_NUMBER
    (effect, low, high), unit = interval_texts(numbers, METRICS[row["metric"]].effect_decimals, sign="+")
    return f"{effect} [{low}, {high}]{unit}".replace("-", "−")


def _signed(value: float, decimals: int) -> str:
    return _NO_NUMBER if np.isnan(value) else f"{value:+z.{decimals}f}".replace("-", "−")


def _p(value: float) -> str:
    if np.isnan(value):
        return _NO_NUMBER
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
