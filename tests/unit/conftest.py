"""What several unit tests need: a recording small enough to train on within milliseconds."""

from collections.abc import Callable

import jaxtyping
import numpy as np
import pytest

from daenr.data.region import RegionData


def _images(generator: np.random.Generator, count: int) -> np.ndarray:
    """Gratings of random frequency and phase in [-1, 1]."""
    row, column = np.mgrid[:32, :32]
    across, down, phase = generator.uniform(0.1, 0.9, (3, count, 1, 1, 1))
    return np.sin(across * row + down * column + 6 * phase).astype(np.float32)


@pytest.fixture(scope="session")
def make_region() -> Callable[..., RegionData]:
    """A region with gratings as stimuli and responses that have nothing to do with them."""

    def make(
        train: int = 24, validation: int = 10, test: int = 7, neurons: int = 5, seed: int = 0
    ) -> RegionData:
        generator = np.random.default_rng(seed)
        trials = generator.gamma(1.0, 0.6, (3, test, neurons)).astype(np.float32)
        return RegionData(
            train_images=_images(generator, train),
            train_responses=generator.gamma(1.0, 0.6, (train, neurons)).astype(np.float32),
            train_image_id=np.arange(train),
            validation_images=_images(generator, validation),
            validation_responses=generator.gamma(1.0, 0.6, (validation, neurons)).astype(np.float32),
            validation_image_id=np.arange(train, train + validation),
            test_images=_images(generator, test),
            test_trials=trials,
            test_responses=trials.mean(0),
            receptive_field=generator.integers(0, 32, (neurons, 2)),
            response_scale=np.ones(neurons, np.float32),
            responsive=None,
            attributes={},
        )

    return make


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without checks of shapes and types, for what is done thousands of times: they take most of the time."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
