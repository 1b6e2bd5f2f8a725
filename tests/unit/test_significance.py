import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

# The module and not its function: pytest would collect `test_neurons` here.
from daenr import significance
from daenr.correlation import pearson


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(13)


def _population(generator: np.random.Generator, images: int, neurons: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions that range from useless to good, of either sign."""
    response = generator.gamma(1.0, 1.0, (images, neurons))
    return response * np.linspace(-0.6, 0.9, neurons) + generator.normal(0, 1, (images, neurons)), response


@pytest.mark.parametrize("images", [3, 4, 12, 50])
def test_p_is_that_of_students_t(generator, images):
    prediction, response = _population(generator, images, 8)
    tested = significance.test_neurons(prediction, response, 0.05, np.arange(8))
    r = np.array([np.corrcoef(prediction[:, n], response[:, n])[0, 1] for n in range(8)])
    t = r * np.sqrt((images - 2) / (1 - r**2))
    np.testing.assert_allclose(tested["p"], 2 * stats.t.sf(np.abs(t), images - 2), rtol=1e-8)


def test_agrees_with_scipys_own_test(generator):
    prediction, response = _population(generator, 50, 12)
    tested = significance.test_neurons(prediction, response, 0.05, np.arange(12))
    for n in range(12):
        expected = stats.pearsonr(prediction[:, n], response[:, n])
        assert tested["pcc"][n] == pytest.approx(expected.statistic, abs=1e-12)
        assert tested["p"][n] == pytest.approx(expected.pvalue, rel=1e-8)


def test_p_is_near_that_of_all_permutations(generator):
    prediction, response = _population(generator, 7, 5)
    tested = significance.test_neurons(prediction, response, 0.05, np.arange(5))
    orders = list(itertools.permutations(range(7)))
    for n in range(5):
        shuffled = pearson(
            np.repeat(prediction[:, [n]], len(orders), axis=1), response[np.array(orders).T, n]
        )
        share = np.mean(np.abs(shuffled) >= abs(tested["pcc"][n]) - 1e-12)
        assert tested["p"][n] == pytest.approx(share, abs=0.08)


def test_unrelated_neurons_are_significant_as_often_as_the_threshold_says(generator):
    prediction, response = generator.normal(size=(2, 20, 4000))
    tested = significance.test_neurons(prediction, response, 0.05, np.arange(4000))
    # four standard deviations of a binomial share around 0.05
    assert tested["significant"].mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 4000))


def test_r_is_the_one_that_evaluation_reports(generator):
    prediction, response = _population(generator, 50, 12)
    prediction[:, 3] = 0.25
    tested = significance.test_neurons(prediction, response, 0.05, np.arange(12))
    np.testing.assert_array_equal(tested["pcc"], pearson(prediction, response))


def test_columns_hold_the_given_neuron_numbers_in_order(generator):
    prediction, response = _population(generator, 50, 3)
    tested = significance.test_neurons(prediction, response, 0.05, np.array([41, 2, 17]))
    assert list(tested.columns) == ["neuron", "pcc", "p", "significant"]
    assert tested["neuron"].tolist() == [41, 2, 17]
    assert tested["significant"].dtype == bool


def test_result_does_not_depend_on_the_order_of_neurons(generator):
    prediction, response = _population(generator, 50, 12)
    order = generator.permutation(12)
    tested = significance.test_neurons(prediction, response, 0.05, np.arange(12))
    shuffled = significance.test_neurons(prediction[:, order], response[:, order], 0.05, order)
    pd.testing.assert_frame_equal(shuffled.sort_values("neuron", ignore_index=True), tested)


def test_a_neuron_without_variance_is_insignificant(generator):
    prediction, response = _population(generator, 50, 4)
    prediction[:, 0] = 0.7
    response[:, 1] = 0
    tested = significance.test_neurons(prediction, response, 0.05, np.arange(4))
    assert tested["pcc"][:2].tolist() == [0, 0]
    assert tested["p"][:2].tolist() == [1, 1]
    assert not tested["significant"][:2].any()


def test_perfect_predictions_are_significant_with_p_zero(generator):
    response = generator.gamma(1.0, 1.0, (50, 3))
    tested = significance.test_neurons(response * [1, -1, 2], response, 0.05, np.arange(3))
    np.testing.assert_allclose(tested["p"], 0, atol=1e-100)
    assert tested["significant"].all()


def test_threshold_is_inclusive(generator):
    prediction, response = _population(generator, 50, 12)
    p = significance.test_neurons(prediction, response, 0.05, np.arange(12))["p"]
    at = significance.test_neurons(prediction, response, float(p[5]), np.arange(12))
    below = significance.test_neurons(prediction, response, float(np.nextafter(p[5], 0)), np.arange(12))
    assert at["significant"][5]
    assert not below["significant"][5]


def test_two_images_are_refused(generator):
    with pytest.raises(ValueError, match="2 test images"):
        significance.test_neurons(*_population(generator, 2, 3), 0.05, np.arange(3))


def test_groups_are_disjoint_exhaustive_and_ascending(generator):
    prediction, response = _population(generator, 50, 12)
    numbers = generator.permutation(100)[:12]
    tested = significance.test_neurons(prediction, response, 0.05, numbers)
    yes, no = significance.group(tested, "significant"), significance.group(tested, "insignificant")
    assert len(yes) > 0
    assert len(no) > 0
    assert sorted([*yes, *no]) == sorted(numbers)
    assert yes.tolist() == sorted(yes)
    assert yes.dtype == no.dtype == np.int64


def test_group_survives_a_csv_file(generator, tmp_path):
    tested = significance.test_neurons(*_population(generator, 50, 12), 0.05, np.arange(12))
    tested.to_csv(tmp_path / "significance.csv", index=False)
    again = pd.read_csv(tmp_path / "significance.csv")
    np.testing.assert_array_equal(
        significance.group(again, "significant"), significance.group(tested, "significant")
    )


def test_an_empty_group_is_an_empty_array(generator):
    response = generator.gamma(1.0, 1.0, (50, 3))
    tested = significance.test_neurons(response, response, 0.05, np.arange(3))
    assert significance.group(tested, "insignificant").shape == (0,)


def test_an_unknown_group_is_refused_with_the_choices(generator):
    tested = significance.test_neurons(*_population(generator, 50, 3), 0.05, np.arange(3))
    with pytest.raises(ValueError, match=r"\['insignificant', 'significant'\], got 'all'"):
        significance.group(tested, "all")
