import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import skimage.transform
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import daenr
from daenr.config import SplitSettings
from daenr.data.notes import copies
from daenr.data.preprocessing import image_ids, preprocess, split, to_model_images, with_split
from daenr.data.receptive_fields import centres
from daenr.data.recording import Recording
from daenr.data.region import RegionData, read_region, write_region
from daenr.data.responses import scales, whole_trials

RANGE = (0.0, 0.000255)


def _recording(
    distinct: int = 20, shown: int = 3, test: int = 6, neurons: int = 4, side: int = 31, seed: int = 5
) -> Recording:
    """Each training image is shown several times, in a shuffled order; 256 levels as published."""
    generator = np.random.default_rng(seed)
    levels = generator.integers(0, 256, (distinct + test, side, side)) * 1e-6
    order = generator.permutation(np.repeat(np.arange(distinct), shown))
    responses = generator.gamma(0.5, 1.0, (len(order), neurons))
    # The first neuron's response says which image was shown, the second's on which trial.
    responses[:, 0], responses[:, 1] = order, np.arange(len(order))
    return Recording.of_sets(
        "region2",
        training_images=levels[order],
        training_responses=responses,
        test_images=levels[distinct:],
        test_trials=generator.gamma(0.5, 1.0, (5, test, neurons)),
        responsive=None,
        sha256={"Data/region2/training_set.npy": "ab" * 32, "Data/region2/training_inputs.npy": "cd" * 32},
    )


def _changed(recording: Recording, **sets: Any) -> Recording:
    """The recording with other training images, test trials, ..."""
    names = ("training_images", "training_responses", "test_images", "test_trials", "responsive", "sha256")
    return Recording.of_sets(recording.region, **{name: getattr(recording, name) for name in names} | sets)


def _preprocess(recording: Recording, **changes: Any) -> RegionData:
    settings = {
        "dataset": "laboratory",
        "source": "doi:10.0/none",
        "intensity_range": RANGE,
        "validation_fraction": 0.2,
        "split_seed": 3,
        "blur": 2.0,
    }
    return preprocess(recording, **{**settings, **changes})


def _assert_same(found: RegionData, expected: RegionData) -> None:
    for field in dataclasses.fields(RegionData):
        a, b = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(b, np.ndarray):
            assert a.dtype == b.dtype, field.name
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        else:
            assert a == b, field.name


# ---- images -------------------------------------------------------------------------------------------


def test_a_ramp_stays_a_ramp_between_the_outermost_pixel_centres():
    """Bilinear interpolation reproduces a linear function; beyond the first pixel's centre it is constant."""
    row, column = np.mgrid[:31, :31]
    raw = 1e-4 + 3e-6 * row + 1e-6 * column
    found = to_model_images(raw[None], RANGE, "ramp")[0, 0]
    at = np.clip((np.arange(32) + 0.5) * 31 / 32 - 0.5, 0, 30)
    intensity = 1e-4 + 3e-6 * at[:, None] + 1e-6 * at[None, :]
    np.testing.assert_allclose(found, intensity / RANGE[1] * 2 - 1, rtol=0, atol=1e-6)


def test_resizing_agrees_with_torchs_bilinear_interpolation():
    raw = _recording().training_images
    scaled = torch.from_numpy(raw.reshape(-1, 1, 31, 31) / RANGE[1] * 2 - 1)
    expected = torch.nn.functional.interpolate(scaled, (32, 32), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(to_model_images(raw, RANGE, "x"), expected.numpy(), rtol=0, atol=1e-6)


def test_images_of_the_final_size_are_scaled_only():
    raw = np.random.default_rng(0).uniform(10, 20, (3, 32, 32))
    found = to_model_images(raw, (5.0, 25.0), "x")
    np.testing.assert_allclose(found[:, 0], (raw - 15) / 10, rtol=0, atol=1e-6)


def test_images_lie_in_minus_one_to_one_and_reach_both_ends():
    raw = np.zeros((2, 31, 31))
    raw[1] = RANGE[1]
    found = to_model_images(raw, RANGE, "x")
    assert found.shape == (2, 1, 32, 32)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(np.unique(found[0]), [-1])
    np.testing.assert_array_equal(np.unique(found[1]), [1])


def test_the_scale_is_the_datasets_and_not_the_images_own():
    """An image is prepared alike whatever the others are."""
    raw = _recording().training_images
    dim = 0.3 * raw
    together = to_model_images(np.concatenate([raw, dim]), RANGE, "x")
    np.testing.assert_array_equal(together[len(raw) :], to_model_images(dim, RANGE, "x"))
    np.testing.assert_allclose(together[len(raw) :] + 1, 0.3 * (together[: len(raw)] + 1), rtol=0, atol=1e-6)


def test_a_large_image_is_smoothed_before_it_is_made_smaller():
    """A fine grating beyond the resolution of 32 pixels becomes grey and not a coarse grating (aliasing)."""
    grating = np.tile(0.5 + 0.5 * np.sin(2 * np.pi * 0.45 * np.arange(128)), (128, 1))
    found = to_model_images(grating[None], (0.0, 1.0), "x")
    assert np.abs(found[0, 0, 4:-4, 4:-4]).max() < 0.05


@pytest.mark.parametrize(("pixel", "value"), [(0, -1e-7), (500, 2.56e-4)], ids=["below", "one level above"])
@pytest.mark.parametrize("array", ["training_images", "test_images"])
def test_intensities_outside_the_range_are_refused(array, pixel, value):
    recording = _recording()
    images = getattr(recording, array).copy()
    images[1].flat[pixel] = value
    what = f"region2, {array.replace('_', ' ')}: .*dataset.intensity_range"
    with pytest.raises(ValueError, match=what):
        _preprocess(_changed(recording, **{array: images}))


def test_rounding_of_float32_is_within_the_range():
    """0.7 in float32 lies below 0.7 in float64, and 0.8 above 0.8."""
    bounds = (0.7, 0.8)
    raw = np.tile(np.float32(bounds), (2, 32, 16)).astype(np.float64)
    assert raw.min() < bounds[0]
    assert raw.max() > bounds[1]
    found = to_model_images(raw, bounds, "x")
    assert (found.min(), found.max()) == (-1, 1)


def test_a_range_in_another_unit_is_refused():
    with pytest.raises(ValueError, match=r"fill less than 1% of 0 to 255; correct dataset.intensity_range"):
        _preprocess(_recording(), intensity_range=(0.0, 255.0))


@pytest.mark.parametrize("shape", [(36, 64), (64, 36)])
@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
def test_images_that_are_not_square_become_so_as_asked(fit, shape):
    """Against scikit-image's own way to the same picture, on smooth pictures."""
    row, column = np.mgrid[: shape[0], : shape[1]]
    raw = 0.5 + 0.5 * np.sin(row / 7 + column / np.array([5, 9, 13])[:, None, None])
    height, width = shape
    by, bx = abs(height - width) // 2 * (height > width), abs(height - width) // 2 * (width > height)
    for picture, found in zip(raw, to_model_images(raw, (0.0, 1.0), "x", fit), strict=True):
        square = {
            "crop": picture[by : height - by, bx : width - bx],
            "stretch": picture,
            "pad": np.pad(picture, ((bx, bx), (by, by)), constant_values=0.5),
        }[fit]
        expected = skimage.transform.resize(square, (32, 32), anti_aliasing=True)
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99


def test_images_that_are_not_square_need_a_choice():
    with pytest.raises(ValueError, match=r"x: 36 x 64 pixels, .* dataset.fit to one of crop, stretch, pad"):
        to_model_images(np.random.default_rng(0).uniform(size=(2, 36, 64)), (0.0, 1.0), "x")


# ---- the split ----------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    shown=st.lists(st.integers(1, 6), min_size=2, max_size=30),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32 - 1),
)
def test_trials_of_one_image_are_never_on_both_sides(shown, fraction, seed):
    distinct = len(shown)
    ids = np.random.default_rng(seed).permutation(np.repeat(np.arange(distinct), shown))
    wanted = round(fraction * distinct)
    if not 0 < wanted < distinct:
        with pytest.raises(ValueError, match="leaves one side empty"):
            split(ids, fraction, seed, "region1")
        return
    held_out = split(ids, fraction, seed, "region1")
    assert held_out.shape == ids.shape
    assert set(ids[held_out]) | set(ids[~held_out]) == set(range(distinct))
    assert not set(ids[held_out]) & set(ids[~held_out])
    assert len(set(ids[held_out])) == wanted


def test_the_split_depends_on_its_seed_alone():
    ids = np.arange(50)
    np.testing.assert_array_equal(split(ids, 0.2, 1, "x"), split(ids, 0.2, 1, "x"))
    assert (split(ids, 0.2, 1, "x") != split(ids, 0.2, 2, "x")).any()


def test_every_image_is_held_out_by_some_seed_and_none_by_all():
    times = sum(split(np.arange(10), 0.2, seed, "x").astype(int) for seed in range(100))
    assert times.min() > 0
    assert times.max() < 50


def test_image_ids_are_equal_exactly_where_the_images_are():
    generator = np.random.default_rng(1)
    shown = generator.integers(0, 7, 40)
    images = generator.uniform(size=(7, 31, 31))
    images[3] = images[2]
    images[3, -1, -1] = np.nextafter(images[2, -1, -1], 1)
    ids = image_ids(images[shown])
    assert ids.shape == (40,)
    np.testing.assert_array_equal(ids[:, None] == ids, shown[:, None] == shown)


def test_both_sides_together_are_the_recording():
    recording = _recording()
    region = _preprocess(recording)
    trial = np.concatenate([region.train_responses[:, 1], region.validation_responses[:, 1]]).astype(int)
    np.testing.assert_array_equal(np.sort(trial), np.arange(len(recording.training_images)))
    np.testing.assert_allclose(
        np.concatenate([region.train_responses, region.validation_responses]),
        recording.training_responses[trial],
        rtol=1e-6,
    )
    np.testing.assert_array_equal(
        np.concatenate([region.train_images, region.validation_images]),
        to_model_images(recording.training_images[trial], RANGE, "x"),
    )


def test_repeated_images_stay_together_with_their_numbers():
    region = _preprocess(_recording(distinct=20))
    shown, held_out = region.train_responses[:, 0], region.validation_responses[:, 0]
    assert not set(shown) & set(held_out)
    assert len(set(held_out)) == 4
    for responses, ids in (
        (shown, region.train_image_id),
        (held_out, region.validation_image_id),
    ):
        np.testing.assert_array_equal(responses[:, None] == responses, ids[:, None] == ids)


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_a_split_with_an_empty_side_is_refused(fraction):
    with pytest.raises(ValueError, match=r"region2.*20 distinct images.*split.validation_fraction"):
        _preprocess(_recording(), validation_fraction=fraction)


# ---- the rest of a region -----------------------------------------------------------------------------


def test_test_responses_are_the_mean_over_repeats():
    recording = _recording()
    region = _preprocess(recording)
    expected = sum(recording.test_trials[r] for r in range(5)) / 5
    np.testing.assert_allclose(region.test_responses, expected, rtol=1e-6)
    np.testing.assert_allclose(region.test_trials, recording.test_trials, rtol=1e-6)


def test_receptive_fields_come_from_the_training_split_alone():
    recording = _recording(neurons=30)
    region = _preprocess(recording)
    np.testing.assert_array_equal(
        region.receptive_field, centres(region.train_images, region.train_responses, 2.0)
    )
    changed = recording.training_responses.copy()
    ids = image_ids(recording.training_images)
    changed[np.isin(ids, region.validation_image_id)] *= np.random.default_rng(0).uniform(0, 9, (1, 30))
    again = _preprocess(_changed(recording, training_responses=changed))
    np.testing.assert_array_equal(again.receptive_field, region.receptive_field)
    everything = centres(
        to_model_images(recording.training_images, RANGE, "x"), recording.training_responses, 2.0
    )
    assert (everything != region.receptive_field).any()


@pytest.mark.parametrize(
    ("settings", "fraction", "seed"),
    [
        (SplitSettings(by_seed=True), 0.2, 11),
        (SplitSettings(seed=4), 0.2, 4),
        (SplitSettings(seed=3, validation_fraction=0.4), 0.4, 3),
    ],
)
def test_another_split_is_that_of_the_recording_split_so(settings, fraction, seed):
    """The same as reading the recording with that split, but for the order of trials."""
    recording = _recording(neurons=30)
    region = _preprocess(recording)
    found = with_split(region, settings, run_seed=11)
    expected = _preprocess(recording, validation_fraction=fraction, split_seed=seed)
    assert set(region.validation_image_id) != set(found.validation_image_id)
    for side in ("train", "validation"):
        order, wanted = (np.argsort(getattr(each, f"{side}_responses")[:, 1]) for each in (found, expected))
        for part in ("images", "responses", "image_id"):
            name = f"{side}_{part}"
            np.testing.assert_array_equal(getattr(found, name)[order], getattr(expected, name)[wanted])
    np.testing.assert_array_equal(found.receptive_field, expected.receptive_field)
    assert (found.receptive_field != region.receptive_field).any()
    assert found.attributes == expected.attributes
    assert found.test_images is region.test_images


def test_the_files_own_split_is_taken_as_it_is():
    region = _preprocess(_recording())
    assert with_split(region, SplitSettings(seed=3), run_seed=11) is region
    assert with_split(region, SplitSettings(seed=8, by_seed=True), run_seed=3) is region
    assert with_split(region, SplitSettings(seed=3), 11, region.attributes["receptive_field_blur"]) is region


@pytest.mark.parametrize("settings", [SplitSettings(seed=3), SplitSettings(seed=4)])
def test_another_blur_finds_the_receptive_fields_of_a_recording_read_with_it(settings):
    recording = _recording(neurons=30)
    region = _preprocess(recording)
    found = with_split(region, settings, run_seed=11, blur=0.6)
    expected = _preprocess(recording, split_seed=settings.seed, blur=0.6)
    np.testing.assert_array_equal(found.receptive_field, expected.receptive_field)
    assert (found.receptive_field != with_split(region, settings, run_seed=11).receptive_field).any()
    assert found.attributes == expected.attributes


def test_attributes_say_where_the_data_come_from():
    recording = _recording(distinct=20, shown=3, test=6, neurons=4)
    assert _preprocess(recording).attributes == {
        "dataset": "laboratory",
        "region": "region2",
        "source": "doi:10.0/none",
        "sha256": recording.sha256,
        "own_validation": False,
        "split_seed": 3,
        "validation_fraction": 0.2,
        "intensity_range": [0.0, 0.000255],
        "image_shape": [31, 31],
        "fit": None,
        "receptive_field_blur": 2.0,
        "counts": {
            "train": 48,
            "train_distinct": 16,
            "validation": 12,
            "validation_distinct": 4,
            "test": 6,
            "repeats": 5,
            "fewest_repeats": 5,
            "neurons": 4,
        },
        "response_scale": "none",
        "notes": [],
        "daenr_version": daenr.__version__,
    }


# ---- what is told -------------------------------------------------------------------------------------


def _told(region: RegionData) -> list[str]:
    return [note["text"] for note in region.attributes["notes"]]


def test_test_images_among_the_training_images_are_a_warning():
    """Two as they are, one of them again, and one darker; a shifted one is another image."""
    recording = _recording()
    images = recording.test_images.copy()
    images[1] = recording.training_images[5] * 0.97
    images[2:5] = recording.training_images[:3]
    images[4] = images[2]
    images[5] = np.roll(recording.training_images[4], 3, axis=1)
    (note,) = _preprocess(_changed(recording, test_images=images)).attributes["notes"]
    assert note["warning"]
    assert note["text"].startswith("4 of 6 test images also stand among the training images")


def test_blank_images_are_copies_of_themselves_alone():
    blank = np.zeros((1, 1, 32, 32), np.float32)
    others = np.random.default_rng(0).uniform(-1, 1, (3, 1, 32, 32)).astype(np.float32)
    assert copies(np.concatenate([blank, others]), others).tolist() == [False, True, True, True]
    assert copies(blank, np.concatenate([others, blank])).tolist() == [True]


def test_neurons_without_anything_to_learn_are_told():
    recording = _recording(neurons=6)
    responses, trials = recording.training_responses.copy(), recording.test_trials.copy()
    responses[:, 2:4], responses[:, 4] = 0, 0.3
    trials[:, :, 5] = 0.1
    region = _preprocess(_changed(recording, training_responses=responses, test_trials=trials))
    assert _told(region) == [
        "2 of 6 neurons are silent in training.",
        "1 of 6 neurons respond to every training image alike.",
        "1 of 6 neurons respond to every test image alike.",
    ]
    assert not any(note["warning"] for note in region.attributes["notes"])


# ---- repeats that differ in number --------------------------------------------------------------------


def test_means_and_counts_are_of_the_repeats_that_were_made(tmp_path):
    trials = _recording().test_trials.copy()
    trials[-1, ::2] = np.nan
    trials[1:, 3] = np.nan
    region = _preprocess(_changed(_recording(), test_trials=trials))
    for image in range(6):
        made = [trial for trial in trials[:, image] if not np.isnan(trial[0])]
        np.testing.assert_allclose(region.test_responses[image], sum(made) / len(made), rtol=1e-6)
    np.testing.assert_allclose(region.test_trials, trials, rtol=1e-6)
    counts = region.attributes["counts"]
    assert (counts["fewest_repeats"], counts["repeats"], counts["test"]) == (1, 5, 6)
    assert _told(region) == [
        "Test images were shown 1 to 5 times.",
        "1 of 6 test images were shown in a single trial.",
    ]
    write_region(tmp_path / "ragged.h5", region)
    _assert_same(read_region(tmp_path / "ragged.h5"), region)


def test_trials_that_lack_a_response_are_left_out_and_counted():
    recording = _recording()
    responses, trials = recording.training_responses.copy(), recording.test_trials.copy()
    responses[7, 3] = responses[9, :] = trials[2, 4, 1] = np.nan
    region = _preprocess(_changed(recording, training_responses=responses, test_trials=trials))
    assert _told(region) == [
        "3 trials are left out: they lack the response of a neuron or more.",
        "Test images were shown 4 to 5 times.",
    ]
    kept = np.concatenate([region.train_responses[:, 1], region.validation_responses[:, 1]])
    assert sorted(kept.astype(int)) == [trial for trial in range(60) if trial not in (7, 9)]
    np.testing.assert_allclose(region.test_responses[4], trials[[0, 1, 3, 4], 4].mean(0), rtol=1e-6)


def test_trials_for_validation_stay_such_when_others_are_left_out():
    rng = np.random.default_rng(0)
    tier = np.array(["train", "validation", "train", "validation", "train", "test", "test", "test"])
    responses = rng.gamma(1.0, size=(len(tier), 3))
    responses[[0, 3], [1, 2]] = np.nan
    recording, dropped = whole_trials(
        Recording.of_trials(
            "v1",
            images=rng.uniform(size=(len(tier), 4, 4)),
            responses=responses,
            image_of_trial=np.arange(len(tier)),
            tier=tier,
            sha256={},
        )
    )
    assert dropped == 2
    np.testing.assert_array_equal(recording.image_of_trial, [1, 2, 4, 5, 6, 7])
    assert recording.is_validation.tolist() == [True] + [False] * 5


def test_a_neuron_without_any_response_is_refused_by_number():
    responses = _recording().training_responses.copy()
    responses[:, 2] = np.nan
    with pytest.raises(ValueError, match=r"region2, responses: .* neuron 2 lacks the most, 60 of 90"):
        _preprocess(_changed(_recording(), training_responses=responses))


# ---- negative responses, and the unit of the others ---------------------------------------------------


def test_negative_responses_are_refused_with_the_choice_that_there_is():
    trials = _recording().test_trials - 0.05
    found = rf"region2, responses: {(trials < 0).sum()} of 360 are below 0, down to -0.0.*negative_responses to clip"
    with pytest.raises(ValueError, match=found):
        _preprocess(_changed(_recording(), test_trials=trials))


def test_clipped_responses_count_as_0_in_trials_and_means():
    trials = _recording().test_trials - 0.05
    region = _preprocess(_changed(_recording(), test_trials=trials), negative_responses="clip")
    np.testing.assert_allclose(region.test_responses, np.maximum(trials, 0).mean(0), rtol=1e-6)
    assert _told(region) == [f"{(trials < 0).sum()} of 360 responses were below 0 and count as 0."]


@pytest.mark.parametrize(("choice", "scale"), [("mean", np.mean), ("deviation", np.std)])
def test_the_scale_is_each_neurons_own_in_the_training_split(choice, scale):
    recording = _recording(neurons=6)
    responses = recording.training_responses.copy()
    responses[:, 4] = 0
    region = _preprocess(_changed(recording, training_responses=responses), response_scale=choice)
    for found in (region, with_split(region, SplitSettings(seed=4), run_seed=0)):
        expected = scale(found.train_responses.astype(float), axis=0)
        expected[4] = 1
        np.testing.assert_allclose(found.response_scale, expected, rtol=1e-6)
    assert scales(np.full((5, 1), 0.1, np.float32), "deviation") == 1
    # What is stored is in the recording's own unit.
    np.testing.assert_array_equal(
        region.train_responses, _preprocess(_changed(recording, training_responses=responses)).train_responses
    )


def test_without_a_scale_every_neurons_is_1():
    np.testing.assert_array_equal(_preprocess(_recording()).response_scale, np.ones(4))


# ---- the region file ----------------------------------------------------------------------------------


@pytest.fixture
def region() -> RegionData:
    truth = np.array([True, False, True, True])
    return _preprocess(_changed(_recording(), responsive=truth))


@pytest.fixture
def path(region, tmp_path) -> Path:
    write_region(tmp_path / "region2.h5", region)
    return tmp_path / "region2.h5"


def test_reading_gives_back_what_was_written(region, path):
    _assert_same(read_region(path), region)


def test_reading_gives_back_a_region_without_truth(tmp_path):
    region = _preprocess(_recording())
    write_region(tmp_path / "region.h5", region)
    with h5py.File(tmp_path / "region.h5") as file:
        assert "responsive" not in file["neurons"]
    _assert_same(read_region(tmp_path / "region.h5"), region)


def test_the_same_region_makes_the_same_bytes(region, path, tmp_path):
    write_region(tmp_path / "again.h5", _preprocess(_changed(_recording(), responsive=region.responsive)))
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()


def test_h5py_alone_tells_what_the_file_holds(region, path):
    described: dict[str, tuple[str, str]] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                described.update({name: (item.attrs["description"], item.attrs["unit"])})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
        root = dict(file.attrs)
        np.testing.assert_array_equal(file["validation/images"], region.validation_images)
    assert set(described) == {
        *(
            f"{part}/{name}"
            for part in ("train", "validation")
            for name in ("images", "responses", "image_id")
        ),
        *(f"test/{name}" for name in ("images", "trials", "responses")),
        *(f"neurons/{name}" for name in ("receptive_field", "response_scale", "responsive")),
    }
    assert all(description and unit for description, unit in described.values())
    assert root["source"] == "doi:10.0/none"
    assert json.loads(root["sha256"]) == region.attributes["sha256"]
    assert json.loads(root["counts"])["train_distinct"] == 16
    np.testing.assert_array_equal(root["intensity_range"], RANGE)


@pytest.mark.parametrize("name", ["20160501", "02", "NA", "None", "1e5", "TRUE"])
def test_names_that_look_like_numbers_stay_names(region, tmp_path, name):
    named = dataclasses.replace(region, attributes={**region.attributes, "region": name, "dataset": name})
    write_region(tmp_path / "named.h5", named)
    attributes = read_region(tmp_path / "named.h5").attributes
    assert (attributes["region"], attributes["dataset"]) == (name, name)


def test_a_failed_write_leaves_the_old_file(region, path):
    before = path.read_bytes()
    broken = dataclasses.replace(region, attributes={**region.attributes, "source": object()})
    with pytest.raises(TypeError):
        write_region(path, broken)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def _replace(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[h5py.File], None]:
    def tamper(file: h5py.File) -> None:
        values = change(file[name][()])
        del file[name]
        file[name] = values

    return tamper


def _set(index: Any, value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(values: np.ndarray) -> np.ndarray:
        values[index] = value
        return values

    return change


def _delete(name: str) -> Callable[[h5py.File], None]:
    return lambda file: file.__delitem__(name)


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (_delete("test/trials"), "lacks test/trials"),
        (_delete("train"), "lacks train/images"),
        (lambda file: file.attrs.__delitem__("counts"), "lacks the attributes counts"),
        (_replace("train/images", lambda x: x[:, 0]), r"train/images is float32 of shape \(48, 32, 32\)"),
        (_replace("test/images", lambda x: x[..., :31]), r"test/images .* \(6, 1, 32, 31\), not float32"),
        (_replace("train/images", lambda x: x[:0]), r"train/images is empty"),
        (_replace("test/trials", lambda x: x.mean(0)), r"test/trials .*\(repeats, test, neurons\)"),
        (_replace("neurons/receptive_field", lambda x: x[:, :1]), r"neurons/receptive_field .*\(4, 1\)"),
        (_replace("train/responses", lambda x: x.astype(np.float64)), "train/responses is float64"),
        (
            _replace("train/images", _set((0, 0, 3, 3), np.nan)),
            "train/images holds a value that is not finite",
        ),
        (_replace("test/trials", _set((0, 0, 1), np.inf)), "test/trials holds a value that is not finite"),
        (_replace("validation/images", _set((0, 0, 0, 0), 1.01)), "validation/images .* to 1.01, allowed"),
        (_replace("train/responses", _set((2, 1), -0.5)), "train/responses holds values from -0.5"),
        (_replace("test/responses", _set((0, 0), -1)), "test/responses holds values from -1"),
        (_replace("neurons/receptive_field", _set((0, 1), 32)), "neurons/receptive_field .* to 32, allowed"),
        (
            _replace("train/responses", lambda x: x[:-1]),
            "train/responses has 47 .* train, train/images has 48",
        ),
        (
            _replace("validation/image_id", lambda x: x[1:]),
            "validation/image_id has 11 .*validation/images has 12",
        ),
        (
            _replace("test/responses", lambda x: x[:, 1:]),
            "test/responses has 3 .* neurons, train/responses has 4",
        ),
        (_replace("test/trials", lambda x: x[:, 1:]), "test/trials has 5 .* test, test/images has 6"),
        (_replace("test/trials", _set((0, 2), np.nan)), "test/trials holds a value that is not finite"),
        (_replace("test/trials", _set((1, 2, 0), np.nan)), "test/trials holds a value that is not finite"),
        (_replace("neurons/response_scale", _set(1, 0)), "neurons/response_scale holds values from 0"),
        (_replace("neurons/responsive", lambda x: x[1:]), "neurons/responsive has 3 .*train/responses has 4"),
        (
            _replace("neurons/receptive_field", lambda x: x[1:]),
            "receptive_field has 3 .*train/responses has 4",
        ),
    ],
)
def test_a_file_that_was_changed_is_refused_by_name(path, tamper, message):
    with h5py.File(path, "r+") as file:
        tamper(file)
    with pytest.raises(ValueError, match=message) as refusal:
        read_region(path)
    assert str(path) in str(refusal.value)


def test_a_leak_between_the_sides_is_refused(path):
    with h5py.File(path, "r+") as file:
        file["validation/image_id"][0] = file["train/image_id"][0]
    with pytest.raises(ValueError, match="train/image_id and validation/image_id share an image"):
        read_region(path)


@pytest.mark.parametrize("length", [0, 100, -5000])
def test_a_file_that_is_cut_off_is_refused_by_name(path, length):
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=r"region2.h5: is no whole HDF5 file"):
        read_region(path)


def test_a_missing_file_is_called_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_region(tmp_path / "none.h5")


def test_reading_a_region_needs_numpy_and_h5py_alone(path):
    code = (
        "import sys; from pathlib import Path; from daenr.data.region import read_region; "
        f"read_region(Path({str(path)!r})); "
        "print(sorted({'scipy', 'torch', 'skimage', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
