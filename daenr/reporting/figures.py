"""What all figures share: their style, their widths, and how they are written.

A figure is a function from arrays or frames to a matplotlib Figure, decorated with ``styled``; it leaves pyplot's
state alone.
"""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from daenr.files import atomic

styled = mpl.rc_context(fname=Path(__file__).parent / "paper.mplstyle")
"""Decorates what draws, or writes, a figure in the style of ``paper.mplstyle``."""

SINGLE, DOUBLE = 3.3, 6.9
"""Widths of one and of two columns, inches."""

CHARACTER = 0.065
"""Room for one digit of a number or one letter of a label, inches."""


@styled
def save(figure: Figure, png: Path, pdf: Path) -> None:
    """Write a figure as pixels for the screen and as vectors for print; equal figures make equal files."""
    with atomic(png) as path:
        figure.savefig(path)
    figure.set_layout_engine("none")  # laid out once, both files alike
    with atomic(pdf) as path:
        figure.savefig(path, metadata={"CreationDate": None})


def without_models() -> Figure:
    """What stands in place of a figure of models that the config leaves out."""
    figure = Figure(figsize=(SINGLE, 0.6))
    figure.text(0.5, 0.5, "The config leaves out every model of this figure.", ha="center")
    return figure
