"""A figure of the controls: what joint training gains over each of them, by layer."""

from collections.abc import Mapping

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from daenr.reporting.controls import LABELS
from daenr.reporting.figures import DOUBLE, SINGLE, styled, without_models
from daenr.reporting.labels import layer_label, region_label
from daenr.statistics.metrics import METRICS

_SHOWN = ("mse", "pcc")
"""The metrics that are drawn."""

_STYLES: Mapping[str, tuple[str, str]] = {
    "baseline": ("#000000", "o"),
    "shuffled": ("#D55E00", "s"),
    "frozen": ("#0072B2", "^"),
    "random": ("#CC79A7", "v"),
}
"""Colour (of Okabe & Ito 2008) and marker; the marker alone tells them apart in gray."""


@styled
def gains(frame: pd.DataFrame, confidence: float) -> Figure:
    """How much better the joint model is than each row of `controls.tidy`, with intervals; above zero it gains."""
    shown = frame[(frame["control"] != "joint") & frame["metric"].isin(_SHOWN)]
    if shown.empty:
        return without_models()
    metrics = [metric for metric in _SHOWN if metric in set(shown["metric"])]
    regions = list(dict.fromkeys(shown["region"]))
    controls = [control for control in _STYLES if control in set(shown["control"])]
    layers = sorted(shown["layer"].unique())
    width = SINGLE if len(regions) == 1 else DOUBLE
    figure = Figure(figsize=(width, 0.9 + 1.5 * len(metrics)))
    grid = figure.subplots(len(metrics), len(regions), squeeze=False, sharex=True, sharey="row")
    for line, metric in zip(grid, metrics, strict=True):
        for ax, region in zip(line, regions, strict=True):
            panel = shown[(shown["metric"] == metric) & (shown["region"] == region)]
            sns.pointplot(
                panel[["layer", "control", "difference", "low", "high"]].melt(["layer", "control"]),
                x="layer",
                y="value",
                hue="control",
                order=layers,
                hue_order=controls,
                palette=[_STYLES[control][0] for control in controls],
                markers=[_STYLES[control][1] for control in controls],
                # Of each point there are three numbers, in the order in which they were melted.
                estimator=lambda values: values.iloc[0],
                errorbar=lambda values: (values.iloc[1], values.iloc[2]),
                dodge=0.16 * (len(controls) - 1),
                linestyle="none",
                markersize=3.5,
                err_kws={"linewidth": 1},
                ax=ax,
            )
            ax.axhline(0, color="#595959", linewidth=0.8, zorder=0)
            ax.set(xlabel="", ylabel="", xlim=(-0.5, len(layers) - 0.5))
            ax.set_xticks(range(len(layers)), [layer_label(layer) for layer in layers])
            ax.tick_params(axis="x", length=0)
            ax.spines["bottom"].set_visible(False)
            handles = ax.get_legend_handles_labels()[0]
            ax.get_legend().remove()
        line[0].set_ylabel(
            f"{METRICS[metric].label} {'lower' if METRICS[metric].lower_is_better else 'higher'} by"
        )
    for ax, region in zip(grid[0], regions, strict=True):
        ax.set_title(region_label(region))
    figure.align_ylabels(grid[:, 0])
    figure.supxlabel("Layer read out")
    figure.legend(
        handles,
        [{"baseline": "CAE or CNN-FR", **LABELS}[control] for control in controls],
        title=f"How much better CAE-FR is than … ({confidence:.0%} intervals)",
        loc="outside upper center",
        ncols=2 if width == SINGLE else 3,
    )
    return figure
