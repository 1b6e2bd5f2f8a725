"""A figure of the controls: what joint training gains over each of them, by layer."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from daenr.reporting.control_tables import LABELS
from daenr.reporting.figures import DOUBLE, FONT, SINGLE, SMALL
from daenr.reporting.labels import layer_label, region_label

_STYLES: Mapping[str, tuple[str, str]] = {
    "baseline": ("#000000", "o"),
    "shuffled": ("#D55E00", "s"),
    "frozen": ("#0072B2", "^"),
    "random": ("#CC79A7", "v"),
}
"""Colour (of Okabe & Ito 2008) and marker; the marker alone tells them apart in gray."""

_GAINS: Mapping[str, str] = {"mse": "MSE lower by", "pcc": "PCC higher by"}
"""The metrics that are drawn, with the labels of their axes."""


def gains(frame: pd.DataFrame, confidence: float) -> Figure:
    """How much better the joint model is than each control, with intervals; above zero it gains.

    Args:
        frame: what ``control_tables.tidy`` returns.
        confidence: of its intervals, for the legend.
    """
    shown = frame[(frame["control"] != "joint") & frame["metric"].isin(_GAINS)]
    metrics = [metric for metric in _GAINS if metric in set(shown["metric"])]
    regions = list(dict.fromkeys(shown["region"]))
    if shown.empty:
        figure = Figure(figsize=(SINGLE, 0.6))
        figure.text(
            0.5, 0.5, "The config leaves out every model of this figure.", ha="center", fontsize=SMALL
        )
        return figure
    width = SINGLE if len(regions) == 1 else DOUBLE
    figure = Figure(figsize=(width, 0.9 + 1.5 * len(metrics)), layout="constrained")
    grid = figure.subplots(len(metrics), len(regions), squeeze=False, sharex=True, sharey="row")
    layers = sorted(shown["layer"].unique())
    for line, metric in zip(grid, metrics, strict=True):
        line[0].set_ylabel(_GAINS[metric], fontsize=FONT)
        for ax, region in zip(line, regions, strict=True):
            _panel(ax, shown[(shown["metric"] == metric) & (shown["region"] == region)], layers)
    for ax, region in zip(grid[0], regions, strict=True):
        ax.set_title(region_label(region), fontsize=FONT)
    figure.align_ylabels(grid[:, 0])
    figure.supxlabel("Layer read out", fontsize=FONT)
    _legend(figure, shown, confidence, columns=2 if width == SINGLE else 3)
    return figure


def _panel(ax: Axes, panel: pd.DataFrame, layers: Sequence[str]) -> None:
    """One metric and region: at each layer a point and an interval for every control, side by side."""
    controls = [control for control in _STYLES if control in set(panel["control"])]
    offsets = 0.16 * (np.arange(len(controls)) - (len(controls) - 1) / 2)
    for control, offset in zip(controls, offsets, strict=True):
        rows = panel[panel["control"] == control]
        places = np.array([layers.index(layer) for layer in rows["layer"]]) + offset
        colour, marker = _STYLES[control]
        ax.vlines(places, rows["low"], rows["high"], color=colour, linewidth=1)
        ax.plot(places, rows["difference"], marker, color=colour, markersize=3.5)
    ax.axhline(0, color="#595959", linewidth=0.8, zorder=0)
    ax.set_xticks(range(len(layers)), [layer_label(layer) for layer in layers])
    ax.set_xlim(-0.5, len(layers) - 0.5)
    ax.tick_params(labelsize=SMALL)
    ax.tick_params(axis="x", length=0)
    ax.spines[["top", "right", "bottom"]].set_visible(False)


def _legend(figure: Figure, shown: pd.DataFrame, confidence: float, columns: int) -> None:
    names = {"baseline": "CAE or CNN-FR", **LABELS}
    handles = [
        Line2D([], [], color=colour, marker=marker, linewidth=1, markersize=3.5, label=names[control])
        for control, (colour, marker) in _STYLES.items()
        if control in set(shown["control"])
    ]
    figure.legend(
        handles=handles,
        title=f"How much better CAE-FR is than … ({confidence:.0%} intervals)",
        loc="outside upper center",
        ncols=columns,
        frameon=False,
        fontsize=SMALL,
        title_fontsize=FONT,
    )
