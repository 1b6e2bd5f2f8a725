import subprocess
import sys

import numpy as np
import pytest

from daenr.data.receptive_fields import centres, spike_triggered_average


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(7)


def test_average_is_the_response_weighted_mean_image(generator):
    images = generator.uniform(-1, 1, (5, 1, 32, 32)).astype(np.float32)
    responses = generator.uniform(0, 3, (5, 2)).astype(np.float32)
    average = spike_triggered_average(images, responses)
    for neuron in range(2):
        expected = sum(float(responses[i, neuron]) * images[i, 0].astype(np.float64) for i in range(5))
        np.testing.assert_allclose(
            average[neuron], expected / responses[:, neuron].sum(dtype=np.float64), rtol=0, atol=1e-12
        )


def test_average_does_not_depend_on_the_gain_of_a_neuron(generator):
    images = generator.uniform(-1, 1, (20, 1, 32, 32)).astype(np.float32)
    responses = generator.uniform(0, 3, (20, 3))
    gain = np.array([0.01, 5.0, 1e6])
    np.testing.assert_allclose(
        spike_triggered_average(images, responses * gain),
        spike_triggered_average(images, responses),
        rtol=0,
        atol=1e-12,
    )


def _linear_neurons(generator: np.random.Generator, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """White-noise images and neurons with a Gaussian receptive field at each place, rectified."""
    images = generator.uniform(-1, 1, (2000, 1, 32, 32)).astype(np.float32)
    row, column = np.mgrid[:32, :32]
    distance = (row - places[:, 0, None, None]) ** 2 + (column - places[:, 1, None, None]) ** 2
    filters = np.exp(-distance / (2 * 2.0**2)).reshape(len(places), -1)
    drive = images.reshape(len(images), -1) @ filters.T
    return images, np.maximum(drive, 0).astype(np.float32)


def test_centres_find_the_receptive_fields_of_linear_neurons(generator):
    places = np.array([[8, 22], [20, 9], [15, 16], [24, 25]])
    found = centres(*_linear_neurons(generator, places), sigma=1.5)
    assert found.dtype == np.int64
    np.testing.assert_allclose(found, places, atol=2)


def test_an_off_neuron_is_found_like_an_on_neuron(generator):
    images, responses = _linear_neurons(generator, np.array([[9, 21]]))
    np.testing.assert_array_equal(centres(-images, responses, 4.8), centres(images, responses, 4.8))


@pytest.fixture
def spots() -> np.ndarray:
    """Three bright spots in reach of each other, and a brighter one alone; and the negative of that image."""
    image = np.zeros((32, 32), np.float32)
    for row, column, value in ((4, 4, 0.9), (20, 20, 0.6), (20, 23, 0.6), (23, 21, 0.6)):
        image[row, column] = value
    return np.stack([image, -image])[:, None]


def test_centre_agrees_with_the_published_window(spots):
    """25 x 25 taps of exp(-(u^2 + v^2) / 2) at -2.5 ... 2.5, zeros outside the image: Klindt's `envelope`."""
    tap = np.exp(-(np.linspace(-2.5, 2.5, 25) ** 2) / 2)
    padded = np.pad(spots[0, 0].astype(np.float64) ** 2, 12)
    envelope = np.array(
        [[(padded[r : r + 25, c : c + 25] * np.outer(tap, tap)).sum() for c in range(32)] for r in range(32)]
    )
    expected = np.unravel_index(envelope.argmax(), envelope.shape)
    found = centres(spots, np.array([[1], [0]], np.float32), sigma=4.8)
    np.testing.assert_array_equal(found, [expected])
    assert tuple(found[0]) != (4, 4)


def test_a_small_blur_prefers_the_single_strongest_pixel(spots):
    found = centres(spots, np.array([[1], [0]], np.float32), sigma=0.3)
    assert tuple(found[0]) == (4, 4)


def test_what_all_images_have_in_common_is_no_receptive_field(generator):
    images, responses = _linear_neurons(generator, np.array([[8, 22], [20, 9]]))
    common = np.zeros((32, 32), np.float32)
    common[28:, :4] = 5
    np.testing.assert_array_equal(centres(images + common, responses, 4.8), centres(images, responses, 4.8))


def test_a_neuron_that_responds_to_all_images_alike_gets_the_centre_of_the_image(generator):
    images, responses = _linear_neurons(generator, np.array([[8, 22]]))
    assert tuple(centres(images, np.full_like(responses, 0.3), 4.8)[0]) == (16, 16)


def test_a_neuron_that_never_responds_gets_the_centre_of_the_image(generator):
    images, responses = _linear_neurons(generator, np.array([[8, 22], [20, 9]]))
    responses[:, 1] = 0
    found = centres(images, responses, 4.8)
    assert tuple(found[1]) == (16, 16)
    np.testing.assert_allclose(found[0], [8, 22], atol=2)


def test_centres_do_not_depend_on_the_order_of_neurons(generator):
    images, responses = _linear_neurons(generator, np.array([[8, 22], [20, 9], [15, 16]]))
    order = [2, 0, 1]
    np.testing.assert_array_equal(
        centres(images, responses[:, order], 4.8), centres(images, responses, 4.8)[order]
    )


def test_import_is_light():
    code = "import sys, daenr.data.receptive_fields; print(sorted({'scipy', 'torch', 'skimage'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
