"""Nothing that is loaded is executed: by the text of every call, and by files that would."""

import ast
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from daenr.training.weights import read_weights

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "daenr").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")])
SAFE = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
FORBIDDEN = re.compile(
    r"(pickle|dill|joblib|marshal|shelve)\.loads?|(np|numpy)\.fromregex|pd\.read_pickle|pandas\.read_pickle"
    r"|yaml\.(load|load_all|unsafe_load|full_load)|os\.(system|popen|exec\w*|spawn\w*)|eval|exec|__import__"
)


def calls(path):
    """Every call of a file: what is called, as text, and its keywords."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            constants = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
            yield ast.unparse(node.func), constants


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_load_is_one_that_executes_nothing(path):
    for called, constants in calls(path):
        assert not FORBIDDEN.fullmatch(called), called
        assert constants.get("shell") is not True, called
        if called in SAFE:
            keyword, value = SAFE[called]
            assert constants.get(keyword) is value, f"{called} needs {keyword}={value}"


def test_the_search_finds_what_it_looks_for():
    loads = {called for path in SOURCES for called, _ in calls(path)}
    assert set(SAFE) <= loads
    assert "yaml.safe_load" in loads


def test_no_rule_runs_a_shell_command():
    files = [ROOT / "workflow/Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]
    for path in files:
        assert not re.search(r"^\s*(shell|run):|\bshell\(", path.read_text(), re.M), path


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def script(name):
    spec = importlib.util.spec_from_file_location(Path(name).stem, ROOT / f"scripts/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_predictions_with_code_in_them_are_not_executed(tmp_path, monkeypatch):
    touched, run = tmp_path / "touched", tmp_path / "x_r_cae_none_a1_b0_all_s0"
    run.mkdir()
    predictions = run / "predictions.npz"
    hostile = np.array([Touch(touched)], dtype=object)
    np.savez(predictions, neurons=hostile, response=hostile, reconstruction=hostile)
    (tmp_path / "training.json").write_text('{"reason": null}')
    with np.load(predictions, allow_pickle=True) as arrays:
        assert len(arrays["neurons"]) == 1
    assert touched.exists()  # it works
    touched.unlink()

    evaluate = script("training/evaluate")
    monkeypatch.setattr(evaluate, "read_region", lambda _: None)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        evaluate.main(
            None, predictions, tmp_path / "training.json", "gaussian", *(tmp_path / name for name in "msn")
        )
    with pytest.raises(ValueError, match="allow_pickle=False"):
        script("figures/reconstructions").main(None, [predictions], tmp_path / "a.png", tmp_path / "a.pdf")
    assert not touched.exists()


def test_trained_weights_with_code_in_them_are_not_executed(tmp_path):
    """As PyTorch writes them, under the name that weights have here."""
    touched, weights = tmp_path / "touched", tmp_path / "weights.safetensors"
    torch.save({"bias": Touch(touched)}, weights)
    with pytest.raises(ValueError, match=r"weights\.safetensors: is no whole safetensors file"):
        read_weights(weights)
    assert not touched.exists()


def test_checkpoints_with_code_in_them_are_not_executed(tmp_path):
    """What the tree calls, torch.load with weights_only, on what this PyTorch writes."""
    touched, checkpoint = tmp_path / "touched", tmp_path / "checkpoint.pt"
    torch.save({"bias": Touch(touched)}, checkpoint)
    with pytest.raises(Exception, match="Weights only load failed"):
        torch.load(checkpoint, map_location="cpu", weights_only=True)
    assert not touched.exists()
