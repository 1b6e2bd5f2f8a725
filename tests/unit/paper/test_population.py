"""Results that are as a simulated population was built agree with it, and results that are not do not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.power import RULES
from daenr.paper.claims import claim_tree
from daenr.paper.plan import Plan
from daenr.paper.population import held_against_truth
from daenr.paper.resolved import resolve
from daenr.paper.verdicts import COLUMNS, judge
from daenr.statistics.scores import Scores

ROOT = Path(__file__).parents[3]
IMAGES, NEURONS = 200, 40
SEE = np.arange(NEURONS) >= 10


@pytest.fixture(scope="module")
def planned():
    config = {
        "dataset": {"name": "x", "layout": "simulated"},
        "regions": ["region3"],
        "layers": ["h1", "h2"],
        "models": ["cae", "cnn-fr", "cae-fr"],
        "tables": ["table2", "table3", "table4"],
        "figures": [],
        "seeds": [0, 1, 2, 3, 4],
        "controls": ["shuffled", "frozen"],
    }
    plan = Plan(resolve(config, ROOT), ROOT / "config/paper")
    return plan.runs(), claim_tree(plan)


def held(planned, cheat=0.0, shuffled=0.0):
    """Verdicts on results of which ``cheat`` is what joint models know of neurons that nobody can predict.

    ``shuffled`` is what models know after training on shuffled responses.
    """
    runs, claims = planned
    rng = np.random.default_rng(1)
    response = rng.gamma(1, 0.6, (IMAGES, NEURONS))
    shared = rng.normal(0, 0.5, response.shape)
    scores = {}
    for run in runs:
        joint = run.model == "cae-fr" and run.control is None
        knows = np.where(SEE, shuffled if run.control == "shuffled" else 0.5, cheat * joint)
        prediction = knows * response + shared + rng.normal(0, 0.05, response.shape)
        group = {"significant": np.arange(15, 40), "insignificant": np.arange(20)}.get(
            run.neurons, np.arange(NEURONS)
        )
        scores[run.name] = Scores(
            group, np.full(IMAGES, 0.08), prediction=prediction[:, group], response=response[:, group]
        )
    frame = judge(claims, scores, [], RULES)
    return held_against_truth(frame, claims, scores, {"region3": SEE}, RULES).set_index("claim")


def test_as_built_the_results_agree(planned):
    frame = held(planned)
    assert [*frame.reset_index().columns] == [*COLUMNS, "population"]
    known = frame[frame["level"] == "known"]
    assert known["population"].to_dict() == {"known-unresponsive": "agrees", "known-shuffled": "agrees"}
    assert set(frame.loc[frame["level"] != "known", "population"]) == {"not determined"}
    assert known.loc["known-unresponsive", "verdict"] == "practically none"
    # Only the neurons that see the image count: over all of them the effect is smaller by their share.
    assert known.loc["known-shuffled", "effect"] == pytest.approx(0.5 / np.hypot(0.5, 0.5 / 0.6), abs=0.05)


def test_what_no_model_can_know_and_what_every_model_should(planned):
    cheated = held(planned, cheat=0.5)
    assert cheated.loc["known-unresponsive", "population"] == "disagrees"
    blind = held(planned, shuffled=2.0)
    assert blind.loc["known-shuffled", "population"] == "disagrees"


def test_one_seed_tells_neither(planned):
    runs, claims = planned
    alone = [run for run in runs if run.seed == 0]
    first = tuple(
        replace(
            root,
            children=(),
            contrasts={
                name: tuple(pair for pair in pairs if pair[0].run.seed == 0)
                for name, pairs in root.contrasts.items()
            },
        )
        for root in claims
    )
    frame = held((alone, first))
    assert frame.loc["known-unresponsive", "population"] == "open"
    assert "known-shuffled" not in frame.index  # nor is there a control to compare with


def test_the_groups_of_table_3_are_counted(planned):
    note = held(planned).loc["mse-neurons", "note"]
    assert note.endswith(
        "100% of the significant neurons and 50% of the insignificant neurons were built to see the image"
    )
