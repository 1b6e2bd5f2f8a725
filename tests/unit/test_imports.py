"""Imports run one way: what stands further down never imports what stands above it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ORDER = (
    ("files", "logs", "registry"),
    ("run", "config"),
    ("statistics",),
    ("data",),
    ("models",),
    ("training",),
    ("use", "optimal"),
    ("paper",),
    ("reporting",),
    ("cli",),
)
"""From the bottom up. Parts of one level do not import each other."""

UNKNOWN_TO_MODELS = {"run", "data", "statistics"}
"""A model is built in a notebook from a name, a layer and a number of neurons; it knows of no run and no recording."""

LEVEL = {part: level for level, parts in enumerate(ORDER) for part in parts}
MODULES = sorted(path for path in (ROOT / "daenr").rglob("*.py") if path.name != "__init__.py")


def part(module: str) -> str:
    """``daenr.models.joint`` -> ``models``."""
    return module.split(".")[1]


def imported(path: Path) -> set[str]:
    """Parts of the package that a module imports, at its top or within a function; its own is left out."""
    own = path.relative_to(ROOT / "daenr").with_suffix("").parts[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "daenr":
                found |= {name.name for name in node.names if name.name in LEVEL}
            elif node.module.startswith("daenr."):
                found.add(part(node.module))
        elif isinstance(node, ast.Import):
            found |= {part(name.name) for name in node.names if name.name.startswith("daenr.")}
    return found - {own}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "daenr")))
def test_a_module_imports_only_what_stands_below_it(path: Path) -> None:
    own = path.relative_to(ROOT / "daenr").with_suffix("").parts[0]
    assert own in LEVEL, f"give {own} a place in ORDER"
    upward = {name for name in imported(path) if LEVEL[name] >= LEVEL[own]}
    assert not upward, f"{own} stands below or beside {sorted(upward)}"
    if own == "models":
        assert not imported(path) & UNKNOWN_TO_MODELS


def test_the_search_sees_imports() -> None:
    assert {"models", "registry"} <= {name for path in MODULES for name in imported(path)}
    assert "data" in imported(ROOT / "daenr/training/train.py")
