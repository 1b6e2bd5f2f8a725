"""Leverage over the steps of training: what share of the shared layers' gradient the responses supply."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from daenr.registry import LAYERS
from daenr.reporting.curves import lines_by_run
from daenr.reporting.figures import DOUBLE, SINGLE, styled, without_models
from daenr.reporting.labels import LAYER_COLOURS, LAYER_DASHES, NEGLIGIBLE, layer_label
from daenr.run import Run

COLUMNS = ["weights", "run", "layer", "step", "leverage"]
"""Columns of a frame of courses; ``weights`` is the table of the paper that prints the run's alpha and beta."""

_PANELS = {
    "table8": "Table 8\nreconstruction, CAE",
    "table9": "Table 9\nsimilarity, CAE",
    "table10": "Table 10\nreconstruction, all models",
}
"""Titles: where the weights are printed, for which task and which auto-encoders."""


def course(weights: str, run: Run, history: pd.DataFrame) -> pd.DataFrame:
    """One run's leverage at each validation.

    Args:
        weights: ``table8``, ``table9`` or ``table10``.
        run: the training of a joint model.
        history: its ``history.csv``; empty if it had no neurons to train on.

    Returns:
        Columns ``COLUMNS``; validations at which neither task moved the shared layers are left out.
    """
    shares = history[["step", "leverage"]] if len(history) else pd.DataFrame({"step": [], "leverage": []})
    return shares.dropna().assign(weights=weights, run=run.name, layer=run.layer)[COLUMNS]


@styled
def leverage_over_steps(courses: pd.DataFrame) -> Figure:
    """A panel for each table of weights, a line for each run, coloured by the layer that is read out.

    Below the dashed line the responses supply less than a thousandth.

    Args:
        courses: columns ``COLUMNS``.
    """
    panels = [weights for weights in _PANELS if weights in set(courses["weights"])]
    if not panels:
        return without_models()
    figure = Figure(figsize=(SINGLE if len(panels) == 1 else DOUBLE, 2.6))
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True, sharex=True)[0]
    for ax, weights in zip(grid, panels, strict=True):
        ax.set_yscale("log")
        ax.axhline(NEGLIGIBLE, color="0.5", ls="--", lw=0.8)
        lines_by_run(ax, courses[courses["weights"] == weights], "leverage", weight=0.8)
        ax.set(title=_PANELS[weights], xlabel="", ylabel="")
        ax.margins(x=0.02)
    grid[0].set_ylabel("Share of the gradient\nfrom the responses")
    figure.supxlabel("Step")
    layers = [layer for layer in LAYERS if layer in set(courses["layer"])]
    lines = [
        Line2D([], [], color=LAYER_COLOURS[layer], ls=(0, LAYER_DASHES[layer]), label=layer_label(layer))
        for layer in layers
    ]
    threshold = Line2D([], [], color="0.5", ls="--", lw=0.8, label=f"1 in {1 / NEGLIGIBLE:,.0f}")
    figure.legend(handles=[*lines, threshold], loc="outside upper center", ncols=len(layers) + 1)
    return figure
