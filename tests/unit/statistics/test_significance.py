import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from daenr.files import read_frame
from daenr.statistics import significance
from daenr.statistics.correlation import pearson


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(13)


def _tested(
    prediction: np.ndarray,
    response: np.ndarray,
    threshold: float,
    neurons: np.ndarray,
    permutations: int = 99,
) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return significance.neuron_significance(prediction, response, threshold, neurons, permutations, rng)


def _population(generator: np.random.Generator, images: int, neurons: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions that range from useless to good, of either sign."""
    response = generator.gamma(1.0, 1.0, (images, neurons))
    return response * np.linspace(-0.6, 0.9, neurons) + generator.normal(0, 1, (images, neurons)), response


@pytest.mark.parametrize("images", [3, 4, 12, 50])
def test_p_is_that_of_students_t(generator, images):
    prediction, response = _population(generator, images, 8)
    tested = _tested(prediction, response, 0.05, np.arange(8))
    r = np.array([np.corrcoef(prediction[:, n], response[:, n])[0, 1] for n in range(8)])
    t = r * np.sqrt((images - 2) / (1 - r**2))
    np.testing.assert_allclose(tested["p"], 2 * stats.t.sf(np.abs(t), images - 2), rtol=1e-8)


def test_agrees_with_scipys_own_test(generator):
    prediction, response = _population(generator, 50, 12)
    tested = _tested(prediction, response, 0.05, np.arange(12))
    for n in range(12):
        expected = stats.pearsonr(prediction[:, n], response[:, n])
        assert tested["pcc"][n] == pytest.approx(expected.statistic, abs=1e-12)
        assert tested["p"][n] == pytest.approx(expected.pvalue, rel=1e-8)


def test_p_is_near_that_of_all_permutations(generator):
    prediction, response = _population(generator, 7, 5)
    tested = _tested(prediction, response, 0.05, np.arange(5))
    orders = list(itertools.permutations(range(7)))
    for n in range(5):
        shuffled = pearson(
            np.repeat(prediction[:, [n]], len(orders), axis=1), response[np.array(orders).T, n]
        )
        share = np.mean(np.abs(shuffled) >= abs(tested["pcc"][n]) - 1e-12)
        assert tested["p"][n] == pytest.approx(share, abs=0.08)


def test_unrelated_neurons_are_significant_as_often_as_the_threshold_says(generator):
    prediction, response = generator.normal(size=(2, 20, 4000))
    tested = _tested(prediction, response, 0.05, np.arange(4000))
    # four standard deviations of a binomial share around 0.05
    assert tested["significant"].mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 4000))


def test_r_is_the_one_that_evaluation_reports(generator):
    prediction, response = _population(generator, 50, 12)
    prediction[:, 3] = 0.25
    tested = _tested(prediction, response, 0.05, np.arange(12))
    np.testing.assert_array_equal(tested["pcc"], pearson(prediction, response))


def test_columns_hold_the_given_neuron_numbers_in_order(generator):
    prediction, response = _population(generator, 50, 3)
    tested = _tested(prediction, response, 0.05, np.array([41, 2, 17]))
    assert list(tested.columns) == [
        *("neuron", "pcc", "p", "significant"),
        *("q", "significant_bh", "p_permutation", "significant_permutation", "chance"),
    ]
    assert tested["neuron"].tolist() == [41, 2, 17]
    assert all(tested[rule].dtype == bool for rule in significance.RULES)


def test_result_does_not_depend_on_the_order_of_neurons(generator):
    prediction, response = _population(generator, 50, 12)
    order = generator.permutation(12)
    tested = _tested(prediction, response, 0.05, np.arange(12))
    shuffled = _tested(prediction[:, order], response[:, order], 0.05, order)
    pd.testing.assert_frame_equal(shuffled.sort_values("neuron", ignore_index=True), tested)


def test_a_neuron_without_variance_is_insignificant(generator):
    prediction, response = _population(generator, 50, 4)
    prediction[:, 0] = 0.7
    response[:, 1] = 0
    tested = _tested(prediction, response, 0.05, np.arange(4))
    assert tested["pcc"][:2].tolist() == [0, 0]
    assert tested["p"][:2].tolist() == [1, 1]
    assert not tested[list(significance.RULES)][:2].any(axis=None)
    assert tested["p_permutation"][:2].tolist() == [1, 1]
    assert tested["chance"][:2].tolist() == [0, 0]


def test_perfect_predictions_are_significant_with_p_zero(generator):
    response = generator.gamma(1.0, 1.0, (50, 3))
    tested = _tested(response * [1, -1, 2], response, 0.05, np.arange(3))
    np.testing.assert_allclose(tested["p"], 0, atol=1e-100)
    assert tested["significant"].all()


def test_threshold_is_inclusive(generator):
    prediction, response = _population(generator, 50, 12)
    p = _tested(prediction, response, 0.05, np.arange(12))["p"]
    at = _tested(prediction, response, float(p[5]), np.arange(12))
    below = _tested(prediction, response, float(np.nextafter(p[5], 0)), np.arange(12))
    assert at["significant"][5]
    assert not below["significant"][5]


def test_two_images_are_refused(generator):
    with pytest.raises(ValueError, match="2 images"):
        _tested(*_population(generator, 2, 3), 0.05, np.arange(3))


# ---- rules that allow for many neurons and for responses that are not normal --------------------------


def _adjusted(p: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg (1995), as they put it: reject the k smallest p, k the largest with p_(k) <= k/m a.

    The adjusted p is the smallest level a at which a neuron is rejected.
    """
    m = len(p)
    levels = sorted(min(1.0, value * m / rank) for rank, value in enumerate(np.sort(p), 1))

    def rejected(level: float) -> np.ndarray:
        passing = [k for k in range(1, m + 1) if np.sort(p)[k - 1] <= k / m * level * (1 + 1e-12)]
        return p <= (np.sort(p)[max(passing) - 1] if passing else -1)

    return np.array([next(level for level in levels if rejected(level)[n]) for n in range(m)])


def test_q_is_the_level_at_which_benjamini_and_hochberg_reject(generator):
    prediction, response = _population(generator, 20, 15)
    tested = _tested(prediction, response, 0.05, np.arange(15))
    np.testing.assert_allclose(tested["q"], _adjusted(tested["p"].to_numpy()), rtol=1e-9)
    assert 0 < tested["significant_bh"].sum() < tested["significant"].sum()
    assert (tested["significant_bh"] == (tested["q"] <= 0.05)).all()


def test_permutation_p_counts_every_order_of_few_images(generator):
    """With 5 images there are 120 orders; 120 permutations take each once, and p is a share of them."""
    prediction, response = _population(generator, 5, 6)
    tested = _tested(prediction, response, 0.2, np.arange(6), permutations=120)
    orders = np.array(list(itertools.permutations(range(5))))
    for n in range(6):
        shuffled = [stats.pearsonr(prediction[order, n], response[:, n]) for order in orders]
        strong = [abs(test.statistic) >= abs(tested["pcc"][n]) - 1e-12 for test in shuffled]
        assert tested["p_permutation"][n] == pytest.approx(np.mean(strong), abs=1e-12)
        assert tested["chance"][n] == pytest.approx(np.mean([test.pvalue <= 0.2 for test in shuffled]))
    assert (tested["significant_permutation"] == (tested["p_permutation"] <= 0.2)).all()


def test_drawn_permutations_approach_all_of_them(generator):
    prediction, response = _population(generator, 7, 5)
    exact = _tested(prediction, response, 0.05, np.arange(5), permutations=5040)
    drawn = _tested(prediction, response, 0.05, np.arange(5), permutations=5039)
    # four standard deviations of a binomial share
    assert (exact["p_permutation"] - drawn["p_permutation"]).abs().max() < 4 * np.sqrt(0.25 / 5039)
    assert not exact["p_permutation"].equals(drawn["p_permutation"])


def test_permutation_p_is_uniform_without_a_relation(generator):
    """Responses as skewed as recorded ones, half of them zero."""
    response = generator.gamma(0.5, 1.0, (20, 1000)) * (generator.random((20, 1000)) < 0.5)
    tested = _tested(generator.gamma(1.0, 1.0, (20, 1000)), response, 0.05, np.arange(1000), 199)
    p = tested["p_permutation"]
    assert p.min() >= 1 / 200
    for level in (0.05, 0.1, 0.25, 0.5, 0.75, 0.9):
        assert (p <= level).mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 1000))


def test_chance_sums_to_the_threshold_for_normal_noise(generator):
    """So does it for neurons that are predicted well: shuffled images have nothing to do with each other."""
    prediction, response = generator.normal(size=(2, 30, 400))
    prediction[:, 200:] += 2 * response[:, 200:]
    tested = _tested(prediction, response, 0.05, np.arange(400), permutations=999)
    assert tested["significant"][200:].all()
    for half in (tested["chance"][:200], tested["chance"][200:]):
        assert half.sum() == pytest.approx(0.05 * 200, abs=1.0)


def test_one_permutation_moves_all_neurons(generator):
    """Neurons that are alike are called significant in the same permutations, so they keep their correlations."""
    prediction, response = _population(generator, 30, 1)
    twice = _tested(prediction.repeat(2, axis=1), response.repeat(2, axis=1), 0.05, np.arange(2))
    assert twice["p_permutation"][0] == twice["p_permutation"][1]
    assert twice["chance"][0] == twice["chance"][1]


def test_permutations_are_those_of_the_generator(generator):
    prediction, response = _population(generator, 30, 6)
    first, again, other = (
        significance.neuron_significance(
            prediction, response, 0.05, np.arange(6), 99, np.random.default_rng(seed)
        )
        for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first["chance"].equals(other["chance"])
    pd.testing.assert_frame_equal(first.iloc[:, :6], other.iloc[:, :6])


def test_batches_of_permutations_change_nothing(generator, monkeypatch):
    prediction, response = _population(generator, 30, 6)
    at_once = _tested(prediction, response, 0.05, np.arange(6))
    monkeypatch.setattr(significance, "_BATCH", 30 * 6 * 7)
    pd.testing.assert_frame_equal(_tested(prediction, response, 0.05, np.arange(6)), at_once)


def test_trials_of_one_image_are_averaged():
    image = np.array([7, 3, 7, 9, 7])
    values = np.array([[1.0, 0.0], [4.0, 5.0], [2.0, 0.0], [6.0, 7.0], [6.0, 3.0]], dtype=np.float32)
    mean = significance.mean_over_trials(values, image)
    np.testing.assert_array_equal(mean, [[4.0, 5.0], [3.0, 1.0], [6.0, 7.0]])


# ---- groups -------------------------------------------------------------------------------------------


def test_groups_are_disjoint_exhaustive_and_ascending(generator):
    prediction, response = _population(generator, 50, 12)
    numbers = generator.permutation(100)[:12]
    tested = _tested(prediction, response, 0.05, numbers)
    yes, no = significance.group(tested, "significant"), significance.group(tested, "insignificant")
    assert len(yes) > 0
    assert len(no) > 0
    assert sorted([*yes, *no]) == sorted(numbers)
    assert yes.tolist() == sorted(yes)
    assert yes.dtype == no.dtype == np.int64


def test_group_survives_a_csv_file(generator, tmp_path):
    tested = _tested(*_population(generator, 50, 12), 0.05, np.arange(12))
    tested.to_csv(tmp_path / "significance.csv", index=False)
    again = read_frame(tmp_path / "significance.csv")
    np.testing.assert_array_equal(
        significance.group(again, "significant"), significance.group(tested, "significant")
    )


def test_an_empty_group_is_an_empty_array(generator):
    response = generator.gamma(1.0, 1.0, (50, 3))
    tested = _tested(response, response, 0.05, np.arange(3))
    assert significance.group(tested, "insignificant").shape == (0,)


def test_an_unknown_group_is_refused_with_the_choices(generator):
    tested = _tested(*_population(generator, 50, 3), 0.05, np.arange(3))
    with pytest.raises(ValueError, match=r"\['significant', 'insignificant', .*\], got 'all'"):
        significance.group(tested, "all")


def test_random_groups_are_disjoint_have_the_groups_sizes_and_follow_the_seed():
    tested = pd.DataFrame({"neuron": np.arange(100, 140), "significant": np.arange(40) % 4 == 0})
    drawn = [
        [significance.group(tested, f"random-{name}", seed) for name in ("significant", "insignificant")]
        for seed in (0, 0, 1)
    ]
    for yes, no in drawn:
        assert (len(yes), len(no)) == (10, 30)
        assert sorted([*yes, *no]) == list(range(100, 140))
    assert drawn[0][0].tolist() == drawn[1][0].tolist() != drawn[2][0].tolist()
    # Of ten drawn from forty, 2.5 are significant on average, with a standard deviation of 1.2 (hypergeometric).
    many = [
        np.isin(significance.group(tested, "random-significant", s), np.arange(100, 140, 4)).sum()
        for s in range(400)
    ]
    assert np.mean(many) == pytest.approx(2.5, abs=4 * 1.2 / 20)
