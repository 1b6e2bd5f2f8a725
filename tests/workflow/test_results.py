"""What comes out of a whole run, and what an edit or a changed key would do again."""

import csv
import html
import json
import re
import zipfile
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from daenr.config import Config
from daenr.data.region import read_region
from daenr.run import Run
from daenr.training.train import train


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@contextmanager
def edited(path, old, new):
    text = path.read_text()
    assert old in text
    try:
        path.write_text(text.replace(old, new, 1))
        yield
    finally:
        path.write_text(text)


def results(project):
    return project.folder / "results/mylab"


def test_a_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in finished.snakemake(*finished.config())


def test_every_table_comes_in_four_formats(finished):
    for table in ("table2", "table3", "table4", "table7", "ceilings", "table4-companion"):
        for ending in ("csv", "md", "tex", "html"):
            assert (results(finished) / f"tables/{table}.{ending}").stat().st_size > 0


def test_a_tables_csv_holds_the_metrics_of_its_runs(finished):
    table = rows(results(finished) / "tables/table2.csv")
    assert list(table[0])[:10] == [
        "table",
        "region",
        "model",
        "layer",
        "neurons",
        "metric",
        "value",
        "sd",
        "n",
        "paper",
    ]
    assert [(row["model"], row["metric"]) for row in table] == [
        *(("pca", metric) for metric in ("mse", "psnr", "ssim")),
        *((model, metric) for model in ("cae", "cae-fr") for metric in ("mse", "psnr", "ssim", "leverage")),
    ]
    linear = json.loads((results(finished) / "linear_code/v1/metrics.json").read_text())
    assert float(table[0]["value"]) == pytest.approx(linear["metrics"]["mse"], rel=1e-12)
    metrics = json.loads((results(finished) / "runs/mylab_v1_cae_none_a1_b0_all_s0/metrics.json").read_text())
    assert float(table[3]["value"]) == pytest.approx(metrics["metrics"]["mse"], rel=1e-12)
    assert {row["n"] for row in table} == {"1"}


def test_table7_counts_the_data(finished):
    (row,) = rows(results(finished) / "tables/table7.csv")
    assert row == {
        "region": "v1",
        "train_images": "60",
        "test_images": "10",
        "repeats": "4",
        "fewest_repeats": "4",
        "neurons": "12",
        "note": "",
    }


def test_ceilings_count_every_neuron_and_turn_correlations_into_fractions(finished):
    (region,) = rows(results(finished) / "tables/ceilings.csv")
    neurons = rows(results(finished) / "ceilings/v1.csv")
    assert int(region["neurons"]) == len(neurons) == 12
    assert int(region["without_signal"]) == sum(row["signal"] == "False" for row in neurons)
    ceiling = sum(float(row["cc_max"] or 0) for row in neurons) / 12
    table = rows(results(finished) / "tables/table4.csv")
    companion = rows(results(finished) / "tables/table4-companion.csv")
    fractions = [float(row["value"]) for row in companion if row["metric"] == "fraction"]
    assert fractions == pytest.approx([float(row["value"]) / ceiling for row in table])
    assert {row["standing"] for row in table} <= {"best", "same", "tied", ""}


def test_one_seed_decides_no_claim(finished):
    judged = rows(results(finished) / "verdicts.csv")
    assert [row["claim"] for row in judged if not row["parent"]] == ["mse", "pcc"]
    assert {row["verdict"] for row in judged} == {"open", "not tested"}
    assert all(row["effect"] for row in judged)
    page = (results(finished) / "verdicts.md").read_text(encoding="utf-8")
    assert page.startswith("**The paper's claims.** Reconstruction: open.")


@pytest.mark.parametrize("figure", ["figure2", "figure3", "figure4", "figure5"])
def test_a_figure_is_a_picture_with_something_in_it(finished, figure):
    picture = np.asarray(Image.open(results(finished) / f"figures/{figure}.png").convert("L"))
    assert min(picture.shape) > 150
    assert picture.std() > 5
    assert (results(finished) / f"figures/{figure}.pdf").read_bytes().startswith(b"%PDF")


def test_counted_neurons_add_up(finished):
    for row in rows(results(finished) / "figures/figure4.csv"):
        assert int(row["significant"]) + int(row["insignificant"]) == 12
        assert int(row["significant_bh"]) <= int(row["significant"])
        name = f"mylab_v1_{row['model']}_{row['layer']}_*_all_s0/significance.csv"
        files = [rows(path) for path in (results(finished) / "runs").glob(name)]
        chances = [sum(float(neuron["chance"]) for neuron in tested) for tested in files]
        assert any(float(row["chance"]) == pytest.approx(chance) for chance in chances)


def test_groups_from_validation_images_change_the_groups_training_alone(finished):
    jobs = finished.would_run(*finished.config(significance={"groups_from": "validation"}))
    assert jobs["significance_validation"] == 1
    assert jobs["train"] == 2
    assert not {"significance", "neuron_counts", "preprocess"} & set(jobs)


def test_validation_images_are_tested_once_each(finished):
    (folder,) = (results(finished) / "runs").glob("*_significant_s0")
    parent = Run.parse(folder.name).parent.name
    target = f"results/mylab/runs/{parent}/significance-validation.csv"
    finished.snakemake(target, *finished.config())
    data = read_region(results(finished) / "data/v1.h5")
    predicted = np.load(finished.folder / f"results/mylab/runs/{parent}/predictions.npz")[
        "validation_response"
    ]
    images = np.unique(data.validation_image_id)
    for row in rows(finished.folder / target):
        means = [
            [values[data.validation_image_id == image, int(row["neuron"])].mean() for image in images]
            for values in (predicted, data.validation_responses)
        ]
        assert float(row["pcc"]) == pytest.approx(np.corrcoef(*means)[0, 1], abs=1e-5)


def test_a_simulated_recording_holds_the_rules_against_the_truth(finished):
    size = {"train_images": 60, "test_images": 10, "repeats": 4, "neurons": 40}
    config = finished.config(
        dataset={"name": "known", "layout": "simulated", "simulation": {"sizes": {"v1": size}}},
        models=["cae-fr"],
        figures=["figure3"],
    )
    finished.snakemake("results/known/tables/truth.csv", *config)
    folder = finished.folder / "results/known"
    responsive = read_region(folder / "data/v1.h5").responsive
    (file,) = (folder / "runs").glob("*/significance.csv")
    significant = np.array([row["significant"] == "True" for row in rows(file)])
    table = {(row["rule"], row["metric"]): float(row["value"]) for row in rows(folder / "tables/truth.csv")}
    assert table["significant", "false_positives"] == (significant & ~responsive).sum()
    assert table["significant", "power"] == pytest.approx(significant[responsive].mean())
    assert table["significant", "false_positive_rate"] == pytest.approx(significant[~responsive].mean())


def test_a_group_is_trained_on_its_neurons_alone(finished):
    for name in ("significant", "insignificant"):
        (folder,) = (results(finished) / "runs").glob(f"*_{name}_s0")
        run = Run.parse(folder.name)
        tested = rows(results(finished) / f"runs/{run.parent.name}/significance.csv")
        expected = [
            int(row["neuron"]) for row in tested if (row["significant"] == "True") == (name == "significant")
        ]
        assert np.load(folder / "predictions.npz")["neurons"].tolist() == expected
        reason = json.loads((folder / "metrics.json").read_text())["reason"]
        assert (reason is None) == bool(expected)


def test_the_region_file_reads_with_h5py_alone(finished):
    with h5py.File(results(finished) / "data/v1.h5") as file:
        assert file["train/images"].shape[1:] == (1, 32, 32)
        assert len(file["train/images"]) + len(file["validation/images"]) == 60
        assert file.attrs["dataset"] == "mylab"


def test_the_workflow_and_one_process_agree_to_the_bit(finished):
    folder = results(finished) / "runs/mylab_v1_cae_none_a1_b0_all_s0"
    record = json.loads((folder / "training.json").read_text())
    data = read_region(results(finished) / "data/v1.h5")
    trained = train(Run.parse(folder.name), data, np.arange(12), Config(**record["config"]))
    np.testing.assert_array_equal(
        np.load(folder / "predictions.npz")["reconstruction"], trained.predictions["reconstruction"]
    )
    assert trained.fit.best.validation["total"] == record["best_validation"]


def test_a_trainings_record_is_complete(finished):
    folder = results(finished) / "runs/mylab_v1_cae_none_a1_b0_all_s0"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["data"]["split_seed"] == 0
    assert len(metrics["data"]["sha256"]) == 6
    record = metrics["training"]
    assert record["run"]["model"] == "cae"
    assert record["seed"] == 0
    assert record["steps"] == 16
    assert record["seconds"] > 0
    assert record["config"]["training"]["batch_size"] == 16
    assert record["config"]["training"]["patience"] == 1000
    assert {"torch", "numpy", "python", "daenr"} <= set(record["versions"])
    history = rows(results(finished) / "runs/mylab_v1_cae_none_a1_b0_all_s0/history.csv")
    assert [(row["step"], row["round"]) for row in history] == [
        ("4", "1"),
        ("8", "1"),
        ("12", "2"),
        ("16", "2"),
    ]
    assert {"train_total", "validation_reconstruction", "validation_penalty"} <= set(history[0])


SHOWN = {"table", "table7", "ceilings", "companion", "verdicts", "runtimes", "report"}
DRAWN = {"reconstructions", "neuron_counts", "stimuli", "leverage", "curves"}


@pytest.mark.parametrize(
    ("module", "made"),
    [
        ("reporting/figures.py", {*SHOWN, *DRAWN}),
        ("paper/plan.py", {"table", "companion", "verdicts", "report"}),
    ],
)
def test_an_edit_makes_again_what_its_folder_makes_and_trains_nothing(finished, module, made):
    with edited(finished.folder / "daenr" / module, '"""', '"""Edited. '):
        jobs = finished.would_run(*finished.config())
    assert set(jobs) - {"all"} == made


def test_edited_statistics_evaluate_and_test_the_neurons_again(finished):
    trained = len(list((results(finished) / "runs").iterdir()))
    with edited(finished.folder / "daenr/statistics/correlation.py", '"""', '"""Edited. '):
        jobs = finished.would_run(*finished.config())
    assert jobs["evaluate"] == trained
    assert jobs["significance"] == 2  # of CNN-FR and of CAE-FR, which has one pair of weights for both tasks
    assert jobs["train"] == 2  # the two groups of Table 3, and nothing else


def test_a_module_that_is_new_among_the_models_trains_everything(finished):
    """Though no rule names it: the folder is what a training depends on."""
    trained = len(list((results(finished) / "runs").iterdir()))
    further = finished.folder / "daenr/models/further.py"
    further.write_text('"""Imported by a model."""\n')
    try:
        jobs = finished.would_run(*finished.config())
    finally:
        further.unlink()
    assert jobs["train"] == trained
    assert "preprocess" not in jobs


def test_a_touched_module_changes_nothing(finished):
    (finished.folder / "daenr/models/readouts.py").touch()
    assert finished.would_run(*finished.config()) == {}


def test_a_changed_key_redoes_what_depends_on_it(finished):
    trained = len(list((results(finished) / "runs").iterdir()))
    steps = finished.would_run(
        *finished.config(training={"batch_size": 8, "validate_every": 4, "max_steps": 8})
    )
    assert steps["train"] == trained
    assert "preprocess" not in steps
    evaluation = finished.would_run(
        *finished.config(evaluation={"ssim_window": "uniform"}, significance={"threshold": 0.01})
    )
    assert evaluation["evaluate"] == trained
    assert evaluation["train"] == 2  # the two groups of Table 3
    assert "preprocess" not in evaluation


def test_snakemakes_report_holds_every_result_with_its_caption(finished, tmp_path):
    finished.snakemake("--report", tmp_path / "report.zip", *finished.config())
    with zipfile.ZipFile(tmp_path / "report.zip") as report:
        names = {Path(name).name for name in report.namelist()}
        page = report.read("report/report.html").decode()
    results = json.loads(re.search(r"var results = ({.*});?$", page, re.MULTILINE)[1])
    shown = {"verdicts.html", "report.html", "table2.html", "table4-companion.html", "runtimes.html"}
    shown |= {"figure2.png", "figure3.png", "figure4.png", "leverage.png", "curves.png"}
    assert shown <= names
    assert shown <= {result["name"] for result in results.values()}
    for category in (
        "1. Verdicts",
        "2. Tables of the paper",
        "3. Figures of the paper",
        "7. All on one page",
    ):
        assert category in page
    # The project's own page has the same captions.
    own = plain((finished.folder / "results/mylab/report.html").read_text())
    for result in results.values():
        assert result["labels"]["result"]
        if result["name"] != "report.html":
            assert plain(result["caption"]) in own
    captions = (
        "A plain convolutional auto-encoder",
        "Table 4 divided by",
        "networks that only predict neurons",
    )
    for caption in captions:
        assert caption in page


def plain(text):
    """Text of HTML without its tags."""
    return " ".join(html.unescape(re.sub("<[^>]*>", "", text)).split())
