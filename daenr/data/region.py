"""A region, ready for training, and the file that holds it.

The region file is HDF5 and is written and read here only; every dataset in it says what it is in its
attributes ``description`` and ``unit``. Importing this module needs numpy and h5py alone, since every
training does so.
"""

import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
from jaxtyping import Bool, Float32, Int64

from daenr import IMAGE_SIZE
from daenr.files import atomic


@dataclass(frozen=True, eq=False)
class RegionData:
    """One region, ready for training; ``train`` and ``validation`` share no image.

    Attributes:
        train_images: stimuli in [-1, 1], one a trial; an image that was shown twice stands there twice.
        train_responses: single-trial responses, not negative, unit as published.
        train_image_id: number of the distinct image that each trial showed.
        validation_images: as for training; early stopping looks at these.
        validation_responses: as for training.
        validation_image_id: as for training.
        test_images: stimuli that neither training nor early stopping sees.
        test_trials: single trials of the test images; NaN in the last repeats of an image that was shown less often.
        test_responses: mean of ``test_trials`` over the repeats that were made.
        receptive_field: row and column of each neuron's centre, pixels of the image, from the training split.
        response_scale: what each neuron's responses are divided by in training; its predictions are multiplied by it.
        responsive: True where a neuron responds to the image at all; None where the truth is not known.
        attributes: where all this comes from: dataset, region, source, sha256 (member -> hash), own_validation
            (whether validation is on the recording's own trials for it), split_seed, validation_fraction,
            intensity_range, image_shape (as recorded) and fit (see `preprocessing`), receptive_field_blur,
            response_scale, counts, notes (what `daenr.data.notes` tells), daenr_version.
        unit_id: number of each neuron in the recording; None where it gives none and all are there.
    """

    train_images: Float32[np.ndarray, "train 1 32 32"]
    train_responses: Float32[np.ndarray, "train neurons"]
    train_image_id: Int64[np.ndarray, " train"]
    validation_images: Float32[np.ndarray, "validation 1 32 32"]
    validation_responses: Float32[np.ndarray, "validation neurons"]
    validation_image_id: Int64[np.ndarray, " validation"]
    test_images: Float32[np.ndarray, "test 1 32 32"]
    test_trials: Float32[np.ndarray, "repeats test neurons"]
    test_responses: Float32[np.ndarray, "test neurons"]
    receptive_field: Int64[np.ndarray, "neurons 2"]
    response_scale: Float32[np.ndarray, " neurons"]
    responsive: Bool[np.ndarray, " neurons"] | None
    attributes: dict[str, Any]
    unit_id: Int64[np.ndarray, " neurons"] | None = None


@dataclass(frozen=True)
class _Array:
    """How an array of RegionData stands in the file: a name for every axis, and the values it may have."""

    path: str
    dtype: type[np.generic]
    axes: tuple[str | int, ...]
    lowest: float
    highest: float
    unit: str
    description: str
    ragged: bool = False
    """Whether repeats, the first axis, may be missing from its end."""


def _images(path: str, axis: str, what: str) -> _Array:
    axes = (axis, 1, IMAGE_SIZE, IMAGE_SIZE)
    return _Array(path, np.float32, axes, -1.0, 1.0, "intensity, -1 to 1 over intensity_range", what)


def _responses(path: str, axes: tuple[str, ...], what: str) -> _Array:
    return _Array(path, np.float32, axes, 0.0, math.inf, "as in the archive, 0 is no response", what)


def _identities(path: str, axis: str) -> _Array:
    what = "distinct image that each trial showed"
    return _Array(path, np.int64, (axis,), 0.0, math.inf, "number of the image", what)


_ARRAYS: Mapping[str, _Array] = MappingProxyType(
    {
        "train_images": _images("train/images", "train", "training stimuli, one a trial"),
        "train_responses": _responses("train/responses", ("train", "neurons"), "single trials"),
        "train_image_id": _identities("train/image_id", "train"),
        "validation_images": _images("validation/images", "validation", "stimuli for early stopping"),
        "validation_responses": _responses(
            "validation/responses", ("validation", "neurons"), "single trials"
        ),
        "validation_image_id": _identities("validation/image_id", "validation"),
        "test_images": _images("test/images", "test", "test stimuli, each shown in every repeat"),
        "test_trials": replace(
            _responses(
                "test/trials",
                ("repeats", "test", "neurons"),
                "single trials; NaN in the last repeats of an image that was shown less often",
            ),
            ragged=True,
        ),
        "test_responses": _responses(
            "test/responses", ("test", "neurons"), "mean of test/trials over the repeats that were made"
        ),
        "receptive_field": _Array(
            "neurons/receptive_field",
            np.int64,
            ("neurons", 2),
            0.0,
            IMAGE_SIZE - 1.0,
            "pixel (row, column)",
            "receptive-field centre from the spike-triggered average of the training split",
        ),
        "response_scale": _Array(
            "neurons/response_scale",
            np.float32,
            ("neurons",),
            float(np.finfo(np.float32).smallest_subnormal),
            math.inf,
            "as the responses",
            "what responses are divided by in training, 1 for dataset.response_scale: none",
        ),
        "responsive": _Array(
            "neurons/responsive",
            np.bool_,
            ("neurons",),
            0.0,
            1.0,
            "true or false",
            "whether the neuron responds to the image at all (simulated recordings only)",
        ),
        "unit_id": _Array(
            "neurons/unit_id",
            np.int64,
            ("neurons",),
            -math.inf,
            math.inf,
            "number of the neuron",
            "the neuron's number in the recording, where it has such or neurons were chosen",
        ),
    }
)

_OPTIONAL = ("responsive", "unit_id")

_ATTRIBUTES = (
    "dataset",
    "region",
    "source",
    "sha256",
    "own_validation",
    "split_seed",
    "validation_fraction",
    "intensity_range",
    "image_shape",
    "fit",
    "receptive_field_blur",
    "response_scale",
    "counts",
    "notes",
    "daenr_version",
)

_JSON_ATTRIBUTES = ("sha256", "counts", "notes", "fit")
"""Attributes that are mappings, lists of them or None; HDF5 has none, so the file holds them as JSON."""


def write_region(path: Path, region: RegionData) -> None:
    """Write a region file, atomically; the same data always make the same bytes."""
    # By way of memory: HDF5 does not get over a full disk, it crashes when the file is closed.
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name in _ATTRIBUTES:
            value = region.attributes[name]
            file.attrs[name] = json.dumps(value, sort_keys=True) if name in _JSON_ATTRIBUTES else value
        for field, array in _ARRAYS.items():
            values = getattr(region, field)
            if values is not None:
                dataset = file.create_dataset(array.path, data=values, track_times=False)
                dataset.attrs["description"] = array.description
                dataset.attrs["unit"] = array.unit
    with atomic(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def read_attributes(path: Path) -> dict[str, Any]:
    """What a region file says of itself, without its arrays; errors as of `read_region`."""
    with _opened(path) as file:
        return _read_attributes(path, file)


def read_region(path: Path) -> RegionData:
    """Read and check a region file; whatever it returns is sound.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: an array is missing, has another shape or type or values that it cannot have, or the
            training and validation sets share an image; the message names the file and the array.
    """
    with _opened(path) as file:
        attributes = _read_attributes(path, file)
        arrays = {name: _read_array(path, file, name, array) for name, array in _ARRAYS.items()}
    _check_counts(path, arrays)
    if np.isin(arrays["train_image_id"], arrays["validation_image_id"]).any():
        raise _refused(path, "train/image_id and validation/image_id share an image")
    return RegionData(**arrays, attributes=attributes)


def _opened(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _refused(path, f"is no whole HDF5 file ({error})") from error


def _refused(path: Path, what: str) -> ValueError:
    return ValueError(f"{path}: {what}; delete the file and run the workflow, which makes it again")


def _read_attributes(path: Path, file: h5py.File) -> dict[str, Any]:
    missing = [name for name in _ATTRIBUTES if name not in file.attrs]
    if missing:
        raise _refused(path, f"lacks the attributes {', '.join(missing)}")
    attributes = {name: _plain(file.attrs[name]) for name in _ATTRIBUTES}
    return {**attributes, **{name: json.loads(attributes[name]) for name in _JSON_ATTRIBUTES}}


def _plain(value: Any) -> Any:
    """Python's own str, int, float or list for what h5py gives."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def _read_array(path: Path, file: h5py.File, name: str, array: _Array) -> Any:
    """One array, checked by itself: type, axes and values; None if it is optional and not there."""
    dataset = file.get(array.path)
    if dataset is None and name in _OPTIONAL:
        return None
    if not isinstance(dataset, h5py.Dataset):
        raise _refused(path, f"lacks {array.path}")
    values: np.ndarray = dataset[()]
    fixed = [
        isinstance(axis, str) or axis == size for axis, size in zip(array.axes, values.shape, strict=False)
    ]
    if values.dtype != array.dtype or values.ndim != len(array.axes) or not all(fixed):
        wanted = f"{array.dtype.__name__} of shape ({', '.join(map(str, array.axes))})"
        raise _refused(path, f"{array.path} is {values.dtype} of shape {values.shape}, not {wanted}")
    if values.size == 0:
        raise _refused(path, f"{array.path} is empty, shape {values.shape}")
    missing = np.isnan(values).all(axis=-1) if array.ragged else np.zeros(1, bool)
    there = values[~missing] if missing.any() and not missing[0].any() else values
    if not np.isfinite(there).all():
        raise _refused(path, f"{array.path} holds a value that is not finite")
    if there.min() < array.lowest or there.max() > array.highest:
        allowed = f"{array.lowest:g} to {array.highest:g}"
        raise _refused(
            path, f"{array.path} holds values from {there.min():g} to {there.max():g}, allowed is {allowed}"
        )
    return values


def _check_counts(path: Path, arrays: Mapping[str, Any]) -> None:
    """An axis that two arrays share must have the same size in both."""
    first: dict[str, tuple[int, str]] = {}
    for name, array in _ARRAYS.items():
        values = arrays[name]
        if values is None:
            continue
        for axis, size in zip(array.axes, values.shape, strict=True):
            if isinstance(axis, str):
                expected, other = first.setdefault(axis, (size, array.path))
                if size != expected:
                    raise _refused(
                        path, f"{array.path} has {size} along its axis {axis}, {other} has {expected}"
                    )
