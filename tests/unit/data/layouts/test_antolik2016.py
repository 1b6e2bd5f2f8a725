"""The published layout: what is read is what was published; what is unsound is refused by name."""

import hashlib
import io
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from daenr.data import archive
from daenr.data.archive import ArchiveError, Fingerprint, Manifest
from daenr.data.layouts import antolik2016
from daenr.data.recording import Recording

REPEATS, TRAIN, TEST, SIDE, NEURONS = 4, 7, 3, 5, 6
REPOSITORY = Path(__file__).parents[4]

Arrays = dict[str, np.ndarray]


def arrays(seed: int = 0) -> Arrays:
    """A sound region in the published layout."""
    rng = np.random.default_rng(seed)
    trials = rng.gamma(1.0, size=(REPEATS, TEST, NEURONS))
    return {
        "training_inputs": rng.integers(0, 256, (TRAIN, SIDE**2)) * 1e-6,
        "training_set": rng.gamma(1.0, size=(TRAIN, NEURONS)),
        "validation_inputs": rng.integers(0, 256, (TEST, SIDE**2)) * 1e-6,
        "validation_set": sum(trials) / REPEATS,
        "raw_validation_set": trials,
    }


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def pack(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return path


def members(region: Arrays, name: str = "region1") -> dict[str, bytes]:
    return {f"Data/{name}/{stem}.npy": npy(array) for stem, array in region.items()}


def manifest_of(contents: dict[str, bytes]) -> Manifest:
    return {
        name: Fingerprint(len(content), hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest())
        for name, content in contents.items()
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.zip"


def refused(path: Path, region: str = "region1") -> str:
    """The text with which an archive is refused: one line that begins with the archive's name."""
    with pytest.raises(ArchiveError) as caught:
        antolik2016.read(path, region)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


# ---- what is read -------------------------------------------------------------------------------------


def test_a_region_is_read_as_published(path: Path) -> None:
    region = arrays()
    contents = members(region)
    recording = antolik2016.read(pack(path, contents), "region1")
    assert recording.region == "region1"
    np.testing.assert_array_equal(recording.training_images.reshape(TRAIN, -1), region["training_inputs"])
    np.testing.assert_array_equal(recording.training_responses, region["training_set"])
    np.testing.assert_array_equal(recording.test_images.reshape(TEST, -1), region["validation_inputs"])
    np.testing.assert_array_equal(recording.test_trials, region["raw_validation_set"])
    assert recording.responsive is None
    assert recording.sha256 == {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", "|u1", "<f16", ">i8"])
def test_real_numbers_of_any_type_become_float64(path: Path, dtype: str) -> None:
    region = arrays()
    region["training_inputs"] = np.arange(TRAIN * SIDE**2).reshape(TRAIN, -1).astype(dtype)
    pack(path, members(region))
    images = antolik2016.read(path, "region1", image_shape=[SIDE, SIDE]).training_images
    assert images.dtype == np.float64
    assert images.flags.c_contiguous
    np.testing.assert_array_equal(images.ravel(), np.arange(TRAIN * SIDE**2))


def test_fortran_order_does_not_change_what_is_read(path: Path) -> None:
    region = arrays()
    expected = region["raw_validation_set"]
    region["raw_validation_set"] = np.asfortranarray(expected)
    trials = antolik2016.read(pack(path, members(region)), "region1").test_trials
    np.testing.assert_array_equal(trials, expected)
    assert trials.flags.c_contiguous


def test_trials_and_their_mean_may_be_single_precision(path: Path) -> None:
    region = {stem: array.astype(np.float32) for stem, array in arrays().items()}
    assert antolik2016.read(pack(path, members(region)), "region1").test_trials.dtype == np.float64


# ---- writing ------------------------------------------------------------------------------------------


def recording(
    name: str = "region1", responsive: np.ndarray | None = None, trials: np.ndarray | None = None
) -> Recording:
    region = arrays()
    return Recording.of_sets(
        name,
        training_images=region["training_inputs"].reshape(-1, SIDE, SIDE),
        training_responses=region["training_set"],
        test_images=region["validation_inputs"].reshape(-1, SIDE, SIDE),
        test_trials=region["raw_validation_set"] if trials is None else trials,
        responsive=responsive,
        sha256={},
    )


def test_what_is_written_is_read_again(path: Path) -> None:
    truth = np.arange(NEURONS) % 2 == 0
    antolik2016.write(path, iter([recording("b", truth), recording("a")]))
    assert archive.regions(path) == ["a", "b"]
    again = antolik2016.read(path, "b")
    assert again.responsive is not None
    np.testing.assert_array_equal(again.responsive, truth)
    np.testing.assert_array_equal(again.test_trials, arrays()["raw_validation_set"])
    assert antolik2016.read(path, "a").responsive is None
    with zipfile.ZipFile(path) as opened:
        mean = np.load(io.BytesIO(opened.read("Data/b/validation_set.npy")))
    np.testing.assert_allclose(mean, sum(arrays()["raw_validation_set"]) / REPEATS, rtol=1e-14)


def test_images_with_fewer_repeats_are_written_and_read_again(path: Path) -> None:
    trials = arrays()["raw_validation_set"]
    trials[2:, 0] = trials[3, 2] = np.nan
    antolik2016.write(path, [recording(trials=trials)])
    np.testing.assert_array_equal(antolik2016.read(path, "region1").test_trials, trials)


def test_writing_twice_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    antolik2016.write(tmp_path / "one.zip", [recording()])
    monkeypatch.setattr("time.time", lambda: 2e9)
    antolik2016.write(tmp_path / "two.zip", [recording()])
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


# ---- arrays that no recording has ---------------------------------------------------------------------


def test_bytes_that_grow_beyond_the_bound_in_memory_are_refused_before_they_are_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zeros in single bytes: some 3 kB of zip, 2 MB of arrays, 16 MB as float64."""
    region = arrays()
    region["training_inputs"] = np.zeros((TRAIN, 500**2), dtype=np.uint8)
    region["validation_inputs"] = np.zeros((TEST, 500**2), dtype=np.uint8)
    pack(path, members(region))
    monkeypatch.setattr(antolik2016, "MAX_REGION_BYTES", 10 * 2**20)
    monkeypatch.setattr(antolik2016, "array", lambda *_: pytest.fail("was read"))
    assert re.search(r"Data/region1/: 2\d{7} bytes as float64, at most 10485760; make", refused(path))


@pytest.mark.parametrize("stem", sorted({*arrays()} - {"validation_set"}))
def test_a_missing_array_is_named(path: Path, stem: str) -> None:
    region = arrays()
    del region[stem]
    assert f"Data/region1/ lacks {stem}.npy" in refused(pack(path, members(region)))


def test_reading_with_a_manifest_refuses_other_and_unlisted_files(path: Path) -> None:
    contents = members(arrays())
    pack(path, contents)
    with pytest.raises(ArchiveError, match=r"training_set\.npy has hash"):
        antolik2016.read(path, "region1", manifest_of(members(arrays(seed=1))))
    del contents["Data/region1/training_set.npy"]
    with pytest.raises(ArchiveError, match=r"training_set\.npy: not in the manifest"):
        antolik2016.read(path, "region1", manifest_of(contents))


class Exploding:
    """Were it unpickled, the test would fail."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return pytest.fail, ("was unpickled",)


@pytest.mark.parametrize(
    "array",
    [
        np.ones((TRAIN, NEURONS), dtype=complex),
        np.ones((TRAIN, NEURONS), dtype=bool),
        np.full((TRAIN, NEURONS), "1.0"),
        np.full((TRAIN, NEURONS), b"1"),
        np.full((TRAIN, NEURONS), Exploding(), dtype=object),
        np.ones((TRAIN, NEURONS), dtype="m8[s]"),
        np.ones((TRAIN, NEURONS), dtype=[("a", "<f8")]),
    ],
    ids=lambda array: str(array.dtype),
)
def test_other_types_are_refused(path: Path, array: np.ndarray) -> None:
    message = refused(pack(path, members(arrays() | {"training_set": array})))
    assert "Data/region1/training_set.npy: holds" in message
    assert "real numbers" in message


def test_the_truth_must_be_bool(path: Path) -> None:
    message = refused(pack(path, members(arrays() | {"responsive": np.ones(NEURONS)})))
    assert "responsive.npy: holds float64, needs bool" in message


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an array",
        b"PK\x03\x04",
        header("("),
        header("-" * 9000 + "1"),
        header("{'descr': '<f8', 'fortran_order': False}"),
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000000)}"),
        npy(np.ones((TRAIN, NEURONS)))[:-1],
        npy(np.ones((TRAIN, NEURONS))) + b"\0",
    ],
)
def test_bytes_that_are_no_array_are_refused(path: Path, content: bytes) -> None:
    contents = members(arrays()) | {"Data/region1/training_set.npy": content}
    assert "training_set.npy" in refused(pack(path, contents))


def test_a_shape_that_is_the_size_by_trickery_is_refused(path: Path) -> None:
    """Two negative lengths, or True for a length of 1, give the right number of bytes."""
    name = "Data/region1/training_set.npy"
    claim = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s)}"
    negative = {name: header(claim % f"-{TRAIN}, -{NEURONS}") + bytes(TRAIN * NEURONS * 8)}
    assert "training_set.npy need as many images" in refused(pack(path, members(arrays()) | negative))
    single = {stem: a[..., :1] if "_set" in stem else a for stem, a in arrays().items()}
    boolean = {name: header(claim % f"{TRAIN}, True") + bytes(TRAIN * 8)}
    assert f"{name}: is not an npy array" in refused(pack(path, members(single) | boolean))


@pytest.mark.parametrize("stem", list(arrays()))
def test_a_wrong_number_of_axes_is_refused(path: Path, stem: str) -> None:
    region = arrays()
    region[stem] = region[stem][None, None]
    assert f"{stem}.npy: shape {region[stem].shape}" in refused(pack(path, members(region)))


@pytest.mark.parametrize(
    ("stem", "shape", "message"),
    [
        ("training_inputs", (TRAIN - 1, SIDE**2), "training_set.npy need as many images, got 6 and 7"),
        ("training_inputs", (TRAIN, SIDE, SIDE), "need the same pixels, got [5, 5] and [25]"),
        ("training_inputs", (TRAIN, 16), "need the same pixels, got [16] and [25]"),
        ("training_set", (TRAIN, NEURONS + 1), "need as many neurons, got 7 and 6"),
        ("validation_inputs", (TEST + 1, SIDE**2), "raw_validation_set.npy need as many images, got 4 and 3"),
        ("validation_set", (TEST, NEURONS - 1), "validation_set.npy must be images x neurons, got (3, 5)"),
        ("validation_set", (NEURONS, TEST), "validation_set.npy must be images x neurons, got (6, 3)"),
        ("raw_validation_set", (TEST, REPEATS, NEURONS), "need as many images, got 3 and 4"),
        ("raw_validation_set", (0, TEST, NEURONS), "0 repeats: each must be 1 at least"),
        ("responsive", (NEURONS + 1,), "responsive.npy must be one a neuron"),
    ],
)
def test_counts_that_do_not_fit_are_refused(
    path: Path, stem: str, shape: tuple[int, ...], message: str
) -> None:
    array = np.ones(shape, dtype=bool if stem == "responsive" else float)
    pack(path, members(arrays() | {stem: array}))
    assert message in refused(path)


def test_a_single_test_image_is_too_few(path: Path) -> None:
    region = arrays()
    for stem in ("validation_inputs", "validation_set"):
        region[stem] = region[stem][:1]
    region["raw_validation_set"] = region["raw_validation_set"][:, :1]
    assert "validation_inputs.npy has 1 images, needs 3" in refused(pack(path, members(region)))


@pytest.mark.parametrize("axis", ["neurons", "images", "pixels"])
def test_nothing_may_be_empty(path: Path, axis: str) -> None:
    region = arrays()
    if axis == "neurons":
        region |= {s: region[s][..., :0] for s in ("training_set", "validation_set", "raw_validation_set")}
    if axis == "images":
        region |= {s: region[s][:0] for s in ("training_inputs", "training_set")}
    if axis == "pixels":
        region |= {s: region[s][:, :0] for s in ("training_inputs", "validation_inputs")}
    assert f" 0 {axis}" in f" {refused(pack(path, members(region))).split('Data/region1/: ')[1]}"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
@pytest.mark.parametrize("stem", list(arrays()))
def test_values_that_are_not_finite_are_refused_with_their_index(path: Path, stem: str, value: float) -> None:
    region = arrays()
    region[stem][..., 1, 2] = value
    index = "0, 1, 2" if stem == "raw_validation_set" else "1, 2"
    message = refused(pack(path, members(region)))
    assert f"Data/region1/{stem}.npy: no finite number in float32 at index {index} (" in message


def test_negative_responses_are_read_since_another_part_decides_about_them(path: Path) -> None:
    region = arrays()
    region["raw_validation_set"] -= 0.05
    region["validation_set"] = region["raw_validation_set"].mean(axis=0)
    read = antolik2016.read(pack(path, members(region)), "region1")
    np.testing.assert_array_equal(read.test_trials, region["raw_validation_set"])


@pytest.mark.parametrize("stem", ["training_inputs", "validation_inputs"])
def test_a_blank_image_is_refused_unless_the_manifest_vouches_for_it(path: Path, stem: str) -> None:
    region = arrays()
    region[stem][1] = 0.0001
    contents = members(region)
    message = refused(pack(path, contents))
    assert f"{stem}.npy: an image with all pixels equal at index 1 (1 in all)" in message
    assert not np.ptp(images_of(antolik2016.read(path, "region1", manifest_of(contents)), stem)[1])


def images_of(recording: Recording, stem: str) -> np.ndarray:
    return recording.training_images if stem == "training_inputs" else recording.test_images


@pytest.mark.parametrize(("factor", "taken"), [(1 + 1e-8, True), (1 + 1e-5, False), (1 - 1e-5, False)])
def test_the_mean_over_repeats_must_be_the_mean(path: Path, factor: float, taken: bool) -> None:
    region = arrays()
    region["validation_set"][2, 3] *= factor
    pack(path, members(region))
    if taken:
        antolik2016.read(path, "region1")
    else:
        assert "not the mean of raw_validation_set.npy over its repeats at index 2, 3" in refused(path)


def test_a_response_to_no_spike_must_be_zero(path: Path) -> None:
    region = arrays()
    region["raw_validation_set"][:, 0, 0] = 0
    region["validation_set"][0, 0] = 1e-9
    assert "at index 0, 0 (1 in all)" in refused(pack(path, members(region)))


# ---- the shape of the images --------------------------------------------------------------------------


def smooth(count: int, height: int, width: int) -> np.ndarray:
    """Pictures whose neighbours are alike, more than pixels that are no neighbours."""
    row, column = np.mgrid[:height, :width]
    a, b, c = np.random.default_rng(0).uniform(0.1, 0.4, (3, count, 1, 1))
    return 0.5 + 0.5 * np.sin(a * row + b * column + 40 * c)


def with_images(height: int, width: int, *, flat: bool) -> dict[str, np.ndarray]:
    pictures = smooth(TRAIN + TEST, height, width)
    if flat:
        pictures = pictures.reshape(len(pictures), -1)
    return arrays() | {"training_inputs": pictures[:TRAIN], "validation_inputs": pictures[TRAIN:]}


def test_images_keep_their_height_and_width(path: Path) -> None:
    pack(path, members(with_images(36, 64, flat=False)))
    found = antolik2016.read(path, "region1")
    np.testing.assert_array_equal(found.images, smooth(TRAIN + TEST, 36, 64))


def test_flattened_images_are_square_only_if_they_are_seen_to_be(path: Path) -> None:
    pack(path, members(with_images(48, 48, flat=True)))
    np.testing.assert_array_equal(antolik2016.read(path, "region1").images, smooth(TRAIN + TEST, 48, 48))
    pack(path, members(with_images(36, 64, flat=True)))
    message = refused(path)
    assert (
        "training_inputs.npy: 2304 numbers an image are 48 x 48, or not square (36 x 64 or 32 x 72); read as 48 x 48"
        in message
    )
    assert "give dataset.image_shape: [height, width]" in message
    np.testing.assert_array_equal(
        antolik2016.read(path, "region1", image_shape=[36, 64]).images, smooth(TRAIN + TEST, 36, 64)
    )
    with pytest.raises(
        ArchiveError, match=r"2304 numbers an image, not 36 x 60; correct dataset\.image_shape"
    ):
        antolik2016.read(path, "region1", image_shape=[36, 60])


def test_a_number_of_pixels_that_is_no_square_needs_a_shape(path: Path) -> None:
    pack(path, members(with_images(5, 7, flat=True)))
    assert "35 numbers an image, which is no square but 5 x 7 or 1 x 35; give dataset.image_shape" in refused(
        path
    )


# ---- repeats ------------------------------------------------------------------------------------------


def test_repeats_may_differ_in_number(path: Path) -> None:
    region = arrays()
    region["raw_validation_set"][1, 0] = region["raw_validation_set"][3, 2] = np.nan
    region["validation_set"] = np.nanmean(region["raw_validation_set"], axis=0)
    found = antolik2016.read(pack(path, members(region)), "region1")
    assert len(found.responses) == TRAIN + REPEATS * TEST - 2
    assert np.isfinite(found.responses).all()
    np.testing.assert_array_equal(np.bincount(found.image_of_trial[found.is_test])[TRAIN:], [3, 4, 3])
    trials = found.test_trials
    np.testing.assert_array_equal(trials[:3, 0], region["raw_validation_set"][[0, 2, 3], 0])
    np.testing.assert_array_equal(trials[:, 1], region["raw_validation_set"][:, 1])
    np.testing.assert_array_equal(np.isnan(trials).any(axis=2), np.isnan(trials).all(axis=2))
    np.testing.assert_array_equal(np.argwhere(np.isnan(trials[..., 0])), [[3, 0], [3, 2]])


def test_an_image_without_any_repeat_is_refused(path: Path) -> None:
    region = arrays()
    region["raw_validation_set"][:, 1] = np.nan
    del region["validation_set"]
    assert "raw_validation_set.npy: an image without any repeat at index 1 (1 in all)" in refused(
        pack(path, members(region))
    )


def test_the_mean_may_be_left_out(path: Path) -> None:
    region = arrays()
    del region["validation_set"]
    found = antolik2016.read(pack(path, members(region)), "region1")
    np.testing.assert_array_equal(found.test_trials, region["raw_validation_set"])
    assert "Data/region1/validation_set.npy" not in found.sha256


@pytest.mark.parametrize("wrong", [False, True])
def test_a_mean_in_float16_is_right_at_the_precision_of_float16(path: Path, wrong: bool) -> None:
    region = arrays()
    half = region["raw_validation_set"].astype(np.float16)
    mean = half.mean(axis=0) * np.float16(1.005 if wrong else 1)
    pack(path, members(region | {"raw_validation_set": half, "validation_set": mean}))
    if wrong:
        assert "not the mean of raw_validation_set.npy" in refused(path)
    else:
        assert antolik2016.read(path, "region1").test_trials.shape == (REPEATS, TEST, NEURONS)
