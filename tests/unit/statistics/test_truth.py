import numpy as np
import pandas as pd
import pytest

from daenr.statistics import truth
from daenr.statistics.significance import RULES


def _tested(neurons, **called):
    """Neurons in the order given, and which of them each rule calls significant."""
    rules = {rule: np.isin(neurons, called.get(rule, [])) for rule in RULES}
    return pd.DataFrame({"neuron": neurons, **rules})


RESPONSIVE = np.array([True, True, False, True, False, True])


def test_errors_are_counted_per_rule_by_the_neurons_numbers():
    found = truth.errors(
        _tested([5, 4, 3, 2, 1, 0], significant=[0, 1, 2, 5], significant_bh=[0]), RESPONSIVE
    )
    assert found["rule"].tolist() == list(RULES)
    by_rule = found.set_index("rule")
    assert by_rule.loc["significant"].tolist() == [1, 1 / 2, 1 / 4, 3 / 4]
    assert by_rule.loc["significant_bh"].tolist() == [0, 0, 0, 1 / 4]
    assert by_rule.loc["significant_permutation"].tolist() == [0, 0, 0, 0]


def test_a_share_of_no_neurons_is_missing():
    found = truth.errors(_tested([0, 1], significant=[0]), np.array([True, True])).set_index("rule")
    assert np.isnan(found.loc["significant", "false_positive_rate"])
    assert found.loc["significant", "power"] == 0.5


def _runs():
    """Two layers of each of two seeds; the power under the paper's rule is 1/4, 3/4 and 1, 1."""
    calls = {0: ([0], [0, 1, 3]), 1: ([0, 1, 3, 5], [0, 1, 3, 5, 2])}
    return [
        ("region2", seed, truth.errors(_tested(list(range(6)), significant=called), RESPONSIVE))
        for seed, layers in calls.items()
        for called in layers
    ]


def test_layers_are_averaged_before_seeds():
    frame = truth.tidy(_runs())
    assert list(frame.columns) == truth.COLUMNS
    row = frame.set_index(["rule", "metric"]).loc[("significant", "power")]
    assert row["value"] == pytest.approx((0.5 + 1) / 2)
    assert row["sd"] == pytest.approx(np.std([0.5, 1], ddof=1))
    assert row["n"] == 2
    row = frame.set_index(["rule", "metric"]).loc[("significant", "false_positives")]
    assert row["value"] == pytest.approx((0 + 0.5) / 2)
