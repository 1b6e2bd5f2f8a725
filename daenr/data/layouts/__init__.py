"""The layouts in which recordings come: one module each, with a function that reads a region.

A name leads to its function by text, so that the workflow, which reads its files without scikit-image, knows the names.
"""

from collections.abc import Callable, Mapping
from pkgutil import resolve_name
from typing import Any

LAYOUTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "antolik2016": ("daenr.data.layouts.antolik2016:read", ("image_shape",)),
    "simulated": ("daenr.data.layouts.antolik2016:read", ("image_shape",)),
    "sensorium": ("daenr.data.layouts.sensorium:read", ("alone", "gray")),
    "arrays": ("daenr.data.layouts.arrays:read", ("alone", "arrays", "image_shape", "gray")),
    "nwb": ("daenr.data.layouts.nwb:read", ("alone", "nwb", "gray")),
}
"""Name -> the function that reads it, (source, region, **keys) -> Recording, and the keys of ``dataset`` it is handed.

It reads and checks one region, and refuses what is wrong with the source, an array in it or its values by an
`ArchiveError`, which names them and says what to do. The keys mean what `daenr.config` says of them. ``alone`` is none
of those, but whether the config names one region only: a source that does not name its region may then be it.
"""


def reader(layout: str) -> Callable[..., Any]:
    """The function that reads a layout, see `LAYOUTS`."""
    return resolve_name(LAYOUTS[layout][0])


def reading(dataset: Mapping[str, Any], *, alone: bool) -> dict[str, Any]:
    """What of ``dataset`` the reader of its layout is handed."""
    known = {**dataset, "alone": alone}
    return {key: known[key] for key in LAYOUTS[dataset["layout"]][1]}
