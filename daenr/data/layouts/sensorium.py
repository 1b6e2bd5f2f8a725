"""The file tree of the Sensorium competition (Willeke et al. 2022, arXiv:2206.08666), which many recordings come in.

================================== ========================== ===================================================
``data/images/N.npy``              (1, height, width)         stimulus of trial N; or (height, width)
``data/responses/N.npy``           (neurons)                  responses in trial N
``meta/trials/tiers.npy``          (trials), text             ``train``, ``validation``, ``test``; others are left out
``meta/trials/frame_image_id.npy`` (trials), whole numbers    image of each trial; equal numbers are one image
``meta/neurons/unit_ids.npy``      (neurons), optional        number of each neuron
================================== ========================== ===================================================

A source is a zip or a folder that holds such a tree, or one tree a region: ``REGION/data/...`` or ``REGION.zip``.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped

from daenr.data.archive import Member, array, as_stored, listed, own_file
from daenr.data.images import without_colour
from daenr.data.recording import TIERS, Recording, of_known_tiers

_TIERS, _IMAGE_IDS, _UNIT_IDS = (
    "meta/trials/tiers.npy",
    "meta/trials/frame_image_id.npy",
    "meta/neurons/unit_ids.npy",
)


def read(source: Path, region: str, *, alone: bool, gray: bool) -> Recording:
    """Read the tree in the folder or zip of the region's name, or the only one that there is; see `LAYOUTS`."""
    file = own_file(source, region, ".zip")
    with listed(file, "data", "meta") as members:
        tree = _tree(members, region, alone=alone or file != source)
        tier, image_id = _column(tree, _TIERS, "U"), _column(tree, _IMAGE_IDS, "iu")
        if tier.shape != image_id.shape:
            raise ValueError(
                f"{_TIERS} has {len(tier)} trials, {_IMAGE_IDS} has {len(image_id)}; correct them"
            )
        kept = of_known_tiers(region, tier)
        responses, response_hash = _trials(tree, "responses", kept)
        stored, image_hash = _trials(tree, "images", kept)
        shown = without_colour("data/images/N.npy", stored, gray)
        if responses.ndim != 2 or shown.ndim != 3:
            raise ValueError(
                f"data/responses/N.npy has shape {responses.shape[1:]}, data/images/N.npy {shown.shape[1:]}; "
                "they must be neurons, and 1 x height x width or height x width"
            )
        unit_id = _column(tree, _UNIT_IDS, "iu").astype(np.int64) if _UNIT_IDS in tree else None
        if unit_id is not None and len(unit_id) != responses.shape[1]:
            raise ValueError(
                f"{_UNIT_IDS} has {len(unit_id)} neurons, data/responses/N.npy {responses.shape[1]}; correct it"
            )
        images, image_of_trial = _distinct(shown, image_id[kept], np.flatnonzero(kept))
        return Recording.of_trials(
            region,
            images=images,
            responses=responses,
            image_of_trial=image_of_trial,
            tier=tier[kept],
            unit_id=unit_id,
            sha256={
                "data/responses/": response_hash,
                "data/images/": image_hash,
                **{
                    name: hashlib.sha256(tree[name].content()).hexdigest()
                    for name in (_TIERS, _IMAGE_IDS, _UNIT_IDS)
                    if name in tree
                },
            },
        )


def _tree(members: Mapping[str, Member], region: str, *, alone: bool) -> dict[str, Member]:
    """The files of the region's tree by their path in it."""
    tops = sorted(name.removesuffix(_TIERS) for name in members if f"/{name}".endswith(f"/{_TIERS}"))
    named = [top for top in tops if f"/{top}".endswith(f"/{region}/")] or (tops if alone else [])
    if len(named) != 1:
        raise ValueError(
            f"holds {_TIERS} below {[top or '.' for top in tops]}, of which none or several are region {region!r}; "
            "name each region after the folder that its data/ and meta/ lie in"
        )
    return {
        name.removeprefix(named[0]): member for name, member in members.items() if name.startswith(named[0])
    }


def _member(tree: Mapping[str, Member], name: str) -> Member:
    if name not in tree:
        raise ValueError(f"lacks {name}; add it or get the recording again")
    return tree[name]


def _column(tree: Mapping[str, Member], name: str, kinds: str) -> Shaped[np.ndarray, " entries"]:
    """An array of one axis whose type is of one of the kinds."""
    found = as_stored(name, _member(tree, name).content())
    if found.ndim != 1 or found.dtype.kind not in kinds:
        wanted = "text" if kinds == "U" else "whole numbers"
        raise ValueError(
            f"{name}: {found.dtype} of shape {found.shape}, needs {wanted} along one axis; correct it"
        )
    return found


def _trials(
    tree: Mapping[str, Member], kind: str, kept: Bool[np.ndarray, " trials"]
) -> tuple[Float64[np.ndarray, "kept ..."], str]:
    """The arrays of the trials that are kept, stacked, and one hash over all their files."""
    digest = hashlib.sha256()
    found: list[np.ndarray] = []
    for trial in np.flatnonzero(kept):
        name = f"data/{kind}/{trial}.npy"
        content = _member(tree, name).content()
        digest.update(hashlib.sha256(content).digest())
        values = array(name, content)
        if found and values.shape != found[0].shape:
            raise ValueError(
                f"{name}: shape {values.shape}, the trials before it have {found[0].shape}; correct it"
            )
        found.append(values)
    if not found:
        raise ValueError(f"{_TIERS}: no trial of the tiers {', '.join(TIERS)}; name the tiers so")
    return np.stack(found), digest.hexdigest()


def _distinct(
    shown: Float64[np.ndarray, "trials height width"],
    image_id: Shaped[np.ndarray, " trials"],
    trial: Int64[np.ndarray, " trials"],
) -> tuple[Float64[np.ndarray, "images height width"], Int64[np.ndarray, " trials"]]:
    """The distinct images, and which of them each trial showed; equal numbers must mean equal images."""
    _, first, image_of_trial = np.unique(image_id, return_index=True, return_inverse=True)
    for index, image in enumerate(image_of_trial):
        if not np.array_equal(shown[index], shown[first[image]]):
            raise ValueError(
                f"data/images/: trials {trial[first[image]]} and {trial[index]} show different images, but have the "
                f"number {image_id[index]} in {_IMAGE_IDS}; give each image a number of its own"
            )
    return shown[first], image_of_trial
