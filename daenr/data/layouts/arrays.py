"""One file with an array each for images, responses, image of each trial and tier of each trial (``dataset.arrays``).

The file is HDF5, .npz or MATLAB's, told by its first bytes; the arrays have the names that the config gives them.

================== ====================================== ==========================================================
``images``         (images, height, width) or with colour stimuli; or (images, pixels)
``responses``      (trials, neurons)                      responses of single trials
``image_of_trial`` (trials), whole numbers                which of the images each trial showed
``tier``           (trials), text or whole numbers        what a trial is for; ``dataset.arrays.tiers`` has the words
``unit_id``        (neurons), whole numbers, optional     number of each neuron
================== ====================================== ==========================================================

A region's arrays lie in the group, struct or .npz prefix of its name, or in a file ``REGION.h5`` (.hdf5, .mat, .npz)
of a folder. MATLAB's arrays have the axes that MATLAB shows, whatever the order they lie on disk in. Another order of
axes is taken where the counts of images and trials leave one reading alone; else the config must say it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float64, Int64, Shaped

from daenr.config import ArraysSettings
from daenr.data.archive import named, own_file, refused, sha256, what_it_is
from daenr.data.images import image_shape as shape_of
from daenr.data.images import without_colour
from daenr.data.recording import Recording

Stored = Mapping[str, Callable[[], Any]]
"""Name of an array -> what reads it."""


def read(
    source: Path,
    region: str,
    *,
    alone: bool,
    arrays: Mapping[str, Any],
    image_shape: Sequence[int] | None,
    gray: bool,
) -> Recording:
    """Read the group or the file of the region's name, or the file if it is the only region; see `LAYOUTS`.

    ``arrays`` has the keys of `ArraysSettings`.
    """
    settings = ArraysSettings(**arrays)
    file = own_file(source, region, ".h5", ".hdf5", ".mat", ".npz")
    with refused(file):
        with _opened(file, region) as (stored, matlab):
            group = _group(stored, region, alone=alone or file != source)
            image_of_trial = _whole(settings.image_of_trial, _load(group, settings.image_of_trial))
            tier = _tiers(settings, _load(group, settings.tier))
            responses = _trials_first(settings, _load(group, settings.responses), len(image_of_trial))
            images = _images_first(settings, _load(group, settings.images), image_of_trial, matlab)
            unit_id = _whole(settings.unit_id, _load(group, settings.unit_id)) if settings.unit_id else None
        images = _pictures(settings, images, image_shape, gray, matlab)
        for name, found, wanted, what in (
            (settings.tier, len(tier), len(image_of_trial), "trials"),
            (settings.unit_id, len(unit_id) if unit_id is not None else None, responses.shape[1], "neurons"),
        ):
            if found not in (None, wanted):
                raise ValueError(f"{name}: {found} {what}, of which there are {wanted}; correct it")
        return Recording.of_trials(
            region,
            images=images,
            responses=responses,
            image_of_trial=_from_zero(settings, image_of_trial, len(images)),
            tier=tier,
            unit_id=unit_id,
            sha256={file.name: sha256(file)},
        )


# ---- files ------------------------------------------------------------------------------------------------


@contextmanager
def _opened(file: Path, region: str) -> Iterator[tuple[Stored, bool]]:
    """The arrays in a file, of HDF5 those of the region's group alone if it has one, and whether it is MATLAB's."""
    if file.is_dir():
        raise ValueError("is a folder without a file of the region's name (.h5, .hdf5, .mat, .npz); add it")
    kind = what_it_is(file)
    if h5py.is_hdf5(file):
        matlab = kind == "a MATLAB 7.3 file"
        stored: dict[str, Callable[[], Any]] = {}

        def found(name: str, item: Any) -> None:
            # MATLAB keeps its cells below a #.
            if isinstance(item, h5py.Dataset) and not name.startswith("#"):
                stored[f"{group}{name}"] = lambda: _dataset(hdf5, item, matlab)

        with ExitStack() as stack:
            with named(f"is {kind} that is damaged", "get it again"):
                hdf5 = stack.enter_context(h5py.File(file))
                group = f"{region}/" if isinstance(hdf5.get(region), h5py.Group) else ""
                hdf5[group or "/"].visititems(found)
            yield stored, matlab
    elif kind == "a MATLAB file":
        from scipy.io import loadmat  # here, since the other files do not need it

        with named("is a MATLAB file that is damaged", "get it again"):
            struct = loadmat(file)
        yield dict(_fields(struct)), True
    else:
        with named(f"is {kind}, no HDF5, .npz or MATLAB file", "save it as one"):
            opened = np.load(file, allow_pickle=False)
        if not isinstance(opened, np.lib.npyio.NpzFile):
            raise ValueError("is a single array; save all of them in one .npz file")
        with opened:
            yield {name: partial(opened.__getitem__, name) for name in opened.files}, False


def _dataset(file: h5py.File, dataset: h5py.Dataset, matlab: bool) -> Any:
    """A dataset's values; text as text, and MATLAB's with the axes as MATLAB shows them."""
    if matlab:
        kind = dataset.attrs.get("MATLAB_class", b"")
        if kind == b"cell":
            return np.array(["".join(map(chr, file[cell][()].ravel())) for cell in dataset[()].ravel()])
        if kind == b"char":
            return np.array(["".join(map(chr, row)).rstrip() for row in dataset[()].T])
        return dataset[()].T
    return np.asarray(dataset.asstr()[()], str) if h5py.check_string_dtype(dataset.dtype) else dataset[()]


def _fields(struct: Any, prefix: str = "") -> Iterator[tuple[str, Callable[[], Any]]]:
    """The arrays of a MATLAB 5 file, those in structs as ``STRUCT/FIELD``."""
    for name in struct if isinstance(struct, dict) else struct.dtype.names:
        values = struct[name] if isinstance(struct, dict) else struct[name].ravel()[0]
        if isinstance(values, np.ndarray) and values.dtype.names and values.size == 1:
            yield from _fields(values, f"{prefix}{name}/")
        elif not name.startswith("__"):
            yield f"{prefix}{name}", partial(_matlab_text, values)


def _matlab_text(values: Any) -> Any:
    """Cells of text as an array of text."""
    if values.dtype.kind == "O":
        return np.array([str(np.squeeze(cell)) for cell in values.ravel()])
    return np.char.rstrip(values) if values.dtype.kind == "U" else values


def _group(stored: Stored, region: str, *, alone: bool) -> Stored:
    inside = {
        name.removeprefix(f"{region}/"): load
        for name, load in stored.items()
        if name.startswith(f"{region}/")
    }
    if not inside and not alone:
        raise ValueError(
            f"has no group {region!r} and more than one region is asked for; it has {sorted(stored)}"
        )
    return inside or stored


def _load(group: Stored, name: str) -> Any:
    if name not in group:
        raise ValueError(f"has no array {name!r}, but {sorted(group)}; name it in dataset.arrays")
    with named(f"{name}: cannot be read", "get the file again, or save it anew as numbers or text"):
        return group[name]()


# ---- arrays -----------------------------------------------------------------------------------------------


def _along_trials(name: str, values: Any) -> Shaped[np.ndarray, " entries"]:
    """An array of one axis; MATLAB gives each vector a second one, of length 1."""
    found = np.asarray(values)
    if found.size == 0 or found.size != max(found.shape, default=0):
        raise ValueError(f"{name}: shape {found.shape}, needs one axis; correct it")
    return found.ravel()


def _whole(name: str, values: Any) -> Int64[np.ndarray, " entries"]:
    found = _along_trials(name, values)
    if found.dtype.kind not in "iuf" or not np.array_equal(found, np.round(found.astype(float))):
        raise ValueError(f"{name}: {found.dtype}, needs whole numbers; correct it")
    return found.astype(np.int64)


def _tiers(settings: ArraysSettings, values: Any) -> Shaped[np.ndarray, " trials"]:
    """Tier of each trial in the words of `Recording.of_trials`."""
    found = _along_trials(settings.tier, values)
    words = [str(word) for word in (found if found.dtype.kind in "UT" else _whole(settings.tier, found))]
    names = {str(word): name for name, word in settings.tiers.items()}
    if names.keys().isdisjoint(words):
        raise ValueError(
            f"{settings.tier}: {sorted(set(words))[:9]}, none of {sorted(names)}; say in dataset.arrays.tiers "
            "which is train, validation and test"
        )
    return np.array([names.get(word, f"other: {word}") for word in words])


def _trials_first(
    settings: ArraysSettings, values: Any, trials: int
) -> Float64[np.ndarray, "trials neurons"]:
    """Responses with the trials first, as the config or the count of trials says."""
    name, axes = settings.responses, settings.response_axes
    values = _numbers(name, values, 2)
    fitting = [axis for axis in (0, 1) if values.shape[axis] == trials]
    if axes is not None:
        fitting = [axis for axis in fitting if axes[axis] == "trials"]
    if len(fitting) != 1:
        which = "say in dataset.arrays.response_axes which axis is trials"
        remedy = which if fitting else "correct one of them"
        raise ValueError(
            f"{name}: shape {values.shape}, {trials} trials in {settings.image_of_trial}; {remedy}"
        )
    return values if fitting == [0] else np.ascontiguousarray(values.T)


def _images_first(
    settings: ArraysSettings, stored: Any, image_of_trial: Int64[np.ndarray, " trials"], matlab: bool
) -> Float64[np.ndarray, "images ..."]:
    """Images with the axes images, height, width (or pixels) and perhaps channels, as the config or the counts say."""
    name, axes = settings.images, settings.image_axes
    values = _numbers(name, stored, 2, 3, 4)
    if axes is not None:
        if len(axes) != values.ndim:
            raise ValueError(
                f"{name}: shape {values.shape}, dataset.arrays.image_axes has {list(axes)}; correct it"
            )
        order = [
            axes.index(axis) for axis in ("images", "channels", "height", "width", "pixels") if axis in axes
        ]
        return values.transpose(order)
    highest = int(image_of_trial.max())
    counts = {len(np.unique(image_of_trial)), highest + 1} | (
        {highest} if image_of_trial.min() > 0 else set()
    )
    fitting = [axis for axis, size in enumerate(values.shape) if size in counts]
    # Pictures behind the axis of images are height x width; before it they are so in MATLAB alone.
    readable = values.ndim == 2 or fitting == [0] or (matlab and fitting == [values.ndim - 1])
    if len(fitting) != 1 or not readable:
        raise ValueError(
            f"{name}: shape {values.shape}, {settings.image_of_trial} has about {min(counts)} images; say what "
            "the axes are in dataset.arrays.image_axes, like [images, height, width]"
        )
    return np.moveaxis(values, fitting[0], 0)


def _pictures(
    settings: ArraysSettings,
    images: Float64[np.ndarray, "images ..."],
    given: Sequence[int] | None,
    gray: bool,
    matlab: bool,
) -> Float64[np.ndarray, "images height width"]:
    """Flattened images in their shape, those in colour without it."""
    name, pixels = settings.images, settings.pixels
    if images.ndim > 2:
        return without_colour(name, images, gray)
    if pixels is None and matlab:
        raise ValueError(
            f"{name}: images that are flattened; MATLAB's (:) does so by columns, others by rows: set "
            "dataset.arrays.pixels: columns or rows"
        )
    if pixels == "columns":
        width, height = shape_of(name, images, given[::-1] if given is not None else None)
        return images.reshape(-1, width, height).transpose(0, 2, 1)
    return images.reshape(-1, *shape_of(name, images, given))


def _numbers(name: str, values: Any, *axes: int) -> Float64[np.ndarray, "..."]:
    found = np.asarray(values)
    if found.dtype.kind not in "iuf" or found.ndim not in axes:
        raise ValueError(
            f"{name}: {found.dtype} of shape {found.shape}, needs numbers along {' or '.join(map(str, axes))} axes"
        )
    return found.astype(np.float64)


def _from_zero(
    settings: ArraysSettings, image_of_trial: Int64[np.ndarray, " trials"], images: int
) -> Int64[np.ndarray, " trials"]:
    """Images counted from 0; where the file may count from 0 or from 1, the config must say it."""
    lowest, highest = int(image_of_trial.min()), int(image_of_trial.max())
    possible = [first for first in (0, 1) if first <= lowest and highest < images + first]
    if settings.first_image is not None:
        possible = [first for first in possible if first == settings.first_image]
    if len(possible) != 1:
        remedy = "set dataset.arrays.first_image to 0 or 1" if possible else "correct them, or first_image"
        raise ValueError(
            f"{settings.image_of_trial}: numbers from {lowest} to {highest} for {images} images; {remedy}"
        )
    return image_of_trial - possible[0]
