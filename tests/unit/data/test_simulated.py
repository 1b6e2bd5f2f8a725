"""The simulated recording against the real one's statistics (design.md, Section 2) and against its own model."""

import socket
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import skimage.data
from numpy.lib.stride_tricks import sliding_window_view

from daenr.data import archive, simulated
from daenr.data.layouts import antolik2016
from daenr.data.recording import Recording
from daenr.data.simulated import Population, simulate, simulate_archive
from daenr.paper.published import region_sizes
from daenr.statistics import ceilings

PAPER = Path(__file__).parents[3] / "config" / "paper"
SIZES = {size.region: size for size in region_sizes(PAPER)}
SMALL = {"train_images": 30, "test_images": 6, "repeats": 3, "neurons": 7}


@pytest.fixture(scope="module")
def recordings() -> dict[str, Recording]:
    """All regions at the paper's size."""
    return {region: simulate(**asdict(size), seed=5) for region, size in SIZES.items()}


@pytest.fixture(params=SIZES)
def recording(request: pytest.FixtureRequest, recordings: dict[str, Recording]) -> Recording:
    return recordings[request.param]


@pytest.fixture
def few_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests to which stimuli do not matter: shrinking all photographs takes most of the time."""
    monkeypatch.setattr(simulated, "TRAINING_PHOTOGRAPHS", ("coins", "moon"))
    monkeypatch.setattr(simulated, "TEST_PHOTOGRAPHS", ("camera",))


# ---- the recording


def test_shapes_are_those_of_table_7(recording: Recording) -> None:
    size = SIZES[recording.region]
    assert recording.training_images.shape == (size.train_images, 31, 31)
    assert recording.training_responses.shape == (size.train_images, size.neurons)
    assert recording.test_images.shape == (size.test_images, 31, 31)
    assert recording.test_trials.shape == (size.repeats, size.test_images, size.neurons)
    assert recording.responsive is not None
    assert recording.responsive.shape == (size.neurons,)


def test_mean_response_is_that_of_the_real_recording(recording: Recording) -> None:
    assert 0.54 <= recording.training_responses.mean() <= 0.69
    assert 0.54 <= recording.test_trials.mean() <= 0.69


def test_share_of_zeros_is_that_of_the_real_recording(recording: Recording) -> None:
    assert 0.51 <= (recording.training_responses == 0).mean() <= 0.52
    assert (recording.test_trials == 0).mean() == pytest.approx(0.515, abs=0.05)


def test_responses_are_skewed_like_those_of_the_real_recording(recording: Recording) -> None:
    active = recording.training_responses[recording.training_responses > 0]
    assert recording.training_responses.min() == 0
    # Real: median 0.7-0.85, 90% 2.7-3.4, largest 18-22.
    assert 0.6 < np.median(active) < 0.95
    assert 2.4 < np.quantile(active, 0.9) < 3.7
    assert 10 < active.max() < 40


def test_noise_ceilings_are_those_of_the_real_recording(recording: Recording) -> None:
    assert 0.70 <= np.nan_to_num(ceilings.cc_max(recording.test_trials)).mean() <= 0.81
    assert 0.30 <= ceilings.oracle_correlation(recording.test_trials).mean() <= 0.39


def test_a_known_share_of_neurons_does_not_respond(recording: Recording) -> None:
    assert recording.responsive is not None
    assert (~recording.responsive).mean() == pytest.approx(0.15, abs=0.01)


def test_unresponsive_neurons_do_not_see_the_image(recording: Recording) -> None:
    oracle = ceilings.oracle_correlation(recording.test_trials)
    unresponsive = ~recording.responsive
    error = 1 / np.sqrt(recording.test_trials[..., 0].size)
    assert np.abs(oracle[unresponsive]).max() < 6 * error
    assert abs(oracle[unresponsive].mean()) < 6 * error / np.sqrt(unresponsive.sum())
    assert oracle[recording.responsive].mean() > 0.3


def flat(images: np.ndarray) -> np.ndarray:
    """Images x pixels."""
    return images.reshape(len(images), -1)


def test_pixels_predict_single_trials_of_responsive_neurons_alone(recording: Recording) -> None:
    images, responses = (
        (array - array.mean(axis=0)) / array.std(axis=0)
        for array in (flat(recording.training_images), recording.training_responses)
    )
    # Largest r with a pixel in units of its standard error.
    z = np.abs(images.T @ responses / len(images)).max(axis=0) * np.sqrt(len(images))
    assert z[~recording.responsive].max() < 5.5
    # Complex cells, 3 in 10, have no pixel that they like bright.
    assert (z[recording.responsive] > 6).mean() > 0.5


def test_responses_do_not_tell_which_neurons_are_unresponsive(recordings: dict[str, Recording]) -> None:
    responses = [recording.training_responses for recording in recordings.values()]
    responsive = np.concatenate([recording.responsive for recording in recordings.values()])
    mean, zeros, deviation = (
        np.concatenate([statistic(array) for array in responses])
        for statistic in (
            lambda array: array.mean(axis=0),
            lambda array: (array == 0).mean(axis=0),
            lambda array: array.std(axis=0) / array.mean(axis=0),
        )
    )
    for statistic in (mean, zeros, deviation):
        difference = statistic[responsive].mean() - statistic[~responsive].mean()
        error = statistic.std() * np.sqrt(1 / responsive.sum() + 1 / (~responsive).sum())
        assert abs(difference) < 4 * error


# ---- stimuli


def test_images_have_the_256_published_levels(recording: Recording) -> None:
    for images in (recording.training_images, recording.test_images):
        levels = images / 1e-6
        np.testing.assert_allclose(levels, levels.round(), atol=1e-6)
        assert images.min() == 0
        assert images.max() == 0.000255
    assert len(np.unique(recording.training_images)) == 256


def test_images_are_distinct_and_have_contrast(recording: Recording) -> None:
    for images in (recording.training_images, recording.test_images):
        assert len(np.unique(images, axis=0)) == len(images)
        assert flat(images).std(axis=1).min() >= 0.1 * 0.000255


def test_image_statistics_are_those_of_the_real_recording(recording: Recording) -> None:
    images = flat(recording.training_images)
    # Real test images of regions 1 and 2: 1.14e-4, 5.4%, 2.9%, 59%.
    assert images.mean() == pytest.approx(1.2e-4, rel=0.1)
    assert (images == 0).mean() == pytest.approx(0.05, abs=0.02)
    assert (images == images.max()).mean() == pytest.approx(0.03, abs=0.02)
    assert 0.5 < images.var(axis=1).mean() / images.var() < 0.8


def test_a_hundred_components_hold_the_test_images(recording: Recording) -> None:
    training, test = flat(recording.training_images), flat(recording.test_images)
    training, test = training - training.mean(axis=0), test - training.mean(axis=0)
    covariance = training.T @ training
    _, components = scipy.linalg.eigh(
        covariance, subset_by_index=[len(covariance) - 100, len(covariance) - 1]
    )
    residual = test - test @ components @ components.T
    assert (residual**2).sum() < 0.15 * (test**2).sum()


def test_regions_share_test_images_alone(recordings: dict[str, Recording]) -> None:
    for one, other in combinations(recordings.values(), 2):
        np.testing.assert_array_equal(one.test_images, other.test_images)
        together = np.concatenate([one.training_images, other.training_images])
        assert len(np.unique(together, axis=0)) > 0.99 * len(together)


def windows(names: tuple[str, ...]) -> set[int]:
    """Hash of every window of these photographs."""
    return {
        value
        for photograph in simulated.photographs(names, simulated.SHORT_SIDES)
        for value in hashes(photograph).ravel().tolist()
    }


def hashes(photograph: np.ndarray) -> np.ndarray:
    """Hash of each 31x31 window: a linear one, modulo 2^64, by rows and then by columns."""
    weights = np.random.default_rng(0).integers(2**63, size=(2, 31), dtype=np.uint64)
    rows = sliding_window_view(photograph.astype(np.uint64), 31, axis=1) @ weights[0]
    return sliding_window_view(rows, 31, axis=0) @ weights[1]


def test_test_patches_come_from_photographs_without_training_patches(
    recordings: dict[str, Recording],
) -> None:
    training, test = windows(simulated.TRAINING_PHOTOGRAPHS), windows(simulated.TEST_PHOTOGRAPHS)
    for recording in recordings.values():
        for images, inside, outside in (
            (recording.training_images, training, test),
            (recording.test_images, test, training),
        ):
            levels = (images * 1e6).round().reshape(-1, 31, 31)
            found = {int(hashes(image).item()) for image in levels}
            assert found <= inside
            assert not found & outside


def test_test_patches_hardly_overlap(recordings: dict[str, Recording]) -> None:
    """Found in the photographs by their content, and laid on a lattice over each photograph."""
    levels = (recordings["region1"].test_images * 1e6).round().reshape(-1, 31, 31)
    wanted = np.array([hashes(image).item() for image in levels], dtype=np.uint64)
    found = 0
    for name in simulated.TEST_PHOTOGRAPHS:
        areas = [
            np.outer(
                *(covered(start, length) for start, length in zip(corner, photograph.shape, strict=True))
            )
            for photograph in simulated.photographs((name,), simulated.SHORT_SIDES)
            for corner in np.argwhere(np.isin(hashes(photograph), wanted))
        ]
        found += len(areas)
        for one, other in combinations(areas, 2):
            # A quarter, and what the lattice is off by.
            assert (one & other).sum() <= 0.28 * min(one.sum(), other.sum())
    assert found == len(levels)


def covered(start: int, length: int) -> np.ndarray:
    """Which of 500 points along a photograph of this length in pixels a patch covers that starts here."""
    point = (np.arange(500) + 0.5) / 500 * length
    return (start <= point) & (point < start + 31)


def test_no_photograph_stands_under_two_names() -> None:
    names = (*simulated.TRAINING_PHOTOGRAPHS, *simulated.TEST_PHOTOGRAPHS)
    photographs = [getattr(skimage.data, name)() for name in names]
    for one, other in combinations(photographs, 2):
        assert isinstance(one, tuple) or isinstance(other, tuple) or not np.array_equal(one, other)


def test_photographs_need_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    names = (*simulated.TRAINING_PHOTOGRAPHS, *simulated.TEST_PHOTOGRAPHS)
    assert all(min(photograph.shape) == 31 for photograph in simulated.photographs(names, (31,)))


@pytest.mark.usefixtures("few_photographs")
def test_more_images_than_there_are_patches_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "SHORT_SIDES", (31,))
    with pytest.raises(ValueError, match=r"40 images: the photographs camera gave 1 distinct"):
        simulate("region1", **{**SMALL, "train_images": 2, "test_images": 40}, seed=0)


@pytest.mark.usefixtures("few_photographs")
def test_more_test_images_than_lie_apart_is_an_error() -> None:
    message = r"60 images: the photographs camera gave \d+ distinct ones that overlap by no more than 25%"
    with pytest.raises(ValueError, match=message):
        simulate("region1", **{**SMALL, "test_images": 60}, seed=0)


def test_equalised_photographs_have_all_levels_alike() -> None:
    grey = np.random.default_rng(0).permutation(np.linspace(0, 1, 1000) ** 2 / 2 + 0.5).reshape(40, 25)
    levels = simulated.equalise(grey)
    assert levels.dtype == np.float64
    assert (levels == 0).mean() == pytest.approx(0.05, abs=0.01)
    assert (levels == 255).mean() == pytest.approx(0.03, abs=0.01)
    between = levels[(levels > 0) & (levels < 255)]
    quarters = np.histogram(between, bins=[0, 64, 128, 192, 255])[0] / between.size
    np.testing.assert_allclose(quarters, 0.25, atol=0.02)
    order = grey.ravel().argsort()
    assert (np.diff(levels.ravel()[order]) >= 0).all()


def test_equalising_makes_no_texture_of_rounding_errors() -> None:
    grey = np.tile(np.linspace(0, 1, 20), (20, 1))
    sky = 0.5 + 1e-9 * np.random.default_rng(0).normal(size=(20, 20))
    levels = simulated.equalise(np.concatenate([grey, sky]))
    assert len(np.unique(levels[20:])) == 1


# ---- population


def neurons(*, simple: bool, phase: float = 0.3, orientation: float = 0.7) -> Population:
    """One neuron in the middle of the image."""
    one = {name: np.array([value]) for name, value in (("row", 15.0), ("column", 15.0), ("width", 3.0))}
    shape = {"elongation": np.array([1.2]), "cycles": np.array([0.3])}
    tuning = {"orientation": np.array([orientation]), "phase": np.array([phase])}
    kind = {"simple": np.array([simple]), "responsive": np.array([True])}
    return Population(**one, **shape, **tuning, **kind)


def grating(orientation: float, phase: float, contrast: float = 0.5) -> np.ndarray:
    """A grating of the neuron's spatial frequency, 0.1 cycles a pixel, around grey; levels."""
    row, column = np.mgrid[-15:16, -15:16]
    across = column * np.cos(orientation) + row * np.sin(orientation)
    return (127.5 + 127.5 * contrast * np.cos(2 * np.pi * 0.1 * across + phase)).reshape(1, -1)


def test_simple_cells_prefer_a_phase() -> None:
    neuron = neurons(simple=True)
    preferred, opposite = (
        simulated.drive(neuron, grating(0.7, phase)).item() for phase in (0.3, 0.3 + np.pi)
    )
    assert preferred > 0
    assert opposite == 0


def test_complex_cells_do_not_care_for_the_phase() -> None:
    neuron = neurons(simple=False)
    phases = [simulated.drive(neuron, grating(0.7, phase)).item() for phase in np.linspace(0, 2 * np.pi, 9)]
    assert max(phases) < 1.3 * min(phases)


@pytest.mark.parametrize("simple", [True, False])
def test_cells_prefer_an_orientation(simple: bool) -> None:
    neuron = neurons(simple=simple)
    along, across = (
        simulated.drive(neuron, grating(orientation, 0.3)).item() for orientation in (0.7, 0.7 + np.pi / 2)
    )
    assert along > 3 * across


def test_contrast_is_normalised() -> None:
    neuron = neurons(simple=False)
    low, high = (simulated.drive(neuron, grating(0.7, 0.3, contrast)).item() for contrast in (0.5, 1.0))
    # Energy alone would quadruple; at contrasts above the semi-saturation little of that is left.
    assert 1 < high / low < 2


def test_receptive_fields_are_local() -> None:
    neuron = neurons(simple=True)
    image = grating(0.7, 0.3)
    elsewhere = image.reshape(31, 31).copy()
    row, column = np.mgrid[-15:16, -15:16]
    elsewhere[np.hypot(row, column) > 14] = 127.5
    full, local = (simulated.drive(neuron, one.reshape(1, -1)).item() for one in (image, elsewhere))
    assert local == pytest.approx(full, rel=0.2)


# ---- noise


def test_responses_follow_the_drive() -> None:
    """Mean and zeros at three drives against the modulated Poisson model: P(0) = (1 + v rate)^(-1/v)."""
    rng = np.random.default_rng(0)
    drives = np.array([[0.2], [1.0], [4.0]])
    _, trials = simulated.respond(rng.exponential(size=(500, 1)), drives, np.array([True]), 50_000, rng)
    mean, silent = trials.mean(axis=0)[:, 0], (trials == 0).mean(axis=0)[:, 0]
    assert (mean[2] - mean[1]) / (mean[1] - mean[0]) == pytest.approx(3.0 / 0.8, rel=0.05)
    variance = simulated.GAIN_VARIANCE
    rate = (silent**-variance - 1) / variance
    np.testing.assert_allclose(rate / rate[1], mean / mean[1], rtol=0.05)


def test_a_neuron_that_no_image_drives_is_spontaneously_active() -> None:
    trained, trials = simulated.respond(
        np.zeros((1000, 1)), np.zeros((5, 1)), np.array([True]), 200, np.random.default_rng(0)
    )
    assert (trained == 0).mean() == pytest.approx(0.515, abs=0.001)
    assert trials.mean() == pytest.approx(trained.mean(), rel=0.2)


# ---- the archive


@pytest.mark.usefixtures("few_photographs")
def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    sizes = {"region1": SMALL, "region2": {**SMALL, "neurons": 4}}
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        simulate_archive(tmp_path / name, sizes, seed)
    one, two, other = ((tmp_path / name).read_bytes() for name in ("one", "two", "other"))
    assert one == two
    assert one != other


@pytest.mark.usefixtures("few_photographs")
def test_the_archive_is_read_like_the_published_one(tmp_path: Path) -> None:
    path = tmp_path / "simulated.zip"
    simulate_archive(path, {"region2": SMALL, "mine": SMALL}, seed=1)
    assert archive.regions(path) == ["mine", "region2"]
    read, made = antolik2016.read(path, "region2"), simulate("region2", **SMALL, seed=1)
    for name in ("training_images", "training_responses", "test_images", "test_trials", "responsive"):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name))


@pytest.mark.usefixtures("few_photographs")
def test_counts_change_nothing_but_what_they_count() -> None:
    base = simulate("region1", **SMALL, seed=2)
    more = simulate("region1", **{**SMALL, "neurons": 9, "test_images": 8}, seed=2)
    np.testing.assert_array_equal(base.training_images, more.training_images)
    np.testing.assert_array_equal(base.test_images, more.test_images[: SMALL["test_images"]])
