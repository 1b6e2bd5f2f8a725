import numpy as np
import pytest

from daenr.statistics.correlation import constant, pearson


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(11)


def test_pearson_agrees_with_numpy(generator):
    prediction = generator.gamma(1.0, 1.0, (50, 20))
    response = prediction * generator.normal(0, 1, 20) + generator.normal(0, 2, (50, 20))
    expected = [np.corrcoef(prediction[:, n], response[:, n])[0, 1] for n in range(20)]
    np.testing.assert_allclose(pearson(prediction, response), expected, rtol=0, atol=1e-13)


def test_pearson_of_float32_has_the_accuracy_of_float64(generator):
    prediction = (100 + generator.normal(0, 0.1, (50, 5))).astype(np.float32)
    response = generator.gamma(1.0, 1.0, (50, 5)).astype(np.float32)
    expected = [
        np.corrcoef(prediction[:, n].astype(float), response[:, n].astype(float))[0, 1] for n in range(5)
    ]
    np.testing.assert_allclose(pearson(prediction, response), expected, rtol=0, atol=1e-12)


def test_pearson_is_unchanged_by_an_affine_map_and_flips_with_its_sign(generator):
    prediction, response = generator.normal(size=(2, 40, 6))
    r = pearson(prediction, response)
    np.testing.assert_allclose(pearson(3.5 * prediction + 2, response), r, rtol=0, atol=1e-12)
    np.testing.assert_allclose(pearson(prediction, 1e-3 * response - 1), r, rtol=0, atol=1e-9)
    np.testing.assert_allclose(pearson(-2 * prediction, response), -r, rtol=0, atol=1e-12)
    np.testing.assert_allclose(pearson(response, prediction), r, rtol=0, atol=1e-15)


def test_pearson_does_not_depend_on_the_order_of_neurons_or_images(generator):
    prediction, response = generator.normal(size=(2, 40, 6))
    r = pearson(prediction, response)
    neurons, images = generator.permutation(6), generator.permutation(40)
    shuffled = pearson(prediction[:, neurons], response[:, neurons])
    np.testing.assert_allclose(shuffled, r[neurons], rtol=0, atol=1e-13)
    np.testing.assert_allclose(pearson(prediction[images], response[images]), r, rtol=0, atol=1e-13)


def test_pearson_of_a_perfect_prediction_is_one_and_never_more(generator):
    response = generator.gamma(1.0, 1.0, (50, 300))
    r = pearson(2 * response, response)
    np.testing.assert_allclose(r, 1.0, rtol=0, atol=1e-13)
    assert r.max() <= 1.0


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1.0, 1e30])
def test_a_neuron_within_rounding_of_constant_has_r_zero_at_any_scale(generator, scale):
    response = generator.gamma(1.0, 1.0, (50, 3))
    prediction = np.empty((50, 3), np.float32)
    prediction[:, 0] = 0.7 * scale
    # one unit in the last place up or down: what a float32 network leaves of a constant
    prediction[:, 1] = np.nextafter(
        np.float32(0.7 * scale), np.where(response[:, 1] > 1, np.inf, 0).astype(np.float32)
    )
    prediction[:, 2] = scale * response[:, 2]
    np.testing.assert_allclose(pearson(prediction, response), [0, 0, 1], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(constant(prediction), [True, True, False])


def test_a_silent_neuron_is_constant(generator):
    prediction = generator.gamma(1.0, 1.0, (50, 2))
    response = prediction.copy()
    response[:, 0] = 0
    np.testing.assert_allclose(pearson(prediction, response), [0, 1], rtol=0, atol=1e-12)
