"""Table 7: the size of each region's recording."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from daenr.reporting.arrangement import markers
from daenr.reporting.labels import region_label
from daenr.reporting.rendering import Entry, Grid, Rendered, spell

COLUMNS = ["region", "train_images", "test_images", "repeats", "fewest_repeats", "neurons", "note"]
"""Columns of the frame."""


def tidy(regions: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """One row a region, in the order given.

    Args:
        regions: for each region the attributes of its region file: its ``counts``, ``train`` and ``validation`` images
            (the paper gives their sum), ``test`` images, ``repeats`` of each of them or ``fewest_repeats`` to
            ``repeats``, and ``neurons``; and its ``notes``.

    Returns:
        Columns ``COLUMNS``; ``note`` has all notes of the region in one text, empty for none.
    """
    rows = [
        (
            region,
            count["train"] + count["validation"],
            *(count[name] for name in ("test", "repeats", "fewest_repeats", "neurons")),
            " ".join(("Warning: " if note["warning"] else "") + note["text"] for note in attributes["notes"]),
        )
        for region, attributes in regions.items()
        for count in [attributes["counts"]]
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def render(frame: pd.DataFrame) -> Rendered:
    """Spell the table that `tidy` made."""
    columns = ["Number of train images", "Number of test images", "Number of neurons"]
    notes = markers(frame["note"])
    rows = [
        (
            region_label(region),
            [
                Entry(f"{train} (1)"),
                Entry(f"{test} ({repeats if fewest == repeats else f'{fewest} to {repeats}'})"),
                Entry(f"{neurons}", marker=notes.get(note, "")),
            ],
        )
        for region, train, test, repeats, fewest, neurons, note in frame[COLUMNS].itertuples(
            index=False, name=None
        )
    ]
    caption = "Size of the recording of each region. In brackets: how often each image was shown."
    told = [(marker, note) for note, marker in notes.items()]
    return spell(Grid("table7", "Table 7", caption, "Region", columns, [rows], notes=told))
