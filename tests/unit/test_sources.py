"""What no module of the package may do, read from its source."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

MODULES = sorted(Path(__file__).parents[2].glob("daenr/**/*.py"))


def private_uses(source: str) -> Iterator[str]:
    """Private names of other packages that a module imports or reaches through an attribute: ``torch._x``, ``x._C.y``.

    A name with an underscore is a module's own only on ``self``, ``cls`` and in its own class.
    """
    tree = ast.parse(source)
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    own |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_self(node.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _private(node.attr) and node.attr not in own:
            yield ast.unparse(node)
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None) or ""
            yield from (
                f"{module}.{name.name}".lstrip(".")
                for name in node.names
                if any(map(_private, f"{module}.{name.name}".split(".")))
            )


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_module_uses_what_is_private_to_another_package(path):
    assert list(private_uses(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import torch\ntorch._fused_adam_()", ["torch._fused_adam_"]),
        ("import torch\ntorch.cpu._is_avx2_supported()", ["torch.cpu._is_avx2_supported"]),
        ("from torch.optim.adam import _fused_adam", ["torch.optim.adam._fused_adam"]),
        ("import torch._dynamo", ["torch._dynamo"]),
        ("class A:\n    def f(self):\n        self._x = self.__class__", []),
        ("from torch.optim.adam import adam", []),
    ],
)
def test_a_private_use_is_found(source, found):
    assert list(private_uses(source)) == found


def public_names(source: str) -> Iterator[str]:
    """Classes and constants of a module that others may import."""
    for node in ast.parse(source).body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        names = [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
        names = [name for name in names if name.isupper()]
        names += [node.name] if isinstance(node, ast.ClassDef) else []
        yield from (name for name in names if not _private(name))


def test_no_two_classes_or_constants_share_a_name():
    """One name means one thing; ``COLUMNS`` are those of a module's own frame, in every module that has one."""
    names = Counter(
        name
        for path in MODULES
        for name in public_names(path.read_text(encoding="utf-8"))
        if name != "COLUMNS"
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_public_names_are_seen():
    source = "A = 1\n_B = 2\nC: int = 3\nclass D:\n    E = 4\nclass _F: ...\ng = 5\nH, I = J = 6, 7"
    assert list(public_names(source)) == ["A", "C", "D", "H", "I", "J"]
