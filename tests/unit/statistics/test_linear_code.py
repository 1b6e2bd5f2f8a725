import numpy as np
import pytest
from sklearn.decomposition import PCA

from daenr.statistics.linear_code import linear_code


def stimuli(count: int, seed: int) -> np.ndarray:
    """Smooth images in [-1, 1]."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:8, :8]
    across, down, phase = rng.uniform(0.1, 0.9, (3, count, 1, 1, 1))
    return (0.9 * np.sin(across * row + down * column + 6 * phase)).astype(np.float32)


@pytest.mark.parametrize("size", [1, 5, 20])
def test_it_is_principal_component_analysis(size: int) -> None:
    training, images = stimuli(40, 0), stimuli(7, 1)
    pca = PCA(size, svd_solver="full").fit(training.reshape(40, -1).astype(np.float64))
    expected = pca.inverse_transform(pca.transform(images.reshape(7, -1).astype(np.float64)))
    assert linear_code(training, images, size) == pytest.approx(
        expected.clip(-1, 1).reshape(images.shape), abs=1e-6
    )


def test_more_numbers_never_reconstruct_the_training_images_worse() -> None:
    training = stimuli(40, 0)
    errors = [np.square(linear_code(training, training, size) - training).mean() for size in (1, 4, 16, 64)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-9


def test_the_test_images_do_not_shape_the_code() -> None:
    training, images = stimuli(40, 0), stimuli(7, 1)
    alone = linear_code(training, images[:1], 5)
    assert linear_code(training, images, 5)[:1] == pytest.approx(alone, abs=1e-6)
