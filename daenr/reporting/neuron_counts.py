"""Figures 2-8 of the paper; one function a kind of figure, arrays and frames in, a matplotlib Figure out.

Nothing here touches pyplot's global state. Widths are those of one and of two columns of a journal, so that a figure
is printed at the size at which it was drawn.
"""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from jaxtyping import Float, Float32
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.markers import CARETDOWN
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from daenr.files import atomic
from daenr.reporting.labels import layer_label, model_label, region_label

label = model_label
"""Label of a row of reconstructions: CAE-FR₁."""

SINGLE, DOUBLE = 3.3, 6.9
"""Widths of one and of two columns, inches."""

FONT, SMALL = 8, 7
"""Sizes of labels, and of numbers and notes, points."""

_CHARACTER = 0.065
"""Room for one digit of size ``SMALL`` or one letter of size ``FONT``, inches."""

_COLOURS = {"significant": "#E69F00", "corrected": "#E69F00", "insignificant": "#B3E2D3"}
"""Orange and green, the paper's two hues; the green is pale, so that they are told apart in gray."""

_HATCHES = {"significant": "", "corrected": "xxxxx", "insignificant": ""}
"""What survives the correction is a part of the significant part."""

_ROW, _BAR = 0.25, 0.6
"""Height of a row of bars, inches, and of the bar in it, rows; the marker stands in the gap above the bar."""

_CHANCE: Mapping[str, Any] = {"marker": CARETDOWN, "markersize": 4, "color": "black", "linestyle": "none"}
"""Marker of the number that is expected on shuffled data; its tip touches the bar."""


def save(figure: Figure, png: Path, pdf: Path) -> None:
    """Write a figure as pixels for the screen and as vectors for print; equal figures make equal files."""
    # 42 embeds TrueType fonts, which journals and editors of PDFs want.
    with mpl.rc_context({"pdf.fonttype": 42}):
        with atomic(png) as path:
            figure.savefig(path, dpi=300)
        with atomic(pdf) as path:
            figure.savefig(path, metadata={"CreationDate": None})


def reconstructions(
    originals: Float32[np.ndarray, "images 1 32 32"],
    rows: Mapping[str, Float32[np.ndarray, "images 1 32 32"]],
    count: int = 10,
) -> Figure:
    """Figures 2, 6 and 7: test images and what each model makes of them.

    The images shown are evenly spaced in the test set, the same for every model. Under a model's label stands its MSE
    over *all* test images, as in Table 2.

    Args:
        originals: the test images, intensities in [-1, 1].
        rows: each model's reconstructions of the same images, under the label of its row.
        count: how many images are shown, fewer if there are fewer.
    """
    shown = {"Original": originals}
    for name, images in rows.items():
        error = np.square(images - originals, dtype=np.float64).mean()
        shown[f"{name}\nMSE {error:.3f}"] = images
    note = f"MSE: mean over all {len(originals)} test images, intensities from \N{MINUS SIGN}1 to 1"
    return _image_rows(shown, count, note)


def stimuli(images: Mapping[str, Float32[np.ndarray, "images 1 32 32"]], count: int = 10) -> Figure:
    """Figure 5: examples of the training stimuli, one row a region.

    Args:
        images: the training images of each region, intensities in [-1, 1]; their numbers may differ.
        count: how many are shown of each, evenly spaced in the training set.
    """
    return _image_rows({region_label(region): stack for region, stack in images.items()}, count)


def _image_rows(rows: Mapping[str, np.ndarray], count: int, note: str = "") -> Figure:
    """Rows of images on one gray scale from -1 (black) to 1 (white), each row with its label at the left."""
    columns = min(count, max(len(images) for images in rows.values()))
    margin = _CHARACTER * max(len(line) for name in rows for line in name.splitlines()) + 0.1
    side = min((DOUBLE - margin) / columns, 0.8)
    figure = Figure(
        figsize=(max(margin + side * columns, SINGLE), side * len(rows) + (0.2 if note else 0)),
        layout=ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.01, wspace=0.02, hspace=0.02),
    )
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=FONT)
        for ax in axes:
            ax.set(xticks=[], yticks=[], frame_on=False)
        shown = np.linspace(0, len(images) - 1, min(columns, len(images))).round().astype(int)
        for ax, index in zip(axes, shown, strict=False):
            ax.imshow(images[index, 0], cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    if note:
        figure.supxlabel(note, fontsize=SMALL)
    return figure


def neuron_counts(counts: pd.DataFrame, threshold: float = 0.05) -> Figure:
    """Figures 3 and 8: how many neurons of each region a model predicts significantly, by the layer read out.

    Args:
        counts: columns region, model, layer, significant, insignificant, significant_bh (those of the significant
            that survive Benjamini and Hochberg's correction), chance (how many would be significant on shuffled
            data): numbers of neurons, or their means over seeds, in the order in which they are to be shown.
        threshold: the p-value up to which a neuron is significant, and the corrected one.
    """
    panels = [panel for _, panel in counts.groupby(["region", "model"], sort=False)]
    return _bar_panels(panels, min(len(panels), 3), threshold)


def neuron_counts_by_model(counts: pd.DataFrame, threshold: float = 0.05) -> Figure:
    """Figure 4: the same, a row of panels for each model (end to end first) and a column for each region.

    Args:
        counts: as for ``neuron_counts``.
        threshold: as there.
    """
    panels = [panel for _, panel in counts.groupby(["model", "region"], sort=False)]
    panels.sort(key=lambda panel: not str(panel["model"].iloc[0]).startswith("cnn-"))
    return _bar_panels(panels, counts["region"].nunique(), threshold)


def _bar_panels(panels: Sequence[pd.DataFrame], columns: int, threshold: float) -> Figure:
    """One panel of bars for each frame (of one region and model), row by row."""
    if not panels:
        figure = Figure(figsize=(SINGLE, 0.6))
        figure.text(
            0.5, 0.5, "The config leaves out every model of this figure.", ha="center", fontsize=SMALL
        )
        return figure
    rows = -(-len(panels) // columns)
    width = SINGLE if columns == 1 else DOUBLE
    bars = max(len(panel) for panel in panels)
    legend = _legend(threshold)
    lines = -(-len(legend) // columns)
    height = 0.3 + 0.14 * lines + rows * (0.45 + _ROW * bars)
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for ax in grid.flat[len(panels) :]:
        ax.set_axis_off()
    outside = [_bars(ax, panel, width / columns) for ax, panel in zip(grid.flat, panels, strict=False)]
    # One room at each side for all panels, so that the bars of a column are aligned.
    before, after = np.max(outside, axis=0)
    for ax in grid.flat[: len(panels)]:
        total = ax.get_xlim()[1]
        ax.set_xlim(-before * total, (1 + after) * total)
    for ax in grid[:, 0]:
        ax.set_ylabel("Layer", fontsize=FONT)
    figure.supxlabel("Number of neurons", fontsize=FONT)
    figure.legend(handles=legend, loc="outside upper center", ncols=columns, frameon=False, fontsize=SMALL)
    return figure


def _legend(threshold: float) -> list[Artist]:
    names = {
        "significant": f"significant (p ≤ {threshold:g})",
        "corrected": f"of these, Benjamini\N{EN DASH}Hochberg q ≤ {threshold:g}",
        "insignificant": "insignificant",
    }
    patches = [Patch(**_style(part), label=name) for part, name in names.items()]
    return [*patches, Line2D([], [], **_CHANCE, label="expected on shuffled data")]


def _style(part: str) -> dict[str, Any]:
    return {
        "facecolor": _COLOURS[part],
        "hatch": _HATCHES[part],
        "hatch_linewidth": 0.7,
        "edgecolor": "white",
        "linewidth": 0,
    }


def _bars(ax: Axes, panel: pd.DataFrame, width: float) -> tuple[float, float]:
    """One stacked horizontal bar for each layer of a region and model, the count written in each part.

    Args:
        ax: the panel; its x axis ends at the longest bar.
        panel: rows of ``counts``.
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
    ax.barh(places, panel["significant_bh"], height=_BAR, **_style("corrected"))
    ax.plot(panel["chance"], places - _BAR / 2, clip_on=False, **_CHANCE)
    ax.set_xlim(0, total)
    ticks = np.asarray(MaxNLocator(4, integer=True).tick_values(0, total))
    ax.set_xticks(ticks[(ticks >= 0) & (ticks <= total)])
    ax.set_yticks(places, [layer_label(layer) for layer in panel["layer"]])
    ax.set_ylim(len(panel) - 0.5, -0.6)
    ax.tick_params(axis="x", labelsize=SMALL)
    ax.tick_params(axis="y", labelsize=FONT, length=0)
    ax.spines[["left", "top", "right"]].set_visible(False)
    ax.spines["bottom"].set_bounds(0, total)
    title = f"{region_label(panel['region'].iloc[0])}, {model_label(panel['model'].iloc[0])}"
    ax.set_title(textwrap.fill(title, int(width / _CHARACTER)), fontsize=FONT)
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
    ax.barh(range(len(counts)), counts, left=starts, height=_BAR, **_style(part))
    outside = 0.0
    for place, (start, count) in enumerate(zip(starts, counts, strict=True)):
        text = f"{count:.1f}".removesuffix(".0")
        room = (len(text) * _CHARACTER + 0.1) * inch
        if count >= room:
            # The box keeps the hatches off the digits.
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
            ax.text(start + count / 2, place, text, ha="center", va="center", fontsize=SMALL, bbox=box)
            continue
        outside = max(outside, room)
        edge, align = (-inch / 20, "right") if part == "significant" else (start + count + inch / 20, "left")
        ax.text(edge, place, text, ha=align, va="center", fontsize=SMALL)
    return outside
