"""The paper's numbers: its results (Tables 2-6), loss weights (Tables 8-13) and data sizes (Table 7).

The numbers stand in ``config/paper/*.csv`` as printed and nowhere in code. The Snakefile imports this
module while it parses, so it needs the standard library only.
"""

import csv
import dataclasses
import math
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar


@dataclasses.dataclass(frozen=True)
class Published:
    """One published result, a number of Tables 2-6.

    ``layer`` is None for the plain auto-encoder of Table 2. Table 5 prints its plain auto-encoders under
    each of the four layers, and so do these records. ``neurons`` are those whose responses were trained on:
    ``all``, ``significant`` or ``insignificant``. Units: ``mse`` on the [-1, 1] scale of the images,
    ``psnr`` in decibels, ``ssim`` and ``pcc`` without unit.
    """

    table: str
    region: str
    model: str
    layer: str | None
    neurons: str
    metric: str
    value: float


@dataclasses.dataclass(frozen=True)
class Weight:
    """The weights of one joint loss, Eq. 7 (Tables 8-13): alpha for the images, beta for the responses.

    ``task`` is what the weights were chosen for: ``ir`` (image reconstruction) or ``nrs`` (neural
    representation similarity).
    """

    table: str
    task: str
    region: str
    model: str
    layer: str
    alpha: float
    beta: float


@dataclasses.dataclass(frozen=True)
class RegionSize:
    """The size of one region's recording (Table 7); ``repeats`` counts the trials of each test image."""

    region: str
    train_images: int
    test_images: int
    repeats: int
    neurons: int


@dataclasses.dataclass(frozen=True)
class OtherResult:
    """A result that somebody else published on the same recording (``dataset.published`` in the config).

    ``model`` is named as there, ``reference`` is where it was published; ``value`` as printed.
    """

    source: str
    reference: str | None
    model: str
    region: str
    metric: str
    value: float
    note: str | None


Record = TypeVar("Record", Published, Weight, RegionSize, OtherResult)


def published(tables: Iterable[Path]) -> list[Published]:
    """The published results of these files, ``config/paper/table2.csv`` ... ``table6.csv``, in their order.

    Raises:
        ValueError: a column is unknown or missing, or a cell is no number; names file and line.
    """
    return [result for table in tables for result in _records(table, Published)]


def weights(path: Path) -> list[Weight]:
    """The loss weights of Tables 8-13, or of a search of one's own; order and errors as for ``published``."""
    return _records(path, Weight)


def region_sizes(folder: Path) -> list[RegionSize]:
    """The data sizes of Table 7, in the order of ``table7.csv``; errors as for ``published``."""
    return _records(folder / "table7.csv", RegionSize)


def other_results(path: Path) -> list[OtherResult]:
    """Results of other models on the same recording, in the order of the file; errors as for ``published``."""
    return _records(path, OtherResult)


def _records(path: Path, record: type[Record]) -> list[Record]:
    """Read a CSV whose columns are the fields of ``record``; a field's type says how its cells are read."""
    kinds = {field.name: field.type for field in dataclasses.fields(record)}
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        if sorted(header) != sorted(kinds):
            raise ValueError(f"{path}, line 1: the columns must be {','.join(kinds)}; got {','.join(header)}")
        records = []
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            if len(row) != len(header):
                raise ValueError(f"{where}: {len(header)} cells expected, one a column; got {len(row)}")
            cells = dict(zip(header, row, strict=True))
            parsed = {name: _parsed(cells[name], kind, f"{where}: {name}") for name, kind in kinds.items()}
            records.append(record(**parsed))
    return records


def _parsed(cell: str, kind: object, where: str) -> Any:
    """A cell as its field's type says; ``where`` names file, line and column."""
    if kind == str | None:
        return cell or None
    if kind is int:
        if cell.isdecimal():
            return int(cell)
        raise ValueError(f"{where} must be a whole number, got {cell!r}")
    if kind is float:
        with suppress(ValueError):
            if math.isfinite(number := float(cell)) and number >= 0:
                return number
        raise ValueError(f"{where} must be a finite number, not negative, got {cell!r}")
    if not cell:
        raise ValueError(f"{where} must not be empty")
    return cell
