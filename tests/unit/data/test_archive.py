"""The archive: its files are whole, or it is refused with their names."""

import hashlib
import io
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from daenr.data import archive
from daenr.data.archive import ArchiveError, Fingerprint, Manifest
from daenr.data.layouts import antolik2016

REPEATS, TRAIN, TEST, SIDE, NEURONS = 4, 7, 3, 5, 6
REPOSITORY = Path(__file__).parents[3]

Arrays = dict[str, np.ndarray]


def arrays(seed: int = 0) -> Arrays:
    """A sound region in the published layout."""
    rng = np.random.default_rng(seed)
    trials = rng.gamma(1.0, size=(REPEATS, TEST, NEURONS))
    return {
        "training_inputs": rng.integers(0, 256, (TRAIN, SIDE**2)) * 1e-6,
        "training_set": rng.gamma(1.0, size=(TRAIN, NEURONS)),
        "validation_inputs": rng.integers(0, 256, (TEST, SIDE**2)) * 1e-6,
        "validation_set": sum(trials) / REPEATS,
        "raw_validation_set": trials,
    }


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def pack(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return path


def members(region: Arrays, name: str = "region1") -> dict[str, bytes]:
    return {f"Data/{name}/{stem}.npy": npy(array) for stem, array in region.items()}


def manifest_of(contents: dict[str, bytes]) -> Manifest:
    return {
        name: Fingerprint(len(content), hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest())
        for name, content in contents.items()
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.zip"


def refused(path: Path, region: str = "region1") -> str:
    """The text with which an archive is refused: one line that begins with the archive's name."""
    with pytest.raises(ArchiveError) as caught:
        antolik2016.read(path, region)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


# ---- what it holds ------------------------------------------------------------------------------------


def test_regions_are_the_folders_with_arrays_and_the_rest_is_passed_over(path: Path) -> None:
    extra = {
        "Data/README": b"text",
        "__MACOSX/Data/region9/._training_set.npy": b"x",
        "Data/region8/notes.txt": b"x",
        "Data/region7/._training_set.npy": b"x",
        "region6/training_set.npy": b"x",
        "Data/.trash/training_set.npy": b"x",
    }
    pack(path, members(arrays(), "v1") | members(arrays(1), "area17") | extra)
    assert archive.regions(path) == ["area17", "v1"]
    found = antolik2016.read(path, "area17").training_images
    np.testing.assert_array_equal(found.reshape(TRAIN, -1), arrays(1)["training_inputs"])


def test_shapes_come_from_the_headers_alone(path: Path) -> None:
    region = arrays()
    contents = members(region)
    content = bytearray(contents["Data/region1/training_set.npy"])
    content[-8:] = struct.pack("<d", np.nan)
    contents["Data/region1/training_set.npy"] = bytes(content)
    assert archive.shapes(pack(path, contents), "region1") == {s: a.shape for s, a in region.items()}


def test_import_is_light() -> None:
    program = "import sys, daenr.data.archive; print(*{'pandas', 'scipy', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("", 0)


# ---- manifests ----------------------------------------------------------------------------------------


def test_git_blob_hash_is_the_one_that_git_prints() -> None:
    # printf 'hello\n' | git hash-object --stdin
    assert archive.git_blob_sha1(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_the_projects_manifest_lists_five_files_of_three_regions() -> None:
    files = archive.read_manifest(REPOSITORY / "config" / "antolik2016-manifest.csv")
    stems = set(arrays())
    assert set(files) == {f"Data/region{i}/{stem}.npy" for i in (1, 2, 3) for stem in stems}
    # 50 test images of 31 x 31 pixels in float64, behind a header of 80 bytes.
    assert files["Data/region1/validation_inputs.npy"].size == 50 * 31 * 31 * 8 + 80


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,bytes\nx,1\n", "columns must be"),
        ("", "columns must be"),
        ("path,bytes,git_blob_sha1\n", "lists no file"),
        (f"path,bytes,git_blob_sha1\nx,-1,{'a' * 40}\n", "line 2: needs"),
        (f"path,bytes,git_blob_sha1\nx,1,{'g' * 40}\n", "line 2: needs"),
        ("path,bytes,git_blob_sha1\nx,1\n", "line 2: needs"),
        (f"path,bytes,git_blob_sha1\nx,1,{'a' * 40}\nx,1,{'a' * 40}\n", "line 3: x stands there twice"),
    ],
)
def test_a_malformed_manifest_is_refused(tmp_path: Path, text: str, message: str) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        archive.read_manifest(manifest)
    assert str(manifest) in str(caught.value)


def test_an_archive_as_its_manifest_says_is_taken(path: Path) -> None:
    contents = members(arrays())
    manifest = manifest_of(contents)
    pack(path, contents)
    archive.verify(path, manifest)
    assert antolik2016.read(path, "region1", manifest).region == "region1"


def test_every_difference_from_the_manifest_is_named(path: Path) -> None:
    contents = members(arrays())
    manifest = manifest_of(contents)
    changed = bytearray(contents["Data/region1/training_set.npy"])
    changed[-1] ^= 1
    contents["Data/region1/training_set.npy"] = bytes(changed)
    contents["Data/region1/validation_set.npy"] += b"!"
    del contents["Data/region1/training_inputs.npy"]
    pack(path, contents)
    with pytest.raises(ArchiveError) as caught:
        archive.verify(path, manifest)
    message = str(caught.value)
    assert "Data/region1/training_inputs.npy is missing" in message
    size = manifest["Data/region1/validation_set.npy"].size
    assert f"Data/region1/validation_set.npy has {size + 1} bytes, not {size}" in message
    expected = manifest["Data/region1/training_set.npy"].git_blob_sha1
    assert "Data/region1/training_set.npy has hash" in message
    assert expected in message
    assert "validation_inputs" not in message


def test_without_a_manifest_the_checksums_of_the_zip_count(path: Path) -> None:
    contents = members(arrays())
    archive.verify(pack(path, contents), None)
    content = bytearray(
        pack(path, contents | {"README": b"fifteen letters"}, zipfile.ZIP_STORED).read_bytes()
    )
    content[content.index(b"fifteen")] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"README: cannot be read \(BadZipFile"):
        archive.verify(path, None)


# ---- hostile and damaged zips -------------------------------------------------------------------------


def test_a_member_beyond_the_bound_is_refused_before_it_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(path, members(arrays()))
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 300)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("was read"))
    assert "at most 300" in refused(path)


def directory_entry(content: bytes, name: str) -> int:
    """Offset of a member's entry in the central directory (PK 01 02; the name stands 46 bytes in)."""
    return content.rindex(name.encode()) - 46


@pytest.mark.parametrize(("declared", "reason"), [(64 * 2**20, "shorter than"), (400, "cannot be read")])
def test_a_lying_size_is_refused_and_cannot_bomb(path: Path, declared: int, reason: str) -> None:
    """The directory declares more, or less, than the 20 MB of zeros that are there."""
    name = "Data/region1/training_set.npy"
    contents = members(arrays())
    contents[name] = npy(np.zeros((TRAIN, 20 * 2**20 // 8 // TRAIN)))
    content = bytearray(pack(path, contents).read_bytes())
    struct.pack_into("<I", content, directory_entry(bytes(content), name) + 24, declared)
    path.write_bytes(content)
    assert "training_set.npy" in refused(path)
    with pytest.raises(ArchiveError, match=rf"training_set\.npy: {reason}"):
        archive.verify(path, {name: Fingerprint(declared, "0" * 40)})


def test_an_encrypted_member_is_refused(path: Path) -> None:
    content = bytearray(pack(path, members(arrays())).read_bytes())
    content[directory_entry(bytes(content), "Data/region1/training_set.npy") + 8] |= 1
    path.write_bytes(content)
    assert re.search(r"training_set.npy: cannot be read .*is encrypted", refused(path))


def test_a_name_that_is_no_text_is_refused(path: Path) -> None:
    content = bytearray(pack(path, members(arrays())).read_bytes())
    entry = directory_entry(bytes(content), "Data/region1/training_set.npy")
    content[entry + 9] |= 0x08  # says that the name is UTF-8
    content[entry + 46] = 0xFF
    path.write_bytes(content)
    assert re.search(r"cannot be read as a zip file \(UnicodeDecodeError: .*\); get it again", refused(path))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_flipped_byte_is_refused(path: Path, compression: int) -> None:
    content = bytearray(pack(path, members(arrays()), compression).read_bytes())
    name = b"Data/region1/raw_validation_set.npy"
    content[content.index(name) + len(name) + 300] ^= 0xFF
    path.write_bytes(content)
    assert "raw_validation_set.npy: cannot be read" in refused(path)


def test_no_cut_and_no_noise_leaves_as_anything_but_a_refusal(path: Path) -> None:
    whole = pack(path, members(arrays())).read_bytes()
    rng = np.random.default_rng(0)
    refusals = 0
    for i in range(300):
        content = bytearray(whole)
        if i % 2:
            content = content[: rng.integers(len(content))]
        else:
            content[rng.integers(len(content))] ^= rng.integers(1, 256)
        path.write_bytes(content)
        try:
            antolik2016.read(path, "region1")
        except ArchiveError as error:
            refusals += "\n" not in str(error)
    # A changed time or mode of a member does no harm.
    assert refusals > 250


@pytest.mark.parametrize("content", [b"", b"<html>no</html>", b"PK\x05\x06", b"\x93NUMPY"])
def test_what_is_no_zip_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "cannot be read as a zip file" in refused(path)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "a MATLAB file"),
        (b"MATLAB 7.3 MAT-file, Platform: GLNXA64", "a MATLAB 7.3 file"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"\n<!DOCTYPE html><html>Please log in", "a web page"),
        (b"what", "no zip file"),
    ],
)
def test_what_was_taken_for_a_zip_is_named(path: Path, start: bytes, kind: str) -> None:
    path.write_bytes(start + bytes(600))
    assert f"is {kind}, cannot be read as a zip file" in refused(path)


def test_a_missing_archive_is_refused(path: Path) -> None:
    assert "no such file" in refused(path)


def test_a_folder_is_read_like_the_zip_of_it(tmp_path: Path, path: Path) -> None:
    contents = members(arrays())
    for name, content in contents.items():
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(content)
    zipped = antolik2016.read(pack(path, contents), "region1", manifest_of(contents))
    found = antolik2016.read(tmp_path / "folder", "region1", manifest_of(contents))
    assert found.sha256 == zipped.sha256
    archive.verify(tmp_path / "folder", manifest_of(contents))
    (tmp_path / "empty").mkdir()
    assert "holds no Data/<region>/*.npy" in refused(tmp_path / "empty")


def test_one_folder_above_all_and_windows_folders_are_looked_through(tmp_path: Path) -> None:
    contents = members(arrays())
    expected = antolik2016.read(pack(tmp_path / "plain.zip", contents), "region1").sha256
    deeper = pack(tmp_path / "deeper.zip", {f"my recording/{name}": c for name, c in contents.items()})
    assert archive.regions(deeper) == ["region1"]
    assert antolik2016.read(deeper, "region1", manifest_of(contents)).sha256 == expected
    windows = pack(tmp_path / "windows.zip", {name.replace("/", "\\"): c for name, c in contents.items()})
    assert antolik2016.read(windows, "region1").sha256 == expected
    deepest = pack(tmp_path / "deepest.zip", {f"a/b/{name}": c for name, c in contents.items()})
    assert "holds a/b/Data/region1/training_inputs.npy and the like, but no Data/<region>" in refused(deepest)
    both = pack(tmp_path / "both.zip", contents | {f"copy/{name}": c for name, c in contents.items()})
    assert "holds Data/ in 2 folders, ['', 'copy/']; keep one" in refused(both)


def test_an_archive_without_regions_is_refused(path: Path) -> None:
    pack(path, {"Data/README": b"x"})
    with pytest.raises(ArchiveError, match="holds no Data/<region>"):
        archive.regions(path)


def test_an_unknown_region_is_refused_with_those_there_are(path: Path) -> None:
    pack(path, members(arrays(), "a") | members(arrays(), "b"))
    assert "holds no region 'c'; it must be one of ['a', 'b']" in refused(path, "c")
