import pandas as pd

from daenr.reporting.truth import render
from daenr.statistics.significance import RULES
from daenr.statistics.truth import tidy


def found(power):
    """Errors of every rule of one run."""
    return pd.DataFrame(
        {
            "rule": RULES,
            "false_positives": 1,
            "false_positive_rate": 0.5,
            "false_discovery_rate": 0.25,
            "power": power,
        }
    )


def test_rendered_rows_are_regions_and_rules():
    frame = tidy(("region2", seed, found(power)) for seed, power in enumerate((0.5, 1.0)))
    lines = render(frame, 0.05).md.splitlines()
    assert "2 seeds" in lines[0]
    (row,) = [line for line in lines if "the paper's" in line]
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "Region 2, p ≤ 0.05 (the paper's)",
        *("1.0 ± 0.0", "0.500 ± 0.000", "0.250 ± 0.000", "0.750 ± 0.354"),
    ]
    assert len([line for line in lines if line.startswith("| Region 2")]) == 3


def test_one_seed_has_no_deviation_and_a_missing_share_is_a_dash():
    text = render(tidy([("v1", 0, found(float("nan")))]), 0.01).md
    assert "±" not in text
    assert "one seed" in text
    assert "\N{EN DASH}" in text.split("p ≤ 0.01 (the paper's)")[1].splitlines()[0]
