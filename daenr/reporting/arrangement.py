"""How a tidy frame, one row a number, is laid out as the grid of a table."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from string import ascii_lowercase
from typing import Any

import numpy as np
import pandas as pd

from daenr.reporting import labels
from daenr.reporting.rendering import Entry, Grid
from daenr.statistics.metrics import METRICS

Row = Mapping[Hashable, Any]
"""A row of a frame, by the names of its columns."""


@dataclass(frozen=True)
class Axis:
    """One axis of a table.

    Attributes:
        keys: columns of the frame that say where on the axis a number stands.
        label: how a place is labelled.
        place: the place that values of the keys stand for; themselves unless told.
    """

    keys: tuple[str, ...]
    label: Callable[..., str]
    place: Callable[..., tuple[str, ...]] = lambda *values: values


NO_AXIS = Axis((), lambda: "")
REGION_AXIS = Axis(("region",), labels.region_label)
LAYER_AXIS = Axis(("layer",), labels.layer_label)
LEVERAGE = "leverage"
"""Stands among the metrics of a table: the share of the shared layers' gradient that the responses supply."""

METRIC_AXIS = Axis(("metric",), lambda metric: "Leverage" if metric == LEVERAGE else METRICS[metric].heading)


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """How a table is arranged.

    Attributes:
        corner: heading of the row labels.
        rows: what a row is.
        upper: the upper level of the header; without keys there is one level.
        lower: the lower level of the header.
        block: what the rows between two rules have in common, from a row's place.
        missing: what stands where there is no number.
    """

    corner: str
    rows: Axis
    upper: Axis
    lower: Axis
    block: Callable[[tuple[str, ...]], object] = lambda _: None
    missing: str = ""


def in_order(frame: pd.DataFrame, arrangement: Arrangement) -> pd.DataFrame:
    """Sort by row, then column; along each axis the first to appear is the first to stand."""
    axes = [_places(frame, axis) for axis in (arrangement.rows, arrangement.upper, arrangement.lower)]
    ranks = [pd.factorize(pd.Series(places, dtype=object))[0] for places in axes]
    return frame.iloc[np.lexsort(ranks[::-1])].reset_index(drop=True)


def markers(notes: Iterable[str]) -> dict[str, str]:
    """A marker for each distinct note, in the order of appearance: a, b ... z, aa, bb ...; none for no note."""
    distinct = [note for note in dict.fromkeys(notes) if note]
    return {note: ascii_lowercase[i % 26] * (i // 26 + 1) for i, note in enumerate(distinct)}


def grid(
    arrangement: Arrangement,
    frame: pd.DataFrame,
    entry: Callable[[Row, str], Entry],
    name: str,
    title: str,
    caption: str,
) -> Grid:
    """Lay a frame out in a grid.

    Args:
        arrangement: how.
        frame: the numbers; a text in its column ``note``, if it has one, is spelled below the table.
        entry: spells a row of the frame, given the marker of its note.
        name: of the table's file.
        title: what the table is called.
        caption: without the title.
    """
    notes = markers(frame["note"]) if "note" in frame else {}
    rows, upper, lower = (
        _places(frame, axis) for axis in (arrangement.rows, arrangement.upper, arrangement.lower)
    )
    at = {
        tuple(place): entry(row, notes.get(row.get("note", ""), ""))
        for *place, row in zip(rows, upper, lower, frame.to_dict("records"), strict=True)
    }
    columns = sorted(
        set(zip(upper, lower, strict=True)), key=lambda c: (upper.index(c[0]), lower.index(c[1]))
    )
    missing = Entry(arrangement.missing)
    lines = [(row, [at.get((row, *column), missing) for column in columns]) for row in dict.fromkeys(rows)]
    blocks = [
        [(arrangement.rows.label(*row), line) for row, line in block]
        for _, block in groupby(lines, key=lambda line: arrangement.block(line[0]))
    ]
    groups = [
        (arrangement.upper.label(*group), len(list(members)))
        for group, members in groupby(column[0] for column in columns)
        if group
    ]
    headings = [arrangement.lower.label(*column[1]) for column in columns]
    told = [(marker, note) for note, marker in notes.items()]
    return Grid(name, title, caption, arrangement.corner, headings, blocks, groups, told)


def captioned(frame: pd.DataFrame, *parts: str) -> str:
    """A caption of the parts that say something, or what is said of a table without rows."""
    return " ".join(filter(None, parts)) if len(frame) else "The config leaves out every model of this table."


def paper_values(frame: pd.DataFrame) -> str:
    """What a caption says of the paper's values, where a table shows any."""
    return "In brackets: what the paper prints for its own recording." if frame["paper"].notna().any() else ""


def seeds(frame: pd.DataFrame) -> str:
    """What a caption says of the values: how many seeds they come from."""
    several = (frame["n"] > 1).any()  # a number is missing where others published the result
    return f"Mean ± standard deviation over {frame['n'].max()} seeds." if several else "Values of one seed."


def _places(frame: pd.DataFrame, axis: Axis) -> list[tuple[str, ...]]:
    """Where each number of the frame stands along an axis."""
    if not axis.keys:
        return [()] * len(frame)
    return [axis.place(*values) for values in frame[list(axis.keys)].itertuples(index=False, name=None)]
