"""Medians and sums over the trainings of a model."""

import pytest

from daenr.reporting.runtimes import render, tidy


def record(model, steps, seconds, reason=None):
    return {"run": {"model": model}, "steps": steps, "seconds": seconds, "reason": reason}


def test_medians_and_sums_of_each_model():
    frame = tidy(
        [
            record("cae", 100, 10.0),
            record("cae-fr", 40, 7200.0),
            record("cae", 300, 30.0),
            record("cae", 200, 3560.0),
            {"run": {"model": "cae-fr"}, "reason": "no significant neurons"},
        ]
    )
    assert frame["model"].tolist() == ["cae", "cae-fr"]
    assert frame["trainings"].tolist() == [3, 1]
    assert frame["steps"].tolist() == [200, 40]
    assert frame["seconds"].tolist() == [30.0, 7200.0]
    assert frame["minutes"].tolist() == pytest.approx([60.0, 120.0])
    assert "CAE-FR" in render(frame).md
