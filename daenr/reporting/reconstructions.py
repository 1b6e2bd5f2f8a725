"""Figures 2, 6 and 7: test images and their reconstructions."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from daenr.reporting.figures import CHARACTER, DOUBLE, SINGLE, styled


@styled
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
    return image_rows(shown, count, note)


def image_rows(rows: Mapping[str, np.ndarray], count: int, note: str = "") -> Figure:
    """Rows of images on one gray scale from -1 (black) to 1 (white), each row with its label at the left."""
    columns = min(count, max(len(images) for images in rows.values()))
    margin = CHARACTER * max(len(line) for name in rows for line in name.splitlines()) + 0.1
    side = min((DOUBLE - margin) / columns, 0.8)
    figure = Figure(
        figsize=(max(margin + side * columns, SINGLE), side * len(rows) + (0.2 if note else 0)),
        layout=ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.01, wspace=0.02, hspace=0.02),
    )
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes, (name, images) in zip(grid, rows.items(), strict=True):
        axes[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for ax in axes:
            ax.set(xticks=[], yticks=[], frame_on=False)
        shown = np.linspace(0, len(images) - 1, min(columns, len(images))).round().astype(int)
        for ax, index in zip(axes, shown, strict=False):
            ax.imshow(images[index, 0], cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    if note:
        figure.supxlabel(note, fontsize="medium")
    return figure
