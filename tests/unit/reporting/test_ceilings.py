from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from daenr.files import read_frame
from daenr.reporting import ceilings
from daenr.statistics.ceilings import neuron_ceilings

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


@pytest.fixture
def reread(tmp_path):
    """A frame, or its columns, after they went through their CSV."""

    def through(columns):
        pd.DataFrame(columns).to_csv(tmp_path / "frame.csv", index=False)
        return read_frame(tmp_path / "frame.csv")

    return through


def test_neurons_without_signal_are_reported_and_count_as_0(reread):
    neurons = neuron_ceilings(opposed())
    assert neurons["signal"].tolist() == [False, True, True, True]
    assert np.isnan(neurons["cc_max"]).tolist() == [True, False, False, False]
    (row,) = ceilings.tidy({"v1": reread(neurons)}).to_dict("records")
    assert (row["neurons"], row["without_signal"]) == (4, 1)
    assert row["cc_max"] == pytest.approx(3 / 4)


@pytest.mark.parametrize(("repeats", "images"), [(1, 20), (4, 1)])
def test_a_recording_that_shows_no_ceiling_is_a_dash(repeats, images, reread):
    short = reread(neuron_ceilings(trials(repeats, images)))
    frame = ceilings.tidy({"left": reread(neuron_ceilings(trials())), "right": short})
    made = ceilings.render(reread(frame))
    rows = [line for line in made.md.splitlines() if line.startswith("|")]
    assert rows[-1].count("–<sup>a</sup>") == 4  # noqa: RUF001
    assert "5" in rows[-1]
    assert "two repeats" in made.md


@pytest.mark.skipif(not RECORDING.is_dir(), reason="needs the published recording")
@pytest.mark.parametrize(
    ("region", "ceiling", "oracle", "silent"),
    [("region1", 0.808, 0.388, 1), ("region2", 0.697, 0.296, 3), ("region3", 0.784, 0.355, 2)],
)
def test_ceilings_of_the_published_recording(region, ceiling, oracle, silent):
    raw = np.load(RECORDING / region / "raw_validation_set.npy")
    (row,) = ceilings.tidy({region: pd.DataFrame(neuron_ceilings(raw))}).to_dict("records")
    assert (round(row["cc_max"], 3), round(row["oracle"], 3), row["without_signal"]) == (
        ceiling,
        oracle,
        silent,
    )
