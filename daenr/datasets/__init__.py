"""Sources of recordings, one module a layout; importing the package itself imports none of them."""

from importlib import import_module
from types import ModuleType

LAYOUTS = {
    "antolik2016": "daenr.datasets.antolik2016",
    "simulated": "daenr.datasets.simulated",
}
"""Name of a layout in the config -> its module. Names, since some modules take seconds to import."""


def layout(name: str) -> ModuleType:
    """The module of a layout.

    Raises:
        ValueError: there is no such layout; the message lists those that there are.
    """
    if name not in LAYOUTS:
        raise ValueError(f"layout must be one of {sorted(LAYOUTS)}, got {name!r}")
    return import_module(LAYOUTS[name])
