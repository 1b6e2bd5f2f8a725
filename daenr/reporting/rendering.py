"""Tables as strings: a grid of entries, spelled as Markdown, LaTeX and HTML.

Nothing here knows what a table is about. A page of HTML is complete in itself: it loads nothing.
"""

# ruff: noqa: RUF001 - the symbols are those of the paper

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
from tabulate import tabulate

from daenr.files import atomic
from daenr.reporting.labels import SUBSCRIPTS


@dataclass(frozen=True)
class RenderedTable:
    """One table, spelled thrice.

    Attributes:
        markdown: GitHub-flavoured; the two levels of the header are merged into one row.
        latex: complete ``table`` environments, mostly one, that need the package booktabs alone.
        html: a page without external resources.
    """

    markdown: str
    latex: str
    html: str


@dataclass(frozen=True)
class Entry:
    """What stands in one place of a table.

    Attributes:
        text: the value.
        below: its spread or interval, in small print.
        best: in bold.
        marker: superscript; a letter points to a note, a sign is explained in the caption.
    """

    text: str
    below: str = ""
    best: bool = False
    marker: str = ""


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
    if largest == 0 or largest >= 10 ** (1 - decimals):
        return [f"{value:{sign}z.{decimals}f}" for value in values], ""
    exponent = math.floor(math.log10(largest))
    texts = [f"{value / 10**exponent:{sign}z.1f}" for value in values]
    return texts, f" × 10{str(exponent).translate(_SUPERSCRIPT)}"


def value_entry(value: float, sd: float, *, best: bool = False, marker: str = "") -> Entry:
    """A mean with its standard deviation, three decimals; a dash for a missing value, no spread for NaN."""
    if np.isnan(value):
        return Entry("–", marker=marker)
    return Entry(f"{value:z.3f}", "" if np.isnan(sd) else f"± {sd:.3f}", best, marker)


@dataclass(frozen=True)
class Grid:
    """A table as strings, before it is spelled.

    Attributes:
        name: of its file, ``table2`` ...; LaTeX refers to the table by it.
        title: what it is called, ``Table 2``.
        caption: without the title.
        corner: heading of the row labels.
        groups: upper level of the header, each with the columns that it spans; empty for one level.
        columns: lower level of the header.
        blocks: rows (label and entries) between two rules.
        notes: marker and text.
    """

    name: str
    title: str
    caption: str
    corner: str
    groups: list[tuple[str, int]]
    columns: list[str]
    blocks: list[list[tuple[str, list[Entry]]]]
    notes: list[tuple[str, str]]


def save(frame: pd.DataFrame, rendered: RenderedTable, csv: Path, md: Path, tex: Path, html: Path) -> None:
    """Write a table: the tidy frame as CSV, and the three spellings."""
    with atomic(csv) as path:
        frame.to_csv(path, index=False, lineterminator="\n")
    for destination, text in ((md, rendered.markdown), (tex, rendered.latex), (html, rendered.html)):
        with atomic(destination) as path:
            path.write_text(text, encoding="utf-8")


def spell(grid: Grid) -> RenderedTable:
    """Spell a grid as Markdown, LaTeX and HTML."""
    return RenderedTable(markdown=_markdown(grid), latex=_latex(grid), html=_html(grid))


def _markdown(grid: Grid) -> str:
    def cell(entry: Entry) -> str:
        text = f"**{entry.text}**" if entry.best else entry.text
        marker = f"<sup>{entry.marker}</sup>" if entry.marker else ""
        return " ".join(filter(None, [text + marker, entry.below]))

    groups = [label for label, span in grid.groups for _ in range(span)] or [""] * len(grid.columns)
    headers = [
        grid.corner,
        *(
            _escape_markdown(f"{group} {column}".strip())
            for group, column in zip(groups, grid.columns, strict=True)
        ),
    ]
    rows = [[_escape_markdown(label), *map(cell, line)] for block in grid.blocks for label, line in block]
    aligned = ["left", *["right"] * len(grid.columns)]
    body = tabulate(rows, headers, tablefmt="pipe", colalign=aligned, disable_numparse=True) if rows else ""
    notes = [f"<sup>{marker}</sup> {_escape_markdown(note)}" for marker, note in grid.notes]
    # Two spaces end a line without ending the paragraph.
    parts = [f"**{grid.title}.** {_escape_markdown(grid.caption)}", body, "  \n".join(notes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _escape_markdown(text: str) -> str:
    """Backslashes before what Markdown would read as markup; ``&`` as an entity."""
    return re.sub(r"([\\`*_\[\]<>|~$])", r"\\\1", text.replace("&", "&amp;"))


_LONGEST_SPREAD = len("± 00.000")
"""Small print of so many characters fits a page in twelve columns."""

_MOST_ROWS = 17
"""Rows with small print that fit a page."""

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


def _latex(grid: Grid) -> str:
    """One table, or several where a page is too narrow or too short for one."""
    parts = [part for narrow in _by_groups(grid) for part in _by_blocks(narrow)]
    if len(parts) > 1:
        parts = [replace(part, name=f"{grid.name}-{number}") for number, part in enumerate(parts, 1)]
    return "\n".join(map(_latex_table, parts))


def _by_groups(grid: Grid) -> list[Grid]:
    """A grid for each group of columns if intervals would make a single one wider than a page."""
    small = [entry.below for block in grid.blocks for _, line in block for entry in line]
    if len(grid.groups) < 2 or max(map(len, small), default=0) <= _LONGEST_SPREAD:
        return [grid]
    ends = np.cumsum([span for _, span in grid.groups])
    return [
        replace(
            grid,
            groups=[(label, span)],
            columns=grid.columns[end - span : end],
            blocks=[[(row, line[end - span : end]) for row, line in block] for block in grid.blocks],
        )
        for end, (label, span) in zip(ends, grid.groups, strict=True)
    ]


def _by_blocks(grid: Grid) -> list[Grid]:
    """Grids of as many blocks as fit a page."""
    pages: list[list[list[tuple[str, list[Entry]]]]] = [[]]
    for block in grid.blocks:
        if pages[-1] and sum(map(len, pages[-1])) + len(block) > _MOST_ROWS:
            pages.append([])
        pages[-1].append(block)
    return [replace(grid, blocks=page, notes=_notes_of(page, grid.notes)) for page in pages]


def _notes_of(
    blocks: list[list[tuple[str, list[Entry]]]], notes: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """The notes that these blocks point to."""
    used = {
        marker for block in blocks for _, line in block for entry in line for marker in entry.marker.split()
    }
    return [(marker, note) for marker, note in notes if marker in used]


def _latex_table(grid: Grid) -> str:
    wide = len(grid.columns) > 6
    lines = [
        r"\begin{table}[tbp]",
        r"\centering",
        r"\setlength{\belowcaptionskip}{6pt}",
        rf"\caption{{{_escape_latex(grid.caption)}}}",
        rf"\label{{tab:{grid.name}}}",
        r"\scriptsize" if wide else r"\footnotesize",
        rf"\setlength{{\tabcolsep}}{{{2 if wide else 4}pt}}",
        rf"\begin{{tabular}}{{@{{}}l{'r' * len(grid.columns)}@{{}}}}",
        r"\toprule",
        *_latex_header(grid),
    ]
    for block in grid.blocks:
        lines += [r"\midrule", *(row for label, line in block for row in _latex_row(label, line))]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\smallskip $^{{{marker}}}$~{_escape_latex(note)}" for marker, note in grid.notes]
    return "\n".join([*lines, r"\end{table}", ""])


def _latex_header(grid: Grid) -> Iterable[str]:
    if grid.groups:
        yield (
            "".join(rf" & \multicolumn{{{n}}}{{c}}{{{_escape_latex(label)}}}" for label, n in grid.groups)
            + r" \\"
        )
        ends = np.cumsum([span for _, span in grid.groups]) + 1
        yield " ".join(
            rf"\cmidrule(lr){{{end - span + 1}-{end}}}"
            for end, (_, span) in zip(ends, grid.groups, strict=True)
        )
    yield " & ".join(map(_escape_latex, [grid.corner, *grid.columns])) + r" \\"


def _latex_row(label: str, line: list[Entry]) -> Iterable[str]:
    """The values, and below them their spreads: beside them they would not fit on a page."""
    values = []
    for entry in line:
        text = _latex_number(entry.text)
        value = rf"\textbf{{{text}}}" if entry.best else text
        values.append(value + _latex_marker(entry.marker))
    yield " & ".join([_escape_latex(label), *values]) + r" \\"
    if any(entry.below for entry in line):
        yield "".join(f" & {_latex_small(e.below)}" if e.below else " &" for e in line) + r" \\[2pt]"


def _latex_small(text: str) -> str:
    text = _latex_number(text).replace(r"$\pm$ ", r"$\pm$")
    return rf"{{\tiny{text}}}"


def _latex_number(text: str) -> str:
    """A hyphen before a digit is a minus sign."""
    return re.sub(r"(?<!\w)-(?=\d)", "$-$", _escape_latex(text))


def _latex_marker(marker: str) -> str:
    """A superscript that takes no room, so that the digits of a column stay aligned."""
    spelled = marker.replace("≈", r"\approx ").strip()
    return rf"\rlap{{$^{{{spelled}}}$}}" if marker else ""


_TEMPLATES = jinja2.Environment(
    autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
STYLE = """\
:root { color-scheme: light; }
body { margin: 1.5rem; background: #fff; color: #1a1a1a; font: 1rem/1.45 system-ui, sans-serif; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; border-bottom: 2px solid; font-variant-numeric: tabular-nums; }
figure { margin: 0; }
figcaption { max-width: 46rem; padding-bottom: .75rem; }
th { font-weight: normal; white-space: nowrap; }
td sup { position: absolute; margin-top: -.2em; font-size: .75em; }
th, td { position: relative; padding: .25rem .6rem; text-align: right; vertical-align: baseline; }
thead tr:first-child > * { border-top: 2px solid; }
th[scope=row], .corner { padding-left: .2rem; text-align: left; }
.corner { vertical-align: bottom; }
th[scope=colgroup] { text-align: center; }
th[scope=colgroup] span { display: block; border-bottom: 1px solid; }
tbody tr:first-child > * { border-top: 1px solid; }
td span { display: block; color: #595959; font-size: .8em; white-space: nowrap; }
.notes { max-width: 46rem; padding: 0; list-style: none; font-size: .9em; }
"""
"""Style of every page, those of several tables too."""

_PAGE = _TEMPLATES.from_string("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
{{ style | safe }}</style>
</head>
<body>
{{ body | safe }}</body>
</html>
""")

_TABLE = _TEMPLATES.from_string("""\
<figure>
<figcaption><strong>{{ grid.title }}.</strong> {{ grid.caption }}</figcaption>
<div class="scroll" role="region" aria-label="{{ grid.title }}" tabindex="0">
<table aria-label="{{ grid.title }}">
<thead>
<tr>
<th class="corner" scope="col"{% if grid.groups %} rowspan="2"{% endif %}>{{ grid.corner }}</th>
{% for label, span in grid.groups %}
<th scope="colgroup" colspan="{{ span }}"><span>{{ label }}</span></th>
{% endfor %}
{% if grid.groups %}
</tr>
<tr>
{% endif %}
{% for label in grid.columns %}
<th scope="col">{{ label }}</th>
{% endfor %}
</tr>
</thead>
{% for block in grid.blocks %}
<tbody>
{% for label, line in block %}
<tr>
<th scope="row">{{ label }}</th>
{% for entry in line %}
<td>{% if entry.best %}<strong>{{ entry.text }}</strong>{% else %}{{ entry.text }}{% endif %}
{%- if entry.marker %}<sup>{{ entry.marker }}</sup>{% endif %}
{%- if entry.below %} <span>{{ entry.below }}</span>{% endif %}</td>
{% endfor %}
</tr>
{% endfor %}
</tbody>
{% endfor %}
</table>
</div>
</figure>
{% if grid.notes %}
<ul class="notes">
{% for marker, note in grid.notes %}
<li><sup>{{ marker }}</sup> {{ note }}</li>
{% endfor %}
</ul>
{% endif %}
""")


def page(title: str, body: str, style: str = STYLE) -> str:
    """A page of HTML without external resources.

    Args:
        title: plain text.
        body: HTML; what comes from data is escaped already.
        style: CSS.
    """
    return _PAGE.render(title=title, style=style, body=body) + "\n"


def _html(grid: Grid) -> str:
    return page(grid.title, _TABLE.render(grid=grid))
