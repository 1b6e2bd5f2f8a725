"""The published archive: a zip of ``Data/<region>/*.npy``, read in memory and never extracted to disk.

The layout is that of the supplement of Antolik et al. 2016 (doi:10.1371/journal.pcbi.1004927.s001):

====================== ============================ ==================================================
``training_inputs``    (train, pixels)              training images, row-major, raw intensities
``training_set``       (train, neurons)             responses to them, single trials
``validation_inputs``  (test, pixels)               the paper's *test* images
``raw_validation_set`` (repeats, test, neurons)     responses to them, single trials
``validation_set``     (test, neurons)              mean of ``raw_validation_set`` over the repeats
``responsive``         (neurons), optional, bool    simulated recordings only: the cells that see the image
====================== ============================ ==================================================

An archive comes from elsewhere, so this is where it is checked: whatever `read` returns is sound, and
whatever is refused is refused with an `ArchiveError` that names the archive, the member and what to do.
Importing this module needs numpy alone; the workflow uses it while it checks its config.
"""

import csv
import hashlib
import io
import math
import re
import stat
import struct
import tokenize
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from daenr.files import atomic

MAX_MEMBER_BYTES = 4 * 2**30
"""Largest array that is read: 4 GiB is 300 times the largest published one, and still fits in memory."""

MAX_REGION_BYTES = 8 * 2**30
"""Most memory that a region's arrays take once they are in float64; single bytes grow eightfold."""

MEAN_TOLERANCE = 1e-6
"""Largest relative difference of ``validation_set`` from the mean over repeats: float32 rounding passes."""

_NDIM = {
    "training_inputs": 2,
    "training_set": 2,
    "validation_inputs": 2,
    "validation_set": 2,
    "raw_validation_set": 3,
}
_TRUTH = "responsive"
_MEMBER = re.compile(rf"Data/(?P<region>[^/.][^/]*)/(?P<stem>{'|'.join([*_NDIM, _TRUTH])})\.npy")
_HEADER_BYTES = 16 * 2**10  # numpy itself refuses headers beyond 10,000 characters
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    UnicodeDecodeError,
)
"""What zipfile raises on bytes that are not a whole zip, or that it cannot read."""

_BAD_ARRAY = (
    ValueError,
    TypeError,
    SyntaxError,
    tokenize.TokenError,
    EOFError,
    OSError,
    MemoryError,
    OverflowError,
    RecursionError,
)
"""What numpy raises on bytes that are not an array: a header is a Python literal, with a parser's errors."""


class ArchiveError(ValueError):
    """An archive that cannot be had or is refused: ``archive: what is wrong; what to do``, on one line."""

    def __init__(self, archive: Path, what: str) -> None:
        super().__init__(archive, " ".join(what.split()))

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.what}"

    @property
    def what(self) -> str:
        """What is wrong and what to do, without the name of the archive."""
        return str(self.args[1])


@dataclass(frozen=True, eq=False)
class Recording:
    """One region's images and responses as published; every array is finite and in float64.

    Attributes:
        region: name of the region's folder in the archive.
        training_images: raw intensities; pixels = side * side, row-major.
        training_responses: one trial an image, not negative.
        test_images: as the training images; the archive calls them validation images.
        test_trials: single trials, not negative.
        responsive: True where a neuron responds to the image at all; None where the truth is not known.
        sha256: name of each member that was read -> SHA-256 of its bytes.
    """

    region: str
    training_images: Float64[np.ndarray, "train pixels"]
    training_responses: Float64[np.ndarray, "train neurons"]
    test_images: Float64[np.ndarray, "test pixels"]
    test_trials: Float64[np.ndarray, "repeats test neurons"]
    responsive: Bool[np.ndarray, " neurons"] | None
    sha256: dict[str, str]


@dataclass(frozen=True)
class Fingerprint:
    """Size in bytes and git blob hash (40 hexadecimal digits) of a file."""

    size: int
    git_blob_sha1: str


@dataclass(frozen=True)
class Manifest:
    """What a published archive holds: path of a member -> its fingerprint."""

    files: Mapping[str, Fingerprint]


def git_blob_sha1(content: bytes) -> str:
    """SHA-1 over "blob", the size, a zero byte and the content: the name that git gives to such a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def read_manifest(path: Path) -> Manifest:
    """Read a manifest: a CSV file with the columns path, bytes, git_blob_sha1.

    Raises:
        ValueError: a column is missing, a line is malformed or doubled, or there is none.
    """
    files: dict[str, Fingerprint] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        if rows.fieldnames != ["path", "bytes", "git_blob_sha1"]:
            raise ValueError(f"{path}: columns must be path,bytes,git_blob_sha1, got {rows.fieldnames}")
        for row in rows:
            name, size, digest = row["path"], row["bytes"] or "", row["git_blob_sha1"] or ""
            if not (name and size.isdecimal() and re.fullmatch("[0-9a-f]{40}", digest)):
                raise ValueError(f"{path}, line {rows.line_num}: needs a path, a size and 40 hex digits")
            if name in files:
                raise ValueError(f"{path}, line {rows.line_num}: {name} stands there twice; keep one line")
            files[name] = Fingerprint(int(size), digest)
    if not files:
        raise ValueError(f"{path}: lists no file; give one line a file")
    return Manifest(files)


def regions(archive: Path) -> list[str]:
    """The regions of an archive, i.e. the folders ``Data/<region>/`` that hold arrays, sorted.

    Raises:
        ArchiveError: the archive is not a sound zip, or holds no region.
    """
    with _opened(archive) as opened:
        return sorted(_regions(opened))


def shapes(archive: Path, region: str) -> dict[str, tuple[int, ...]]:
    """Shapes of a region's arrays, by file name without ``.npy``; reads the arrays' headers only.

    Raises:
        ArchiveError: the archive or the region is refused, or the shapes do not fit each other.
    """
    with _opened(archive) as opened:
        return _shapes(opened, _region(opened, region), region)


def read(archive: Path, region: str, manifest: Manifest | None = None) -> Recording:
    """Read and check one region; with a manifest, every file that is read must be as the manifest says.

    Raises:
        ArchiveError: the archive, a member or its values are refused (see the module's docstring).
    """
    with _opened(archive) as opened:
        members = _region(opened, region)
        if manifest is not None:
            _verify(opened, _listed(members.values(), manifest))
        _shapes(opened, members, region)
        arrays, sha256 = {}, {}
        for stem, info in members.items():
            content = _content(opened, info)
            sha256[info.filename] = hashlib.sha256(content).hexdigest()
            arrays[stem] = _array(info.filename, content)
        # A blank image among published ones would be the publisher's, and no damage: the hashes vouch for it.
        _check_values(region, arrays, allow_blank=manifest is not None)
    return Recording(
        region=region,
        training_images=arrays["training_inputs"],
        training_responses=arrays["training_set"],
        test_images=arrays["validation_inputs"],
        test_trials=arrays["raw_validation_set"],
        responsive=arrays.get(_TRUTH),
        sha256=sha256,
    )


def verify(archive: Path, manifest: Manifest | None) -> None:
    """Check that an archive is whole: as its manifest says or, without one, that `read` takes every region.

    Raises:
        ArchiveError: lists every file that is missing or differs, and in what.
    """
    if manifest is None:
        for region in regions(archive):
            read(archive, region)
        return
    with _opened(archive) as opened:
        _verify(opened, manifest.files)


def write(archive: Path, recordings: Iterable[Recording]) -> None:
    """Write recordings in the published layout; the same recordings always make the same bytes.

    ``validation_set`` is the mean of the trials over repeats; ``responsive`` is written where it is known.

    Raises:
        ValueError: two recordings have the same region, or there is none.
    """
    written: set[str] = set()
    with atomic(archive) as temporary, zipfile.ZipFile(temporary, "w") as target:
        for recording in recordings:
            if recording.region in written:
                raise ValueError(f"{archive}: {recording.region} is given twice; give each region once")
            written.add(recording.region)
            for stem, array in _published(recording).items():
                content = io.BytesIO()
                np.save(content, array, allow_pickle=False)
                # A fixed time and mode, since both are part of the archive's bytes.
                info = zipfile.ZipInfo(f"Data/{recording.region}/{stem}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                info.external_attr = (stat.S_IFREG | 0o644) << 16
                target.writestr(info, content.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=1)
        if not written:
            raise ValueError(f"{archive}: no recording to write; give at least one")


def _published(recording: Recording) -> dict[str, np.ndarray]:
    """A recording's arrays under the names that the archive gives them."""
    arrays = {
        "training_inputs": recording.training_images,
        "training_set": recording.training_responses,
        "validation_inputs": recording.test_images,
        "validation_set": recording.test_trials.mean(axis=0),
        "raw_validation_set": recording.test_trials,
    }
    return arrays if recording.responsive is None else {**arrays, _TRUTH: recording.responsive}


# ---- the zip ------------------------------------------------------------------------------------------


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive; every error inside the block, ours or a library's, leaves it as an ArchiveError."""
    try:
        with zipfile.ZipFile(archive) as opened:
            _refuse_unsafe(opened.infolist())
            yield opened
    except FileNotFoundError as error:
        raise ArchiveError(archive, "no such file; check the dataset's source in the config") from error
    except _DAMAGE as error:
        reason = f"{type(error).__name__}: {error}"
        raise ArchiveError(archive, f"cannot be read as a zip file ({reason}); get it again") from error
    except ValueError as error:
        raise ArchiveError(archive, str(error)) from error


def _refuse_unsafe(members: list[zipfile.ZipInfo]) -> None:
    """Refuse names and kinds of members that an honest archive has no use for."""
    for info in members:
        name = info.orig_filename
        if name.startswith("/") or re.match("[A-Za-z]:", name) or "\\" in name or ".." in name.split("/"):
            raise ValueError(f"member {name!r}: absolute or outward path; pack it again as Data/<region>/")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ValueError(f"member {name!r}: a link or device; pack the archive again with plain files")
    doubled = [name for name, count in Counter(info.filename for info in members).items() if count > 1]
    if doubled:
        raise ValueError(f"member {doubled[0]!r}: is there twice; pack the archive again with one of each")


def _regions(opened: zipfile.ZipFile) -> dict[str, dict[str, zipfile.ZipInfo]]:
    """Region -> array's name -> member; anything else in the archive (README, __MACOSX) is passed over."""
    found: dict[str, dict[str, zipfile.ZipInfo]] = {}
    for info in opened.infolist():
        if match := _MEMBER.fullmatch(info.filename):
            found.setdefault(match["region"], {})[match["stem"]] = info
    if not found:
        raise ValueError("holds no Data/<region>/*.npy; get an archive in the published layout")
    return found


def _region(opened: zipfile.ZipFile, region: str) -> dict[str, zipfile.ZipInfo]:
    """The members of one region: all that are needed, and the truth where it is there."""
    found = _regions(opened)
    if region not in found:
        raise ValueError(f"holds no region {region!r}; it must be one of {sorted(found)}")
    missing = [f"{stem}.npy" for stem in _NDIM if stem not in found[region]]
    if missing:
        raise ValueError(f"Data/{region}/ lacks {', '.join(missing)}; add what is missing or get it again")
    return found[region]


def _content(opened: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int | None = None) -> bytes:
    """The bytes of a member (the first ``limit`` of them); never more than the archive declares."""
    if info.file_size > MAX_MEMBER_BYTES:
        raise ValueError(
            f"{info.filename}: {info.file_size} bytes, at most {MAX_MEMBER_BYTES}; make it smaller"
        )
    if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{info.filename}: encrypted or not deflated; pack it again as an ordinary zip")
    wanted = info.file_size if limit is None else min(limit, info.file_size)
    try:
        with opened.open(info) as stream:
            content = stream.read(wanted)
    except _DAMAGE as error:
        raise ValueError(f"{info.filename}: damaged ({error}); get the archive again") from error
    if len(content) != wanted:
        raise ValueError(f"{info.filename}: shorter than the {info.file_size} bytes declared; get it again")
    return content


def _listed(members: Iterable[zipfile.ZipInfo], manifest: Manifest) -> dict[str, Fingerprint]:
    """The fingerprints of members; nothing is read that the manifest does not know."""
    names = [info.filename for info in members]
    unknown = [name for name in names if name not in manifest.files]
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: not in the manifest; list them there or drop the manifest")
    return {name: manifest.files[name] for name in names}


def _verify(opened: zipfile.ZipFile, files: Mapping[str, Fingerprint]) -> None:
    """Refuse an archive in which a file differs from its fingerprint; the error lists them all."""
    members = {info.filename: info for info in opened.infolist()}
    differences = [_difference(opened, members.get(name), name, expected) for name, expected in files.items()]
    found = [difference for difference in differences if difference is not None]
    if found:
        raise ValueError(f"differs from its manifest: {'; '.join(found)}; get the published archive again")


def _difference(
    opened: zipfile.ZipFile, info: zipfile.ZipInfo | None, name: str, expected: Fingerprint
) -> str | None:
    """In what a member differs from its fingerprint; None where it does not."""
    if info is None:
        return f"{name} is missing"
    if info.file_size != expected.size:
        return f"{name} has {info.file_size} bytes, not {expected.size}"
    try:
        found = git_blob_sha1(_content(opened, info))
    except ValueError as error:
        return str(error)
    if found != expected.git_blob_sha1:
        return f"{name} has hash {found}, not {expected.git_blob_sha1}"
    return None


# ---- the arrays ---------------------------------------------------------------------------------------


def _shapes(
    opened: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], region: str
) -> dict[str, tuple[int, ...]]:
    """Shapes from the headers, checked against each other before any array is read."""
    starts = {stem: _content(opened, info, _HEADER_BYTES) for stem, info in members.items()}
    found = {stem: _header(info, starts[stem], stem) for stem, info in members.items()}
    _check_shapes(region, found)
    return found


def _header(info: zipfile.ZipInfo, start: bytes, stem: str) -> tuple[int, ...]:
    """Shape from a member's first bytes; refuses a type or a number of axes that the array cannot have."""
    shape, dtype, offset = _parse_header(info.filename, start)
    kinds, wanted = ("b", "bool") if stem == _TRUTH else ("fiu", "real numbers (float or integer)")
    if dtype.kind not in kinds:
        raise ValueError(f"{info.filename}: holds {dtype}, needs {wanted}; save it as such")
    ndim = _NDIM.get(stem, 1)
    if len(shape) != ndim:
        raise ValueError(
            f"{info.filename}: shape {shape}, needs {ndim} axes; save it in the published layout"
        )
    # numpy would allocate what the header claims; a lying header is caught by the size of the member.
    if min(shape) < 0 or offset + math.prod(shape) * dtype.itemsize != info.file_size:
        raise ValueError(f"{info.filename}: {shape} of {dtype} is not {info.file_size} bytes; get it again")
    return shape


def _parse_header(name: str, start: bytes) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, type and length of an npy header."""
    stream = io.BytesIO(start)
    try:
        major, _ = np.lib.format.read_magic(stream)
        # Version 3 differs from 2 in the names of fields only, which these arrays do not have.
        parse = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = parse(stream)
    except _BAD_ARRAY as error:
        raise ValueError(f"{name}: is not an npy array ({error}); write it with numpy.save") from error
    return shape, dtype, stream.tell()


def _check_shapes(region: str, found: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse arrays whose counts of images, pixels, repeats and neurons do not fit each other, or memory."""
    (train, pixels), (train_trials, neurons) = found["training_inputs"], found["training_set"]
    (test, test_pixels), (repeats, *trials) = found["validation_inputs"], found["raw_validation_set"]
    wrong = [
        f"{what}, got {first} and {second}"
        for what, first, second in (
            ("training_inputs.npy and training_set.npy need as many images", train, train_trials),
            ("training_inputs.npy and validation_inputs.npy need as many pixels", pixels, test_pixels),
            ("validation_inputs.npy and raw_validation_set.npy need as many images", test, trials[0]),
            ("training_set.npy and raw_validation_set.npy need as many neurons", neurons, trials[1]),
            ("validation_set.npy must be images x neurons", found["validation_set"], tuple(trials)),
            ("responsive.npy must be one a neuron", found.get(_TRUTH, (neurons,)), (neurons,)),
        )
        if first != second
    ]
    if math.isqrt(pixels) ** 2 != pixels:
        wrong.append(f"training_inputs.npy has {pixels} pixels an image, which is no square")
    if test < 3:
        wrong.append(f"validation_inputs.npy has {test} images, needs 3 at least")
    if 0 in (train, pixels, neurons, repeats):
        wrong.append(
            f"{train} images of {pixels} pixels, {neurons} neurons, {repeats} repeats: none may be 0"
        )
    if wrong:
        raise ValueError(f"Data/{region}/: {'; '.join(wrong)}; save the arrays in the published layout")
    memory = sum(math.prod(shape) for shape in found.values()) * np.dtype(np.float64).itemsize
    if memory > MAX_REGION_BYTES:
        raise ValueError(
            f"Data/{region}/: {memory} bytes as float64, at most {MAX_REGION_BYTES}; make the arrays smaller"
        )


def _array(name: str, content: bytes) -> np.ndarray:
    """The array of a member whose header was checked: float64 in C order, or bool for the truth."""
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except _BAD_ARRAY as error:
        raise ValueError(f"{name}: is not an npy array ({error}); write it with numpy.save") from error
    with np.errstate(over="ignore"):  # a long double beyond float64 becomes inf, refused with its index
        return np.ascontiguousarray(array, dtype=bool if array.dtype.kind == "b" else np.float64)


def _check_values(region: str, arrays: Mapping[str, np.ndarray], *, allow_blank: bool) -> None:
    """Refuse values that no recording has: not finite, negative responses, blank images, another mean."""
    for stem, array in arrays.items():
        name = f"Data/{region}/{stem}.npy"
        # Float32 is what the models compute in; the negation also finds NaN.
        unfit = ~(np.abs(array) <= np.finfo(np.float32).max)
        _refuse_where(unfit, f"{name}: no finite number in float32", "remove that image or neuron")
        if stem.endswith("_set"):
            _refuse_where(array < 0, f"{name}: a negative response", "save responses as rates")
        if stem.endswith("_inputs") and not allow_blank:
            blank = (array == array[:, :1]).all(axis=1)
            _refuse_where(blank, f"{name}: an image with all pixels equal", "remove it and its responses")
    mean = arrays["raw_validation_set"].mean(axis=0)
    _refuse_where(
        np.abs(arrays["validation_set"] - mean) > MEAN_TOLERANCE * mean,
        f"Data/{region}/validation_set.npy: not the mean of raw_validation_set.npy over its repeats",
        "compute it again",
    )


def _refuse_where(wrong: Bool[np.ndarray, "..."], what: str, remedy: str) -> None:
    """Refuse an array with a wrong value, naming the index of the first one and how many there are."""
    if wrong.any():
        index = ", ".join(str(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))
        raise ValueError(f"{what} at index {index} ({np.count_nonzero(wrong)} in all); {remedy}")
