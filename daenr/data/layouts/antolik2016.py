"""The layout of the supplement of Antolik et al. 2016 (doi:10.1371/journal.pcbi.1004927.s001).

====================== ============================ ==============================================================
``training_inputs``    (train, height, width)       training images, raw intensities; or (train, pixels), row-major
``training_set``       (train, neurons)             responses to them, single trials
``validation_inputs``  as the training images       the paper's *test* images
``raw_validation_set`` (repeats, test, neurons)     responses to them, single trials; NaN in a repeat that was not made
``validation_set``     (test, neurons), optional    mean of ``raw_validation_set`` over the repeats
``responsive``         (neurons), optional, bool    simulated recordings only: the cells that see the image
====================== ============================ ==============================================================

They are files ``Data/<region>/<name>.npy`` of an archive, see `archive`. Whatever `read` returns is sound.
"""

import hashlib
import json
import math
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from daenr.data import images
from daenr.data.archive import Manifest, Member, array, compare, in_region, opened
from daenr.data.recording import Recording
from daenr.files import atomic

MAX_REGION_BYTES = 8 * 2**30
"""Most memory that a region's arrays take once they are in float64; single bytes grow eightfold."""

MEAN_TOLERANCE = 1e-6
"""Largest relative difference of ``validation_set`` from the mean over repeats: float32 rounding passes."""

_NDIM = {
    "training_inputs": (2, 3),
    "training_set": (2,),
    "validation_inputs": (2, 3),
    "raw_validation_set": (3,),
    "validation_set": (2,),
    "responsive": (1,),
}
_MEAN, _TRUTH = "validation_set", "responsive"


def read(
    archive: Path,
    region: str,
    manifest: Manifest | None = None,
    image_shape: Sequence[int] | None = None,
) -> Recording:
    """Read and check one region; with a manifest, every file that is read must be as the manifest says.

    Without a shape, images that are flattened are taken for square if they are. See `daenr.data.layouts.LAYOUTS`.
    """
    with opened(archive) as members:
        files = _files(in_region(members, region), region)
        if manifest is not None:
            names = {file.name: file for file in files.values()}
            if unknown := sorted(set(names) - set(manifest)):
                raise ValueError(f"{', '.join(unknown)}: not in the manifest; list them or drop the manifest")
            compare(names, {name: manifest[name] for name in names})
        _check_shapes(region, {stem: _shape(file, stem) for stem, file in files.items()})
        contents = {stem: file.content() for stem, file in files.items()}
        arrays = {stem: array(files[stem].name, contents[stem]) for stem in files}
        # A blank image among published ones would be the publisher's, and no damage: the hashes vouch for it.
        _check_values(region, arrays, allow_blank=manifest is not None)
        if _MEAN in arrays:
            _check_mean(region, arrays, [files[stem].header()[1] for stem in (_MEAN, "raw_validation_set")])
        shape = images.image_shape(
            f"Data/{region}/training_inputs.npy", arrays["training_inputs"], image_shape
        )
    return Recording.of_sets(
        region,
        training_images=arrays["training_inputs"].reshape(-1, *shape),
        training_responses=arrays["training_set"],
        test_images=arrays["validation_inputs"].reshape(-1, *shape),
        test_trials=arrays["raw_validation_set"],
        responsive=arrays.get(_TRUTH),
        sha256={files[stem].name: hashlib.sha256(content).hexdigest() for stem, content in contents.items()},
    )


def write(
    archive: Path, recordings: Iterable[Recording], provenance: Mapping[str, Any] | None = None
) -> None:
    """Write recordings in this layout as a zip; the same recordings always make the same bytes.

    ``validation_set`` is the mean over the repeats that were made; ``responsive`` is written where it is known. The
    provenance says where the regions come from, for a reader: it stands in the archive as ``provenance.json``.
    """
    arrays = {
        f"Data/{recording.region}/{stem}": values
        for recording in recordings
        for stem, values in _published(recording).items()
    }
    with atomic(archive) as temporary, temporary.open("w+b") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
        if provenance is not None:
            with zipfile.ZipFile(stream, "a") as file:
                file.writestr(zipfile.ZipInfo("provenance.json"), json.dumps(provenance, indent=2) + "\n")


def _published(recording: Recording) -> dict[str, np.ndarray]:
    """A recording's arrays under the names that the archive gives them."""
    arrays = {
        "training_inputs": recording.training_images.reshape(len(recording.training_images), -1),
        "training_set": recording.training_responses,
        "validation_inputs": recording.test_images.reshape(len(recording.test_images), -1),
        "validation_set": np.nanmean(recording.test_trials, axis=0),
        "raw_validation_set": recording.test_trials,
    }
    return arrays if recording.responsive is None else {**arrays, _TRUTH: recording.responsive}


def _files(members: Mapping[str, Member], region: str) -> dict[str, Member]:
    """The region's files: all that are needed, and those of the others that are there."""
    missing = [f"{stem}.npy" for stem in _NDIM if stem not in (*members, _MEAN, _TRUTH)]
    if missing:
        raise ValueError(f"Data/{region}/ lacks {', '.join(missing)}; add what is missing or get it again")
    return {stem: members[stem] for stem in _NDIM if stem in members}


def _shape(file: Member, stem: str) -> tuple[int, ...]:
    """Shape from a file's header; refuses a type or a number of axes that the array cannot have."""
    shape, dtype = file.header()
    kinds, wanted = ("b", "bool") if stem == _TRUTH else ("fiu", "real numbers (float or integer)")
    if dtype.kind not in kinds:
        raise ValueError(f"{file.name}: holds {dtype}, needs {wanted}; save it as such")
    if len(shape) not in _NDIM[stem]:
        wanted = " or ".join(map(str, _NDIM[stem]))
        raise ValueError(f"{file.name}: shape {shape}, needs {wanted} axes; save it in the published layout")
    return shape


def _check_shapes(region: str, found: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse arrays whose counts of images, pixels, repeats and neurons do not fit each other, or memory."""
    (train, *pixels), (train_trials, neurons) = found["training_inputs"], found["training_set"]
    (test, *test_pixels), (repeats, *trials) = found["validation_inputs"], found["raw_validation_set"]
    wrong = [
        f"{what}, got {first} and {second}"
        for what, first, second in (
            ("training_inputs.npy and training_set.npy need as many images", train, train_trials),
            ("training_inputs.npy and validation_inputs.npy need the same pixels", pixels, test_pixels),
            ("validation_inputs.npy and raw_validation_set.npy need as many images", test, trials[0]),
            ("training_set.npy and raw_validation_set.npy need as many neurons", neurons, trials[1]),
            ("validation_set.npy must be images x neurons", found.get(_MEAN, tuple(trials)), tuple(trials)),
            ("responsive.npy must be one a neuron", found.get(_TRUTH, (neurons,)), (neurons,)),
        )
        if first != second
    ]
    if min(train, *pixels, neurons, repeats) < 1:
        size = " x ".join(map(str, pixels))
        wrong.append(
            f"{train} images of {size} pixels, {neurons} neurons, {repeats} repeats: each must be 1 at least"
        )
    if test < 3:
        wrong.append(f"validation_inputs.npy has {test} images, needs 3 at least")
    if wrong:
        raise ValueError(f"Data/{region}/: {'; '.join(wrong)}; save the arrays in the published layout")
    memory = sum(math.prod(shape) for shape in found.values()) * np.dtype(np.float64).itemsize
    if memory > MAX_REGION_BYTES:
        raise ValueError(
            f"Data/{region}/: {memory} bytes as float64, at most {MAX_REGION_BYTES}; make the arrays smaller"
        )


def _check_values(region: str, arrays: Mapping[str, np.ndarray], *, allow_blank: bool) -> None:
    """Refuse values that no recording has: not finite, blank images."""
    for stem, values in arrays.items():
        name = f"Data/{region}/{stem}.npy"
        # Float32 is what the models compute in; the negation also finds NaN.
        unfit = ~(np.abs(values) <= np.finfo(np.float32).max)
        if stem == "raw_validation_set":
            unfit &= ~np.isnan(values).all(axis=2, keepdims=True)  # a repeat that was not made
        _refuse_where(unfit, f"{name}: no finite number in float32", "remove that image or neuron")
        if stem.endswith("_inputs") and not allow_blank:
            pixels = values.reshape(len(values), -1)
            blank = (pixels == pixels[:, :1]).all(axis=1)
            _refuse_where(blank, f"{name}: an image with all pixels equal", "remove it and its responses")
    never = np.isnan(arrays["raw_validation_set"]).all(axis=(0, 2))
    _refuse_where(never, f"Data/{region}/raw_validation_set.npy: an image without any repeat", "remove it")


def _check_mean(region: str, arrays: Mapping[str, np.ndarray], dtypes: Sequence[np.dtype[Any]]) -> None:
    """Refuse another mean than that over the repeats that were made, at the precision it was saved in."""
    floats = [np.finfo(dtype) for dtype in dtypes if dtype.kind == "f"]
    relative = max([MEAN_TOLERANCE, *(2 * float(kind.eps) for kind in floats)])
    smallest = max([0.0, *(float(kind.smallest_subnormal) for kind in floats)])
    trials = arrays["raw_validation_set"]
    mean, size = np.nanmean(trials, axis=0), np.nanmean(np.abs(trials), axis=0)
    _refuse_where(
        np.abs(arrays[_MEAN] - mean) > relative * size + smallest,
        f"Data/{region}/validation_set.npy: not the mean of raw_validation_set.npy over its repeats",
        "compute it again, or leave it out",
    )


def _refuse_where(wrong: Bool[np.ndarray, "..."], what: str, remedy: str) -> None:
    """Refuse an array with a wrong value, naming the index of the first one and how many there are."""
    if wrong.any():
        index = ", ".join(str(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))
        raise ValueError(f"{what} at index {index} ({np.count_nonzero(wrong)} in all); {remedy}")
