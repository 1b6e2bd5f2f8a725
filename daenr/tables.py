"""Tables 2-7: our results beside the paper's as tidy frames, and rendered to look like the paper's.

A tidy frame has one row for each number of a table. ``render`` arranges it by the table's layout into a grid of
strings and spells that grid as Markdown, LaTeX and HTML.
"""

# ruff: noqa: RUF001 - the symbols are those of the paper

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from string import ascii_lowercase
from typing import Any

import numpy as np
import pandas as pd

from daenr import labels
from daenr.paper import Published
from daenr.rendering import Entry, Grid, RenderedTable, spell
from daenr.runs import METRICS, Cell, split_model

_KEY = ["table", "region", "model", "layer", "neurons", "metric"]
COLUMNS = [*_KEY, "value", "sd", "n", "paper", "note"]
"""Columns of a tidy frame; ``layer`` and ``note`` are empty strings where there is none."""

REGION_COLUMNS = ["region", "train_images", "test_images", "repeats", "neurons"]
"""Columns of Table 7's frame."""


# ---- layouts ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Axis:
    """One axis of a table: the keys that tell its places apart, and how such a place is labelled."""

    keys: tuple[str, ...]
    label: Callable[..., str]


_NO_AXIS = _Axis((), lambda: "")
_REGIONS = _Axis(("region",), labels.region_label)
_LAYERS = _Axis(("layer",), labels.layer_label)
_METRICS = _Axis(("metric",), labels.METRICS.__getitem__)
_NEURONS = _Axis(("neurons",), labels.NEURONS.__getitem__)
_MODELS = _Axis(("model",), labels.family_label)
_READ_OUT_MODELS = _Axis(("model", "layer"), labels.model_label)


@dataclass(frozen=True)
class _Layout:
    """How a table of the paper is arranged.

    Attributes:
        caption: in our own words; ``{regions}`` stands for the regions that are shown.
        corner: heading of the row labels.
        rows: what a row is.
        upper: the upper level of the header; without keys there is one level.
        lower: the lower level of the header.
        contest: keys of the values of which the best is bold.
        bold: what bold means, in the caption.
        block: what the rows between two rules have in common, from the row's first value.
    """

    caption: str
    corner: str
    rows: _Axis
    upper: _Axis
    lower: _Axis
    contest: tuple[str, ...]
    bold: str = "Bold: best of a column."
    block: Callable[[str], object] = lambda _: None


_LAYOUTS: Mapping[str, _Layout] = {
    "table2": _Layout(
        caption="Reconstruction of the test images by the plain auto-encoder and by models that also learn the "
        "responses of all neurons; the subscript is the layer that is read out.",
        corner="Model",
        rows=_READ_OUT_MODELS,
        upper=_REGIONS,
        lower=_METRICS,
        contest=("region", "metric"),
    ),
    "table3": _Layout(
        caption="Reconstruction of the test images by models that learn the responses of the significant (✓) or of "
        "the insignificant (×) neurons alone, {regions}.",
        corner="Model (significant?)",
        rows=_READ_OUT_MODELS,
        upper=_METRICS,
        lower=_NEURONS,
        contest=("metric", "neurons"),
    ),
    "table4": _Layout(
        caption="Pearson correlation (PCC ↑) of predicted and recorded responses to the test images, mean over "
        "neurons; the subscript is the layer that is read out.",
        corner="Region",
        rows=_REGIONS,
        upper=_NO_AXIS,
        lower=_READ_OUT_MODELS,
        contest=("region", "layer"),
        bold="Bold: the better of the two models of a region and layer.",
    ),
    "table5": _Layout(
        caption="Reconstruction of the test images by every auto-encoder, alone and with every readout of the layer "
        "that heads the columns, {regions}. The plain auto-encoders have no readout: their values recur.",
        corner="Model",
        rows=_MODELS,
        upper=_LAYERS,
        lower=_METRICS,
        contest=("layer", "metric"),
        block=lambda model: split_model(model)[0],
    ),
    "table6": _Layout(
        caption="Pearson correlation (PCC ↑) of predicted and recorded responses to the test images, mean over "
        "neurons, for every readout of the layer that heads the column, end to end and with every auto-encoder.",
        corner="Model",
        rows=_MODELS,
        upper=_REGIONS,
        lower=_LAYERS,
        contest=("region", "layer"),
        block=lambda model: split_model(model)[1],
    ),
}


# ---- tidy frames --------------------------------------------------------------------------------------


def tidy(
    table: str,
    cells: Sequence[Cell],
    metrics: Mapping[str, Mapping[str, Any]],
    published: Sequence[Published],
) -> pd.DataFrame:
    """One table's results, a row for each of its numbers, in the order in which the paper prints them.

    Args:
        table: ``table2`` ... ``table6``.
        cells: the table's places, one a seed; cells of other tables are passed over.
        metrics: for each run's name what its ``metrics.json`` holds: ``metrics`` and ``reason``.
        published: the paper's results; empty where ours are not to be compared with them.

    Returns:
        Columns ``COLUMNS``: ``value`` is the mean over seeds and ``sd`` their sample standard deviation (n - 1 below
        the line, empty for one seed), ``n`` counts the seeds that gave a value, ``paper`` is the published value,
        ``note`` says why seeds gave none.

    Raises:
        ValueError: a metric of a run is missing, or null without a reason.
    """
    layout = _LAYOUTS[table]
    measured = [
        (
            table,
            cell.region,
            cell.model,
            cell.layer or "",
            cell.neurons,
            metric,
            *_measured(cell, metric, metrics),
        )
        for cell in cells
        if cell.table == table
        for metric in METRICS[table]
    ]
    seeds = pd.DataFrame(measured, columns=[*_KEY, "value", "note"]).astype({"value": float})
    frame = (
        seeds.groupby(_KEY, sort=False)
        .agg(value=("value", "mean"), sd=("value", "std"), n=("value", "count"), note=("note", _note))
        .reset_index()
    )
    paper = {(p.table, p.region, p.model, p.layer or "", p.neurons, p.metric): p.value for p in published}
    keys = frame[_KEY].itertuples(index=False, name=None)
    frame["paper"] = pd.Series([paper.get(key, np.nan) for key in keys], dtype=float)
    return _in_order(frame, layout)[COLUMNS]


def _measured(cell: Cell, metric: str, metrics: Mapping[str, Mapping[str, Any]]) -> tuple[float, str]:
    """The value of one cell, or NaN and the reason why there is none."""
    name = cell.run.name
    if name not in metrics or metric not in metrics[name]["metrics"]:
        raise ValueError(f"metrics.json of run {name} lacks {metric!r}; evaluate the run again")
    value, reason = metrics[name]["metrics"][metric], metrics[name]["reason"]
    if value is not None:
        return float(value), ""
    if not reason:
        raise ValueError(f"metrics.json of run {name}: {metric!r} is null but 'reason' does not say why")
    return np.nan, " ".join(str(reason).split())


def _note(reasons: "pd.Series[str]") -> str:
    """Why seeds gave no value, and how many of them if others did."""
    given = [reason for reason in reasons if reason]
    text = "; ".join(dict.fromkeys(given))
    return f"{len(given)} of {len(reasons)} seeds: {text}" if 0 < len(given) < len(reasons) else text


def _in_order(frame: pd.DataFrame, layout: _Layout) -> pd.DataFrame:
    """Sort by row, then column; along each axis the first to appear is the first to stand."""
    axes = [axis.keys for axis in (layout.rows, layout.upper, layout.lower) if axis.keys]
    ranks = [frame.groupby(list(keys), sort=False).ngroup().to_numpy() for keys in axes]
    return frame.iloc[np.lexsort(ranks[::-1])].reset_index(drop=True)


def region_table(counts: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Table 7: the size of each region's recording.

    Args:
        counts: for each region the ``counts`` of its region file: ``train`` and ``validation`` images (the paper
            gives their sum), ``test`` images, ``repeats`` of each of them, and ``neurons``.

    Returns:
        Columns ``REGION_COLUMNS``, one row a region in the order given.
    """
    rows = [
        (region, count["train"] + count["validation"], count["test"], count["repeats"], count["neurons"])
        for region, count in counts.items()
    ]
    return pd.DataFrame(rows, columns=REGION_COLUMNS)


# ---- grids --------------------------------------------------------------------------------------------


def render(table: str, frame: pd.DataFrame) -> RenderedTable:
    """Spell one of Tables 2-6 as the paper prints it: its rows, columns and order, three decimals, best values bold.

    Rows and columns that the frame lacks do not appear. A value that is missing is a dash with a note.

    Args:
        table: ``table2`` ... ``table6``.
        frame: what ``tidy`` returns.
    """
    return spell(_result_grid(table, frame))


def render_region_table(frame: pd.DataFrame) -> RenderedTable:
    """Spell Table 7.

    Args:
        frame: what ``region_table`` returns.
    """
    columns = ["Number of train images", "Number of test images", "Number of neurons"]
    rows = [
        (
            labels.region_label(region),
            [Entry(f"{train} (1)"), Entry(f"{test} ({repeats})"), Entry(f"{neurons}")],
        )
        for region, train, test, repeats, neurons in frame[REGION_COLUMNS].itertuples(index=False, name=None)
    ]
    caption = "Size of the recording of each region. In brackets: how often each image was shown."
    return spell(Grid("table7", _title("table7"), caption, "Region", [], columns, [rows], []))


def _result_grid(table: str, frame: pd.DataFrame) -> Grid:
    layout = _LAYOUTS[table]
    # A frame that was read from its CSV has NaN for an empty string.
    frame = frame.astype({"layer": object, "note": object}).fillna({"layer": "", "note": ""})
    notes = {
        note: _marker(index) for index, note in enumerate(dict.fromkeys(frame["note"][frame["note"] != ""]))
    }
    rows, upper, lower = (_places(frame, axis) for axis in (layout.rows, layout.upper, layout.lower))
    entries = {
        place: _entry(value, sd, best, notes.get(note, ""))
        for place, value, sd, best, note in zip(
            zip(rows, upper, lower, strict=True),
            *(frame["value"], frame["sd"], _best(frame, layout), frame["note"]),
            strict=True,
        )
    }
    columns = sorted(
        set(zip(upper, lower, strict=True)), key=lambda c: (upper.index(c[0]), lower.index(c[1]))
    )
    lines = [
        (row, [entries.get((row, *column), Entry("")) for column in columns]) for row in dict.fromkeys(rows)
    ]
    return Grid(
        name=table,
        title=_title(table),
        caption=_caption(layout, frame),
        corner=layout.corner,
        groups=[
            (layout.upper.label(*group), len(list(members)))
            for group, members in groupby(column[0] for column in columns)
            if group
        ],
        columns=[layout.lower.label(*column[1]) for column in columns],
        blocks=[
            [(layout.rows.label(*row), line) for row, line in block]
            for _, block in groupby(lines, key=lambda line: layout.block(line[0][0]))
        ],
        notes=[(marker, note) for note, marker in notes.items()],
    )


def _places(frame: pd.DataFrame, axis: _Axis) -> list[tuple[str, ...]]:
    """Where each number of the frame stands along an axis."""
    if not axis.keys:
        return [()] * len(frame)
    return list(frame[list(axis.keys)].itertuples(index=False, name=None))


def _entry(value: float, sd: float, best: bool, marker: str) -> Entry:
    if np.isnan(value):
        return Entry("–", marker=marker)
    return Entry(f"{value:z.3f}", "" if np.isnan(sd) else f"{sd:.3f}", bool(best), marker)


def _best(frame: pd.DataFrame, layout: _Layout) -> "pd.Series[bool]":
    """Which means win their contest: the least MSE, the greatest of all else, every one of those that tie."""
    score = frame["value"].where(frame["metric"] != "mse", -frame["value"])
    return score == score.groupby([frame[key] for key in layout.contest]).transform("max")


def _title(table: str) -> str:
    """``table2`` -> Table 2."""
    return f"Table {table.removeprefix('table')}"


def _marker(index: int) -> str:
    """a, b ... z, aa, bb ..."""
    return ascii_lowercase[index % 26] * (index // 26 + 1)


def _caption(layout: _Layout, frame: pd.DataFrame) -> str:
    """What is shown, what bold means, how many seeds."""
    if frame.empty:
        return "The config leaves out every model of this table."
    n = int(frame["n"].max())
    seeds = f"Mean ± standard deviation over {n} seeds." if n > 1 else "Values of one seed."
    regions = ", ".join(map(labels.region_label, frame["region"].unique()))
    return f"{layout.caption.replace('{regions}', regions)} {layout.bold} {seeds}"
