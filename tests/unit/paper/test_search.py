"""The search for loss weights: what is tried, how validation scores choose, and on which schedule."""

from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from daenr.config import SEARCH, ConfigError
from daenr.paper.plan import Cell, Plan
from daenr.paper.published import weights
from daenr.paper.resolved import resolve
from daenr.paper.search import TASKS, choose, chosen_weights, settings, tries, validation_mse
from daenr.run import Run

ROOT = Path(__file__).parents[3]
PAPER = ROOT / "config/paper"
OWN = {
    "dataset": {"name": "x", "source": "doi:10.1/x"},
    "regions": ["v1"],
    "layers": ["h2"],
    "models": ["cae", "cnn-fr", "cae-fr"],
    "weights": "results/x/weights.csv",
}


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


def found(**changes):
    return resolve({**OWN, **changes}, ROOT)


def tried(table, model="cae-fr", layer="h2", alpha=1.0, beta=1.0, seed=0):
    run = Run("x", "v1", model, layer, alpha, beta, "all", seed, variant=SEARCH)
    return Cell(table, "v1", model, layer, "all", run)


def write_weights_of(path, cells):
    """The file that the search writes where all of its tries score alike."""
    chosen = choose(cells, {(TASKS[cell.table], cell.run.name): 1.0 for cell in cells})
    rows = [asdict(weight) for weight in chosen_weights(chosen)]
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_tasks_are_those_that_the_paper_prints():
    assert {weight.table: weight.task for weight in weights(PAPER / "weights.csv")} == TASKS


def test_every_ratio_is_tried_and_the_models_of_one_task_as_often():
    cells = tries(found(weight_search={"ratios": [10, 0.5]}), PAPER)
    made = [
        (cell.table, cell.model, cell.run.layer, cell.run.alpha, cell.run.beta, cell.run.seed)
        for cell in cells
    ]
    assert made == [
        ("table8", "cae", None, 1, 0, 0),
        ("table8", "cae", None, 1, 0, 1),
        ("table8", "cae-fr", "h2", 1, 0.5, 0),
        ("table8", "cae-fr", "h2", 0.1, 1, 0),
        ("table9", "cnn-fr", "h2", 0, 1, 0),
        ("table9", "cnn-fr", "h2", 0, 1, 1),
        ("table9", "cae-fr", "h2", 1, 0.5, 0),
        ("table9", "cae-fr", "h2", 0.1, 1, 0),
        *(("table10", *rest) for _, *rest in made[:4]),
        *(("table11", *rest) for _, *rest in made[4:8]),
    ]
    assert {cell.run.variant for cell in cells} == {SEARCH}


def test_without_tries_of_the_models_of_one_task_joint_models_alone_are_trained():
    cells = tries(found(weight_search={"baseline_tries": False}), PAPER)
    assert {cell.model for cell in cells} == {"cae-fr"}


def test_no_more_is_tried_than_the_tables_and_figures_need():
    def tables(**changes):
        return list(dict.fromkeys(cell.table for cell in tries(found(**changes), PAPER)))

    assert tables(tables=["table3", "table7"], figures=[]) == ["table8"]
    assert tables(tables=[], figures=["figure4"]) == ["table8", "table9"]
    assert tables(tables=["table7"], figures=["figure5"]) == []


@pytest.mark.parametrize(
    "asked",
    [
        {"engine": {"model": "cae-fr", "layer": "h3"}},
        {"engine": {"model": "vae-fr", "layer": "h3"}},
        {"optimal_images": {"neurons": 3, "models": ["cae-fr", "vae-fr"], "layer": "h3"}},
    ],
)
def test_what_predicts_beside_the_tables_gets_weights_of_its_own(asked, tmp_path):
    config = found(tables=["table7"], figures=[], models=["cae"], **asked)
    path = tmp_path / "weights.csv"
    write_weights_of(path, tries(config, PAPER))
    plan = Plan({**config, "weights": str(path)}, PAPER)
    (layer,) = {run.layer for run in plan.runs() if run.alpha and run.beta}
    assert layer == "h3"


def test_the_tries_are_no_trainings_of_the_plan():
    config = resolve({"dataset": {"name": "x", "layout": "simulated"}}, ROOT)
    planned = {run.name for run in Plan(config, PAPER).runs()}
    assert not planned & {cell.run.name for cell in tries(config, PAPER)}


def test_what_is_chosen_gives_every_weight_that_the_plan_needs(tmp_path):
    config = found()
    cells = tries(config, PAPER)
    path = tmp_path / "weights.csv"
    write_weights_of(path, cells)
    runs = Plan({**config, "weights": str(path)}, PAPER).runs()
    assert {(run.alpha, run.beta) for run in runs if run.model == "cae-fr"} == {(1, 0.0001)}


@pytest.mark.parametrize(
    ("table", "scores", "best"),
    [
        ("table8", [0.3, 0.1, 0.2], 1),  # least error
        ("table9", [0.3, 0.1, 0.2], 0),  # most correlation
        ("table8", [0.2, 0.1, 0.1], 1),  # equal: the smaller beta
        ("table11", [0.1, 0.4, 0.4], 1),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_the_best_validation_score_is_chosen_and_of_equal_ones_the_smaller_ratio(table, scores, best, order):
    cells = [tried(table, beta=0.1), tried(table), tried(table, alpha=0.1)]
    found = {(TASKS[table], cell.run.name): score for cell, score in zip(cells, scores, strict=True)}
    assert choose(cells[::order], found) == [cells[best]]


def test_seeds_of_a_model_of_one_task_are_chosen_alike_and_are_no_weights():
    seeds = [tried("table9", "cnn-fr", alpha=0.0, seed=seed) for seed in (0, 1, 2)]
    joint = tried("table9", alpha=0.5)
    scores = {
        ("nrs", cell.run.name): score
        for cell, score in zip([*seeds, joint], (0.1, 0.3, 0.3, 0.2), strict=True)
    }
    assert choose([*seeds, joint], scores) == [seeds[1], joint]
    (weight,) = chosen_weights([seeds[1], joint])
    assert asdict(weight) == {
        "table": "table9",
        "task": "nrs",
        "region": "v1",
        "model": "cae-fr",
        "layer": "h2",
        "alpha": 0.5,
        "beta": 1.0,
    }


@pytest.mark.parametrize(("reduction", "error"), [("sum", 0.5), ("mean", 2.0)])
def test_the_error_is_that_of_the_parameters_that_were_kept(reduction, error):
    history = [
        {"step": "4", "validation_reconstruction": "1.0"},
        {"step": "8", "validation_reconstruction": "2.0"},
    ]
    training = {"best_step": 8, "config": {"loss": {"reconstruction": reduction}}}
    assert validation_mse(training, history, pixels=4) == error


def test_the_schedule_is_that_of_the_named_file_on_top_of_the_configs_own(tmp_path):
    config = found(training={"max_steps": 7}, split={"by_seed": True})
    fast = yaml.safe_load((ROOT / "config/fast.yaml").read_text())["training"]
    made = settings(config, ROOT)
    assert made["training"] == {**config["training"], **fast}
    assert not made["split"]["by_seed"]  # else the seeds of a model would be scored on different images
    own = settings(found(weight_search={"schedule": None}), ROOT)
    assert own["training"] == found()["training"]
    with pytest.raises(ConfigError, match=r"^weight_search\.schedule: there is no file .*no\.yaml"):
        settings(found(weight_search={"schedule": "no.yaml"}), ROOT)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("training: {patience: 1}\n")
    with pytest.raises(
        ConfigError, match=r"^weight_search\.schedule: .*wrong\.yaml: training\.patience: 1 steps"
    ):
        settings(found(weight_search={"schedule": str(wrong)}), ROOT)
