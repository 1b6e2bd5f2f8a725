import errno
import os
import re
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from daenr.data.region import write_region
from daenr.files import atomic, read_frame, stamp, write_columns


def test_the_file_appears_whole_when_the_block_ends(tmp_path):
    path = tmp_path / "table.csv"
    with atomic(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with atomic(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fail() -> None:
        with atomic(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_no_file_where_there_was_none(tmp_path):
    def fail() -> None:
        with atomic(tmp_path / "table.csv"):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["figure.png", "weights.pt", "archive.tar.gz"])
def test_the_temporary_name_keeps_the_suffix_and_the_folder(tmp_path, name):
    with atomic(tmp_path / name) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == Path(name).suffix
        assert temporary.name != name
        assert temporary.name.startswith(".")
        temporary.write_text("x")


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "table.csv"
    with atomic(path) as first, atomic(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"


def test_missing_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "table.csv"
    with atomic(path) as temporary:
        temporary.write_text("x")
    assert path.read_text() == "x"


@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o027, 0o640)])
def test_colleagues_may_read_what_the_umask_lets_them(tmp_path, mask, expected):
    before = os.umask(mask)
    try:
        with atomic(tmp_path / "table.csv") as temporary:
            temporary.write_text("x")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "table.csv").stat().st_mode) == expected


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_with_what_to_do(tmp_path, reason):
    def fail() -> None:
        with atomic(tmp_path / "table.csv"):
            raise OSError(reason, os.strerror(reason))

    with pytest.raises(OSError, match=r"the disk is full: make room.*table\.csv") as caught:
        fail()
    assert caught.value.errno == reason
    assert list(tmp_path.iterdir()) == []


def test_another_error_of_the_disk_is_passed_on(tmp_path):
    def fail() -> None:
        with atomic(tmp_path / "table.csv"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(OSError, match="Input/output error"):
        fail()


def write_arrays(path, region):
    with atomic(path) as temporary:
        np.savez(temporary, images=region.train_images)


def write_text(path, region):
    with atomic(path) as temporary:
        temporary.write_text("x" * region.train_images.nbytes)


@pytest.mark.parametrize("size", [4, 64])
@pytest.mark.parametrize(
    ("name", "write"), [("v1.h5", write_region), ("a.npz", write_arrays), ("a.csv", write_text)]
)
def test_no_half_file_stands_on_a_full_disk(tmp_path, mount, make_region, name, write, size):
    attributes = dict.fromkeys(
        ("dataset", "region", "source", "intensity_range", "receptive_field_blur", "response_scale"), "x"
    ) | dict.fromkeys(("split_seed", "validation_fraction", "notes", "sha256", "counts", "daenr_version"), 0)
    attributes |= {"image_shape": [31, 31], "fit": None, "own_validation": False}
    region = make_region()
    region.attributes.update(attributes)
    mount(tmp_path, "-t", "tmpfs", "-o", f"size={size}k")
    with pytest.raises(OSError, match=f"the disk is full.*{re.escape(name)}"):
        write(tmp_path / name, region)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append((os.fstat(handle).st_size, path.exists())))
    with atomic(path) as temporary:
        temporary.write_text("whole")
    assert flushed == [(5, False)]


# ---- tables that are read back ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["1", "007", "NA", "None", "nan", "null", "1e5", "TRUE", "", "a,b"])
def test_texts_of_a_csv_file_come_back_as_they_were_written(tmp_path, name):
    written = pd.DataFrame(
        {"region": [name, "v1"], "value": [0.25, np.nan], "n": [3, 4], "signal": [True, False]}
    )
    written.to_csv(tmp_path / "a.csv", index=False)
    read = read_frame(tmp_path / "a.csv")
    pd.testing.assert_frame_equal(read, written)
    assert read["region"].tolist() == [name, "v1"]


@pytest.mark.parametrize("folder", [False, True])
def test_a_replaced_file_has_another_stamp_even_of_equal_size_and_time(tmp_path, folder):
    file = tmp_path / "data" / "deep" / "a.npy"
    file.parent.mkdir(parents=True)
    source = tmp_path / "data" if folder else file
    stamps = []
    for content, time in (("old", 0), ("old", 9), ("new", 0)):
        file.write_text(content)
        os.utime(file, (time, time))
        stamps.append(stamp(source))
    assert stamps[0] == stamps[1] != stamps[2]
    if folder:
        (file.parent / "b.npy").write_text("more")
        assert stamp(source) not in stamps


def test_a_file_too_large_to_read_in_each_plan_goes_by_size_and_time(tmp_path, monkeypatch):
    monkeypatch.setattr("daenr.files.HASHED_BYTES", 2)
    file = tmp_path / "a.nwb"
    stamps = []
    for content, time in (("old", 0), ("new", 0), ("new", 9)):
        file.write_text(content)
        os.utime(file, (time, time))
        stamps.append(stamp(file))
    assert stamps[0] == stamps[1] != stamps[2]


def test_columns_are_written_as_pandas_writes_them(tmp_path):
    rng = np.random.default_rng(0)
    columns = {
        "neuron": np.arange(5),
        "single": rng.normal(size=5).astype(np.float32),
        "double": np.append(rng.normal(size=4) * 1e-17, np.nan),
        "signal": rng.random(5) > 0.5,
    }
    write_columns(tmp_path / "columns.csv", columns)
    found = pd.read_csv(tmp_path / "columns.csv")
    for name, values in columns.items():
        np.testing.assert_array_equal(found[name], values)
    assert (tmp_path / "columns.csv").read_text(encoding="utf-8").splitlines()[-1].split(",")[2] == ""
