"""What a study is expected to find is what planted results of its size do show."""

import numpy as np
import pytest

from benchmarks.power import RULES, SETS, decided, primaries
from daenr.paper.power import SPREADS, smallest_effects
from daenr.statistics.inference import crossed


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("metric", SPREADS)
def test_the_expected_mean_squares_are_those_of_planted_tables(metric):
    rng = np.random.default_rng(0)
    seeds, images = 4, 30
    seed, image, rest = SPREADS[metric].components
    found = [
        crossed(
            [
                seed * rng.standard_normal((seeds, 1))
                + image * rng.standard_normal((1, images))
                + rest * rng.standard_normal((seeds, images))
            ]
        )
        for _ in range(4000)
    ]
    expected = SPREADS[metric].expected(seeds, images)
    for term in ("of_seeds", "of_units", "of_rest"):
        mean = np.mean([getattr(one, term).variance for one in found])
        assert mean == pytest.approx(getattr(expected, term).variance, rel=0.05)
        assert getattr(found[0], term).freedom == getattr(expected, term).freedom


def test_the_spread_is_what_it_says_with_five_seeds_and_fifty_images():
    spread = SPREADS["pcc"]
    expected = spread.expected(5, 50)
    assert 5 * expected.of_seeds.variance == pytest.approx(spread.seeds**2)
    assert expected.of_units.variance == pytest.approx(spread.images**2)


@pytest.mark.usefixtures("unchecked")
def test_the_smallest_effect_of_a_study_is_found_in_four_of_five_sets():
    effect = smallest_effects(["mse", "pcc"], 5, 50, RULES)["pcc"]
    found = [result["pcc"].verdict for result in decided({"pcc": effect}, primaries())]
    assert found.count("supported") / SETS == pytest.approx(0.8, abs=0.06)


def test_a_claim_that_is_alone_has_the_whole_level():
    both, alone = smallest_effects(["mse", "pcc"], 5, 50, RULES), smallest_effects(["pcc"], 5, 50, RULES)
    assert alone["pcc"] < both["pcc"]
