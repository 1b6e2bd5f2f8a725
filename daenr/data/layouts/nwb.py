"""Neurodata Without Borders 2 (nwb.org), read by pynwb, which is an extra: ``pip install -e '.[nwb]'``.

============= ================================================================================================
stimuli       an `Images` container among the stimulus templates; `order_of_images` says which number each has
presentations an `IndexSeries` in the stimuli, or a table of intervals, `trials` among them, with a column that has
              the number or the name of the image
responses     spikes of `units` in a window after each onset, or a `RoiResponseSeries`, averaged over it
============= ================================================================================================

What is there once is found; of several the config names one. NWB has no word for what a trial is for: a column of the
table says it, or else images that were shown several times are for testing.
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float64, Int64, Shaped

from daenr.config import NwbSettings
from daenr.data.archive import named, own_file, refused, sha256, what_it_is
from daenr.data.images import without_colour
from daenr.data.recording import Recording


def read(source: Path, region: str, *, alone: bool, nwb: Mapping[str, Any], gray: bool) -> Recording:
    """Read the file, or ``REGION.nwb`` in a folder of files; ``nwb`` has the keys of `NwbSettings`. See `LAYOUTS`."""
    settings, file = NwbSettings(**nwb), own_file(source, region, ".nwb")
    with refused(file), ExitStack() as stack:
        if file == source and not alone:
            raise ValueError(
                "is one recording, but more than one region is asked for; give a folder of REGION.nwb"
            )
        if file.is_dir() or not h5py.is_hdf5(file):
            raise ValueError(
                f"is {'a folder' if file.is_dir() else what_it_is(file)}, needs an NWB file {region}.nwb"
            )
        try:
            from pynwb import NWBHDF5IO
        except ModuleNotFoundError as error:
            raise ValueError("needs pynwb, which is not installed; run: pip install -e '.[nwb]'") from error
        with named("cannot be read as NWB", "validate it with pynwb"):
            content = stack.enter_context(NWBHDF5IO(file, mode="r")).read()
        return _recording(content, region, settings, gray, file)


def _recording(content: Any, region: str, settings: NwbSettings, gray: bool, file: Path) -> Recording:
    onset, shown, column, length = _presentations(content, settings)
    images, image_of_trial = _images(content, settings, shown, gray)
    seen = image_of_trial >= 0
    if not seen.all():
        print(f"{region}: left out {(~seen).sum()} of {len(seen)} presentations, of no image (below 0)")
    window = settings.window or (0.0, length)
    responses, unit_id = _responses(content, settings, onset[seen], window)
    image_of_trial = image_of_trial[seen]
    if column is None:
        often = np.bincount(image_of_trial)[image_of_trial] >= settings.test_repeats
        tier = np.where(often, "test", "train")
    else:
        tier = column[seen].astype(str)
    print(
        f"{region}: {len(images)} images of {images.shape[1]} x {images.shape[2]}, {seen.sum()} presentations, "
        f"{(tier == 'test').sum()} for testing; responses from {window[0]:g} to {window[1]:g} s after each onset"
    )
    return Recording.of_trials(
        region,
        images=images,
        responses=responses,
        image_of_trial=image_of_trial,
        tier=tier,
        unit_id=unit_id,
        sha256={file.name: sha256(file)},
    )


def _the(what: str, key: str, wanted: str | None, found: Mapping[str, Any]) -> Any:
    """The object that the config names, or the only one there is."""
    if wanted is None and len(found) == 1:
        return next(iter(found.values()))
    if wanted is None or wanted not in found:
        raise ValueError(
            f"{what}: {sorted(found)}; name one of them in dataset.nwb.{key}, which is {wanted!r}"
        )
    return found[wanted]


# ---- stimuli ----------------------------------------------------------------------------------------------


def _presentations(
    content: Any, settings: NwbSettings
) -> tuple[
    Float64[np.ndarray, " trials"], Shaped[np.ndarray, " trials"], Shaped[np.ndarray, " trials"] | None, float
]:
    """Onset and image of each presentation, the column with its tier, and how long each lasts at least."""
    from pynwb.image import IndexSeries

    series = {name: item for name, item in content.stimulus.items() if isinstance(item, IndexSeries)}
    tables = dict(content.intervals or {}) | (
        {"trials": content.trials} if content.trials is not None else {}
    )
    if settings.presentations is None and len(series) == 1:
        tables = {}
    found = _the(
        "presentations, as IndexSeries or table", "presentations", settings.presentations, series | tables
    )
    if isinstance(found, IndexSeries):
        if settings.tier is not None:
            raise ValueError(
                f"{found.name}: an IndexSeries has no column {settings.tier!r}; leave out dataset.nwb.tier"
            )
        onset = _times(found)
        if len(onset) < 2:
            raise ValueError(f"{found.name}: {len(onset)} presentations, needs more")
        return onset, np.asarray(found.data[:]).astype(np.int64), None, float(np.diff(np.sort(onset)).min())
    onset, end = (np.asarray(found[name][:], dtype=np.float64) for name in ("start_time", "stop_time"))
    return (
        onset,
        _column(found, "image", settings.image),
        None if settings.tier is None else _column(found, "tier", settings.tier),
        float((end - onset).min()),
    )


def _column(table: Any, key: str, name: str) -> Shaped[np.ndarray, " trials"]:
    if name not in table.colnames:
        raise ValueError(
            f"{table.name}: columns {list(table.colnames)}, none {name!r}; set dataset.nwb.{key} to one"
        )
    return np.asarray(list(table[name][:]))


def _times(series: Any) -> Float64[np.ndarray, " times"]:
    """Time of each sample, as the series says or from its rate."""
    if series.timestamps is not None:
        return np.asarray(series.timestamps[:], dtype=np.float64)
    return series.starting_time + np.arange(len(series.data)) / series.rate


def _images(
    content: Any, settings: NwbSettings, shown: Shaped[np.ndarray, " trials"], gray: bool
) -> tuple[Float64[np.ndarray, "images height width"], Int64[np.ndarray, " trials"]]:
    """The images, and which of them each presentation showed; below 0 where none was shown."""
    from pynwb.base import Images

    containers = {name: item for name, item in content.stimulus_template.items() if isinstance(item, Images)}
    container = _the("stimulus templates that are Images", "images", settings.images, containers)
    if shown.dtype.kind in "UO":
        names = np.array(sorted(container.images))
        if unknown := sorted(set(map(str, shown)) - set(names.tolist())):
            raise ValueError(
                f"{container.name}: has no images {unknown[:5]}; correct the table, or dataset.nwb.image"
            )
        ordered = [container.images[name] for name in names]
        image_of_trial = np.searchsorted(names, shown.astype(names.dtype)).astype(np.int64)
    elif shown.dtype.kind not in "iu":
        raise ValueError(f"{container.name}: images of the type {shown.dtype}, needs whole numbers or names")
    elif container.order_of_images is None:
        raise ValueError(
            f"{container.name}: lacks order_of_images, so that numbers of images mean nothing; add it"
        )
    else:
        ordered, image_of_trial = list(container.order_of_images[:]), shown.astype(np.int64)
        if image_of_trial.max() >= len(ordered):
            raise ValueError(
                f"{container.name}: {len(ordered)} images, of which number {image_of_trial.max()} is shown"
            )
    return _pixels(container.name, ordered, settings, gray), image_of_trial


def _pixels(
    name: str, ordered: Iterable[Any], settings: NwbSettings, gray: bool
) -> Float64[np.ndarray, "images height width"]:
    pictures = [np.asarray(image.data[:], dtype=np.float64) for image in ordered]
    if len(shapes := {picture.shape for picture in pictures}) > 1:
        raise ValueError(f"{name}: images of different shapes, {sorted(shapes)[:5]}; make them alike")
    images = without_colour(name, np.stack(pictures), gray)
    return images if settings.image_axes == "height-width" else images.transpose(0, 2, 1)


# ---- responses --------------------------------------------------------------------------------------------


def _responses(
    content: Any, settings: NwbSettings, onset: Float64[np.ndarray, " trials"], window: tuple[float, float]
) -> tuple[Float64[np.ndarray, "trials neurons"], Int64[np.ndarray, " neurons"]]:
    """Responses in the window after each onset, and the neurons' numbers."""
    from pynwb.ophys import RoiResponseSeries

    found = {item.name: item for item in content.objects.values() if isinstance(item, RoiResponseSeries)}
    if content.units is not None:
        found["units"] = content.units
    responses = _the("responses, as units or RoiResponseSeries", "responses", settings.responses, found)
    begin, end = onset + window[0], onset + window[1]
    if responses is content.units:
        spikes = [np.sort(responses["spike_times"][unit]) for unit in range(len(responses))]
        counts = [np.searchsorted(times, end) - np.searchsorted(times, begin) for times in spikes]
        return np.stack(counts, axis=1).astype(np.float64), np.asarray(responses.id[:], dtype=np.int64)
    times, values = _times(responses), np.asarray(responses.data[:], dtype=np.float64)
    values = values.reshape(len(values), -1)
    first, last = np.searchsorted(times, begin), np.searchsorted(times, end)
    means = np.full((len(onset), values.shape[1]), np.nan)
    for trial in np.flatnonzero(last > first):
        means[trial] = values[first[trial] : last[trial]].mean(axis=0)
    rois = responses.rois
    return means, np.asarray(rois.table.id[:], dtype=np.int64)[np.asarray(rois.data[:])]
