import json
import re
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from daenr.paper.plan import Cell
from daenr.paper.published import OtherResult, other_results
from daenr.reporting import companion, tables
from daenr.run import Run

ROOT = Path(__file__).parents[3]


def own(table="table4"):
    rows = [
        (table, region, model, "h1", "all", "pcc", value, 0.02, 2, 0.6, "", "best")
        for region, model, value in (
            ("region1", "cnn-fr", 0.3),
            ("region1", "cae-fr", 0.4),
            ("region2", "cnn-fr", 0.1),
            ("region2", "cae-fr", 0.2),
        )
    ]
    return pd.DataFrame(rows, columns=tables.COLUMNS)


def beside(table="table4", layers=("h1",), seeds=(0, 1)):
    """What two seeds of each cell measured: FEVe .3 and .5, and in region 2 not one neuron for it."""
    cells, documents = [], {}
    for region, model, layer, seed in product(("region1", "region2"), ("cnn-fr", "cae-fr"), layers, seeds):
        alpha = float(model == "cae-fr")
        run = Run("fake", region, model, layer, alpha, 1.0, "all", seed)
        cells.append(Cell(table, region, model, layer, "all", run))
        ratio = 0.3 + 0.2 * seed if region == "region1" else None
        values = {"correlation": 0.2, "feve": ratio, "cc_norm": ratio}
        documents[run.name] = {"metrics": values, "reason": None}
    return tables.unpublished(cells, documents, companion.BESIDE[table])


OTHERS = [
    OtherResult("Klindt 2017", "arXiv:1711.02653", "HSM", "region1", "pcc", 0.5, None),
    OtherResult("Houska (thesis)", None, "HSM", "region1", "pcc", 0.4, "median over seeds"),
    OtherResult("Klindt 2017", "arXiv:1711.02653", "HSM", "region9", "pcc", 0.5, None),
    OtherResult("Klindt 2017", "arXiv:1711.02653", "HSM", "region1", "mse", 0.5, None),
]


@pytest.mark.parametrize("table", ["table4", "table6"])
def test_a_fraction_is_r_over_the_regions_mean_ceiling(table):
    frame = companion.of_responses(table, own(table), beside(table), {"region1": 0.8, "region2": 0.5}, OTHERS)
    assert list(frame.columns) == companion.COLUMNS
    rows = frame[frame["source"] == ""].set_index(["region", "model", "metric"])
    assert rows.loc[("region1", "cae-fr", "feve"), ["value", "sd", "n"]].tolist() == pytest.approx(
        [0.4, 0.2 / 2**0.5, 2]
    )
    assert rows.loc[("region1", "cae-fr", "fraction"), ["value", "sd"]].tolist() == pytest.approx(
        [0.4 / 0.8, 0.02 / 0.8]
    )
    assert rows["paper"].notna().any()
    assert rows.xs("fraction", level="metric")["paper"].isna().all()
    assert rows.loc[("region2", "cae-fr", "fraction"), "value"] == pytest.approx(0.2 / 0.5)
    others = frame[frame["source"] != ""]
    assert others["source"].unique().tolist() == ["Klindt 2017, arXiv:1711.02653", "Houska (thesis)"]
    assert others["value"].tolist() == pytest.approx([0.5, 0.5 / 0.8, 0.4, 0.4 / 0.8])
    assert others["n"].isna().all()


def test_other_models_stand_below_with_their_source():
    frame = companion.of_responses(
        "table4", own(), beside("table4"), {"region1": 0.8, "region2": 0.5}, OTHERS
    )
    made = companion.render("table4", frame)
    ceiling, _, _ = made.md.partition("Table 4 by single trials")
    lines = [line for line in ceiling.splitlines() if line.startswith("|")]
    body = [[part.strip() for part in line.split("|")[1:-1]] for line in lines[2:]]
    assert [row[0] for row in body] == ["CNN-FR₁", "CAE-FR₁", "HSM", "HSM"]
    assert body[1][1:3] == [r"0.400 ± 0.020 <sub>\[0.600\]</sub>", "0.500 ± 0.025"]
    assert body[2][1:] == ["0.500<sup>a</sup>", "0.625<sup>a</sup>", "", ""]
    assert "<sup>a</sup> Klindt 2017, arXiv:1711.02653" in made.md
    assert "<sup>b</sup> Houska (thesis); median over seeds" in made.md


def test_a_table_too_long_for_a_page_of_latex_runs_over_several():
    models = [f"{autoencoder}-{readout}" for readout in ("fr", "fc") for autoencoder in ("cnn", "cae", "vae")]
    rows = [
        ("table6", "region1", model, f"h{layer}", "all", "pcc", 0.3, 0.02, 2, 0.6, "", "")
        for model in models
        for layer in (1, 2, 3, 4)
    ]
    own_rows = pd.DataFrame(rows, columns=tables.COLUMNS)
    frame = companion.of_responses("table6", own_rows, beside("table6"), {"region1": 0.8}, OTHERS)
    latex = companion.render("table6", frame).tex
    first = latex.partition("tab:table6-companion-trials")[0]
    assert re.findall(r"\\begin{(\w+)}", latex)[0] == "longtable"
    assert re.findall(r"\\label{(.*)}", latex) == ["tab:table6-companion", "tab:table6-companion-trials"]
    assert first.count("CNN-FR$") == first.count("VAE-FC$") == 4
    assert latex.index(r"\endhead") < latex.index("CNN-FR$") < latex.index("Klindt 2017, arXiv:1711.02653")


def test_without_a_ceiling_the_fraction_is_a_dash():
    frame = companion.of_responses("table4", own(), beside("table4"), {"region1": 0.8, "region2": np.nan}, [])
    shown = frame[frame["region"].eq("region2") & frame["metric"].isin(["pcc", "fraction"])]
    assert shown["value"].isna().tolist() == [False, True] * 2
    assert "show no ceiling" in companion.render("table4", frame).md


@pytest.mark.parametrize("table", companion.BESIDE)
def test_a_table_of_which_the_config_leaves_out_every_model_says_so(table):
    frame, trials = tables.tidy(table, [], {}, [], {}), tables.unpublished([], {}, companion.BESIDE[table])
    if table in tables.RECONSTRUCTION:
        made = companion.of_images(table, frame, trials, {})
    else:
        made = companion.of_responses(table, frame, trials, {"region1": 0.8}, OTHERS)
    assert "leaves out every model of this table" in companion.render(table, made).md


def test_single_trials_stand_in_a_table_of_their_own():
    frame = companion.of_responses("table4", own(), beside(), {"region1": 0.8, "region2": 0.5}, [])
    made = companion.render("table4", frame)
    assert len(json.loads(made.json)) == 2
    _, _, trials = made.md.partition("Table 4 by single trials")
    row = next(line for line in trials.splitlines() if line.startswith("| CAE-FR₁"))
    printed = [part.strip() for part in row.split("|")[2:-1]]
    assert printed[:2] == ["0.200 ± 0.000", "0.400 ± 0.141"]
    assert printed[4].endswith("<sup>a</sup>")
    assert "<sup>a</sup> No neuron has a share of explainable variance of 0.15 or more." in trials


@pytest.mark.parametrize(("table", "layer"), [("table2", ""), ("table5", "h1")])
def test_pixels_stand_beside_ssim_in_the_tables_own_order(table, layer):
    rows = [
        (table, "region3", model, layer, "all", metric, 0.5, 0.1, 2, paper, "", "")
        for model, paper in (("pca", np.nan), ("cae", 0.6))
        for metric in ("mse", "ssim")
    ]
    run = Run("fake", "region3", "cae", None, 1.0, 0.0, "all", 0)
    found = {run.name: {"metrics": {"pixel_correlation": 0.75}, "reason": None}}
    beside = tables.unpublished(
        [Cell(table, "region3", "cae", layer, "all", run)], found, companion.BESIDE[table]
    )
    printed = pd.DataFrame(rows, columns=tables.COLUMNS)
    frame = companion.of_images(table, printed, beside, {"region3": 0.875})
    assert frame[["model", "metric", "value"]].to_numpy().tolist() == [
        ["pca", "ssim", 0.5],
        ["pca", "pixel_correlation", 0.875],
        ["cae", "ssim", 0.5],
        ["cae", "pixel_correlation", 0.75],
    ]
    made = companion.render(table, frame).md
    line = next(line for line in made.splitlines() if line.startswith("| CAE"))
    assert "0.750" in line
    assert r"\[0.600\]" in line


def test_the_published_results_that_come_with_the_project_have_sources_and_regions():
    results = other_results(ROOT / "config/published/antolik2016.csv")
    assert {result.region for result in results} == {"region1", "region2", "region3"}
    assert all(0 < result.value < 1 and result.metric == "pcc" for result in results)


def test_a_damaged_file_of_published_results_is_named(tmp_path):
    path = tmp_path / "others.csv"
    path.write_text("source,reference,model,region,metric,value,note\nA,,B,region1,pcc,high,\n")
    with pytest.raises(ValueError, match=r"others\.csv, line 2: value must be a finite number"):
        other_results(path)
