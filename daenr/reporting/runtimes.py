"""How long trainings take: a table with one row for each kind of model."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from daenr.reporting.labels import model_label
from daenr.reporting.rendering import Entry, Grid, Rendered, spell

COLUMNS = ["model", "trainings", "steps", "seconds", "minutes"]
"""Columns of the frame: number of trainings, medians of steps and seconds, sum of minutes."""


def tidy(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Summarise trainings by their model, in the order in which models appear.

    Args:
        records: contents of ``training.json``; those without a training (a group without neurons) are passed over.

    Returns:
        Columns ``COLUMNS``; steps and seconds are medians over the model's trainings, minutes their sum.
    """
    frame = pd.DataFrame(
        [(r["run"]["model"], r["steps"], r["seconds"]) for r in records if r["reason"] is None],
        columns=["model", "steps", "seconds"],
    )
    medians = {"steps": ("steps", "median"), "seconds": ("seconds", "median")}
    grouped = frame.groupby("model", sort=False, as_index=False)
    summary = grouped.agg(trainings=("steps", "size"), **medians, minutes=("seconds", "sum"))
    return summary.assign(minutes=summary["minutes"] / 60)[COLUMNS]


def render(frame: pd.DataFrame) -> Rendered:
    """Spell the table that `tidy` made."""
    rows = [
        (
            model_label(model),
            [Entry(f"{trainings}"), Entry(f"{steps:.0f}"), Entry(f"{seconds:.1f}"), Entry(f"{minutes:.1f}")],
        )
        for model, trainings, steps, seconds, minutes in frame.itertuples(index=False, name=None)
    ]
    caption = (
        "Trainings of each model: how many, median steps, median seconds, minutes of all of them together."
    )
    columns = ["Trainings", "Steps", "Seconds", "Minutes"]
    return spell(Grid("runtimes", "Run times", caption, "Model", columns, [rows]))
