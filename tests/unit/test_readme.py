"""What the README promises is what there is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def test_ci_runs_the_readmes_second_command():
    commands = re.findall(r"```sh\n(.+?)\n```", README)
    assert commands[1] in (ROOT / ".ci/run").read_text().splitlines()


@pytest.mark.parametrize(
    "page",
    [
        ROOT / "README.md",
        ROOT / "config/README.md",
        ROOT / "docs/tour.ipynb",
        *sorted(ROOT.glob("docs/*.md")),
    ],
    ids=lambda p: p.name,
)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", (ROOT / page).read_text(encoding="utf-8")):
        assert ((ROOT / page).parent / target).stat().st_size > 0, target


def test_every_rule_is_in_the_graph():
    rules = {
        name
        for path in (ROOT / "workflow").rglob("*.smk")
        for name in re.findall(r"^rule (\w+):", path.read_text(), re.M)
    }
    graph = ARCHITECTURE.split("```mermaid")[1].split("```")[0]
    drawn = set(re.findall(r"\w+", graph))
    assert rules - {"tables", "figures", "trainings", "optimal_images"} <= drawn


def test_every_folder_of_the_package_is_introduced():
    for path in (ROOT / "daenr").glob("*/__init__.py"):
        assert f"`{path.parent.name}/`" in ARCHITECTURE, path.parent.name


def test_the_pins_are_exact_and_name_no_address():
    for name in ("envs/requirements.txt", "envs/requirements-test.txt", "benchmarks/requirements.txt"):
        lines = (ROOT / name).read_text().splitlines()
        for line in lines:
            assert line.startswith(("#", "-r ")) or re.fullmatch(r"[a-z0-9._-]+==[\w.]+", line), line


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 110
    assert len((ROOT / "docs/speed.md").read_text(encoding="utf-8").splitlines()) <= 60


def test_no_place_is_left_to_fill_in():
    assert not re.findall(r"\b[A-Z]+_[A-Z]+\b", README)
