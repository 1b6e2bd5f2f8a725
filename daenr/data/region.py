"""A region, ready for training, and the file that holds it.

The region file is HDF5 and is written and read here only; every dataset in it says what it is in its
attributes ``description`` and ``unit``. Importing this module needs numpy and h5py alone, since every
training does so.
"""

import io
import json
import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

import h5py
import numpy as np
from jaxtyping import Bool, Float32, Int64

from daenr import IMAGE_SIZE
from daenr.files import atomic


def _array(
    path: str, description: str, unit: str, lowest: float = 0.0, highest: float = math.inf
) -> dict[str, Any]:
    """How an array of `RegionData` stands in the file, and the values that it may have."""
    return {"path": path, "description": description, "unit": unit, "lowest": lowest, "highest": highest}


def _images(path: str, description: str) -> dict[str, Any]:
    return _array(path, description, "intensity, -1 to 1 over intensity_range", -1.0, 1.0)


def _responses(path: str, description: str) -> dict[str, Any]:
    return _array(path, description, "as in the archive, 0 is no response")


def _identities(path: str) -> dict[str, Any]:
    return _array(path, "distinct image that each trial showed", "number of the image")


@dataclass(frozen=True, eq=False)
class RegionData:
    """One region, ready for training; ``train`` and ``validation`` share no image.

    What each array is stands beside it, and so in the file. An image that was shown twice stands there twice. Neither
    training nor early stopping sees the test stimuli. What is predicted is multiplied by ``response_scale``.

    Attributes:
        attributes: where all this comes from, by the names in ``ATTRIBUTES``.
        responsive: None where the truth is not known.
        unit_id: None where the recording gives none and all neurons are there.
    """

    train_images: Float32[np.ndarray, "train 1 32 32"] = field(
        metadata=_images("train/images", "training stimuli, one a trial")
    )
    train_responses: Float32[np.ndarray, "train neurons"] = field(
        metadata=_responses("train/responses", "single trials")
    )
    train_image_id: Int64[np.ndarray, " train"] = field(metadata=_identities("train/image_id"))
    validation_images: Float32[np.ndarray, "validation 1 32 32"] = field(
        metadata=_images("validation/images", "stimuli for early stopping")
    )
    validation_responses: Float32[np.ndarray, "validation neurons"] = field(
        metadata=_responses("validation/responses", "single trials")
    )
    validation_image_id: Int64[np.ndarray, " validation"] = field(metadata=_identities("validation/image_id"))
    test_images: Float32[np.ndarray, "test 1 32 32"] = field(
        metadata=_images("test/images", "test stimuli, each shown in every repeat")
    )
    test_trials: Float32[np.ndarray, "repeats test neurons"] = field(
        metadata=_responses(
            "test/trials", "single trials; NaN in the last repeats of an image that was shown less often"
        )
    )
    test_responses: Float32[np.ndarray, "test neurons"] = field(
        metadata=_responses("test/responses", "mean of test/trials over the repeats that were made")
    )
    receptive_field: Int64[np.ndarray, "neurons 2"] = field(
        metadata=_array(
            "neurons/receptive_field",
            "receptive-field centre from the spike-triggered average of the training split",
            "pixel (row, column)",
            highest=IMAGE_SIZE - 1.0,
        )
    )
    response_scale: Float32[np.ndarray, " neurons"] = field(
        metadata=_array(
            "neurons/response_scale",
            "what responses are divided by in training, 1 for dataset.response_scale: none",
            "as the responses",
            lowest=float(np.finfo(np.float32).smallest_subnormal),
        )
    )
    attributes: dict[str, Any]
    responsive: Bool[np.ndarray, " neurons"] | None = field(
        default=None,
        metadata=_array(
            "neurons/responsive",
            "whether the neuron responds to the image at all (simulated recordings only)",
            "true or false",
        ),
    )
    unit_id: Int64[np.ndarray, " neurons"] | None = field(
        default=None,
        metadata=_array(
            "neurons/unit_id",
            "the neuron's number in the recording, where it has such or neurons were chosen",
            "number of the neuron",
            lowest=-math.inf,
        ),
    )


_ARRAYS = [each for each in fields(RegionData) if each.metadata]

ATTRIBUTES = (
    "dataset",
    "region",
    "source",
    "sha256",  # member -> hash
    "own_validation",  # whether validation is on the recording's own trials for it
    "split_seed",
    "validation_fraction",
    "intensity_range",
    "image_shape",  # as recorded
    "fit",  # see `preprocessing`
    "receptive_field_blur",
    "response_scale",
    "counts",
    "notes",  # what `daenr.data.notes` tells
    "daenr_version",
)
"""What a region says of where it comes from."""

_JSON_ATTRIBUTES = ("sha256", "counts", "notes", "fit")
"""Attributes that are mappings, lists of them or None; HDF5 has none, so the file holds them as JSON."""


def write_region(path: Path, region: RegionData) -> None:
    """Write a region file, atomically; the same data always make the same bytes."""
    # By way of memory: HDF5 does not get over a full disk, it crashes when the file is closed.
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name in ATTRIBUTES:
            value = region.attributes[name]
            file.attrs[name] = json.dumps(value, sort_keys=True) if name in _JSON_ATTRIBUTES else value
        for array in _ARRAYS:
            values = getattr(region, array.name)
            if values is not None:
                dataset = file.create_dataset(array.metadata["path"], data=values, track_times=False)
                dataset.attrs["description"] = array.metadata["description"]
                dataset.attrs["unit"] = array.metadata["unit"]
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
        arrays = {array.name: _read_array(path, file, array) for array in _ARRAYS}
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
    missing = [name for name in ATTRIBUTES if name not in file.attrs]
    if missing:
        raise _refused(path, f"lacks the attributes {', '.join(missing)}")
    # Python's own str, int, float or list for what h5py gives.
    attributes = {name: np.asarray(file.attrs[name]).tolist() for name in ATTRIBUTES}
    return {**attributes, **{name: json.loads(attributes[name]) for name in _JSON_ATTRIBUTES}}


def _declared(array: Field[Any]) -> tuple[np.dtype[Any], list[str]]:
    """Type and axes of an array, as `RegionData` annotates it: the name or the size of each axis."""
    annotation: Any = (get_args(array.type) or [array.type])[0]
    return np.dtype(annotation.dtypes[0]), annotation.dim_str.split()


def _read_array(path: Path, file: h5py.File, array: Field[Any]) -> Any:
    """One array, checked by itself: type, axes and values; None if it is optional and not there."""
    name, lowest, highest = (array.metadata[key] for key in ("path", "lowest", "highest"))
    dataset = file.get(name)
    if dataset is None and array.default is None:
        return None
    if not isinstance(dataset, h5py.Dataset):
        raise _refused(path, f"lacks {name}")
    values: np.ndarray = dataset[()]
    dtype, axes = _declared(array)
    fixed = [
        not axis.isdecimal() or int(axis) == size for axis, size in zip(axes, values.shape, strict=False)
    ]
    if values.dtype != dtype or values.ndim != len(axes) or not all(fixed):
        wanted = f"{dtype} of shape ({', '.join(axes)})"
        raise _refused(path, f"{name} is {values.dtype} of shape {values.shape}, not {wanted}")
    if values.size == 0:
        raise _refused(path, f"{name} is empty, shape {values.shape}")
    # Repeats may be missing, but not the first.
    missing = np.isnan(values).all(axis=-1) if axes[0] == "repeats" else np.zeros(1, bool)
    there = values[~missing] if missing.any() and not missing[0].any() else values
    if not np.isfinite(there).all():
        raise _refused(path, f"{name} holds a value that is not finite")
    if there.min() < lowest or there.max() > highest:
        raise _refused(
            path,
            f"{name} holds values from {there.min():g} to {there.max():g}, allowed is {lowest:g} to {highest:g}",
        )
    return values


def _check_counts(path: Path, arrays: Mapping[str, Any]) -> None:
    """An axis that two arrays share must have the same size in both."""
    first: dict[str, tuple[int, str]] = {}
    for array in _ARRAYS:
        name, values = array.metadata["path"], arrays[array.name]
        if values is None:
            continue
        for axis, size in zip(_declared(array)[1], values.shape, strict=True):
            expected, other = first.setdefault(axis, (size, name))
            if size != expected:
                raise _refused(path, f"{name} has {size} along its axis {axis}, {other} has {expected}")
