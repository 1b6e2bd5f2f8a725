"""One file of arrays: whichever program wrote it, the same recording comes out; nothing about its axes is guessed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from daenr.config import ArraysSettings
from daenr.data.archive import ArchiveError
from daenr.data.layouts import arrays
from daenr.data.recording import Recording

HEIGHT, WIDTH, IMAGES, NEURONS = 6, 9, 14, 5
SHOWN = np.array([*range(10), 0, 10, 11, 12, 13, 10, 11, 12, 13])
TIER = np.array(["train"] * 9 + ["validation"] + ["train"] + ["test"] * 8)

Values = dict[str, Any]


def values() -> Values:
    """A sound recording, as Python keeps it: images first, pictures height x width."""
    rng = np.random.default_rng(0)
    return {
        "images": rng.uniform(0, 255, (IMAGES, HEIGHT, WIDTH)),
        "responses": rng.gamma(1.0, size=(len(SHOWN), NEURONS)),
        "image_of_trial": SHOWN,
        "tier": TIER,
    }


def as_npz(path: Path, found: Values) -> Path:
    np.savez(path / "recording.npz", **{name: np.asarray(array) for name, array in found.items()})
    return path / "recording.npz"


def as_hdf5(path: Path, found: Values) -> Path:
    with h5py.File(path / "recording.h5", "w") as file:
        for name, array in found.items():
            text = np.asarray(array).dtype.kind == "U"
            file.create_dataset(name, data=np.asarray(array, dtype=object) if text else array)
    return path / "recording.h5"


def as_matlab(found: Values) -> Values:
    """What a person has in MATLAB: height x width x images, counted from 1, columns of text."""
    return {
        **found,
        "images": np.moveaxis(found["images"], 0, -1),
        "image_of_trial": np.asarray(found["image_of_trial"], dtype=float)[:, None] + 1,
        "tier": np.array(found["tier"], dtype=object)[:, None],
    }


def as_mat5(path: Path, found: Values) -> Path:
    savemat(path / "recording.mat", as_matlab(found))
    return path / "recording.mat"


def as_mat73(path: Path, found: Values) -> Path:
    """As MATLAB writes it: the axes the other way round, text as numbers, cells as references."""
    with h5py.File(path / "recording.mat", "w", userblock_size=512) as file:
        for name, array in as_matlab(found).items():
            if name != "tier":
                file[name] = np.asarray(array).T
                file[name].attrs["MATLAB_class"] = np.bytes_("double")
                continue
            cells = []
            for position, word in enumerate(array.ravel()):
                file[f"#refs#/{position}"] = np.array([[ord(letter)] for letter in word], dtype="u2")
                cells.append(file[f"#refs#/{position}"].ref)
            file.create_dataset(name, data=np.array(cells, dtype=h5py.ref_dtype)[None])
            file[name].attrs["MATLAB_class"] = np.bytes_("cell")
    with (path / "recording.mat").open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
    return path / "recording.mat"


WRITERS = [as_npz, as_hdf5, as_mat5, as_mat73]


def read(source: Path, region: str = "v1", *, alone: bool = True, **keys: Any) -> Recording:
    own = {name: keys.pop(name) for name in ("image_shape", "gray") if name in keys}
    settings = ArraysSettings(**keys).model_dump(mode="json")
    return arrays.read(
        source, region, alone=alone, arrays=settings, **{"image_shape": None, "gray": False, **own}
    )


def check(recording: Recording) -> None:
    """That it is what `values` holds."""
    expected = values()
    np.testing.assert_array_equal(recording.images, expected["images"])
    np.testing.assert_array_equal(recording.responses, expected["responses"])
    np.testing.assert_array_equal(recording.image_of_trial, SHOWN)
    np.testing.assert_array_equal(recording.is_test, TIER == "test")
    np.testing.assert_array_equal(recording.is_validation, TIER == "validation")


@pytest.mark.parametrize("write", WRITERS)
def test_every_kind_of_file_holds_the_same_recording(tmp_path: Path, write: Callable[..., Path]) -> None:
    recording = read(write(tmp_path, values()))
    check(recording)
    assert recording.test_trials.shape == (2, 4, NEURONS)


@pytest.mark.parametrize("write", [as_npz, as_hdf5])
def test_regions_are_groups_or_files(tmp_path: Path, write: Callable[..., Path]) -> None:
    both = {f"{region}/{name}": array for region in ("left", "right") for name, array in values().items()}
    source = write(tmp_path, both)
    check(read(source, "left", alone=False))
    with pytest.raises(ArchiveError, match=r"has no group 'v1' and more than one region"):
        read(source, "v1", alone=False)
    (tmp_path / "files").mkdir()
    check(read(write(tmp_path, values()).rename(tmp_path / f"files/v1{source.suffix}").parent, alone=False))


@pytest.mark.parametrize("write", [as_npz, as_hdf5])
def test_a_damaged_region_is_refused_only_where_it_is_asked_for(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    found = {f"left/{name}": array for name, array in values().items()}
    wrong = {f"right/{name}": np.full(3, "damaged") for name in values()}
    source = write(tmp_path, {**found, **wrong})
    check(read(source, "left", alone=False))
    with pytest.raises(ArchiveError, match="image_of_trial"):
        read(source, "right", alone=False)
    (tmp_path / f"bad{source.suffix}").write_bytes(b"damaged")
    check(read(write(tmp_path, values()).parent, "recording", alone=False))
    with pytest.raises(ArchiveError, match="is no zip file, no HDF5"):
        read(tmp_path, "bad", alone=False)


def test_a_damaged_group_is_refused_only_where_it_is_asked_for(tmp_path: Path) -> None:
    both = {f"{region}/{name}": array for region in ("left", "right") for name, array in values().items()}
    source = as_hdf5(tmp_path, both)
    with h5py.File(source) as file:
        header = h5py.h5o.get_info(file["right/responses"].id).addr
    content = source.read_bytes()
    source.write_bytes(content[:header] + b"damaged" + content[header + 7 :])
    check(read(source, "left", alone=False))
    with pytest.raises(ArchiveError, match="is an HDF5 file that is damaged"):
        read(source, "right", alone=False)


def test_an_array_whose_bytes_changed_is_named(tmp_path: Path) -> None:
    source = as_npz(tmp_path, values())
    stored = values()["responses"].tobytes()
    assert stored in source.read_bytes()
    source.write_bytes(source.read_bytes().replace(stored, stored[::-1]))
    with pytest.raises(ArchiveError, match=r"responses: cannot be read \(BadZipFile: .*; get the file again"):
        read(source)


def test_a_struct_of_matlab_is_a_region(tmp_path: Path) -> None:
    savemat(tmp_path / "recording.mat", {"left": as_matlab(values()), "note": 1})
    check(read(tmp_path / "recording.mat", "left", alone=False))


def test_axes_are_told_by_their_counts_or_by_the_config(tmp_path: Path) -> None:
    found = values()
    check(read(as_npz(tmp_path, {**found, "responses": found["responses"].T})))
    turned = as_npz(tmp_path, {**found, "images": found["images"].T})  # width x height x images
    with pytest.raises(ArchiveError, match=r"images: shape \(9, 6, 14\).*dataset.arrays.image_axes"):
        read(turned)
    check(read(turned, image_axes=("width", "height", "images")))


def test_as_many_neurons_as_trials_are_refused_until_the_config_says_which(tmp_path: Path) -> None:
    found = values()
    square = np.random.default_rng(1).gamma(1.0, size=(len(SHOWN), len(SHOWN)))
    source = as_npz(tmp_path, {**found, "responses": square})
    with pytest.raises(ArchiveError, match=r"dataset.arrays.response_axes"):
        read(source)
    np.testing.assert_array_equal(read(source, response_axes=("neurons", "trials")).responses, square.T)


def test_flattened_images_run_along_rows_or_columns(tmp_path: Path) -> None:
    found = values()
    rows = as_npz(tmp_path, {**found, "images": found["images"].reshape(IMAGES, -1)})
    check(read(rows, image_shape=[HEIGHT, WIDTH]))
    with pytest.raises(ArchiveError, match=r"which is no square but .*; give dataset.image_shape"):
        read(rows)
    columns = found["images"].transpose(0, 2, 1).reshape(IMAGES, -1)
    savemat(tmp_path / "flat.mat", {**as_matlab(found), "images": columns.T})
    with pytest.raises(ArchiveError, match=r"dataset.arrays.pixels: columns or rows"):
        read(tmp_path / "flat.mat", image_shape=[HEIGHT, WIDTH])
    check(read(tmp_path / "flat.mat", image_shape=[HEIGHT, WIDTH], pixels="columns"))


@pytest.mark.parametrize("axis", [1, 3])
def test_colours_become_gray_where_that_is_wanted(tmp_path: Path, axis: int) -> None:
    found = values()
    colours = np.random.default_rng(2).uniform(0, 255, (3, IMAGES, HEIGHT, WIDTH))
    source = as_npz(tmp_path, {**found, "images": np.moveaxis(colours, 0, axis)})
    with pytest.raises(ArchiveError, match=r"images: .* is an image in colour; set dataset.gray: true"):
        read(source)
    expected = np.tensordot([0.2125, 0.7154, 0.0721], colours, 1)
    np.testing.assert_allclose(read(source, gray=True).images, expected, rtol=1e-12)


def test_tiers_may_be_numbers_that_the_config_explains(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = np.select([TIER == "test", TIER == "validation"], [2, 1], 0)
    numbers[0] = 7
    source = as_npz(tmp_path, {**values(), "tier": numbers})
    with pytest.raises(
        ArchiveError, match=r"tier: \['0', '1', '2', '7'\], none of .* say in dataset.arrays.tiers"
    ):
        read(source)
    recording = read(source, tiers={"train": 0, "validation": 1, "test": 2})
    np.testing.assert_array_equal(recording.is_test, TIER[1:] == "test")
    assert "v1: left out 1 of 19 trials, of the tiers other: 7" in capsys.readouterr().out


def test_a_trial_without_responses_is_a_missing_repeat(tmp_path: Path) -> None:
    found = values()
    found["responses"][-1] = np.nan
    recording = read(as_npz(tmp_path, found))
    assert np.isnan(recording.test_trials[1, 3]).all()
    assert not np.isnan(recording.test_trials[0]).any()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"tier": None}, "has no array 'tier', but ['image_of_trial', 'images', 'responses']"),
        ({"image_of_trial": SHOWN[SHOWN > 0]}, "trials in image_of_trial; correct one of them"),
        ({"image_of_trial": SHOWN + 0.5}, "image_of_trial: float64, needs whole numbers"),
        ({"image_of_trial": SHOWN + 2}, "numbers from 2 to 15 for 14 images; correct them"),
        ({"tier": TIER[:-1]}, "tier: 18 trials, of which there are 19"),
        ({"images": np.ones((IMAGES, HEIGHT, IMAGES))}, "images: shape (14, 6, 14)"),
        ({"images": np.full((IMAGES, HEIGHT, WIDTH), "x")}, "images: <U1 of shape (14, 6, 9), needs numbers"),
        ({"responses": np.full((len(SHOWN), NEURONS), np.inf)}, "responses: no finite number in float32"),
    ],
)  # fmt: skip
def test_what_is_unsound_is_refused_by_name(tmp_path: Path, change: Values, told: str) -> None:
    found = {name: array for name, array in {**values(), **change}.items() if array is not None}
    source = as_npz(tmp_path, found)
    with pytest.raises(ArchiveError) as caught:
        read(source)
    assert str(caught.value).startswith(f"{source}: ")
    assert told in str(caught.value)


def test_images_that_may_count_from_0_or_1_are_refused_until_the_config_says_which(tmp_path: Path) -> None:
    shown = np.where(SHOWN == 0, 1, np.where(SHOWN == 13, 12, SHOWN))
    found = {**values(), "image_of_trial": shown, "unit": np.arange(NEURONS) + 7}
    source = as_npz(tmp_path, found)
    axes = {"image_axes": ("images", "height", "width")}
    with pytest.raises(
        ArchiveError, match=r"from 1 to 12 for 14 images; set dataset.arrays.first_image to 0 or 1"
    ):
        read(source, **axes)
    np.testing.assert_array_equal(read(source, **axes, first_image=1).image_of_trial, shown - 1)
    np.testing.assert_array_equal(read(source, **axes, first_image=0, unit_id="unit").unit_id, found["unit"])


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><html>log in</html>", b"\x89HDF\r\n\x1a\nbroken", b"x"])
def test_what_is_no_such_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "recording.h5").write_bytes(content)
    with pytest.raises(ArchiveError) as caught:
        read(tmp_path / "recording.h5")
    assert str(caught.value).startswith(f"{tmp_path / 'recording.h5'}: is ")
    with pytest.raises(ArchiveError, match=r"no such file"):
        read(tmp_path / "missing.h5")
    with pytest.raises(ArchiveError, match=r"is a folder without a file of the region's name"):
        read(tmp_path)
