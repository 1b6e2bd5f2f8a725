"""Figures 2, 6 and 7: test images, their reconstructions, and what each joint model changes."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float32
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from daenr.reporting.figures import CHARACTER, DOUBLE, SINGLE, styled
from daenr.reporting.rendering import power_text

CHANGE = 0.2
"""Ends of the scale of a change: a tenth of the range of intensities, so that what no one could see stays white."""

_DIVERGING = "RdBu_r"


@styled
def reconstructions(
    originals: Float32[np.ndarray, "images 1 32 32"],
    rows: Mapping[str, Float32[np.ndarray, "images 1 32 32"]],
    reference: str = "CAE",
    count: int = 5,
) -> Figure:
    """Figures 2, 6 and 7: test images, what each model makes of them, and what it changes against the CAE.

    The images shown are evenly spaced in the test set, the same for every model. Under a model's label stands its MSE
    over *all* test images, as in Table 2, and the largest change of a pixel in all of them.

    Args:
        originals: the test images, intensities in [-1, 1].
        rows: each model's reconstructions of the same images, under the label of its row.
        reference: the row that changes are told against; no changes are shown where it is missing or alone.
        count: how many images are shown, fewer if there are fewer; twice as many if no changes are.
    """
    compared = reference in rows and len(rows) > 1
    shown, changes = {"Original": originals}, {}
    for name, images in rows.items():
        label = f"{name}\nMSE {np.square(images - originals, dtype=np.float64).mean():.3f}"
        if compared and name != reference:
            change = images - rows[reference]
            label += f"\nchange ≤ {power_text(float(np.abs(change).max()))}"
            changes[label] = change
        shown[label] = images
    note = f"MSE: mean over all {len(originals)} test images, intensities from \N{MINUS SIGN}1 to 1"
    if not compared:
        return image_rows(shown, 2 * count, note)
    columns = min(count, len(originals))
    figure, grid = _grid(list(shown), 2 * columns, room=0.7)
    for axes, (label, images) in zip(grid, shown.items(), strict=True):
        _draw(axes[:columns], images)
        if label in changes:
            _draw(axes[columns:], changes[label], _DIVERGING, CHANGE)
    first = next(row for row, label in enumerate(shown) if label in changes)
    grid[first][columns].set_title(f"Change against {reference}", loc="left", pad=2)
    figure.colorbar(
        ScalarMappable(Normalize(-CHANGE, CHANGE), _DIVERGING),
        ax=[ax for axes in grid for ax in axes],
        location="bottom",
        shrink=0.5,
        aspect=40,
        pad=0.02,
        extend="both",
        ticks=[-CHANGE, 0, CHANGE],
        label=f"Change of a pixel. {note}",
    )
    return figure


def image_rows(rows: Mapping[str, np.ndarray], count: int, note: str = "") -> Figure:
    """Rows of images on one gray scale from -1 (black) to 1 (white), each row with its label at the left."""
    columns = min(count, max(len(images) for images in rows.values()))
    figure, grid = _grid(list(rows), columns, room=0.2 if note else 0.0)
    for axes, images in zip(grid, rows.values(), strict=True):
        _draw(axes, images)
    if note:
        figure.supxlabel(note, fontsize="medium")
    return figure


def _grid(labels: Sequence[str], columns: int, room: float) -> tuple[Figure, list[list[Axes]]]:
    """A figure with places for images, rows with their labels at the left, and ``room`` inches below."""
    margin = CHARACTER * max(len(line) for label in labels for line in label.splitlines()) + 0.1
    side = min((DOUBLE - margin) / columns, 0.8)
    figure = Figure(
        figsize=(max(margin + side * columns, SINGLE), side * len(labels) + room),
        layout=ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.01, wspace=0.02, hspace=0.02),
    )
    grid = [list(axes) for axes in figure.subplots(len(labels), columns, squeeze=False)]
    for axes, label in zip(grid, labels, strict=True):
        axes[0].set_ylabel(label, rotation=0, ha="right", va="center")
        for ax in axes:
            ax.set(xticks=[], yticks=[], frame_on=False)
    return figure, grid


def _draw(axes: Sequence[Axes], images: np.ndarray, colours: str = "gray", end: float = 1.0) -> None:
    """Images that are evenly spaced in the set, one a place, on a scale of colours from minus to plus its end."""
    shown = np.linspace(0, len(images) - 1, min(len(axes), len(images))).round().astype(int)
    for ax, index in zip(axes, shown, strict=False):
        ax.imshow(images[index, 0], cmap=colours, vmin=-end, vmax=end, interpolation="nearest")
