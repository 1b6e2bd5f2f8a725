"""The paper's claims, and the runs that they are about."""

import json
from collections import Counter
from pathlib import Path

import pytest

from daenr.paper.claims import Claim, claims
from daenr.paper.plan import Plan
from daenr.paper.resolved import resolve
from daenr.registry import AUTOENCODERS, READOUTS
from daenr.run import CONTROLS

ROOT = Path(__file__).parents[3]


def planned(**changes):
    config = {"dataset": {"name": "x", "layout": "simulated"}, "seeds": [0, 1], "controls": list(CONTROLS)}
    return Plan(resolve(config | changes, ROOT), ROOT / "config/paper")


@pytest.fixture(scope="module")
def made():
    return {claim.name: claim for claim in claims(planned())}


def sides(claim):
    """Models on either side, and where they differ otherwise."""
    return [
        {(cell.model, cell.neurons, cell.control) for cell in side} for side in zip(*claim.pairs, strict=True)
    ]


def test_every_claim_of_the_paper_is_there_once(made):
    # regions x metrics; 3 contrasts x metrics; regions; 1; 4 x metrics; 4 x regions; regions x (metrics + 3 controls)
    assert Counter(claim.source for claim in made.values()) == {
        "Table 2": 9,
        "Table 3": 9,
        "Table 4": 3,
        "Figure 4": 1,
        "Table 5": 12,
        "Table 6": 12,
        "Title": 18,
    }
    assert len(made) == len(claims(planned()))


@pytest.mark.parametrize(
    ("name", "treated", "reference"),
    [
        ("table2-region1-mse", {("cae-fr", "all", "")}, {("cae", "all", "")}),
        ("table3-significant-ssim", {("cae-fr", "significant", "")}, {("cae", "all", "")}),
        ("table3-insignificant-ssim", {("cae", "all", "")}, {("cae-fr", "insignificant", "")}),
        ("table3-groups-psnr", {("cae-fr", "significant", "")}, {("cae-fr", "insignificant", "")}),
        ("table4-region2", {("cae-fr", "all", "")}, {("cnn-fr", "all", "")}),
        ("figure4", {("cae-fr", "all", "")}, {("cnn-fr", "all", "")}),
        (
            "table5-vq-vae-mse",
            {(f"vq-vae-{r}", "all", "") for r in ("fr", "fc", "fm")},
            {("vq-vae", "all", "")},
        ),
        ("table5-cae-fm-mse", {("cae-fm", "all", "")}, {("cae", "all", "")}),
        ("table6-fc-region1", {("cae-fc", "all", "")}, {("cnn-fc", "all", "")}),
        ("table6-vae-region3", {("vae-fr", "all", "")}, {("cnn-fr", "all", "")}),
        ("only-if-shuffled-region3-mse", {("cae-fr", "all", "joint")}, {("cae-fr", "all", "shuffled")}),
        ("only-if-frozen-region2-pcc", {("cae-fr", "all", "joint")}, {("cae-fr", "all", "frozen")}),
        ("only-if-random-region2-pcc", {("cae-fr", "all", "joint")}, {("cae-fr", "all", "random")}),
    ],
)
def test_a_claim_says_which_models_are_better_than_which(made, name, treated, reference):
    assert sides(made[name]) == [treated, reference]


def test_a_pair_differs_in_nothing_but_what_the_claim_is_about(made):
    for claim in made.values():
        for treated, reference in claim.pairs:
            assert treated.run.seed == reference.run.seed
            assert treated.region == reference.region == treated.run.region == claim.region
            assert None in (treated.layer, reference.layer) or treated.layer == reference.layer
            assert treated.run != reference.run


def test_all_seeds_and_layers_count(made):
    for name, readouts in (("table2-region1-mse", 1), ("figure4", 1), ("table5-vae-mse", 3)):
        places = [(treated.run.seed, treated.model, treated.layer) for treated, _ in made[name].pairs]
        assert len(set(places)) == len(places) == 2 * 4 * readouts


def test_claims_without_their_runs_are_left_out():
    assert claims(planned(tables=["table7"], figures=["figure3"], controls=[])) == []
    without_cae = claims(
        planned(models=["cnn-fr", "cae-fr"], tables=["table2", "table3"], figures=[], controls=[])
    )
    assert {claim.name for claim in without_cae} == {
        f"table3-groups-{metric}" for metric in ("mse", "psnr", "ssim")
    }
    frozen = claims(planned(tables=[], figures=[], controls=["frozen"]))
    assert {claim.name for claim in frozen} == {f"only-if-frozen-region{i}-pcc" for i in (1, 2, 3)}


def test_the_claims_ask_for_no_further_training(made):
    runs = set(planned().runs())
    assert {cell.run for claim in made.values() for pair in claim.pairs for cell in pair} <= runs


def test_a_claim_comes_back_from_the_row_that_a_job_is_handed(made):
    rows = json.loads(json.dumps([claim.row() for claim in made.values()]))
    assert [Claim.from_row(row) for row in rows] == list(made.values())


def test_models_that_the_paper_lacks_are_judged_under_their_own_names(monkeypatch):
    monkeypatch.setitem(AUTOENCODERS, "tiny", "daenr.models.autoencoders:Tiny")
    monkeypatch.setitem(READOUTS, "linear", "daenr.models.readouts:Linear")
    plan = planned(tables=["table5", "table6"], figures=[], controls=[])
    models = ["cae", "cnn-fr", "cae-fr", "tiny", "tiny-fr", "cnn-linear", "cae-linear"]
    made = {
        claim.name: claim for claim in claims(Plan(plan.config | {"models": models}, ROOT / "config/paper"))
    }
    assert set(made) == {
        *(f"table5-{name}-{metric}" for name in ("cae-linear", "tiny") for metric in ("mse", "psnr", "ssim")),
        *(f"table6-{name}-region{number}" for name in ("linear", "tiny") for number in (1, 2, 3)),
    }
    assert sides(made["table5-tiny-mse"]) == [{("tiny-fr", "all", "")}, {("tiny", "all", "")}]
    assert sides(made["table6-linear-region1"]) == [{("cae-linear", "all", "")}, {("cnn-linear", "all", "")}]
    assert "with the readout LINEAR" in made["table5-cae-linear-mse"].statement
    assert "for the TINY" in made["table6-tiny-region1"].statement


def test_a_variant_repeats_the_claims_of_the_tables(made):
    variant = planned(variants={"mean": {"loss": {"response": "mean"}}}).variants()["mean"]
    repeated = claims(variant)
    assert [claim.name for claim in repeated] == [
        name for name in made if name != "figure4" and not name.startswith("only-if")
    ]
    assert {cell.run.variant for claim in repeated for pair in claim.pairs for cell in pair} == {"mean"}
