"""The search for loss weights: validation score over beta : alpha."""

# ruff: noqa: RUF001 - the symbols are those of the paper

from collections.abc import Sequence

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from daenr.paper.plan import WEIGHT_TABLES
from daenr.paper.published import Weight
from daenr.registry import END_TO_END, joint_names, split_model
from daenr.reporting.curves import BY_LAYER, layer_legend
from daenr.reporting.figures import styled, without_models
from daenr.reporting.labels import LAYER_COLOURS, model_label, region_label
from daenr.statistics.metrics import METRICS

COLUMNS = [
    *("table", "task", "region", "model", "layer", "alpha", "beta", "seed"),
    *("metric", "value", "chosen", "run"),
]
"""Columns of the scores: one row a try and table of the paper, whose weights are the choice."""

_PANEL = (2.2, 1.7)
"""Width and height of a panel, inches."""

_LEGEND = 4.6
"""Width of the legend, inches."""


@styled
def score_over_ratio(scores: pd.DataFrame, printed: Sequence[Weight]) -> Figure:
    """A panel for each task, region and joint model, a line for each layer that is read out.

    Args:
        scores: columns ``COLUMNS``; ``layer`` is empty for a plain auto-encoder.
        printed: the paper's weights, of which those of the tables in question are shown, or none for a recording that
            they are not for.
    """
    shown = scores.drop_duplicates(["task", "run"]).assign(ratio=lambda frame: frame["beta"] / frame["alpha"])
    models = [model for model in joint_names() if model in set(shown["model"])]
    if not models:
        return without_models()
    columns = list(dict.fromkeys(zip(shown["task"], shown["region"], strict=True)))
    tried = set(scores["table"])
    tables = {table for tables in WEIGHT_TABLES.values() if tables[0] in tried for table in tables}
    printed = [weight for weight in printed if weight.table in tables]
    figure = Figure(figsize=(max(_LEGEND, 0.9 + _PANEL[0] * len(columns)), 0.9 + _PANEL[1] * len(models)))
    grid = figure.subplots(len(models), len(columns), squeeze=False, sharex=True)
    for row, model in zip(grid, models, strict=True):
        for ax, (task, region) in zip(row, columns, strict=True):
            here = shown[(shown["task"] == task) & (shown["region"] == region)]
            marks = [
                each for each in printed if (each.task, each.region, each.model) == (task, region, model)
            ]
            _panel(ax, here, model, marks)
            ax.set_title(f"{model_label(model, 'hi')}, {region_label(region)}")
    figure.supxlabel("β : α")
    symbols = [("chosen", "o"), *([("the paper's", "^")] if printed else [])]
    others = [
        *(
            Line2D([], [], color="black", ls="", marker=marker, ms=4, label=label)
            for label, marker in symbols
        ),
        Line2D([], [], color="black", ls="-.", lw=0.6, label="best seed of the model of one task"),
    ]
    layer_legend(figure, set(shown["layer"]) - {""}, *others, columns=3)
    return figure


def _panel(ax: Axes, here: pd.DataFrame, model: str, marks: Sequence[Weight]) -> None:
    """The tries of one joint model in one region for one task; without any, the panel stays away."""
    joint = here[here["model"] == model]
    if joint.empty:
        ax.set_axis_off()
        return
    ax.set_xscale("log")
    ax.set_xticks(sorted(joint["ratio"].unique())[::2])
    ax.minorticks_off()
    sns.lineplot(joint, x="ratio", y="value", ax=ax, **BY_LAYER)
    for _, best in joint[joint["chosen"]].iterrows():
        ax.plot(best["ratio"], best["value"], "o", ms=4, color=LAYER_COLOURS[best["layer"]])
    autoencoder, readout = split_model(model)
    alone = autoencoder if (joint["task"] == "ir").all() else f"{END_TO_END}-{readout}"
    for _, best in here[(here["model"] == alone) & here["chosen"]].iterrows():
        ax.axhline(best["value"], color=LAYER_COLOURS[best["layer"]], ls="-.", lw=0.6)
    for mark in marks:
        if mark.layer in set(joint["layer"]):
            # On the axis, whatever the scores are.
            place, colour = (mark.beta / mark.alpha, 0.04), LAYER_COLOURS[mark.layer]
            ax.plot(*place, "^", ms=4, color=colour, transform=ax.get_xaxis_transform())
    ax.set(xlabel="", ylabel=f"Validation {METRICS[joint['metric'].iloc[0]].heading}")
