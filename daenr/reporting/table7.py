"""Table 7: the size of each region's recording."""

from collections.abc import Mapping

import pandas as pd

from daenr.reporting.labels import region_label
from daenr.reporting.rendering import Entry, Grid, Rendered, spell

COLUMNS = ["region", "train_images", "test_images", "repeats", "neurons"]
"""Columns of the frame."""


def tidy(counts: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """One row a region, in the order given.

    Args:
        counts: for each region the ``counts`` of its region file: ``train`` and ``validation`` images (the paper
            gives their sum), ``test`` images, ``repeats`` of each of them, and ``neurons``.

    Returns:
        Columns ``COLUMNS``.
    """
    rows = [
        (region, count["train"] + count["validation"], count["test"], count["repeats"], count["neurons"])
        for region, count in counts.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def render(frame: pd.DataFrame) -> Rendered:
    """Spell the table.

    Args:
        frame: what `tidy` returns.
    """
    columns = ["Number of train images", "Number of test images", "Number of neurons"]
    rows = [
        (
            region_label(region),
            [Entry(f"{train} (1)"), Entry(f"{test} ({repeats})"), Entry(f"{neurons}")],
        )
        for region, train, test, repeats, neurons in frame[COLUMNS].itertuples(index=False, name=None)
    ]
    caption = "Size of the recording of each region. In brackets: how often each image was shown."
    return spell(Grid("table7", "Table 7", caption, "Region", columns, [rows]))
