"""The layouts in which recordings come: one module each, with a function that reads a region.

A name leads to its function by text, so that the workflow, which reads its files without scikit-image, knows the names.
"""

from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

LAYOUTS: dict[str, str] = {
    "antolik2016": "daenr.data.layouts.antolik2016:read",
    "simulated": "daenr.data.layouts.antolik2016:read",
}
"""Name -> the function that reads it: (source, region, manifest or None, image_shape or None) -> Recording."""


def reader(layout: str) -> Callable[..., Any]:
    """The function that reads a layout.

    Raises:
        ValueError: there is no such layout; the message lists those there are.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"dataset.layout must be one of {sorted(LAYOUTS)}, got {layout!r}")
    function: Callable[..., Any] = resolve_name(LAYOUTS[layout])
    return function
