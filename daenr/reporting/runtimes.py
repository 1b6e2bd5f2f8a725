"""How long trainings take: a table with one row for each kind of model."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from daenr.reporting.labels import model_label
from daenr.reporting.rendering import Entry, Grid, Rendered, spell

COLUMNS = ["model", "trainings", "steps", "seconds", "hours"]
"""Columns of the frame: number of trainings, medians of steps and seconds, sum of hours."""


def tidy(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Summarise trainings by their model, in the order in which models appear.

    Args:
        records: contents of ``training.json``; those without a training (a group without neurons) are passed over.

    Returns:
        Columns ``COLUMNS``; steps and seconds are medians over the model's trainings, hours their sum.
    """
    frame = pd.DataFrame(
        [(r["run"]["model"], r["steps"], r["seconds"]) for r in records if r["reason"] is None],
        columns=["model", "steps", "seconds"],
    )
    medians = {"steps": ("steps", "median"), "seconds": ("seconds", "median")}
    grouped = frame.groupby("model", sort=False, as_index=False)
    summary = grouped.agg(trainings=("steps", "size"), **medians, hours=("seconds", "sum"))
    return summary.assign(hours=summary["hours"] / 3600)[COLUMNS]


def render(frame: pd.DataFrame) -> Rendered:
    """Spell the table that `tidy` made."""
    rows = [
        (
            model_label(model),
            [Entry(f"{trainings}"), Entry(f"{steps:.0f}"), Entry(f"{seconds:.1f}"), Entry(f"{hours:.2f}")],
        )
        for model, trainings, steps, seconds, hours in frame.itertuples(index=False, name=None)
    ]
    caption = (
        "Trainings of each model: how many, median steps, median seconds, hours of all of them together."
    )
    columns = ["Trainings", "Steps", "Seconds", "Hours"]
    return spell(Grid("runtimes", "Run times", caption, "Model", columns, [rows]))
