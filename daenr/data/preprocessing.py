"""From a recording to a region: scaled 32 x 32 images, train/validation split, receptive fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64, Shaped

from daenr import IMAGE_SIZE, __version__
from daenr.config import SplitSettings
from daenr.data.notes import notes
from daenr.data.receptive_fields import centres
from daenr.data.recording import Recording
from daenr.data.region import RegionData
from daenr.data.responses import not_negative, scales, whole_trials

RANGE_TOLERANCE = 1e-6
"""Share of the intensity range by which values may lie outside it: rounding of float32, not a wrong range."""

FITS = ("crop", "stretch", "pad")
"""How images that are not square become so: their central square, stretched, or all of them on grey."""

SMALLEST_SPAN = 0.01
"""Smallest share of the intensity range that a set of images covers; below it the range has another unit."""


def to_unit(
    intensities: Float[np.ndarray, "*images"], intensity_range: Sequence[float]
) -> Float[np.ndarray, "*images"]:
    """Intensities of a range as values from -1 to 1."""
    low, high = intensity_range
    return (intensities - low) / (high - low) * 2 - 1


def from_unit(
    values: Float[np.ndarray, "*images"], intensity_range: Sequence[float]
) -> Float64[np.ndarray, "*images"]:
    """Values from -1 to 1 as intensities of a range."""
    low, high = intensity_range
    return low + (values.astype(np.float64) + 1) / 2 * (high - low)


def preprocess(
    recording: Recording,
    *,
    dataset: str,
    source: str,
    intensity_range: Sequence[float],
    validation_fraction: float,
    split_seed: int,
    blur: float,
    fit: str | None = None,
    negative_responses: str = "refuse",
    response_scale: str = "none",
    own_validation: bool = True,
) -> RegionData:
    """Scale and resize the images, split off the validation set, locate the receptive fields.

    The settings are keys of the config, in its sections ``dataset``, ``split`` and ``receptive_field``. The name of the
    dataset and the source, where the archive comes from (DOI, URL or path), are for the record.

    Raises:
        ValueError: intensities do not fit the range, images are not square and there is no ``fit``, there are negative
            responses and no ``clip``, too few trials are whole, or one side of the split would be empty.
    """
    region = recording.region
    recording, dropped = whole_trials(recording)
    recording, clipped = not_negative(recording, negative_responses)
    images = to_model_images(recording.training_images, intensity_range, f"{region}, training images", fit)
    test_images = to_model_images(recording.test_images, intensity_range, f"{region}, test images", fit)
    ids = image_ids(recording.training_images)
    its_own = own_validation and recording.is_validation is not None
    trials = recording.test_trials
    attributes = {
        "region": region,
        "sha256": recording.sha256,
        "image_shape": list(recording.images.shape[1:]),
        "counts": _test_counts(recording),
        "daenr_version": __version__,
        "dataset": dataset,
        "source": source,
        "own_validation": its_own,
        "split_seed": split_seed,
        "validation_fraction": validation_fraction,
        "intensity_range": [float(bound) for bound in intensity_range],
        "fit": fit,
        "receptive_field_blur": blur,
        "response_scale": response_scale,
        "notes": notes(recording, images, test_images, dropped=dropped, clipped=clipped),
    }
    held_out = _own(recording, ids) if its_own else split(ids, validation_fraction, split_seed, region)
    return RegionData(
        **_split_up(images, recording.training_responses.astype(np.float32), ids, held_out, attributes),
        test_images=test_images,
        test_trials=trials.astype(np.float32),
        test_responses=np.nanmean(trials, axis=0).astype(np.float32),
        responsive=recording.responsive,
        unit_id=recording.unit_id,
    )


def _test_counts(recording: Recording) -> dict[str, int]:
    """What there is besides the trials that the split divides."""
    times_shown = np.unique(recording.image_of_trial[recording.is_test], return_counts=True)[1]
    return {
        "test": len(times_shown),
        "repeats": int(times_shown.max()),
        "fewest_repeats": int(times_shown.min()),
        "neurons": recording.responses.shape[1],
    }


def to_model_images(
    raw: Float64[np.ndarray, "images height width"],
    intensity_range: Sequence[float],
    name: str,
    fit: str | None = None,
) -> Float32[np.ndarray, "images 1 32 32"]:
    """Scale a fixed range of intensities to [-1, 1] and resize images to 32 x 32, bilinearly.

    Pixels are areas and the images' outer edges coincide (half-pixel centres: output pixel i samples the
    input at (i + 1/2) side/32 - 1/2, like ``torch.nn.functional.interpolate(align_corners=False)``); the
    border pixel is repeated outwards. Images larger than 32 x 32 are smoothed first, against aliasing.

    Images that are not square become so by one of `FITS`; ``name`` says what they are, for the error.

    Raises:
        ValueError: an intensity lies outside the range, or all of them fill a sliver of it; or the images are
            not square and ``fit`` does not say what to do.
    """
    low, high = intensity_range
    lowest, highest, span = raw.min(), raw.max(), high - low
    where = f"{name}: intensities from {lowest:g} to {highest:g}"
    if lowest < low - RANGE_TOLERANCE * span or highest > high + RANGE_TOLERANCE * span:
        raise ValueError(f"{where} lie outside {low:g} to {high:g}; correct dataset.intensity_range")
    if highest - lowest < SMALLEST_SPAN * span:
        raise ValueError(
            f"{where} fill less than {SMALLEST_SPAN:.0%} of {low:g} to {high:g}; "
            "correct dataset.intensity_range"
        )
    return _to_model(raw, intensity_range, name, fit)


@dataclass(frozen=True)
class Preprocessing:
    """How the images of a recording become those of a model, and back: what a trained model carries with it.

    Attributes:
        intensity_range: intensities that become -1 and 1.
        image_shape: height and width of the recording's images.
        fit: how images that are not square became so, one of `FITS`, or None where they are.
    """

    intensity_range: Sequence[float]
    image_shape: Sequence[int]
    fit: str | None

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> "Preprocessing":
        """From the attributes of a region."""
        return cls(attributes["intensity_range"], attributes["image_shape"], attributes["fit"])

    def to_model(
        self, images: Shaped[np.ndarray, "images height width"]
    ) -> Float32[np.ndarray, "images 1 32 32"]:
        """Images in the recording's intensities and size as the model takes them, bit for bit as in the region file.

        A blank image is as good as another: these are for looking at, not the recording that is checked.

        Raises:
            ValueError: they have another size or intensities outside the range.
        """
        images = np.asarray(images, np.float64)
        low, high = self.intensity_range
        if images.ndim != 3 or images.shape[1:] != tuple(self.image_shape) or len(images) == 0:
            size = " x ".join(map(str, self.image_shape))
            raise ValueError(
                f"images: shape {images.shape}, the model takes images x {size} like its recording's"
            )
        beyond = RANGE_TOLERANCE * (high - low)
        if not (images.min() >= low - beyond and images.max() <= high + beyond):
            raise ValueError(
                f"images: intensities from {images.min():g} to {images.max():g}, the model takes {low:g} to {high:g} "
                "like its recording's; scale them to that range"
            )
        return _to_model(images, self.intensity_range, "images", self.fit)

    def to_recording(
        self, images: Float32[np.ndarray, "images 1 32 32"]
    ) -> Float64[np.ndarray, "images height width"]:
        """Images of the model in the recording's intensities and size; grey where the fit ``crop`` took a margin off.

        Resized bilinearly, so not the inverse of `to_model`: what 32 x 32 pixels cannot hold is lost.
        """
        (_, rows), (_, columns) = self.matrices()
        framed = (rows @ images[:, 0].astype(np.float64) @ columns.T).clip(-1, 1)
        return from_unit(framed, self.intensity_range)

    def matrices(self) -> list[tuple[Float64[np.ndarray, "32 size"], Float64[np.ndarray, "size 32"]]]:
        """For rows and for columns: what makes the model's 32 of the recording's, in [-1, 1], and what makes them back.

        Fitting and resizing are linear in each axis: the model's image is ``rows @ image @ columns.T``.
        """
        from skimage.transform import resize  # here, since loading a model does not need it

        height, width = self.image_shape
        side, pairs = _square(height, width, self.fit)[0], []
        for size in (height, width):
            length = size if self.fit == "stretch" else side
            offset = abs(length - size) // 2
            frame = np.eye(length, size, offset if self.fit == "crop" else -offset)
            there, back = (
                resize(matrix, shape, order=1, mode="edge", clip=False)  # type: ignore[no-untyped-call]
                for matrix, shape in ((frame, (IMAGE_SIZE, size)), (np.eye(IMAGE_SIZE), (length, IMAGE_SIZE)))
            )
            pairs.append((there, frame.T @ back))
        return pairs


def _to_model(
    raw: Float64[np.ndarray, "images height width"],
    intensity_range: Sequence[float],
    name: str,
    fit: str | None,
) -> Float32[np.ndarray, "images 1 32 32"]:
    """The images of `to_model_images`, whatever their intensities are."""
    from skimage.transform import resize  # here, since reading a region does not need it

    scaled = _fitted(to_unit(raw, intensity_range), name, fit)
    shape = (len(raw), IMAGE_SIZE, IMAGE_SIZE)
    resized = resize(scaled, shape, order=1, mode="edge", clip=False)  # type: ignore[no-untyped-call]
    # Bilinear weights are convex, so this takes away rounding and RANGE_TOLERANCE only.
    return resized.clip(-1, 1)[:, None].astype(np.float32)


def _square(height: int, width: int, fit: str | None) -> tuple[int, int, int]:
    """Side of the square that images are cut to or put into; row and column where the smaller of both begins."""
    side = min(height, width) if fit == "crop" else max(height, width)
    return side, abs(height - side) // 2, abs(width - side) // 2


def _fitted(
    scaled: Float64[np.ndarray, "images height width"], name: str, fit: str | None
) -> Float64[np.ndarray, "images rows columns"]:
    """Images cut to their central square, or put into a square in the middle of the range; others as they are."""
    height, width = scaled.shape[1:]
    if height == width or fit == "stretch":
        return scaled
    if fit not in FITS:
        raise ValueError(
            f"{name}: {height} x {width} pixels, not square; set dataset.fit to one of {', '.join(FITS)}"
        )
    side, top, left = _square(height, width, fit)
    if fit == "crop":
        return scaled[:, top : top + side, left : left + side]
    square = np.zeros((len(scaled), side, side))
    square[:, top : top + height, left : left + width] = scaled
    return square


def image_ids(raw: Float64[np.ndarray, "trials height width"]) -> Int64[np.ndarray, " trials"]:
    """Number of the distinct image that each trial showed; equal means equal in every pixel."""
    raw = raw.reshape(len(raw), -1)
    return np.unique(raw, axis=0, return_inverse=True)[1].ravel().astype(np.int64)


def split(
    ids: Int64[np.ndarray, " trials"], fraction: float, seed: int, region: str
) -> Bool[np.ndarray, " trials"]:
    """Which trials are the validation set: those of a random fraction of the distinct images.

    Raises:
        ValueError: no image would be left on one of the sides.
    """
    distinct = np.unique(ids)
    held_out = round(fraction * len(distinct))
    if not 0 < held_out < len(distinct):
        raise ValueError(
            f"{region}, training images: {held_out} of {len(distinct)} distinct images would be the "
            f"validation set, which leaves one side empty; change split.validation_fraction ({fraction}) "
            "or add images"
        )
    chosen = np.random.default_rng(seed).permutation(distinct)[:held_out]
    return np.isin(ids, chosen)


def _own(recording: Recording, ids: Int64[np.ndarray, " trials"]) -> Bool[np.ndarray, " trials"]:
    """Which training trials the recording itself keeps for validation."""
    assert recording.is_validation is not None
    held_out = recording.is_validation[~recording.is_test]
    shared = len(np.intersect1d(ids[held_out], ids[~held_out]))
    if shared or held_out.all():
        raise ValueError(
            f"{recording.region}: {shared} images stand in training and validation trials, of {held_out.sum()} for "
            f"validation and {(~held_out).sum()} for training; set dataset.own_validation: false, which draws a split"
        )
    return held_out


def with_split(
    data: RegionData, settings: SplitSettings, run_seed: int, blur: float | None = None
) -> RegionData:
    """The region split as a run's settings say, with its receptive fields; as it is where its file was made so.

    A region file holds one split; under ``split.by_seed`` and in variants of the section a run has another. The
    trials of both sides are then split anew by their images, and receptive fields found in the new training split.

    ``blur`` of the receptive fields is in pixels, see `centres`; that of the file unless told.

    Raises:
        ValueError: another split is asked for, but the recording's own validation trials are the validation set.
    """
    if settings.by_seed:
        settings = settings.model_copy(update={"seed": run_seed})
    known = {**data.attributes, **({} if blur is None else {"receptive_field_blur": blur})}
    if (known["validation_fraction"], known["split_seed"]) == (settings.validation_fraction, settings.seed):
        if known == data.attributes:
            return data
        found = centres(data.train_images, data.train_responses, known["receptive_field_blur"])
        return replace(data, attributes=known, receptive_field=found)
    if known["own_validation"]:
        raise ValueError(
            f"{known['region']}: split asks for another validation set than the recording's own; set "
            "dataset.own_validation: false"
        )
    images, responses, ids = (
        np.concatenate([getattr(data, f"train_{part}"), getattr(data, f"validation_{part}")])
        for part in ("images", "responses", "image_id")
    )
    held_out = split(ids, settings.validation_fraction, settings.seed, known["region"])
    asked = {"split_seed": settings.seed, "validation_fraction": settings.validation_fraction}
    return replace(data, **_split_up(images, responses, ids, held_out, {**known, **asked}))


def _split_up(
    images: Float32[np.ndarray, "trials 1 32 32"],
    responses: Float32[np.ndarray, "trials neurons"],
    ids: Int64[np.ndarray, " trials"],
    held_out: Bool[np.ndarray, " trials"],
    attributes: Mapping[str, Any],
) -> dict[str, Any]:
    """Both sides of the split and what follows from the training side, under the names that `RegionData` has for them.

    Arrays are of all trials but those for testing: ``ids`` is the number of the distinct image of each, ``held_out``
    True where it is for validation. The counts of both sides are added to the attributes.
    """
    train_images, train_responses = images[~held_out], responses[~held_out]
    return {
        "train_images": train_images,
        "train_responses": train_responses,
        "train_image_id": ids[~held_out],
        "validation_images": images[held_out],
        "validation_responses": responses[held_out],
        "validation_image_id": ids[held_out],
        "receptive_field": centres(train_images, train_responses, attributes["receptive_field_blur"]),
        "response_scale": scales(train_responses, attributes["response_scale"]),
        "attributes": {
            **attributes,
            "counts": {
                **attributes["counts"],
                "train": int((~held_out).sum()),
                "train_distinct": len(np.unique(ids[~held_out])),
                "validation": int(held_out.sum()),
                "validation_distinct": len(np.unique(ids[held_out])),
            },
        },
    }
