"""Shapes and types written in the package's signatures are checked while tests run."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

# One thread a process, as trainings have: tensors are small here, and other workers have the other cores.
# Before NumPy and PyTorch are loaded, and for what tests start.
os.environ["OMP_NUM_THREADS"] = "1"

import hypothesis
import pytest
from jaxtyping import install_import_hook

install_import_hook("daenr", "beartype.beartype")

# An example may take its time: how fast a busy machine is says nothing about the code.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def copy_project() -> Callable[[Path], dict[str, str]]:
    """Copy the project without results; the variable with which the copy's package is the one that is installed.

    As after ``pip install -e .`` Python finds ``daenr`` there, and no other file of the copy.
    """

    def copy(folder: Path) -> dict[str, str]:
        for name in ("config", "daenr", "docs", "envs", "scripts", "workflow"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / ".installed").mkdir()
        (folder / ".installed/daenr").symlink_to(folder / "daenr")
        return {"PYTHONPATH": str(folder / ".installed")}

    return copy


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """Mount something over a folder until the test ends: ``mount(folder, "-t", "tmpfs", "-o", "size=64k")``."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small or a read-only disk")
    mounted: list[Path] = []

    def mount(folder: Path, *options: str, source: Path | str = "tmpfs") -> None:
        done = subprocess.run(["mount", *options, source, folder], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
        if folder not in mounted:  # else it is mounted once more with other options
            mounted.append(folder)

    yield mount
    for folder in reversed(mounted):
        subprocess.run(["umount", folder], check=True)
