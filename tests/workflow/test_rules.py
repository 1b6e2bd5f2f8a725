"""What the rules say of themselves agrees with the scripts that they run."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = {
    name: body
    for path in sorted((ROOT / "workflow/rules").glob("*.smk"))
    for name, body in re.findall(r"^ *rule (\w+):\n((?:^ .*\n|\n)*)", path.read_text(encoding="utf-8"), re.M)
    if "script:" in body
}


def imported(path, seen):
    """Files of the package that are imported when a file is, itself among them."""
    if path in seen:
        return
    seen.add(path)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("daenr"):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                module = ROOT / f"{name.replace('.', '/')}.py"
                if module.is_file():
                    imported(module, seen)


def test_the_search_finds_the_rules():
    assert {"train", "table", "stimuli", "verdicts", "truth", "download"} <= set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_its_script_its_log_and_its_caption_have_one_name(rule):
    script = re.search(r'"\.\./\.\./scripts/(\w+)/(\w+)\.py"', RULES[rule])
    assert script[2] == rule
    assert (ROOT / f"scripts/{script[1]}/{script[2]}.py").is_file()
    if caption := re.search(r'caption="(\w+)"', RULES[rule]):
        assert caption[1] == rule


@pytest.mark.parametrize("rule", sorted(RULES.keys() - {"download"}))
def test_a_rule_depends_on_the_folders_that_its_script_imports(rule):
    """Not on ``data``, but in its own rules: others read region files, which are made anew with it."""
    folder, script = re.search(r'"\.\./\.\./scripts/(\w+)/(\w+)\.py"', RULES[rule]).groups()
    files = set()
    imported(ROOT / f"scripts/{folder}/{script}.py", files)
    package = [path.relative_to(ROOT / "daenr") for path in files if path.is_relative_to(ROOT / "daenr")]
    needed = {path.parts[0] for path in package if len(path.parts) > 1}
    body = RULES["verdicts" if "code=rules.verdicts.input.code" in RULES[rule] else rule]
    depends = set(re.findall(r'"(\w+)"', re.search(r"code=package\((.+)\)", body)[1]))
    assert depends == (needed if folder == "data" else needed - {"data"})
