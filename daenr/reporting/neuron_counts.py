"""Figures 3, 4 and 8: how many neurons each model predicts significantly."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import CARETDOWN
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from daenr.registry import split_model
from daenr.reporting.figures import CHARACTER, DOUBLE, SINGLE, styled, without_models
from daenr.reporting.labels import layer_label, model_label, region_label
from daenr.run import Run
from daenr.statistics.significance import RULES

_COUNTS = ["significant", "insignificant", "significant_bh", "significant_permutation", "chance"]
COLUMNS = ["region", "model", "layer", "seed", *_COUNTS]
"""Columns of the frame of counts: numbers of neurons, those of ``RULES`` among them, and how many would be significant
on shuffled data."""

_STYLES: Mapping[str, Mapping[str, Any]] = {
    part: {"facecolor": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0}
    for part, colour, hatch in (
        ("significant", "#E69F00", ""),
        ("corrected", "#E69F00", "xxxxx"),
        ("insignificant", "#B3E2D3", ""),
    )
}
"""Orange and green, the paper's two hues; the green is pale, so that they are told apart in gray. What survives the
correction is a part of the significant part."""

_ROW, _BAR = 0.25, 0.6
"""Height of a row of bars, inches, and of the bar in it, rows; the marker stands in the gap above the bar."""

_CHANCE: Mapping[str, Any] = {"marker": CARETDOWN, "markersize": 4, "color": "black", "linestyle": "none"}
"""Marker of the number that is expected on shuffled data; its tip touches the bar."""


def tidy(tested: Iterable[tuple[Run, pd.DataFrame]]) -> pd.DataFrame:
    """Count the neurons of each run.

    Args:
        tested: runs, and what `daenr.statistics.significance.neuron_significance` returns of each.

    Returns:
        Columns ``COLUMNS``, one row a run.
    """
    rows = []
    for run, neurons in tested:
        significant, *others = (int(neurons[rule].sum()) for rule in RULES)
        counts = (significant, len(neurons) - significant, *others, neurons["chance"].sum())
        rows.append((run.region, run.model, run.layer, run.seed, *counts))
    return pd.DataFrame(rows, columns=COLUMNS)


@styled
def neuron_counts(counts: pd.DataFrame, threshold: float = 0.05, by_model: bool = False) -> Figure:
    """Figures 3, 4 and 8: how many neurons of each region a model predicts significantly, by the layer read out.

    Args:
        counts: what `tidy` returns, of which the mean over seeds is shown; regions in the order of the panels.
        threshold: the p-value up to which a neuron is significant, and the corrected one.
        by_model: a row of panels for each model (end to end first) and a column for each region, as in Figure 4.
    """
    means = counts.groupby(["region", "model", "layer"], sort=False, as_index=False)[_COUNTS].mean()
    panels = [panel for _, panel in means.groupby(["region", "model"], sort=False)]
    if not panels:
        return without_models()
    columns = min(len(panels), 3)
    if by_model:
        panels = [panel for _, panel in means.groupby(["model", "region"], sort=False)]
        panels.sort(key=lambda panel: split_model(panel["model"].iloc[0])[0] is not None)
        columns = means["region"].nunique()
    names = {
        "significant": f"significant (p ≤ {threshold:g})",
        "corrected": f"of these, Benjamini\N{EN DASH}Hochberg q ≤ {threshold:g}",
        "insignificant": "insignificant",
    }
    legend: list[Artist] = [Patch(**_STYLES[part], label=name) for part, name in names.items()]
    legend.append(Line2D([], [], **_CHANCE, label="expected on shuffled data"))
    rows, lines = -(-len(panels) // columns), -(-len(legend) // columns)
    width = SINGLE if columns == 1 else DOUBLE
    height = 0.3 + 0.14 * lines + rows * (0.45 + _ROW * max(map(len, panels)))
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(rows, columns, squeeze=False)
    outside = [_bars(ax, panel, width / columns) for ax, panel in zip(grid.flat, panels, strict=False)]
    # One room at each side for all panels, so that the bars of a column are aligned.
    before, after = np.max(outside, axis=0)
    for ax in grid.flat[: len(panels)]:
        total = ax.get_xlim()[1]
        ax.set_xlim(-before * total, (1 + after) * total)
    for ax in grid.flat[len(panels) :]:
        ax.set_axis_off()
    for ax in grid[:, 0]:
        ax.set_ylabel("Layer")
    figure.supxlabel("Number of neurons")
    figure.legend(handles=legend, loc="outside upper center", ncols=columns)
    return figure


def _bars(ax: Axes, panel: pd.DataFrame, width: float) -> tuple[float, float]:
    """One stacked horizontal bar for each layer of a region and model, the count written in each part.

    Args:
        ax: the panel; its x axis ends at the longest bar.
        panel: rows of counts.
        width: of the panel with its tick labels, inches.

    Returns:
        The room that counts need left and right of the bars, in lengths of the longest bar.
    """
    left, right = panel["significant"].to_numpy(float), panel["insignificant"].to_numpy(float)
    total = max((left + right).max(), 1.0)
    # Tick labels and the counts that stand outside leave some two thirds of the panel to the bars.
    inch = total / (0.65 * width)
    before = _part(ax, "significant", np.zeros_like(left), left, inch)
    after = _part(ax, "insignificant", left, right, inch)
    places = np.arange(len(panel))
    ax.barh(places, panel["significant_bh"], height=_BAR, **_STYLES["corrected"])
    ax.plot(panel["chance"], places - _BAR / 2, clip_on=False, **_CHANCE)
    ax.set_xlim(0, total)
    ticks = np.asarray(MaxNLocator(4, integer=True).tick_values(0, total))
    ax.set_xticks(ticks[(ticks >= 0) & (ticks <= total)])
    ax.set_yticks(places, [layer_label(layer) for layer in panel["layer"]])
    ax.set_ylim(len(panel) - 0.5, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.spines["bottom"].set_bounds(0, total)
    title = f"{region_label(panel['region'].iloc[0])}, {model_label(panel['model'].iloc[0])}"
    ax.set_title(textwrap.fill(title, int(width / CHARACTER)))
    return before / total, after / total


def _part(
    ax: Axes, part: str, starts: Float[np.ndarray, " bars"], counts: Float[np.ndarray, " bars"], inch: float
) -> float:
    """One part of every bar and its count, inside where it fits, else outside: left of the bar or right of it.

    Args:
        ax: the panel.
        part: ``significant`` (the left one) or ``insignificant``.
        starts: where the parts start, neurons.
        counts: how long they are, neurons.
        inch: so many neurons are an inch.

    Returns:
        The room needed outside the bars, neurons; 0 if every count fits inside.
    """
    ax.barh(range(len(counts)), counts, left=starts, height=_BAR, **_STYLES[part])
    outside = 0.0
    for place, (start, count) in enumerate(zip(starts, counts, strict=True)):
        text = f"{count:.1f}".removesuffix(".0")
        room = (len(text) * CHARACTER + 0.1) * inch
        if count >= room:
            # The box keeps the hatches off the digits.
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
            ax.text(start + count / 2, place, text, ha="center", va="center", bbox=box)
            continue
        outside = max(outside, room)
        edge, align = (-inch / 20, "right") if part == "significant" else (start + count + inch / 20, "left")
        ax.text(edge, place, text, ha=align, va="center")
    return outside
