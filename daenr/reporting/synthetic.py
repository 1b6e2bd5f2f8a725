"""Synthetic beside recorded responses: a dot for each neuron, or pair of neurons, in each statistic."""

import numpy as np
import pandas as pd
import seaborn as sns
from jaxtyping import Float
from matplotlib.figure import Figure

from daenr.reporting.figures import DOUBLE, styled
from daenr.statistics.population import neuron_facts, pair_facts


@styled
def synthetic(
    recorded: Float[np.ndarray, "repeats images neurons"], made: Float[np.ndarray, "repeats images neurons"]
) -> Figure:
    """What `daenr.statistics.population` tells of both, against each other.

    Args:
        recorded: trials of the test images.
        made: those of the data engine, for the same images and neurons.
    """
    known, ours = ([neuron_facts(trials), pair_facts(trials)] for trials in (recorded, made))
    facts = [
        (str(name), pd.DataFrame({"recorded": frame[name], "synthetic": other[name]}).dropna())
        for frame, other in zip(known, ours, strict=True)
        for name in frame
    ]
    figure = Figure(figsize=(DOUBLE, 4.9), layout="constrained")
    for ax, (name, frame) in zip(figure.subplots(2, 3).ravel(), facts, strict=True):
        sns.scatterplot(frame, x="recorded", y="synthetic", color="black", s=5, linewidth=0, alpha=0.4, ax=ax)
        ax.axline((0, 0), slope=1, color="0.5", ls="--", lw=0.8)
        r = frame["recorded"].corr(frame["synthetic"])
        ax.set_title(f"{name.capitalize()}\nr = {r:.2f}, n = {len(frame)}")
        ax.set(xlabel="", ylabel="", aspect="equal", adjustable="datalim")
    figure.supxlabel("Recorded")
    figure.supylabel("Synthetic")
    return figure
