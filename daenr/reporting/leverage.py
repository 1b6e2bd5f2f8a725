"""Leverage over the steps of training: what share of the shared layers' gradient the responses supply."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from daenr import IMAGE_SIZE
from daenr.reporting.curves import layer_legend, lines_by_run
from daenr.reporting.figures import DOUBLE, SINGLE, styled, without_models
from daenr.reporting.labels import NEGLIGIBLE
from daenr.run import Run

COLUMNS = ["weights", "reading", "run", "layer", "step", "leverage"]
"""Columns of a frame of courses; ``weights`` is the table of the paper that prints the run's alpha and beta."""

READINGS = {"sum": "Losses as sums", "mean": "Losses as means"}
"""Rows of the figure: losses over pixels and neurons, Eqs. 4 and 6 as printed, or both divided by their number."""

_TASKS = {
    "table8": "reconstruction, CAE",
    "table9": "similarity, CAE",
    "table10": "reconstruction, all models",
}
"""Where the weights are printed: for which task and which auto-encoders."""


def course(
    weights: str, run: Run, history: pd.DataFrame, neurons: int, losses: Mapping[str, str]
) -> pd.DataFrame:
    """One run's leverage at each validation, under both readings of the losses.

    A mean divides the gradient of the image side by the pixels and that of the response side by the neurons, exactly.
    So what one training recorded gives the leverage that the same weights have under the other reading, at the same
    parameters; a training under that reading would take another course.

    Args:
        weights: ``table8``, ``table9`` or ``table10``.
        run: the training of a joint model.
        history: its ``history.csv``; empty if it had no neurons to train on.
        neurons: that it was trained on.
        losses: the config's ``loss``: what ``reconstruction`` and ``response`` were in the training.

    Returns:
        Columns ``COLUMNS``, ``reading`` one of ``READINGS``; validations at which neither task moved the shared layers
        are left out.
    """
    recorded = history[["step", "leverage"]] if len(history) else pd.DataFrame({"step": [], "leverage": []})
    recorded = recorded.dropna().assign(weights=weights, run=run.name, layer=run.layer)
    pixels = IMAGE_SIZE**2
    to_sums = (neurons if losses["response"] == "mean" else 1) / (
        pixels if losses["reconstruction"] == "mean" else 1
    )
    factors = {"sum": to_sums, "mean": to_sums * pixels / neurons}
    return pd.concat(
        [
            recorded.assign(reading=reading, leverage=reweighted(recorded["leverage"], factor))
            for reading, factor in factors.items()
        ],
        ignore_index=True,
    )[COLUMNS]


def reweighted(share: pd.Series, factor: float) -> pd.Series:
    """A share of two parts after its part has grown by a factor: f s / (f s + 1 - s)."""
    return factor * share / (factor * share + 1 - share)


@styled
def leverage_over_steps(courses: pd.DataFrame, printed: bool) -> Figure:
    """A column for each table of weights, a row for each reading, a line for each run in the colour of its layer.

    Below the dashed line the responses supply less than a thousandth.

    Args:
        courses: columns ``COLUMNS``.
        printed: whether the weights are the paper's; a column is else named after its task alone.
    """
    columns = [weights for weights in _TASKS if weights in set(courses["weights"])]
    if not columns:
        return without_models()
    figure = Figure(figsize=(SINGLE if len(columns) == 1 else DOUBLE, 4.2))
    grid = figure.subplots(len(READINGS), len(columns), squeeze=False, sharey=True, sharex=True)
    for axes, (reading, label) in zip(grid, READINGS.items(), strict=True):
        for ax, weights in zip(axes, columns, strict=True):
            ax.set_yscale("log")
            ax.axhline(NEGLIGIBLE, color="0.5", ls="--", lw=0.8)
            shown = courses[(courses["weights"] == weights) & (courses["reading"] == reading)]
            lines_by_run(ax, shown, "leverage", weight=0.8)
            ax.set(xlabel="", ylabel="")
            ax.margins(x=0.02)
        axes[0].set_ylabel(label)
    for ax, weights in zip(grid[0], columns, strict=True):
        number, task = weights.removeprefix("table"), _TASKS[weights]
        ax.set_title(f"Table {number}\n{task}" if printed else task[0].upper() + task[1:])
    figure.supylabel("Share of the gradient from the responses")
    figure.supxlabel("Step")
    threshold = Line2D([], [], color="0.5", ls="--", lw=0.8, label=f"1 in {1 / NEGLIGIBLE:,.0f}")
    layer_legend(figure, courses["layer"], threshold)
    return figure
