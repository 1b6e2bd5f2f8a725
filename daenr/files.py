"""Files: written as a whole or not at all, and tables read back as they were written."""

import csv
import errno
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TEXTS = frozenset(
    [
        *("table", "region", "model", "layer", "metric", "control", "rule", "run", "method", "kind"),
        *("claim", "parent", "level", "statement", "source", "against", "paper_excluded", "verdict", "note"),
        "standing",
    ]
)
"""Columns of our CSV files that are texts in every file that has them."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` if the block succeeds.

    The temporary name keeps the suffix, since writers choose their format by it. After an error the
    temporary file is removed and whatever stood at ``path`` is untouched.

    Raises:
        OSError: the file cannot be written; of a full disk or a used up quota it says what to do.
    """
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # or a power cut could leave the new name with half of the content
        temporary.replace(path)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        what = "the disk is full: make room, then run the same command again"
        raise OSError(error.errno, what, str(path)) from error
    finally:
        with suppress(OSError):  # there is none, or none can be: the error that matters is the one before
            temporary.unlink()


HASHED_BYTES = 2 * 2**30
"""Size up to which `stamp` reads a file."""


def stamp(path: Path) -> str:
    """Names and contents of a file, or of all files below a folder: another one where any was replaced.

    Whatever their times, which who compares them with the time of a result does not see. Files above `HASHED_BYTES`,
    such as NWB with films, go by size and time.
    """
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_dir():
            continue
        known = file.stat()
        digest.update(f"{file.relative_to(path)}\0{known.st_size}\0".encode())
        if known.st_size > HASHED_BYTES:
            digest.update(f"{known.st_mtime_ns}".encode())
        else:
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def read_documents(paths: Iterable[Path | str]) -> dict[str, Any]:
    """Contents of JSON files by the names of the folders that they lie in, those of runs or regions."""
    return {Path(path).parent.name: json.loads(Path(path).read_text(encoding="utf-8")) for path in paths}


def write_columns(path: Path, columns: "Mapping[str, np.ndarray]") -> None:
    """Write arrays of one length as a CSV file, each below its name; NaN is empty. Needs nothing of pandas."""
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*(values.tolist() for values in columns.values()), strict=True):
            writer.writerow(["" if value != value else value for value in row])


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document as a JSON file; a number that is not finite is an error."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_arrays(path: Path) -> "dict[str, np.ndarray]":
    """The arrays of an .npz file by their names."""
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def write_frame(path: Path, frame: "pd.DataFrame") -> None:
    """Write a table as a CSV file, for `read_frame`."""
    with atomic(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def read_frame(path: Path) -> "pd.DataFrame":
    """Read a CSV file that we wrote: ``TEXTS`` as they stand there, all else as numbers.

    A region may be called ``1``, ``NA`` or ``TRUE``. An empty text is an empty string, an empty number is NaN.
    """
    import pandas as pd  # here, since the workflow's files are parsed without it

    columns = pd.read_csv(path, nrows=0).columns
    return pd.read_csv(
        path,
        dtype=dict.fromkeys(TEXTS & set(columns), str),
        keep_default_na=False,
        na_values={name: [""] for name in columns if name not in TEXTS},
        encoding="utf-8",
    )
