import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from daenr.paper.published import OtherResult, other_results
from daenr.reporting import companion, tables

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


OTHERS = [
    OtherResult("Klindt 2017", "arXiv:1711.02653", "HSM", "region1", "pcc", 0.5, None),
    OtherResult("Houska (thesis)", None, "HSM", "region1", "pcc", 0.4, "median over seeds"),
    OtherResult("Klindt 2017", "arXiv:1711.02653", "HSM", "region9", "pcc", 0.5, None),
    OtherResult("Klindt 2017", "arXiv:1711.02653", "HSM", "region1", "mse", 0.5, None),
]


@pytest.mark.parametrize("table", ["table4", "table6"])
def test_a_fraction_is_r_over_the_regions_mean_ceiling(table):
    frame = companion.tidy(table, own(table), {"region1": 0.8, "region2": 0.5}, OTHERS)
    assert list(frame.columns) == companion.COLUMNS
    rows = frame[frame["source"] == ""].set_index(["region", "model", "metric"])
    assert rows.loc[("region1", "cae-fr", "fraction"), ["value", "sd", "paper"]].tolist() == pytest.approx(
        [0.4 / 0.8, 0.02 / 0.8, 0.6 / 0.8]
    )
    assert rows.loc[("region2", "cae-fr", "fraction"), "value"] == pytest.approx(0.2 / 0.5)
    others = frame[frame["source"] != ""]
    assert others["source"].unique().tolist() == ["Klindt 2017, arXiv:1711.02653", "Houska (thesis)"]
    assert others["value"].tolist() == pytest.approx([0.5, 0.5 / 0.8, 0.4, 0.4 / 0.8])
    assert others["n"].isna().all()


def test_other_models_stand_below_with_their_source():
    frame = companion.tidy("table4", own(), {"region1": 0.8, "region2": 0.5}, OTHERS)
    made = companion.render("table4", frame)
    lines = [line for line in made.md.splitlines() if line.startswith("|")]
    body = [[part.strip() for part in line.split("|")[1:-1]] for line in lines[2:]]
    assert [row[0] for row in body] == ["CNN-FR₁", "CAE-FR₁", "HSM", "HSM"]
    assert body[1][1:3] == [r"0.400 ± 0.020 <sub>\[0.600\]</sub>", r"0.500 ± 0.025 <sub>\[0.750\]</sub>"]
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
    frame = companion.tidy("table6", own_rows, {"region1": 0.8}, OTHERS)
    latex = companion.render("table6", frame).tex
    assert re.findall(r"\\begin{(\w+)}", latex) == ["longtable"]
    assert re.findall(r"\\label{(.*)}", latex) == ["tab:table6-companion"]
    assert latex.count("CNN-FR$") == latex.count("VAE-FC$") == 4
    assert latex.index(r"\endhead") < latex.index("CNN-FR$") < latex.index("Klindt 2017, arXiv:1711.02653")


def test_without_a_ceiling_the_fraction_is_a_dash():
    frame = companion.tidy("table4", own(), {"region1": 0.8, "region2": np.nan}, [])
    assert frame.loc[frame["region"] == "region2", "value"].isna().tolist() == [False, True] * 2
    assert "show no ceiling" in companion.render("table4", frame).md


def test_the_published_results_that_come_with_the_project_have_sources_and_regions():
    results = other_results(ROOT / "config/published/antolik2016.csv")
    assert {result.region for result in results} == {"region1", "region2", "region3"}
    assert all(0 < result.value < 1 and result.metric == "pcc" for result in results)


def test_a_damaged_file_of_published_results_is_named(tmp_path):
    path = tmp_path / "others.csv"
    path.write_text("source,reference,model,region,metric,value,note\nA,,B,region1,pcc,high,\n")
    with pytest.raises(ValueError, match=r"others\.csv, line 2: value must be a finite number"):
        other_results(path)
