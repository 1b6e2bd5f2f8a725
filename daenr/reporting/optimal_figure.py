"""Images that drive the neurons of a region, and below them every neuron and method, measured."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from daenr.reporting.figures import DOUBLE, styled
from daenr.reporting.labels import model_label
from daenr.reporting.optimal_table import LEAST_R, MATCHING, METHODS
from daenr.run import Run

_MEASURES = {
    "rate": "Predicted rate,\nstandard deviations",
    "response": "True response over that\nby any training image",
    "filter_r": f"|r| with the filter, simple\ncells with r > {LEAST_R:g}",
    "slope": "Spectral slope",
    "distance": "Distance to the nearest\ntraining images, 1 \N{MINUS SIGN} r",
    "unexplained": "Share not reconstructed\nby another model",
}
_LINES = {"response": 1.0, "filter_r": MATCHING}


@styled
def optimal_images(
    rows: Mapping[str, Float[np.ndarray, "neurons height width"]],
    filters: Float[np.ndarray, "neurons height width"] | None,
    judged: pd.DataFrame,
    count: int = 10,
) -> Figure:
    """Images of the first neurons, and the distributions over all of them.

    Args:
        rows: for each method images in [-1, 1], of the first run that was judged.
        filters: of the neurons where they are known.
        judged: of all runs of the region, as `daenr.optimal.judge` returns it with rates; a neuron is a tick a run.
        count: neurons whose images are shown.
    """
    runs = [Run.parse(name) for name in judged["run"]]
    judged = judged.assign(model=[model_label(run.model, run.layer) for run in runs])
    columns = min(count, len(next(iter(rows.values()))))
    shown = {METHODS[method]: images for method, images in rows.items()}
    if filters is not None:
        # A filter has no intensities: zero is grey, its largest value black or white.
        shown = {"true filter": filters / np.abs(filters).max((1, 2), keepdims=True), **shown}
    measures = [measure for measure in _MEASURES if judged[measure].notna().any()]
    strips = -(-len(measures) // 3)
    heights = ((DOUBLE - 1.6) / max(columns, 6) * len(shown), 1.9 * strips)
    figure = Figure(figsize=(DOUBLE, sum(heights)), layout="constrained")
    halves: Any = figure.subfigures(2, 1, height_ratios=heights)
    above, below = halves
    above.suptitle(f"Images by {judged['model'].iloc[0]}, seed {runs[0].seed}")
    grid = above.subplots(len(shown), columns, squeeze=False)
    for axes, (label, images) in zip(grid, shown.items(), strict=True):
        axes[0].set_ylabel(label, rotation=0, ha="right", va="center")
        for ax, image in zip(axes, images, strict=False):
            ax.set(xticks=[], yticks=[], frame_on=False)
            ax.imshow(image, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    panels = below.subplots(strips, min(3, len(measures)), squeeze=False, sharey=True).ravel()
    models = judged["model"].unique()
    palette = ["0.6"] if len(models) == 1 else sns.color_palette("colorblind", len(models))
    colors = dict(zip(models, palette, strict=True))
    if len(models) > 1:
        keys = [Patch(color=color, label=model) for model, color in colors.items()]
        below.legend(handles=keys, loc="outside upper center", ncols=len(models))
    for ax, measure in zip(panels, measures, strict=False):
        _strip(ax, judged, measure, colors)
    for ax in panels[len(measures) :]:
        ax.set_visible(False)
    return figure


def _strip(ax: Axes, judged: pd.DataFrame, measure: str, colors: Mapping[str, Any]) -> None:
    """A tick for each neuron and run, a line at the mean of each model."""
    order = [method for method in METHODS if method in set(judged["method"])]
    values = judged if measure != "filter_r" else judged[judged["r"] > LEAST_R]
    style = {"x": measure, "y": "method", "order": order, "hue": "model", "hue_order": [*colors], "ax": ax}
    # Not jittered: seaborn would draw that anew each time, and equal figures make equal files.
    ticks = {"marker": "|", "size": 6 / len(colors), "linewidth": 0.4, "jitter": False}
    sns.stripplot(values, palette=colors, dodge=True, legend=False, **ticks, **style)
    line = {"marker": "|", "markersize": 10 / len(colors), "markeredgewidth": 1.5, "zorder": 9}
    means = {"errorbar": None, "linestyle": "none", "legend": False, **line}
    apart = 0.8 - 0.8 / len(colors)  # as seaborn sets strips apart
    sns.pointplot(values, palette=dict.fromkeys(colors, "black"), dodge=apart, **means, **style)
    if measure in _LINES:
        ax.axvline(_LINES[measure], color="0.5", ls="--", lw=0.8)
    ax.set(xlabel=_MEASURES[measure], ylabel="", yticks=range(len(order)))
    ax.set_yticklabels([METHODS[method] for method in order])
