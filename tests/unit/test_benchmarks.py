"""What the benchmarks compute from their measurements."""

import json
from base64 import b64encode
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import compare, where
from daenr.paper.resolved import resolve

ROOT = Path(__file__).parents[2]


def _line(seed: int, arm: str, pcc: float | None) -> dict[str, object]:
    run = {"table": "table4", "region": "region1", "model": "cae-fr", "layer": "h1"}
    return {**run, "seed": seed, "arm": arm, "pcc": pcc, "mse": None}


def test_differences_are_those_of_pairs_in_deviations_over_seeds():
    lines = [_line(seed, "float32", 0.1 * seed) for seed in (1, 2, 3)]
    lines += [_line(seed, "bf16", 0.1 * seed + 0.05) for seed in (1, 2, 3)]
    lines.append(_line(4, "float32", 0.9))  # whose pair is missing
    (row,) = compare.differences(pd.DataFrame(lines), ("float32", "bf16"), ["pcc", "mse"]).itertuples()
    assert row.metric == "pcc"
    assert (row.first, row.second, row.n) == (pytest.approx(0.2), pytest.approx(0.25), 3)
    assert (row.difference, row.sd, row.ratio) == pytest.approx((0.05, 0.1, 0.5))


@pytest.mark.parametrize(("comparison", "count", "seeds"), [("precision", 15 + 24, 10), ("schedule", 3, 5)])
def test_the_cells_of_tables_2_and_4_are_compared_with_every_seed(comparison, count, seeds):
    cells = list(compare.cells(comparison, resolve({"dataset": {"name": "x", "layout": "simulated"}}, ROOT)))
    assert len(set(cells)) == len(cells) == seeds * count
    assert {cell.run.seed for cell in cells} == set(range(seeds))
    assert {cell.region for cell in cells} == {"region1", "region2", "region3"}


def test_other_tables_can_be_compared():
    config = resolve({"dataset": {"name": "x", "layout": "simulated"}}, ROOT)
    cells = list(compare.cells("precision", config, ["table5"]))
    assert {cell.table for cell in cells} == {"table5"}
    assert len(cells) == 10 * 39


@pytest.mark.parametrize(("comparison", "section"), [("precision", "precision"), ("schedule", "training")])
def test_the_arms_differ_in_what_is_compared_alone(comparison, section):
    one, other = (
        compare.arm_config(comparison, arm, {"dataset": {"name": "x", "layout": "simulated"}})
        for arm in compare.ARMS[comparison]
    )
    assert {key for key in one if one[key] != other[key]} == {section}


def test_a_job_counts_once_however_many_outputs_it_has(tmp_path):
    results = Path("results/x")
    for output, log in (("a.txt", "1.log"), ("b.txt", "1.log"), ("c.txt", "2.log")):
        record = {"rule": "r", "log": [log], "starttime": 10.0, "endtime": 12.0}
        name = b64encode(f"{results}/{output}".encode()).decode()
        (tmp_path / name).write_text(json.dumps(record))
    (tmp_path / b64encode(b"results/xy/d.txt").decode()).write_text(json.dumps({"endtime": 1}))
    assert where.jobs(tmp_path, results) == {("1.log",): ("r", 10.0, 12.0), ("2.log",): ("r", 10.0, 12.0)}
