import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from daenr.data.archive import ArchiveError
from daenr.logs import run_main, to_file
from daenr.registry import split_model
from daenr.training.fit import NotFiniteError


def _log(path, error: BaseException | None = None) -> None:
    with to_file(path):
        print("loaded 3 images")
        print("a warning", file=sys.stderr)
        if error is not None:
            raise error


def test_output_and_errors_go_to_the_file_and_not_to_the_terminal(tmp_path, capsys):
    _log(tmp_path / "step.log")
    assert (tmp_path / "step.log").read_text() == "loaded 3 images\na warning\n"
    assert capsys.readouterr() == ("", "")


def test_streams_are_back_afterwards(tmp_path, capsys):
    _log(tmp_path / "step.log")
    with pytest.raises(SystemExit):
        _log(tmp_path / "step.log", ValueError("bad"))
    print("after")
    assert capsys.readouterr().out == "after\n"


def test_folders_are_made_and_an_older_log_is_replaced(tmp_path):
    path = tmp_path / "logs" / "train" / "step.log"
    _log(path, None)
    _log(path, None)
    assert path.read_text().count("loaded") == 1


def test_a_line_can_be_read_while_the_step_still_runs(tmp_path):
    path = tmp_path / "step.log"
    with to_file(path):
        print("step 50")
        assert path.read_text() == "step 50\n"


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError("mend this key"),
        NotFiniteError("mend this key"),
        ArchiveError(Path("x.zip"), "mend this key"),
    ],
)
def test_an_error_that_the_user_can_mend_is_one_line(tmp_path, error):
    path = tmp_path / "step.log"
    with pytest.raises(SystemExit) as caught:
        _log(path, error)
    assert caught.value.code == 1
    assert re.fullmatch("error: (x.zip: )?mend this key", path.read_text().splitlines()[-1])
    assert "Traceback" not in path.read_text()


def test_a_complaint_of_the_package_is_one_line(tmp_path):
    path = tmp_path / "step.log"
    with pytest.raises(SystemExit), to_file(path):
        split_model("tpu")
    assert path.read_text().startswith("error: model must be one of ['cae', ")
    assert path.read_text().endswith(", got 'tpu'\n")
    assert path.read_text().count("\n") == 1


def test_a_complaint_of_another_library_is_a_bug_and_keeps_its_traceback(tmp_path):
    path = tmp_path / "step.log"
    with pytest.raises(SystemExit), to_file(path):
        np.concatenate([np.ones((2, 2)), np.ones(3)])
    assert "Traceback (most recent call last)" in path.read_text()
    assert "test_logs.py" in path.read_text()


@pytest.mark.parametrize(
    "error",
    [TypeError("ours"), KeyError("ours"), AssertionError("ours"), ValueError("ours"), ZeroDivisionError()],
)
def test_an_error_of_our_own_is_written_with_its_traceback(tmp_path, error):
    path = tmp_path / "step.log"
    with pytest.raises(SystemExit) as caught:
        _log(path, error)
    assert caught.value.code == 1
    text = path.read_text()
    assert "Traceback (most recent call last)" in text
    assert "raise error" in text
    assert type(error).__name__ in text.splitlines()[-1]


def test_an_interrupt_is_not_swallowed(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        _log(tmp_path / "step.log", KeyboardInterrupt())


def _job(folder):
    """What Snakemake hands a script."""
    return SimpleNamespace(
        input={"archive": "a.zip", "code": ["x.py"], "scores": ["one.npz"], "paper": []},
        output={"csv": "t.csv", "md": "t.md", "region": "v1.h5"},
        params={"confidence": 0.95, "scores_of": "paper"},
        wildcards={"region": "v1", "table": "table2"},
        config={"seeds": [0]},
        log=[str(folder / "log/step.log")],
    )


def test_a_script_gets_what_it_names_and_the_further_outputs(tmp_path):
    found = {}

    def main(table, archive, scores, paper, confidence, csv, config, record=None, **rendered):
        arguments = locals()
        found.update({name: arguments[name] for name in arguments if name != "found"})
        print(table)

    run_main(main, _job(tmp_path))
    assert found == {
        "table": "table2",
        "archive": Path("a.zip"),
        "scores": [Path("one.npz")],
        "paper": [],
        "confidence": 0.95,
        "csv": Path("t.csv"),
        "config": {"seeds": [0]},
        "record": None,
        "rendered": {"md": Path("t.md"), "region": Path("v1.h5")},
    }
    assert (tmp_path / "log/step.log").read_text() == "table2\n"


def test_a_script_without_further_outputs_gets_none_and_one_that_lacks_something_fails(tmp_path):
    found = []
    run_main(lambda region: found.append(region), _job(tmp_path))
    assert found == [Path("v1.h5")]  # an output is before a wildcard
    with pytest.raises(SystemExit):
        run_main(lambda unknown: None, _job(tmp_path))
    assert "missing 1 required positional argument: 'unknown'" in (tmp_path / "log/step.log").read_text()
