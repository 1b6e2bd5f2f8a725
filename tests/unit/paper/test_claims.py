"""The paper's claims as a tree, and the levels at which they are tested."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from daenr.paper.claims import PASSED_ON, Claim, claim_tree, levels
from daenr.paper.plan import Plan
from daenr.paper.resolved import resolve
from daenr.registry import AUTOENCODERS, READOUTS

ROOT = Path(__file__).parents[3]


def planned(**changes):
    config = {"dataset": {"name": "x", "layout": "simulated"}, "seeds": [0, 1]}
    return Plan(
        resolve({**config, "controls": ["shuffled", "frozen"], **changes}, ROOT), ROOT / "config/paper"
    )


def by_name(roots):
    return {claim.name: (claim, parent) for root in roots for claim, parent in root.walk()}


@pytest.fixture(scope="module")
def made():
    return by_name(claim_tree(planned()))


# ---- the claims ---------------------------------------------------------------------------------------


def test_the_tree_has_two_roots_and_every_claim_once(made):
    roots = claim_tree(planned())
    assert [root.name for root in roots] == ["mse", "pcc"]
    assert len(made) == sum(1 for root in roots for _ in root.walk())
    kinds = [claim.level for claim, _ in made.values()]
    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    assert counts == {
        "primary": 2,
        "only if": 2,
        "explanation": 2,  # Table 3, Figure 4
        "generalisation": 2 * (1 + 9),
        "region": 2 * 3,
        "layer": 2 * 3 * 4,
    }


def test_a_claim_rests_on_the_one_above_it(made):
    def parents(name):
        parent = made[name][1]
        return [] if parent is None else [parent.name, *parents(parent.name)]

    assert parents("pcc-region2-h3") == ["pcc-region2", "pcc-only-if", "pcc"]
    assert parents("mse-vq-vae-fm") == ["mse-others", "mse-only-if", "mse"]
    assert parents("pcc-neurons") == parents("pcc-others") == ["pcc-only-if", "pcc"]


@pytest.mark.parametrize(
    ("name", "contrast", "treated", "reference"),
    [
        ("mse", "baseline", {"cae-fr"}, {"cae"}),
        ("pcc", "baseline", {"cae-fr"}, {"cnn-fr"}),
        ("mse-only-if", "shuffled", {"cae-fr joint"}, {"cae-fr shuffled"}),
        ("pcc-only-if", "frozen", {"cae-fr joint"}, {"cae-fr frozen"}),
        ("mse-neurons", "insignificant", {"cae-fr significant"}, {"cae-fr insignificant"}),
        ("mse-neurons", "CAE beats insignificant", {"cae"}, {"cae-fr insignificant"}),
        ("pcc-vae-fc", "baseline", {"vae-fc"}, {"cnn-fc"}),
        ("mse-vae-fc", "baseline", {"vae-fc"}, {"vae"}),
    ],
)
def test_a_claim_compares_what_it_says(made, name, contrast, treated, reference):
    def spelled(cell):
        return " ".join(filter(None, [cell.model, cell.neurons.replace("all", ""), cell.control]))

    pairs = made[name][0].contrasts[contrast]
    assert {spelled(cell) for cell, _ in pairs} == treated
    assert {spelled(cell) for _, cell in pairs} == reference


def test_random_groups_ask_whether_it_matters_which_neurons_they_are(made):
    assert "mse-neurons-random" not in made
    drawn, parent = by_name(claim_tree(planned(significance={"random_groups": True})))["mse-neurons-random"]
    assert parent.name == "mse-neurons"
    neurons = {
        name: {(one.neurons, other.neurons) for one, other in pairs}
        for name, pairs in drawn.contrasts.items()
    }
    assert neurons == {
        "random": {("significant", "random-significant")},
        "random beats insignificant": {("random-insignificant", "insignificant")},
    }


def test_both_sides_of_a_pair_have_one_seed_region_and_layer(made):
    for claim, _ in made.values():
        for pairs in claim.contrasts.values():
            for one, other in pairs:
                assert (one.region, one.run.seed) == (other.region, other.run.seed)
                assert one.layer == other.layer or None in (one.layer, other.layer)


def test_parts_of_a_claim_are_its_pairs(made):
    for half in ("mse", "pcc"):
        whole = set(made[half][0].contrasts["baseline"])
        regions = [set(made[f"{half}-region{n}"][0].contrasts["baseline"]) for n in (1, 2, 3)]
        assert set.union(*regions) == whole
        layers = [set(made[f"{half}-region1-h{n}"][0].contrasts["baseline"]) for n in (1, 2, 3, 4)]
        assert set.union(*layers) == regions[0]
    others = set(made["pcc-others"][0].contrasts["baseline"])
    assert len(others) == 8 * 24  # models; layers, regions and seeds of each


def test_only_planned_runs_are_compared():
    plan = planned(models=["cae", "cae-fr", "cnn-fr", "cae-fc"], tables=["table2", "table5"], figures=[])
    made = by_name(claim_tree(plan))
    runs = set(plan.runs())
    assert "mse" in made
    assert "mse-cae-fc" in made
    assert "mse-vae-fr" not in made
    assert not any(name.startswith("pcc-region") for name in made)
    assert all(
        cell.run in runs
        for claim, _ in made.values()
        for p in claim.contrasts.values()
        for pair in p
        for cell in pair
    )


def test_without_controls_what_stands_below_them_rests_on_the_primary_claim():
    made = by_name(claim_tree(planned(controls=[])))
    assert "mse-only-if" not in made
    assert made["mse-region1"][1].name == "mse"


def test_claims_come_back_from_the_rows_that_a_job_is_handed():
    roots = claim_tree(planned())
    rows = json.loads(json.dumps([root.row() for root in roots]))
    assert tuple(map(Claim.from_row, rows)) == roots


def test_models_that_the_paper_lacks_are_judged_under_their_own_names(monkeypatch):
    monkeypatch.setitem(AUTOENCODERS, "tiny", "daenr.models.autoencoders:Tiny")
    monkeypatch.setitem(READOUTS, "linear", "daenr.models.readouts:Linear")
    plan = planned(tables=["table5", "table6"], figures=[], controls=[])
    models = ["cae", "cnn-fr", "cae-fr", "tiny", "tiny-fr", "cnn-linear", "cae-linear"]
    made = by_name(claim_tree(Plan(plan.config | {"models": models}, ROOT / "config/paper")))
    models = ("others", "cae-fr", "cae-linear", "tiny-fr")
    assert set(made) == {f"{half}-{name}" for half in ("mse", "pcc") for name in models}
    assert {cell.model for cell in made["mse-tiny-fr"][0].cells} == {"tiny-fr", "tiny"}
    assert {cell.model for cell in made["pcc-cae-linear"][0].cells} == {"cae-linear", "cnn-linear"}
    assert "TINY-FR" in made["mse-tiny-fr"][0].statement


def test_a_variant_repeats_the_claims_of_the_tables(made):
    variant = planned(variants={"batch256": {"training": {"batch_size": 256}}}).variants()["batch256"]
    repeated = by_name(claim_tree(variant))
    assert [*repeated] == [name for name in made if name not in ("mse-only-if", "pcc-only-if", "pcc-neurons")]
    assert {cell.run.variant for claim, _ in repeated.values() for cell in claim.cells} == {"batch256"}


def test_every_training_of_the_study_with_controls_serves_a_claim():
    with (ROOT / "config/controls.yaml").open(encoding="utf-8") as file:
        written = yaml.safe_load(file)
    plan = planned(**written)
    served = {cell.run for root in claim_tree(plan) for claim, _ in root.walk() for cell in claim.cells}
    served |= {run.parent for run in served} | {run.pretrained for run in served}
    assert set(plan.runs()) <= served


# ---- the order of testing -----------------------------------------------------------------------------


def node(name, *children):
    return Claim(name, "", "", "pcc", "primary", {}, children)


def levels_of(roots, p, alpha=0.04):
    return levels(roots, alpha, lambda claim, level: p.get(claim.name, 1.0) <= level)


def test_without_a_supported_claim_only_the_roots_are_tested_at_half_the_level():
    assert levels_of([node("a", node("a1")), node("b")], {}) == pytest.approx({"a": 0.02, "b": 0.02})


def test_a_supported_claim_passes_half_of_its_level_beside_and_half_below():
    roots = [node("a", node("a1"), node("a2")), node("b", node("b1"))]
    assert levels_of(roots, {"a": 0.01}) == pytest.approx({"a": 0.02, "b": 0.03, "a1": 0.005, "a2": 0.005})


def test_claims_with_nothing_below_are_tested_as_holm_does():
    leaves = [node("a"), node("b"), node("c"), node("d")]
    assert levels_of(leaves, {"a": 0.01, "b": 0.013}) == pytest.approx(
        {"a": 0.01, "b": 0.04 / 3, "c": 0.02, "d": 0.02}
    )


def test_what_is_wholly_supported_passes_all_of_its_level():
    roots = [node("a", node("a1", node("a11"))), node("b")]
    assert levels_of(roots, {"a": 0.001, "a1": 0.001, "a11": 0.001})["b"] == pytest.approx(0.04)
    both = levels_of(roots, {"a": 0.001, "a1": 0.001, "b": 0.001})
    assert both["a11"] == pytest.approx(0.04)
    assert levels_of(roots, {"a": 0.001, "b": 0.035})["b"] == pytest.approx(0.04 * (1 + PASSED_ON) / 2)


def random_tree(rng, depth=3):
    def grow(name, depth):
        children = range(rng.integers(1, 4) if depth else 0)
        return node(name, *(grow(f"{name}{child}", depth - 1) for child in children))

    return [grow("a", depth), grow("b", depth)]


def test_more_evidence_never_lowers_a_level_and_true_claims_never_hold_more_than_alpha():
    """What makes the familywise error hold: Goeman and Solari's two conditions, on trees drawn at random."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        roots = random_tree(rng)
        names = [claim.name for root in roots for claim, _ in root.walk()]
        p = {name: rng.choice([0.0, 1.0]) for name in names}
        found = levels_of(roots, p)
        waiting = [name for name in found if p[name] == 1.0]
        assert sum(found[name] for name in waiting) <= 0.04 * (1 + 1e-9)
        more = p | {rng.choice(names): 0.0}
        later = levels_of(roots, more)
        assert all(later[name] >= found[name] * (1 - 1e-9) for name in waiting if more[name] == 1.0)


def test_a_claim_is_not_tested_if_the_one_above_is_not_supported():
    root = node("a", node("a1", node("a11")))
    assert set(levels_of([root], {"a": 0.0, "a11": 0.0})) == {"a", "a1"}
    assert set(levels_of([replace(root, children=())], {"a": 0.0})) == {"a"}
