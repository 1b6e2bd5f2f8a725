"""Tables as strings: a grid of entries, spelled as Markdown, LaTeX, HTML and JSON.

Nothing here knows what a table is about. A page of HTML is complete in itself: it loads nothing.
"""

# ruff: noqa: RUF001 - the symbols are those of the paper

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from tabulate import tabulate

from daenr.files import atomic, write_frame
from daenr.reporting.labels import SUBSCRIPTS

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader([Path(__file__).parent / "templates", Path(__file__).parent]),
    autoescape=lambda name: name is not None and name.endswith(".html.j2"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters["anchor"] = lambda text: re.sub(r"[^a-z0-9]+", "-", text.lower())


@dataclass(frozen=True)
class Entry:
    """What stands in one place of a table.

    Attributes:
        text: the value.
        below: its spread or interval, in small print.
        best: in bold.
        marker: superscript; a letter points to a note, a sign is explained in the caption.
        paper: what the paper prints in this place, in small print.
    """

    text: str
    below: str = ""
    best: bool = False
    marker: str = ""
    paper: str = ""


@dataclass(frozen=True)
class Grid:
    """A table as strings, before it is spelled.

    Attributes:
        name: of its file, ``table2`` ...; LaTeX refers to the table by it.
        title: what it is called, ``Table 2``.
        caption: without the title.
        corner: heading of the row labels.
        columns: lower level of the header.
        blocks: rows (label and entries) between two rules.
        groups: upper level of the header, each with the columns that it spans; empty for one level.
        notes: marker and text.
        prose: words rather than numbers, hence aligned at the left.
        folded: in HTML its title alone is seen until it is clicked.
    """

    name: str
    title: str
    caption: str
    corner: str
    columns: list[str]
    blocks: list[list[tuple[str, list[Entry]]]]
    groups: list[tuple[str, int]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    prose: bool = False
    folded: bool = False


@dataclass(frozen=True)
class Rendered:
    """A page with one table or several, spelled four times.

    Attributes:
        md: GitHub-flavoured Markdown; the two levels of the header are merged into one row.
        tex: for each table a complete environment that needs booktabs and graphicx, or longtable where it is long.
        html: a page without external resources, for wide and for narrow screens.
        json: the tables as data, from which the report spells them.
    """

    md: str
    tex: str
    html: str
    json: str


def spell(*grids: Grid, title: str = "") -> Rendered:
    """Spell a page of tables.

    Args:
        grids: the tables.
        title: of the page; that of the only table if there is none.
    """
    return Rendered(
        md="\n".join(map(_markdown, grids)),
        tex="\n".join(_TEX.get_template("table.tex.j2").render(grid=grid) for grid in grids),
        html=html("tables.html.j2", title=title or grids[0].title, grids=grids),
        json=json.dumps([asdict(grid) for grid in grids], ensure_ascii=False) + "\n",
    )


def html(template: str, **values: Any) -> str:
    """Fill one of the templates of ``templates/``; values are escaped."""
    return _TEMPLATES.get_template(template).render(**values)


def save(frame: pd.DataFrame, rendered: Rendered, csv: Path, **spellings: Path) -> None:
    """Write the tidy frame as CSV, and those spellings of its page that are asked for: md, tex, html, json."""
    write_frame(csv, frame)
    for name, destination in spellings.items():
        with atomic(destination) as path:
            path.write_text(getattr(rendered, name), encoding="utf-8")


def interval_texts(values: Sequence[float], decimals: int, sign: str = "") -> tuple[list[str], str]:
    """Spell an interval's numbers alike, with two digits at least of the largest however small it is.

    Args:
        values: the ends of the interval, and what it is of if that is shown; no NaN.
        decimals: as many as fit numbers of this kind.
        sign: ``+`` gives positive numbers a sign.

    Returns:
        The numbers, and what stands behind them: empty, or the power of ten in whose units they are.
    """
    largest = max(map(abs, values))
    if largest < 1e-12 or largest >= 10 ** (1 - decimals):  # below it, only rounding is left
        return [f"{value:{sign}z.{decimals}f}" for value in values], ""
    exponent = math.floor(math.log10(largest))
    texts = [f"{value / 10**exponent:{sign}z.1f}" for value in values]
    return texts, f" × 10{str(exponent).translate(_SUPERSCRIPT)}"


def power_text(value: float) -> str:
    """A share that may be tiny: 0.37, 6.1×10⁻⁶, 0."""
    if value == 0 or value >= 0.095:
        return f"{value:.2f}" if value else "0"
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}×10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def value_entry(
    value: float,
    sd: float,
    *,
    decimals: int = 3,
    best: bool = False,
    marker: str = "",
    paper: float = float("nan"),
) -> Entry:
    """A mean with its standard deviation and the paper's value in brackets; a dash for no value, nothing for NaN."""
    printed = "" if np.isnan(paper) else f"[{paper:.{decimals}f}]"
    if np.isnan(value):
        return Entry("–", marker=marker, paper=printed)
    spread = "" if np.isnan(sd) else f"± {sd:.{decimals}f}"
    return Entry(f"{value:z.{decimals}f}", spread, best, marker, printed)


def _markdown(grid: Grid) -> str:
    def cell(entry: Entry) -> str:
        text = f"**{entry.text}**" if entry.best else entry.text
        marker = f"<sup>{entry.marker}</sup>" if entry.marker else ""
        paper = f"<sub>{_escape_markdown(entry.paper)}</sub>" if entry.paper else ""
        return " ".join(filter(None, [text + marker, entry.below, paper]))

    groups = [label for label, span in grid.groups for _ in range(span)] or [""] * len(grid.columns)
    headers = [
        grid.corner,
        *(
            _escape_markdown(f"{group} {column}".strip())
            for group, column in zip(groups, grid.columns, strict=True)
        ),
    ]
    rows = [[_escape_markdown(label), *map(cell, line)] for block in grid.blocks for label, line in block]
    aligned = ["left", *["left" if grid.prose else "right"] * len(grid.columns)]
    body = tabulate(rows, headers, tablefmt="pipe", colalign=aligned, disable_numparse=True) if rows else ""
    notes = [f"<sup>{marker}</sup> {_escape_markdown(note)}" for marker, note in grid.notes]
    # Two spaces end a line without ending the paragraph.
    parts = [f"**{grid.title}.** {_escape_markdown(grid.caption)}", body, "  \n".join(notes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _escape_markdown(text: str) -> str:
    """Backslashes before what Markdown would read as markup; ``&`` as an entity."""
    return re.sub(r"([\\`*_\[\]<>|~$])", r"\\\1", text.replace("&", "&amp;"))


_POWERS = "-0123456789"

_SUPERSCRIPT = str.maketrans(_POWERS, "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_LATEX = str.maketrans(
    {
        **{char: f"\\{char}" for char in "&%$#_{}"},
        **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
        # After a line's end a bracket would be read as an option; < and > depend on the font's encoding.
        **{"[": "{[}", "]": "{]}", "<": "$<$", ">": "$>$", "|": "$|$"},
        **{"↓": r"$\downarrow$", "↑": r"$\uparrow$", "±": r"$\pm$", "✓": r"$\surd$", "×": r"$\times$"},
        **{char: f"$^{plain}$" for plain, char in zip(_POWERS, "⁻⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True)},
        **{"–": "--", "≤": r"$\leq$", "≈": r"$\approx$", "β": r"$\beta$"},
        **{subscript: f"$_{chr(plain)}$" for plain, subscript in zip(SUBSCRIPTS, "₁₂₃₄ᵢ", strict=True)},
    }
)


def _escape_latex(text: str) -> str:
    """Escape LaTeX's own characters, spell symbols as mathematics: CAE-FR₁ -> CAE-FR$_1$, h₁ -> $h_1$."""
    return re.sub(r"\bh\$_(\w)\$", r"$h_\1$", re.sub(" (?=[↓↑])", "", text).translate(_LATEX))


def _latex_small(text: str) -> str:
    spelled = _latex_number(text).replace(r"$\pm$ ", r"$\pm$")
    return rf"{{\tiny{spelled}}}"


def _latex_number(text: str) -> str:
    """A hyphen before a digit is a minus sign."""
    return re.sub(r"(?<!\w)-(?=\d)", "$-$", _escape_latex(text))


_TEX = _TEMPLATES.overlay("<%", "%>", "<<", ">>", "<#", "#>")
"""Braces are LaTeX's own."""

_TEX.filters |= {"latex": _escape_latex, "number": _latex_number, "small": _latex_small}
