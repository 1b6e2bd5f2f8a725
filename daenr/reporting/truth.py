"""The table of the significance rules against the truth of a simulated recording."""

# ruff: noqa: RUF001 - the symbols are those of the paper

import pandas as pd

from daenr.reporting.arrangement import NO_AXIS, Arrangement, Axis, Row, grid
from daenr.reporting.labels import region_label
from daenr.reporting.rendering import Entry, Rendered, spell, value_entry

_MEASURES = {
    "false_positives": ("False positives", 1),
    "false_positive_rate": ("of unresponsive ↓", 3),
    "false_discovery_rate": ("of significant ↓", 3),
    "power": ("Power ↑", 3),
}
"""Heading and decimals of each measure of a rule."""


def render(frame: pd.DataFrame, threshold: float) -> Rendered:
    """Spell what `tidy` made: a row for each region and rule."""
    names = {
        "significant": f"p ≤ {threshold:g} (the paper's)",
        "significant_bh": f"Benjamini–Hochberg q ≤ {threshold:g}",
        "significant_permutation": f"permutation p ≤ {threshold:g}",
    }
    arrangement = Arrangement(
        corner="Region, rule",
        rows=Axis(("region", "rule"), lambda region, rule: f"{region_label(region)}, {names[rule]}"),
        upper=NO_AXIS,
        lower=Axis(("metric",), lambda metric: _MEASURES[metric][0]),
        block=lambda row: row[0],
    )
    n = int(frame["n"].max())
    caption = (
        "Which neurons the rules call significant, held against the truth of the simulated recording. False positives: "
        "neurons called significant that do not respond to the image, their number, their share of the unresponsive "
        "and of the significant neurons. Power: share of the responsive neurons called significant. CAE-FRᵢ on the "
        "test images, mean over its layers; "
        + (f"then mean ± standard deviation over {n} seeds." if n > 1 else "one seed.")
    )
    return spell(grid(arrangement, frame, _entry, "truth", "Significance", caption))


def _entry(row: Row, _: str) -> Entry:
    _, decimals = _MEASURES[row["metric"]]
    return value_entry(row["value"], row["sd"], decimals=decimals)
