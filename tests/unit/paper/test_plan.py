"""The plan of the paper, and names that give a run back."""

import itertools
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from daenr.paper.plan import TABLE_METRICS, Cell, Plan
from daenr.paper.published import published, weights
from daenr.paper.resolved import resolve
from daenr.registry import AUTOENCODERS, CONTROLS, LAYERS, READOUTS, joint_names, model_names, split_model
from daenr.run import NEURONS, Run

ROOT = Path(__file__).parents[3]
PAPER = ROOT / "config/paper"
EVEN = {"alpha": 1, "beta": 1}


def resolved(**changes):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text()) | changes
    return resolve(config, ROOT)


@pytest.fixture(scope="module")
def paper():
    return Plan(resolved(dataset={"name": "paper", "layout": "simulated"}), PAPER)


def some_run(**changes):
    values = {
        "dataset": "demo",
        "region": "region1",
        "model": "vq-vae-fr",
        "layer": "h2",
        "alpha": 1.0,
        "beta": 1e-5,
        "neurons": "all",
        "seed": 3,
    }
    return Run(**values | changes)


def test_the_paper_takes_216_trainings(paper):
    assert len(paper.runs()) == 216


def test_no_training_is_planned_twice(paper):
    assert len({run.name for run in paper.runs()}) == len(paper.runs())


def test_ten_seeds_take_ten_times_as_many():
    config = resolved(dataset={"name": "paper", "layout": "simulated"}, seeds=list(range(10)))
    assert len(Plan(config, PAPER).runs()) == 2160


def test_an_engine_is_a_training_a_region_with_the_weights_for_responses():
    asked = {"tables": [], "figures": [], "models": ["cae"], "engine": {"model": "cae-fr"}}
    runs = Plan(resolved(dataset={"name": "paper", "layout": "simulated"}, **asked), PAPER).runs()
    printed = {
        w.region: (w.alpha, w.beta)
        for w in weights(PAPER / "weights.csv")
        if w.table == "table9" and w.layer == "h2"
    }
    assert {run.region: (run.alpha, run.beta) for run in runs} == printed
    assert {(run.model, run.layer) for run in runs} == {("cae-fr", "h2")}
    with pytest.raises(ValueError, match=r"engine\.model: vae predicts no neurons"):
        resolved(engine={"model": "vae"})


@pytest.mark.parametrize("table", TABLE_METRICS)
def test_cells_are_the_papers(paper, table):
    made = {
        (cell.region, cell.model, cell.layer, cell.neurons, metric)
        for cell in paper.cells(table)
        for metric in TABLE_METRICS[table]
    }
    printed = {
        (row.region, row.model, row.layer, row.neurons, row.metric)
        for row in published([PAPER / f"{table}.csv"])
    }
    assert made == printed


@pytest.mark.parametrize("table", TABLE_METRICS)
def test_models_stand_in_the_papers_order(paper, table):
    made = dict.fromkeys(cell.model for cell in paper.cells(table))
    printed = dict.fromkeys(row.model for row in published([PAPER / f"{table}.csv"]))
    assert list(made) == list(printed)


def test_one_training_serves_two_tables(paper):
    table2 = {cell.run for cell in paper.cells("table2")}
    table5 = {cell.run for cell in paper.cells("table5")}
    assert {run.model for run in table2 & table5} == {"cae", "cae-fr"}


def test_groups_come_from_the_reconstruction_runs(paper):
    parents = {cell.run.parent for cell in paper.cells("table3")}
    assert parents == {c.run for c in paper.cells("table2") if c.region == "region3" and c.layer}


def test_random_groups_double_the_trainings_of_table_3(paper):
    dataset = {"name": "paper", "layout": "simulated"}
    made = Plan(resolved(dataset=dataset, significance={"random_groups": True}), PAPER)
    added = set(made.runs()) - set(paper.runs())
    assert {run.neurons for run in added} == {"random-significant", "random-insignificant"}
    assert {run.parent for run in added} == {cell.run.parent for cell in paper.cells("table3")}
    assert len(added) == 2 * len(LAYERS)


def test_figures_need_no_training_beyond_the_tables(paper):
    in_tables = {cell.run for table in TABLE_METRICS for cell in paper.cells(table)}
    assert set(paper.runs()) == in_tables


def test_a_figure_alone_brings_its_trainings():
    config = resolved(dataset={"name": "paper", "layout": "simulated"}, tables=[], figures=["figure2"])
    runs = Plan(config, PAPER).runs()
    assert [(run.model, run.layer) for run in runs] == [
        ("cae", None),
        *(("cae-fr", layer) for layer in LAYERS),
    ]


def test_figure4_follows_the_task_of_the_config():
    def weights(task):
        config = resolved(
            dataset={"name": "paper", "layout": "simulated"}, significance={"figure4_task": task}
        )
        return [(run.alpha, run.beta) for run in Plan(config, PAPER).comparison_runs() if run.alpha > 0]

    table8 = [(c.run.alpha, c.run.beta) for c in Plan(resolved(), PAPER).cells("table2") if c.layer][-4:]
    assert weights("ir") == table8
    assert weights("nrs") != table8


@pytest.mark.parametrize(
    ("regions", "figures"),
    [
        (["v1"], {"figure2": "v1"}),
        (["a", "b"], {"figure2": "b", "figure6": "a"}),
        (list("abcde"), {"figure2": "e", "figure6": "a", "figure7": "b", "figure2-c": "c", "figure2-d": "d"}),
    ],
)
def test_recordings_with_other_numbers_of_regions(regions, figures):
    size = {"train_images": 100, "test_images": 10, "repeats": 3, "neurons": 5}
    dataset = {"name": "x", "layout": "simulated", "simulation": {"sizes": dict.fromkeys(regions, size)}}
    config = resolved(dataset=dataset, regions=regions, focus_region=None, weights=EVEN)
    made = Plan(config, PAPER)
    assert made.figure_regions() == figures
    assert ("figure8" in made.figures()) == (len(regions) > 1)
    assert {run.region for run in made.runs()} == set(regions)


def weights_file(path, rows):
    lines = ["table,task,region,model,layer,alpha,beta", *rows]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def own(weights, **changes):
    """A plan of another recording with one region, layer and joint model."""
    return Plan(
        resolved(
            dataset={"name": "x", "source": "doi:10.1/x"},
            **{
                "regions": ["v1"],
                "focus_region": None,
                "layers": ["h2"],
                "models": ["cae", "cnn-fr", "cae-fr"],
            }
            | changes,
            weights=weights,
        ),
        PAPER,
    )


def test_weights_of_ones_own_stand_where_the_papers_would(tmp_path):
    rows = {
        "table2": "table8,ir,v1,cae-fr,h2,1,0.25",
        "table4": "table9,nrs,v1,cae-fr,h2,0.5,1",
        "table5": "table10,ir,v1,cae-fr,h2,1,0.125",
        "table6": "table11,nrs,v1,cae-fr,h2,1,0.75",
    }
    made = own(weights_file(tmp_path / "weights.csv", rows.values()))
    for table, row in rows.items():
        (run,) = {cell.run for cell in made.cells(table) if cell.model == "cae-fr"}
        assert [run.alpha, run.beta] == [float(cell) for cell in row.split(",")[-2:]]
    assert {cell.run.parent for cell in made.cells("table3")} <= {cell.run for cell in made.cells("table2")}


def test_one_pair_of_weights_serves_every_joint_model():
    runs = own({"alpha": 1, "beta": 0.1}).runs()
    assert {(run.alpha, run.beta) for run in runs if run.model == "cae-fr"} == {(1, 0.1)}


def test_weights_that_are_missing_are_named(tmp_path):
    with pytest.raises(
        ValueError, match=r"^weights: .*results/x/weights\.csv.*\{alpha: 1, beta: 0\.1\}.*paper"
    ):
        own(None).runs()
    with pytest.raises(ValueError, match=r"^weights: there is no file no\.csv"):
        own("no.csv").runs()
    path = weights_file(tmp_path / "weights.csv", ["table8,ir,v1,cae-fr,h2,1,0.25"])
    assert len(own(path, tables=["table2"], figures=[]).runs()) == 2
    with pytest.raises(ValueError, match=r"weights\.csv has no row for table9, v1, cae-fr, h2"):
        own(path, tables=["table4"], figures=[]).runs()


def test_models_of_one_task_need_no_weights():
    assert len(own(None, models=["cae", "cnn-fr"]).runs()) == 2


def test_table_5_of_another_focus_takes_the_only_weights_that_are_printed():
    printed = [(c.run.alpha, c.run.beta) for c in Plan(resolved(), PAPER).cells("table5")]
    made = Plan(resolved(focus_region="region1"), PAPER)
    assert [(c.run.alpha, c.run.beta) for c in made.cells("table5")] == printed


def test_models_that_the_config_leaves_out_are_not_trained():
    config = resolved(models=["cae", "cae-fr"], dataset={"name": "x", "layout": "simulated"})
    assert {run.model for run in Plan(config, PAPER).runs()} == {"cae", "cae-fr"}


# Values rather than runs: a checked type draws random numbers, which a strategy must not.
layered = st.fixed_dictionaries(
    {
        "model": st.sampled_from(joint_names()),
        "layer": st.sampled_from(LAYERS),
        "neurons": st.sampled_from(NEURONS),
        "alpha": st.floats(0, 1e6),
        "beta": st.floats(0, 1e6),
        "seed": st.integers(0, 10**9),
    }
)


@given(layered)
def test_a_name_gives_its_run_back(values):
    run = some_run(**values)
    assert Run.parse(run.name) == run


def test_every_planned_name_gives_its_run_back(paper):
    assert [Run.parse(run.name) for run in paper.runs()] == paper.runs()


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("nonsense", "not the name of a run"),
        ("demo_region1_cea-fr_h1_a1_b1_all_s0", "model must be one of"),
        ("demo_region1_cae-fr_h5_a1_b1_all_s0", "takes a layer out of"),
        ("demo_region1_cae_h1_a1_b0_all_s0", "takes no layer"),
        ("demo_region1_cae-fr_none_a1_b1_all_s0", "takes a layer out of"),
        ("demo_region1_cae-fr_h1_aone_b1_all_s0", "could not convert"),
        ("demo_region1_cae-fr_h1_a-1_b1_all_s0", "not negative"),
        ("demo_region1_cae-fr_h1_anan_b1_all_s0", "finite"),
        ("demo_region1_cae-fr_h1_a1_b1_some_s0", "neurons of cae-fr must be one of"),
        ("demo_region1_cae_none_a1_b0_significant_s0", "neurons of cae must be one of"),
        ("demo_region1_cnn-fr_h1_a1_b1_all_s0", "has one task"),
        ("demo_region1_cae-fr_h1_a1.0_b1_all_s0", "is spelled"),
    ],
)
def test_a_wrong_name_is_refused_with_the_reason(name, complaint):
    with pytest.raises(ValueError, match=complaint):
        Run.parse(name)


def test_every_model_has_its_parts():
    parts = {model: split_model(model) for model in model_names()}
    expected = {
        f"{a}-{r}": (None if a == "cnn" else a, r)
        for a, r in itertools.product(("cae", "vae", "vq-vae", "cnn"), ("fr", "fc", "fm", "gauss"))
    }
    assert parts == expected | {a: (a, None) for a in ("cae", "vae", "vq-vae")}


def test_references_stand_beside_table_4_and_nowhere_else():
    paper = resolved()
    made = Plan(paper | {"references": ["ln", "klindt"], "seeds": [0, 1]}, PAPER)
    added = set(made.runs()) - set(Plan(paper | {"seeds": [0, 1]}, PAPER).runs())
    assert added == {cell.run for cell in made.references()}
    assert sorted(run.name.removeprefix(f"{paper['dataset']['name']}_") for run in added) == sorted(
        f"{region}_{model}_none_a0_b1_all_s{seed}"
        for region, model, seed in itertools.product(paper["regions"], ("ln", "klindt"), (0, 1))
    )
    assert all(Run.parse(run.name) == run for run in added)
    assert not {cell.model for table in made.tables() for cell in made.cells(table)} & {"ln", "klindt"}
    assert not Plan(paper | {"references": ["ln"], "tables": ["table6"]}, PAPER).references()


def test_the_gaussian_readout_is_planned_where_it_is_named():
    assert "cnn-gauss" not in resolved()["models"]
    made = Plan(resolved() | {"models": ["cnn-gauss", "cae-gauss"]}, PAPER)
    assert {cell.model for cell in made.cells("table6")} == {"cnn-gauss", "cae-gauss"}


@pytest.fixture
def further(monkeypatch):
    """An auto-encoder and a readout that the paper lacks, registered."""
    monkeypatch.setitem(AUTOENCODERS, "tiny", "daenr.models.autoencoders:Tiny")
    monkeypatch.setitem(READOUTS, "linear", "daenr.models.readouts:Linear")


@pytest.mark.usefixtures("further")
def test_a_model_that_the_paper_lacks_is_planned_with_weights_of_one():
    models = ["cae", "cnn-fr", "cae-fr", "tiny", "tiny-fr", "cnn-linear", "cae-linear"]
    made = Plan(resolved() | {"models": models}, PAPER)
    in_table5 = list(dict.fromkeys(cell.model for cell in made.cells("table5")))
    in_table6 = list(dict.fromkeys(cell.model for cell in made.cells("table6")))
    assert in_table5 == ["cae", "cae-fr", "cae-linear", "tiny", "tiny-fr"]
    assert in_table6 == ["cnn-fr", "cae-fr", "tiny-fr", "cnn-linear", "cae-linear"]
    weights = {
        (run.model, run.alpha, run.beta)
        for run in made.runs()
        if run.model not in ("cae", "cnn-fr", "cae-fr")
    }
    assert weights == {
        ("tiny", 1, 0),
        ("tiny-fr", 1, 1),
        ("cnn-linear", 0, 1),
        ("cae-linear", 1, 1),
    }


@pytest.mark.usefixtures("further")
def test_a_model_that_the_config_lacks_is_not_planned(paper):
    assert Plan(resolved(dataset={"name": "paper", "layout": "simulated"}), PAPER).runs() == paper.runs()


@pytest.mark.parametrize("table", [*TABLE_METRICS, "controls-ir", "controls-nrs"])
def test_a_cell_comes_back_from_the_row_that_a_job_is_handed(table):
    cells = controlled().cells(table)
    rows = json.loads(json.dumps([cell.row() for cell in cells]))
    assert [Cell.from_row(row) for row in rows] == cells


# ---- controls and variants ----------------------------------------------------------------------------


def controlled(**changes):
    dataset = {"name": "paper", "layout": "simulated"}
    return Plan(resolved(dataset=dataset, controls=list(CONTROLS), **changes), PAPER)


def test_controls_add_four_trainings_a_region_and_layer(paper):
    """Responses are shuffled for both tasks, which have other weights; the encoder is held fixed for one."""
    added = set(controlled().runs()) - set(paper.runs())
    assert len(added) == 4 * 3 * 4
    assert set(paper.runs()) < set(controlled().runs())
    assert {run.control for run in added} == set(CONTROLS)


def test_controls_stand_beside_the_runs_of_the_papers_tables(paper):
    joint = {
        table: {cell.run for cell in controlled().cells(table) if cell.control == "joint"}
        for table in ("controls-ir", "controls-nrs")
    }
    assert joint["controls-ir"] == {c.run for c in paper.cells("table2") if c.layer}
    assert joint["controls-nrs"] == {c.run for c in paper.cells("table4") if c.model == "cae-fr"}


def test_only_the_controls_that_are_asked_for_are_trained():
    config = resolved(dataset={"name": "paper", "layout": "simulated"}, controls=["frozen"])
    assert {run.control for run in Plan(config, PAPER).runs()} == {None, "frozen"}
    assert all(run.beta > 0 for run in Plan(config, PAPER).runs() if run.layer)


def test_a_frozen_readout_brings_its_auto_encoder():
    config = resolved(
        dataset={"name": "paper", "layout": "simulated"}, tables=[], figures=[], controls=["frozen"]
    )
    runs = Plan(config, PAPER).runs()
    for run in runs:
        if run.control == "frozen":
            assert run.pretrained in runs
            assert (run.pretrained.model, run.pretrained.beta, run.pretrained.seed) == ("cae", 0, run.seed)


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("variant", [None, "vmean", "batch-256"])
def test_a_controls_name_gives_it_back(control, variant):
    run = some_run(control=control, variant=variant)
    assert Run.parse(run.name) == run
    assert Run.parse(some_run(variant=variant).name) == some_run(variant=variant)


def test_an_unknown_control_is_refused():
    with pytest.raises(ValueError, match="control must be one of"):
        some_run(control="Frozen")


def test_a_control_needs_a_joint_model():
    with pytest.raises(ValueError, match="control shuffled needs a joint model, got cnn-fr"):
        some_run(model="cnn-fr", alpha=0.0, control="shuffled")


def test_a_variant_repeats_the_tables_trainings_and_nothing_else(paper):
    config = resolved(
        dataset={"name": "paper", "layout": "simulated"},
        controls=["shuffled"],
        variants={"mean": {"loss": {"response": "mean"}}},
    )
    plan_ = Plan(config, PAPER)
    varied = {run for run in plan_.runs() if run.variant == "mean"}
    assert len(varied) == 216
    assert not any(run.control for run in varied)
    assert set(paper.runs()) < set(plan_.runs())
    assert {cell.run for cell in plan_.variants()["mean"].cells("table2")} <= varied


def test_a_variant_plans_the_groups_that_its_own_settings_ask_for(paper):
    variants = {"random": {"significance": {"random_groups": True}}}
    plan_ = Plan(resolved(dataset={"name": "paper", "layout": "simulated"}, variants=variants), PAPER)
    groups = {
        variant: {run.neurons for run in plan_.runs() if run.variant == variant}
        for variant in (None, "random")
    }
    assert groups[None] == {"all", "significant", "insignificant"}
    assert groups["random"] > groups[None]


def test_joint_runs_are_told_by_the_table_of_their_weights():
    pairs = Plan(resolved(), PAPER).weighted_runs()
    counts = {weights: sum(table == weights for table, _ in pairs) for weights, _ in pairs}
    assert counts == {"table8": 12, "table9": 12, "table10": 36}
    assert all(run.beta > 0 for _, run in pairs)
    assert Plan(resolved(tables=["table6"]), PAPER).weighted_runs() == []
