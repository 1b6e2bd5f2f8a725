"""An archive of ``Data/<region>/*.npy``: a zip, an .npz or a folder, read in memory and never extracted.

An archive comes from elsewhere, so this is where it is checked that its files are whole; what the arrays must be
is the business of the layout. Whatever is refused is refused with an `ArchiveError` that names the archive, the
file in it and what to do. Importing this module needs numpy alone; the workflow uses it while it checks its config.
"""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

MAX_MEMBER_BYTES = 4 * 2**30
"""Largest array that is read: 4 GiB is 300 times the largest published one, and still fits in memory."""

_HEADER_BYTES = 16 * 2**10  # numpy itself refuses headers beyond 10,000 characters
_MEMBER = re.compile(r"(?P<top>[^/]+/)?Data/(?P<region>[^/.][^/]*)/(?P<stem>[^/.]+)\.npy")

_KINDS = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"MATLAB 7.3 MAT-file": "a MATLAB 7.3 file",
    b"MATLAB 5.0 MAT-file": "a MATLAB file",
    b"\x1f\x8b": "a gzip file",
    b"\x93NUMPY": "a single .npy array",
    b"Rar!": "a RAR file",
    b"7z\xbc\xaf": "a 7z file",
}
"""First bytes of files that are taken for a zip -> what they are."""

_WITHOUT_CHECKSUMS = ("an HDF5 file", "a MATLAB 7.3 file", "a MATLAB file")


class ArchiveError(ValueError):
    """An archive that cannot be had or is refused: ``archive: what is wrong; what to do``, on one line.

    Attributes:
        what: the same without the archive.
    """

    def __init__(self, archive: Path, what: str) -> None:
        self.what = " ".join(what.split())
        super().__init__(archive, self.what)

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.what}"


@dataclass(frozen=True)
class Fingerprint:
    """Size in bytes and git blob hash (40 hexadecimal digits) of a file."""

    size: int
    git_blob_sha1: str


Manifest = Mapping[str, Fingerprint]
"""What a published archive holds: path of a member -> its fingerprint."""


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
    return files


def regions(archive: Path) -> list[str]:
    """The regions of an archive, i.e. the folders ``Data/<region>/`` that hold arrays, sorted.

    Raises:
        ArchiveError: the archive cannot be read, or holds no region.
    """
    with opened(archive) as members:
        return sorted(_regions(members))


def shapes(archive: Path, region: str) -> dict[str, tuple[int, ...]]:
    """Shapes of a region's arrays, by file name without ``.npy``; reads the arrays' headers only.

    Raises:
        ArchiveError: the archive, the region or a header cannot be read.
    """
    with opened(archive) as members:
        return {stem: member.header()[0] for stem, member in in_region(members, region).items()}


def verify(archive: Path, manifest: Manifest | None) -> None:
    """Check that an archive is whole: as its manifest says or, without one, as the zip's own checksums say.

    HDF5 and MATLAB files, the recordings of other layouts, have no checksums: their readers see whether they are whole.

    Raises:
        ArchiveError: lists every file that is missing or differs, and in what.
    """
    if manifest is None and archive.is_file() and what_it_is(archive) in _WITHOUT_CHECKSUMS:
        return
    with opened(archive) as members:
        if manifest is not None:
            compare(members, manifest)
        else:
            for member in members.values():
                member.content()


# ---- what a layout reads with -------------------------------------------------------------------------


@dataclass(frozen=True)
class Member:
    """One file of an archive; its methods raise ValueErrors that name it and say what to do.

    Attributes:
        name: path in the archive, without a folder that stands above all of it.
        size: bytes, as the archive declares them; no more are ever read.
        open: opens the file for reading.
    """

    name: str
    size: int
    open: Callable[[], IO[bytes]]

    def content(self, limit: int | None = None) -> bytes:
        """All bytes, as many as declared and with the checksum declared, or the first ``limit`` of them."""
        if self.size > MAX_MEMBER_BYTES:
            raise ValueError(f"{self.name}: {self.size} bytes, at most {MAX_MEMBER_BYTES}; make it smaller")
        wanted = self.size if limit is None else min(limit, self.size)
        with named(f"{self.name}: cannot be read", "get the archive again"), self.open() as stream:
            content = stream.read(wanted)
        if len(content) != wanted:
            raise ValueError(f"{self.name}: shorter than the {self.size} bytes declared; get it again")
        return content

    def header(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and type of the array, without reading it."""
        stream = io.BytesIO(self.content(_HEADER_BYTES))
        with named(f"{self.name}: is not an npy array", "write it with numpy.save"):
            major, _ = np.lib.format.read_magic(stream)
            # Version 3 differs from 2 in the names of fields only, which these arrays do not have.
            read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(stream)
        return shape, dtype


def array(name: str, content: bytes) -> np.ndarray:
    """The array that a file's bytes are, numbers as float64 in C order; code in it is refused and never run."""
    found = as_stored(name, content)
    with np.errstate(over="ignore"):  # a long double beyond float64 becomes inf
        return np.ascontiguousarray(found, dtype=bool if found.dtype.kind == "b" else np.float64)


def as_stored(name: str, content: bytes) -> np.ndarray:
    """The array that a file's bytes are, of the type it was saved in; code in it is refused and never run."""
    stream = io.BytesIO(content)
    with named(f"{name}: is not an npy array", "write it with numpy.save"):
        found = np.lib.format.read_array(stream, allow_pickle=False)
    if stream.tell() != len(content):
        raise ValueError(f"{name}: {found.shape} of {found.dtype} is not {len(content)} bytes; get it again")
    return found


@contextmanager
def opened(archive: Path) -> Iterator[dict[str, Member]]:
    """The members of an archive of ``Data/`` by name, without a folder that stands above it; errors as in `listed`."""
    with listed(archive, "Data") as found:
        tops = {match["top"] or "" for match in map(_MEMBER.fullmatch, found) if match}
        if len(tops) > 1:
            raise ValueError(f"holds Data/ in {len(tops)} folders, {sorted(tops)}; keep one of them")
        top = "".join(tops)
        inside = {name.removeprefix(top): member for name, member in found.items() if name.startswith(top)}
        yield {name: replace(member, name=name) for name, member in inside.items()}


@contextmanager
def listed(archive: Path, *folders: str) -> Iterator[dict[str, Member]]:
    """The members of an archive by name; every ValueError inside the block leaves it as an ArchiveError.

    Of an archive that is a folder these are the arrays ``FOLDER/*/*.npy``, with one folder above them or none.
    """
    check_there(archive)
    with refused(archive), ExitStack() as stack:
        yield _members(archive, folders, stack)


@contextmanager
def refused(source: Path) -> Iterator[None]:
    """Every ValueError inside the block leaves it as an ArchiveError of the source."""
    try:
        yield
    except ValueError as error:
        raise ArchiveError(source, str(error)) from error


def sha256(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_there(source: Path) -> None:
    """Refuse a source that is missing, and say what is probably wrong with its path."""
    if source.exists():
        return
    remedy = "check dataset.source in the config"
    if re.match(r"10\.\d{4,9}/", str(source)):
        remedy = f"write a DOI as doi:{source}"
    elif "\\" in str(source):
        remedy = "write the folders of its path with /"
    raise ArchiveError(source, f"no such file; {remedy}")


def own_file(source: Path, region: str, *suffixes: str) -> Path:
    """The file ``REGION.SUFFIX`` in a folder with one file a region; of any other source the source itself.

    Raises:
        ArchiveError: the source is missing, or the folder has several such files.
    """
    check_there(source)
    names = [f"{region}{suffix}" for suffix in suffixes if (source / f"{region}{suffix}").is_file()]
    if len(names) > 1:
        raise ArchiveError(source, f"has {' and '.join(names)}; keep one of them")
    return source / names[0] if names else source


def in_region(members: Mapping[str, Member], region: str) -> dict[str, Member]:
    """The arrays of one region, by file name without ``.npy``."""
    found = _regions(members)
    if region not in found:
        raise ValueError(f"holds no region {region!r}; it must be one of {sorted(found)}")
    return found[region]


def compare(members: Mapping[str, Member], files: Mapping[str, Fingerprint]) -> None:
    """Refuse an archive in which a file differs from its fingerprint; the error lists them all."""
    differences = []
    for name, expected in files.items():
        if name not in members:
            differences.append(f"{name} is missing")
        elif members[name].size != expected.size:
            differences.append(f"{name} has {members[name].size} bytes, not {expected.size}")
        elif (found := git_blob_sha1(members[name].content())) != expected.git_blob_sha1:
            differences.append(f"{name} has hash {found}, not {expected.git_blob_sha1}")
    if differences:
        raise ValueError(
            f"differs from its manifest: {'; '.join(differences)}; get the published archive again"
        )


def what_it_is(path: Path) -> str:
    """What a file is that was taken for a zip, by its first bytes: "an HDF5 file", "a web page", "no zip file"."""
    with path.open("rb") as stream:
        start = stream.read(512)
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return next((what for magic, what in _KINDS.items() if start.startswith(magic)), "no zip file")


def _members(archive: Path, folders: Sequence[str], stack: ExitStack) -> dict[str, Member]:
    """The files of a zip, which stays open with the stack, or the arrays of a folder."""
    found: dict[str, Member] = {}
    if archive.is_dir():
        for pattern in (f"{above}{folder}/*/*.npy" for folder in folders for above in ("", "*/")):
            for file in sorted(archive.glob(pattern)):
                name = file.relative_to(archive).as_posix()
                found[name] = Member(name, file.stat().st_size, partial[IO[bytes]](file.open, "rb"))
    else:
        remedy = f"get it again, or pack it as a zip of {folders[0]}/.../*.npy"
        with named(f"is {what_it_is(archive)}, cannot be read as a zip file", remedy):
            opened = stack.enter_context(zipfile.ZipFile(archive))
        for info in opened.infolist():
            # Some programs write the folders in a zip as Windows spells them.
            name = info.filename.replace("\\", "/")
            found[name] = Member(name, info.file_size, partial(opened.open, info))
    return found


def _regions(members: Mapping[str, Member]) -> dict[str, dict[str, Member]]:
    """Region -> array's name -> member; anything else in the archive (README, __MACOSX) is passed over."""
    found: dict[str, dict[str, Member]] = {}
    for name, member in members.items():
        if match := _MEMBER.fullmatch(name):
            found.setdefault(match["region"], {})[match["stem"]] = member
    if not found:
        first = next((f"{name} and the like, but " for name in members if name.endswith(".npy")), "")
        raise ValueError(f"holds {first}no Data/<region>/*.npy; get an archive in the published layout")
    return found


@contextmanager
def named(what: str, remedy: str) -> Iterator[None]:
    """Turn whatever a library says of damaged bytes into one ValueError: what is wrong; what to do."""
    try:
        yield
    except Exception as error:  # zipfile and numpy's parser of headers raise nearly everything there is
        raise ValueError(f"{what} ({type(error).__name__}: {error}); {remedy}") from error
