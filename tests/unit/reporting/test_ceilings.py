import re
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from daenr.paper.published import OtherResult, other_results
from daenr.reporting import ceiling_tables, tables

ROOT = Path(__file__).parents[3]
RECORDING = ROOT / "data/antolik2016/Data"
"""The published files, where somebody has put them."""


def trials(repeats=4, images=20, neurons=5):
    rng = np.random.default_rng(1)
    return rng.normal(size=(images, neurons)) + rng.normal(size=(repeats, images, neurons))


def opposed():
    """One neuron of four denies in the second repeat what it showed in the first; three repeat themselves."""
    first = np.random.default_rng(2).normal(size=(1, 20, 4))
    return np.concatenate([first, first * np.array([-1, 1, 1, 1])])


def reread(frame):
    return pd.read_csv(StringIO(frame.to_csv(index=False)))


def test_neurons_without_signal_are_reported_and_count_as_0():
    neurons = ceiling_tables.neuron_table(opposed())
    assert list(neurons.columns) == ceiling_tables.NEURON_COLUMNS
    assert neurons["signal"].tolist() == [False, True, True, True]
    assert neurons["cc_max"].isna().tolist() == [True, False, False, False]
    (row,) = ceiling_tables.region_table({"v1": reread(neurons)}).to_dict("records")
    assert (row["neurons"], row["without_signal"]) == (4, 1)
    assert row["cc_max"] == pytest.approx(3 / 4)


@pytest.mark.parametrize(("repeats", "images"), [(1, 20), (4, 1)])
def test_a_recording_that_shows_no_ceiling_is_a_dash(repeats, images):
    short = reread(ceiling_tables.neuron_table(trials(repeats, images)))
    frame = ceiling_tables.region_table(
        {"left": reread(ceiling_tables.neuron_table(trials())), "right": short}
    )
    made = ceiling_tables.render_region_table(reread(frame))
    rows = [line for line in made.markdown.splitlines() if line.startswith("|")]
    assert rows[-1].count("–<sup>a</sup>") == 4  # noqa: RUF001
    assert "5" in rows[-1]
    assert "two repeats" in made.markdown


@pytest.mark.skipif(not RECORDING.is_dir(), reason="needs the published recording")
@pytest.mark.parametrize(
    ("region", "ceiling", "oracle", "silent"),
    [("region1", 0.808, 0.388, 1), ("region2", 0.697, 0.296, 3), ("region3", 0.784, 0.355, 2)],
)
def test_ceilings_of_the_published_recording(region, ceiling, oracle, silent):
    raw = np.load(RECORDING / region / "raw_validation_set.npy")
    (row,) = ceiling_tables.region_table({region: ceiling_tables.neuron_table(raw)}).to_dict("records")
    assert (round(row["cc_max"], 3), round(row["oracle"], 3), row["without_signal"]) == (
        ceiling,
        oracle,
        silent,
    )


# ---- companions ---------------------------------------------------------------------------------------


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
    return reread(pd.DataFrame(rows, columns=tables.COLUMNS))


OTHERS = [
    OtherResult("Klindt 2017", "arXiv:1711.02653", "HSM", "region1", "pcc", 0.5, None),
    OtherResult("Houska (thesis)", None, "HSM", "region1", "pcc", 0.4, "median over seeds"),
    OtherResult("Klindt 2017", "arXiv:1711.02653", "HSM", "region9", "pcc", 0.5, None),
    OtherResult("Klindt 2017", "arXiv:1711.02653", "HSM", "region1", "mse", 0.5, None),
]


@pytest.mark.parametrize("table", ["table4", "table6"])
def test_a_fraction_is_r_over_the_regions_mean_ceiling(table):
    frame = ceiling_tables.companion(table, own(table), {"region1": 0.8, "region2": 0.5}, OTHERS)
    assert list(frame.columns) == ceiling_tables.COMPANION_COLUMNS
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
    frame = ceiling_tables.companion("table4", own(), {"region1": 0.8, "region2": 0.5}, OTHERS)
    made = ceiling_tables.render_companion("table4", reread(frame))
    lines = [line for line in made.markdown.splitlines() if line.startswith("|")]
    body = [[part.strip() for part in line.split("|")[1:-1]] for line in lines[2:]]
    assert [row[0] for row in body] == ["CNN-FR₁", "CAE-FR₁", "HSM", "HSM"]
    assert body[1][1:3] == ["0.400 ± 0.020", "0.500 ± 0.025"]
    assert body[2][1:] == ["0.500<sup>a</sup>", "0.625<sup>a</sup>", "", ""]
    assert "<sup>a</sup> Klindt 2017, arXiv:1711.02653" in made.markdown
    assert "<sup>b</sup> Houska (thesis); median over seeds" in made.markdown


def test_a_table_too_long_for_a_page_of_latex_is_several():
    models = [f"{autoencoder}-{readout}" for readout in ("fr", "fc") for autoencoder in ("cnn", "cae", "vae")]
    rows = [
        ("table6", "region1", model, f"h{layer}", "all", "pcc", 0.3, 0.02, 2, 0.6, "", "")
        for model in models
        for layer in (1, 2, 3, 4)
    ]
    own_rows = pd.DataFrame(rows, columns=tables.COLUMNS)
    frame = ceiling_tables.companion("table6", own_rows, {"region1": 0.8}, OTHERS)
    latex = ceiling_tables.render_companion("table6", frame).latex
    first, second = latex.split(r"\end{table}")[:2]
    assert first.count("CNN-FR$") == first.count("CAE-FR$") == second.count("VAE-FC$") == 4
    assert "Klindt" not in first
    assert "Klindt 2017, arXiv:1711.02653" in second
    assert re.findall(r"\\label{(.*)}", latex) == ["tab:table6-ceiling-1", "tab:table6-ceiling-2"]


def test_without_a_ceiling_the_fraction_is_a_dash():
    frame = ceiling_tables.companion("table4", own(), {"region1": 0.8, "region2": np.nan}, [])
    assert frame.loc[frame["region"] == "region2", "value"].isna().tolist() == [False, True] * 2
    assert "show no ceiling" in ceiling_tables.render_companion("table4", frame).markdown


def test_the_published_results_that_come_with_the_project_have_sources_and_regions():
    results = other_results(ROOT / "config/published/antolik2016.csv")
    assert {result.region for result in results} == {"region1", "region2", "region3"}
    assert all(0 < result.value < 1 and result.metric == "pcc" for result in results)


def test_a_damaged_file_of_published_results_is_named(tmp_path):
    path = tmp_path / "others.csv"
    path.write_text("source,reference,model,region,metric,value,note\nA,,B,region1,pcc,high,\n")
    with pytest.raises(ValueError, match=r"others\.csv, line 2: value must be a finite number"):
        other_results(path)
