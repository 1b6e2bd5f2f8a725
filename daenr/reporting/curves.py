"""Training curves: the two tasks' validation losses of every run, in small panels."""

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatter, MaxNLocator

from daenr.registry import REFERENCES, model_names
from daenr.reporting.figures import styled
from daenr.reporting.labels import LAYER_COLOURS, LAYER_DASHES, layer_label, model_label, region_label
from daenr.run import Run

COLUMNS = ["model", "region", "layer", "run", "step", "reconstruction", "response", "kept"]
"""Columns of a frame of curves; ``layer`` is empty for a plain auto-encoder, a loss NaN where there is no such task."""

_TASKS = {"reconstruction": "Reconstruction loss", "response": "Response loss"}

BY_LAYER: dict[str, Any] = {
    **{"hue": "layer", "style": "layer", "legend": False},
    **{"palette": LAYER_COLOURS, "dashes": LAYER_DASHES},
}
"""How seaborn tells lines apart by the layer that is read out."""

_PANEL = (1.3, 0.85)
"""Width and height of a panel, inches."""


def curve(run: Run, history: pd.DataFrame) -> pd.DataFrame:
    """One run's curve: the validation losses of the tasks that it is trained on.

    Args:
        run: the training.
        history: its ``history.csv``; empty if it had no neurons to train on.

    Returns:
        Columns ``COLUMNS``, one row a validation. ``kept`` marks the one with the lowest validation
        objective, whose parameters are the result.
    """
    losses = {
        task: history[f"validation_{task}"] if weight > 0 and len(history) else np.nan
        for task, weight in (("reconstruction", run.alpha), ("response", run.beta))
    }
    total = history["validation_total"] if len(history) else history["step"]
    frame = pd.DataFrame({"step": history["step"], **losses, "kept": total == total.min()})
    return frame.assign(model=run.model, region=run.region, layer=run.layer or "", run=run.name)[COLUMNS]


@styled
def training_curves(curves: pd.DataFrame) -> Figure:
    """Small panels, a row for each model and a column for each region and task; a line for each run.

    The panels of a column share their axes, so that models compare. A dot marks the parameters that were kept.

    Args:
        curves: columns ``COLUMNS``; regions in the order in which they are to be shown.
    """
    models = [model for model in (*model_names(), *REFERENCES) if model in set(curves["model"])]
    tasks = [task for task in _TASKS if curves[task].notna().any()]
    columns = list(product(tasks, curves["region"].unique()))
    figure = Figure(figsize=(0.9 + _PANEL[0] * len(columns), 0.9 + _PANEL[1] * len(models)))
    grid = figure.subplots(len(models), len(columns), squeeze=False, sharex=True, sharey="col")
    for row, model in zip(grid, models, strict=True):
        for ax, (task, region) in zip(row, columns, strict=True):
            shown = curves[(curves["model"] == model) & (curves["region"] == region)]
            _panel(ax, shown.dropna(subset=[task]), task)
        row[0].set_ylabel(model_label(model), rotation=0, ha="right", va="center")
    for ax, (task, region) in zip(grid[0], columns, strict=True):
        ax.set_title(f"{_TASKS[task]}\n{region_label(region)}")
    figure.supxlabel("Step")
    kept = Line2D([], [], color="black", ls="", marker="o", ms=3, label="kept")
    layer_legend(figure, curves["layer"], kept, label=_read_out)
    return figure


def _read_out(layer: str) -> str:
    return f"read out at {layer_label(layer)}" if layer else "no readout"


def _panel(ax: Axes, curves: pd.DataFrame, task: str) -> None:
    """The curves of one model and region; without any, the panel stays away."""
    if task == "reconstruction":
        # From the first validation to the last it falls tenfold. The response loss may be negative.
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
        ax.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
    else:
        ax.yaxis.set_major_locator(MaxNLocator(3))
    ax.xaxis.set_major_locator(MaxNLocator(2, integer=True))
    if curves.empty:
        # The panel goes; its title and its row's label stay.
        ax.spines[:].set_visible(False)
        ax.tick_params(which="both", left=False, bottom=False, labelleft=False, labelbottom=False)
        return
    lines_by_run(ax, curves, task, weight=0.7)
    dots = {"hue": "layer", "palette": LAYER_COLOURS, "s": 9, "linewidth": 0, "legend": False}
    sns.scatterplot(curves[curves["kept"]], x="step", y=task, ax=ax, **dots)
    ax.set(xlabel="", ylabel="")


def layer_legend(
    figure: Figure,
    layers: Iterable[str],
    *others: Line2D,
    label: Callable[[str], str] = layer_label,
    columns: int = 0,
) -> None:
    """A legend above a figure: the lines that ``BY_LAYER`` tells apart, and others; one row unless told."""
    shown = set(layers)
    lines = [
        Line2D([], [], color=colour, ls=(0, LAYER_DASHES[layer]), label=label(layer))
        for layer, colour in LAYER_COLOURS.items()
        if layer in shown
    ]
    handles = [*lines, *others]
    figure.legend(handles=handles, loc="outside upper center", ncols=columns or len(handles))


def lines_by_run(ax: Axes, frame: pd.DataFrame, value: str, weight: float) -> None:
    """A line of a column ``value`` for each run over the steps of training, told apart by the layer that is read out.

    The frame has the columns step, layer and run too; ``weight`` is the lines' width in points, and their opacity.
    """
    style = {"estimator": None, "linewidth": weight, "alpha": weight, **BY_LAYER}
    sns.lineplot(frame, x="step", y=value, units="run", ax=ax, **style)
