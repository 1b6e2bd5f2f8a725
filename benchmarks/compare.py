"""Two ways to train, side by side: the same runs, seeds and data.

    PYTHONPATH=. python benchmarks/compare.py precision config/demo.yaml precision-demo.csv
    PYTHONPATH=. python benchmarks/compare.py schedule config/demo.yaml schedule-demo.csv

``precision``: float32 and bf16, all runs of Tables 2 and 4 (or of others: ``--tables table5``), with the config's own
schedule. ``schedule``: the paper's protocol and config/fast.yaml, CAE-FR at h2 with the weights of Table 4, each to its
own end, both in bf16.
Region files are those that the workflow left in results/NAME/data. Each training is a line of the CSV as soon as
it is done; a second call does only what is missing. At the end comes a table: the difference of the arms' means
over seeds, and how many standard deviations over seeds of the first arm that is.
"""

import argparse
import csv
import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from daenr.data.region import read_region
from daenr.paper.plan import TABLE_METRICS, Cell, Plan
from daenr.paper.resolved import resolve
from daenr.statistics.metrics import evaluate, score

ROOT = Path(__file__).parents[1]
PAPER = ROOT / "config/paper"
SEEDS = {"precision": range(10), "schedule": range(5)}
ALL_METRICS = [*TABLE_METRICS["table2"], *TABLE_METRICS["table4"]]
TABLES = ("table2", "table4")
"""The tables that are compared unless others are asked for."""

ARMS = {"precision": ("float32", "bf16"), "schedule": ("protocol", "fast")}
KEY = ["table", "region", "model", "layer", "seed", "arm"]
"""What a line of the CSV is known by."""

MEASURED = ["steps", "seconds", "validation", *ALL_METRICS]


def arm_config(comparison: str, arm: str, written: Mapping[str, Any]) -> dict[str, Any]:
    """The config of one arm."""
    if comparison == "precision":
        return resolve({**written, "precision": arm, "device": "cpu"}, ROOT)
    fast = yaml.safe_load((ROOT / "config/fast.yaml").read_text(encoding="utf-8"))
    training = fast["training"] if arm == "fast" else {}
    return resolve({**written, "training": training, "precision": "bf16", "device": "cpu"}, ROOT)


def cells(comparison: str, config: Mapping[str, Any], tables: Sequence[str] = TABLES) -> Iterator[Cell]:
    """The cells that are compared, every seed of a cell in turn."""
    plan = Plan({**config, "seeds": [0]}, PAPER)
    for seed in SEEDS[comparison]:
        for table in tables:
            # a table may print a run at several layers
            distinct = {cell.run: cell for cell in plan.cells(table)}
            for cell in distinct.values():
                alone = table == "table4" and (cell.model, cell.layer) == ("cae-fr", "h2")
                if comparison == "precision" or alone:
                    yield replace(cell, run=replace(cell.run, seed=seed))


def trained(cell: Cell, config: Mapping[str, Any], data: Path) -> dict[str, Any]:
    """Train and evaluate one run."""
    from daenr.config import Config
    from daenr.training.train import train

    region = read_region(data / f"{cell.region}.h5")
    neurons = np.arange(region.train_responses.shape[1])
    result = train(cell.run, region, neurons, Config(**config))
    made = result.predictions
    metrics = evaluate(
        score(
            region.test_images,
            made.get("reconstruction"),
            region.test_responses,
            made.get("response"),
            neurons,
        )
    )
    return {
        "steps": result.fit.history[-1].step,
        "seconds": round(result.seconds, 3),
        "validation": result.fit.best.validation["total"],
        **{name: metrics[name] for name in ALL_METRICS},
    }


def described(cell: Cell, arm: str) -> dict[str, Any]:
    """A cell and an arm as the CSV's first columns."""
    run = cell.run
    return dict(zip(KEY, (cell.table, cell.region, run.model, run.layer or "", run.seed, arm), strict=True))


def measure(
    comparison: str,
    configfile: Path,
    output: Path,
    tables: Sequence[str],
    data: Path | None,
    cores: int,
) -> None:
    """Train what the CSV does not have yet; the arms of a run follow each other."""
    written = yaml.safe_load(configfile.read_text(encoding="utf-8"))
    configs = {arm: arm_config(comparison, arm, written) for arm in ARMS[comparison]}
    config = configs[ARMS[comparison][0]]
    folder = data or ROOT / "results" / config["dataset"]["name"] / "data"
    done = set()
    if output.exists():
        with output.open(encoding="utf-8", newline="") as file:
            done = {tuple(row[key] for key in KEY) for row in csv.DictReader(file)}
    with (
        ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as pool,
        output.open("a", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, [*KEY, *MEASURED], lineterminator="\n")
        if not done:
            writer.writeheader()
        jobs = {}
        for cell in cells(comparison, config, tables):
            for arm in configs:
                row = described(cell, arm)
                if tuple(map(str, row.values())) not in done:
                    jobs[pool.submit(trained, cell, configs[arm], folder)] = row
        for job in as_completed(jobs):
            writer.writerow({**jobs[job], **job.result()})
            file.flush()


def differences(frame: pd.DataFrame, arms: tuple[str, str], metrics: list[str]) -> pd.DataFrame:
    """One row a table, region, model, layer and metric.

    Args:
        frame: lines of the CSV.
        arms: the reference and the other.
        metrics: columns to compare.

    Returns:
        ``first`` and ``second``: means over seeds; ``difference``: of the pairs, mean; ``sd``: over seeds, of the
        first; ``ratio``: |difference| / sd; ``n``: seeds.
    """
    cell = KEY[:4]
    long = frame.melt([*KEY], metrics, "metric").dropna(subset="value")
    pairs = long.pivot_table(index=[*cell, "metric", "seed"], columns="arm", values="value").dropna()
    grouped = pairs.groupby([*cell, "metric"], sort=False)
    rows = grouped.mean()[list(arms)].set_axis(["first", "second"], axis=1)
    rows["difference"] = rows["second"] - rows["first"]
    rows["sd"] = grouped[arms[0]].std()
    rows["ratio"] = rows["difference"].abs() / rows["sd"]
    rows["n"] = grouped.size()
    return rows.reset_index()


def show(comparison: str, frame: pd.DataFrame) -> None:
    """The tables of the docs."""
    first, second = arms = (ARMS[comparison][0], ARMS[comparison][1])
    frame = frame.fillna({"layer": ""})
    if comparison == "schedule":
        found = differences(frame, arms, ["validation", *ALL_METRICS])
    else:
        by_table = [
            differences(frame[frame["table"] == table], arms, list(TABLE_METRICS[table]))
            for table in frame["table"].unique()
        ]
        found = pd.concat(by_table)
    print(f"| cell | metric | {first} | {second} | difference | sd over seeds | ratio | n |")
    print("| --- " * 8 + "|")
    for row in found.itertuples():
        name = f"{row.table} {row.region} {row.model} {row.layer}".strip()
        values = " | ".join(f"{value:.5g}" for value in (row.first, row.second, row.difference, row.sd))
        print(f"| {name} | {row.metric} | {values} | {row.ratio:.2f} | {row.n} |")
    for metric, rows in found.groupby("metric", sort=False):
        within = int((rows["ratio"] < 1).sum())
        print(
            f"\n{metric}: {within} of {len(rows)} cells differ by less than one standard deviation over seeds; "
            f"median ratio {rows['ratio'].median():.2f}, largest {rows['ratio'].max():.2f}"
        )
    times = frame.pivot_table(index=KEY[:5], columns="arm", values="seconds").dropna()
    ratio, whole = times[second] / times[first], times[second].sum() / times[first].sum()
    print(
        f"\ntime of {second} / {first}: {whole:.2f} in all; pair by pair median {ratio.median():.2f}", end=" "
    )
    print(f"({ratio.min():.2f} to {ratio.max():.2f}, n={len(ratio)})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("comparison", choices=ARMS)
    parser.add_argument("configfile", type=Path)
    parser.add_argument("output", type=Path, help="CSV; goes on where it ends")
    parser.add_argument(
        "--tables",
        nargs="+",
        choices=("table2", "table4", "table5", "table6"),
        default=TABLES,
        help="whose runs",
    )
    parser.add_argument("--data", type=Path, help="folder of the region files; results/NAME/data unless told")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    options = parser.parse_args()
    if options.comparison == "schedule" and tuple(options.tables) != TABLES:
        parser.error("--tables goes with precision; schedule compares one run of Table 4")
    measure(**vars(options))
    show(options.comparison, pd.read_csv(options.output))
