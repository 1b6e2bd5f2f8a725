"""Tables 2-7: our results beside the paper's as tidy frames, and rendered to look like the paper's.

A tidy frame has one row for each number of a table. ``render`` arranges it by the table's layout into a grid of
strings and spells that grid as Markdown, LaTeX and HTML.
"""

# ruff: noqa: RUF001 - the symbols are those of the paper

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from tabulate import tabulate

from daenr.files import atomic
from daenr.paper import Published
from daenr.runs import METRICS, Cell, split_model

_KEY = ["table", "region", "model", "layer", "neurons", "metric"]
COLUMNS = [*_KEY, "value", "sd", "n", "paper", "note"]
"""Columns of a tidy frame; ``layer`` and ``note`` are empty strings where there is none."""

REGION_COLUMNS = ["region", "train_images", "test_images", "repeats", "neurons"]
"""Columns of Table 7's frame."""


@dataclass(frozen=True)
class RenderedTable:
    """One table, spelled thrice.

    Attributes:
        markdown: GitHub-flavoured; the two levels of the header are merged into one row.
        latex: a complete ``table`` environment that needs the package booktabs alone.
        html: a page without external resources.
    """

    markdown: str
    latex: str
    html: str


# ---- labels -------------------------------------------------------------------------------------------

_SUBSCRIPTS = str.maketrans("1234i", "₁₂₃₄ᵢ")
_METRIC_LABELS = {"mse": "MSE ↓", "psnr": "PSNR ↑", "ssim": "SSIM ↑", "pcc": "PCC ↑"}
_NEURON_LABELS = {"all": "all", "significant": "✓", "insignificant": "×"}


def save(frame: pd.DataFrame, rendered: RenderedTable, csv: Path, md: Path, tex: Path, html: Path) -> None:
    """Write a table: the tidy frame as CSV, and the three spellings."""
    with atomic(csv) as path:
        frame.to_csv(path, index=False, lineterminator="\n")
    for destination, text in ((md, rendered.markdown), (tex, rendered.latex), (html, rendered.html)):
        with atomic(destination) as path:
            path.write_text(text, encoding="utf-8")


def region_label(region: str) -> str:
    """A region as the paper prints it: ``region1`` -> Region 1; other names stay as they are."""
    return re.sub(r"^region(\d+)$", r"Region \1", region)


def layer_label(layer: str) -> str:
    """A layer as the paper prints it: ``h1`` -> h₁."""
    return layer.translate(_SUBSCRIPTS)


def model_label(model: str, layer: str | None = None) -> str:
    """A model as the paper prints it: ``cae-fr`` read out at ``h1`` -> CAE-FR₁, ``hi`` standing for any layer."""
    return model.upper() + layer_label(layer or "").removeprefix("h")


def _family_label(model: str) -> str:
    """A model at all its layers, as the rows of Tables 5 and 6: CAE, CAE-FRᵢ."""
    _, readout = split_model(model)
    return model_label(model, "hi" if readout else None)


# ---- layouts ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Axis:
    """One axis of a table: the keys that tell its places apart, and how such a place is labelled."""

    keys: tuple[str, ...]
    label: Callable[..., str]


_NO_AXIS = _Axis((), lambda: "")
_REGIONS = _Axis(("region",), region_label)
_LAYERS = _Axis(("layer",), layer_label)
_METRICS = _Axis(("metric",), _METRIC_LABELS.__getitem__)
_NEURONS = _Axis(("neurons",), _NEURON_LABELS.__getitem__)
_MODELS = _Axis(("model",), _family_label)
_READ_OUT_MODELS = _Axis(("model", "layer"), model_label)


@dataclass(frozen=True)
class _Layout:
    """How a table of the paper is arranged.

    Attributes:
        caption: in our own words; ``{regions}`` stands for the regions that are shown.
        corner: heading of the row labels.
        rows: what a row is.
        upper: the upper level of the header; without keys there is one level.
        lower: the lower level of the header.
        contest: keys of the values of which the best is bold.
        bold: what bold means, in the caption.
        block: what the rows between two rules have in common, from the row's first value.
    """

    caption: str
    corner: str
    rows: _Axis
    upper: _Axis
    lower: _Axis
    contest: tuple[str, ...]
    bold: str = "Bold: best of a column."
    block: Callable[[str], object] = lambda _: None


_LAYOUTS: Mapping[str, _Layout] = {
    "table2": _Layout(
        caption="Reconstruction of the test images by the plain auto-encoder and by models that also learn the "
        "responses of all neurons; the subscript is the layer that is read out.",
        corner="Model",
        rows=_READ_OUT_MODELS,
        upper=_REGIONS,
        lower=_METRICS,
        contest=("region", "metric"),
    ),
    "table3": _Layout(
        caption="Reconstruction of the test images by models that learn the responses of the significant (✓) or of "
        "the insignificant (×) neurons alone, {regions}.",
        corner="Model (significant?)",
        rows=_READ_OUT_MODELS,
        upper=_METRICS,
        lower=_NEURONS,
        contest=("metric", "neurons"),
    ),
    "table4": _Layout(
        caption="Pearson correlation (PCC ↑) of predicted and recorded responses to the test images, mean over "
        "neurons; the subscript is the layer that is read out.",
        corner="Region",
        rows=_REGIONS,
        upper=_NO_AXIS,
        lower=_READ_OUT_MODELS,
        contest=("region", "layer"),
        bold="Bold: the better of the two models of a region and layer.",
    ),
    "table5": _Layout(
        caption="Reconstruction of the test images by every auto-encoder, alone and with every readout of the layer "
        "that heads the columns, {regions}. The plain auto-encoders have no readout: their values recur.",
        corner="Model",
        rows=_MODELS,
        upper=_LAYERS,
        lower=_METRICS,
        contest=("layer", "metric"),
        block=lambda model: split_model(model)[0],
    ),
    "table6": _Layout(
        caption="Pearson correlation (PCC ↑) of predicted and recorded responses to the test images, mean over "
        "neurons, for every readout of the layer that heads the column, end to end and with every auto-encoder.",
        corner="Model",
        rows=_MODELS,
        upper=_REGIONS,
        lower=_LAYERS,
        contest=("region", "layer"),
        block=lambda model: split_model(model)[1],
    ),
}


# ---- tidy frames --------------------------------------------------------------------------------------


def tidy(
    table: str,
    cells: Sequence[Cell],
    metrics: Mapping[str, Mapping[str, Any]],
    published: Sequence[Published],
) -> pd.DataFrame:
    """One table's results, a row for each of its numbers, in the order in which the paper prints them.

    Args:
        table: ``table2`` ... ``table6``.
        cells: the table's places, one a seed; cells of other tables are passed over.
        metrics: for each run's name what its ``metrics.json`` holds: ``metrics`` and ``reason``.
        published: the paper's results; empty where ours are not to be compared with them.

    Returns:
        Columns ``COLUMNS``: ``value`` is the mean over seeds and ``sd`` their sample standard deviation (n - 1 below
        the line, empty for one seed), ``n`` counts the seeds that gave a value, ``paper`` is the published value,
        ``note`` says why seeds gave none.

    Raises:
        ValueError: a metric of a run is missing, or null without a reason.
    """
    layout = _LAYOUTS[table]
    measured = [
        (
            table,
            cell.region,
            cell.model,
            cell.layer or "",
            cell.neurons,
            metric,
            *_measured(cell, metric, metrics),
        )
        for cell in cells
        if cell.table == table
        for metric in METRICS[table]
    ]
    seeds = pd.DataFrame(measured, columns=[*_KEY, "value", "note"]).astype({"value": float})
    frame = (
        seeds.groupby(_KEY, sort=False)
        .agg(value=("value", "mean"), sd=("value", "std"), n=("value", "count"), note=("note", _note))
        .reset_index()
    )
    paper = {(p.table, p.region, p.model, p.layer or "", p.neurons, p.metric): p.value for p in published}
    keys = frame[_KEY].itertuples(index=False, name=None)
    frame["paper"] = pd.Series([paper.get(key, np.nan) for key in keys], dtype=float)
    return _in_order(frame, layout)[COLUMNS]


def _measured(cell: Cell, metric: str, metrics: Mapping[str, Mapping[str, Any]]) -> tuple[float, str]:
    """The value of one cell, or NaN and the reason why there is none."""
    name = cell.run.name
    if name not in metrics or metric not in metrics[name]["metrics"]:
        raise ValueError(f"metrics.json of run {name} lacks {metric!r}; evaluate the run again")
    value, reason = metrics[name]["metrics"][metric], metrics[name]["reason"]
    if value is not None:
        return float(value), ""
    if not reason:
        raise ValueError(f"metrics.json of run {name}: {metric!r} is null but 'reason' does not say why")
    return np.nan, " ".join(str(reason).split())


def _note(reasons: "pd.Series[str]") -> str:
    """Why seeds gave no value, and how many of them if others did."""
    given = [reason for reason in reasons if reason]
    text = "; ".join(dict.fromkeys(given))
    return f"{len(given)} of {len(reasons)} seeds: {text}" if 0 < len(given) < len(reasons) else text


def _in_order(frame: pd.DataFrame, layout: _Layout) -> pd.DataFrame:
    """Sort by row, then column; along each axis the first to appear is the first to stand."""
    axes = [axis.keys for axis in (layout.rows, layout.upper, layout.lower) if axis.keys]
    ranks = [frame.groupby(list(keys), sort=False).ngroup().to_numpy() for keys in axes]
    return frame.iloc[np.lexsort(ranks[::-1])].reset_index(drop=True)


def region_table(counts: Mapping[str, Mapping[str, int]]) -> pd.DataFrame:
    """Table 7: the size of each region's recording.

    Args:
        counts: for each region the ``counts`` of its region file: ``train`` and ``validation`` images (the paper
            gives their sum), ``test`` images, ``repeats`` of each of them, and ``neurons``.

    Returns:
        Columns ``REGION_COLUMNS``, one row a region in the order given.
    """
    rows = [
        (region, count["train"] + count["validation"], count["test"], count["repeats"], count["neurons"])
        for region, count in counts.items()
    ]
    return pd.DataFrame(rows, columns=REGION_COLUMNS)


# ---- grids --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Entry:
    """What stands in one place of a table; ``marker`` points to a note."""

    text: str
    sd: str = ""
    best: bool = False
    marker: str = ""


@dataclass(frozen=True)
class _Grid:
    """A table as strings, before it is spelled.

    Attributes:
        name: ``table2`` ...
        caption: without the table's number.
        corner: heading of the row labels.
        groups: upper level of the header, each with the columns that it spans; empty for one level.
        columns: lower level of the header.
        blocks: rows (label and entries) between two rules.
        notes: marker and text.
    """

    name: str
    caption: str
    corner: str
    groups: list[tuple[str, int]]
    columns: list[str]
    blocks: list[list[tuple[str, list[_Entry]]]]
    notes: list[tuple[str, str]]

    @property
    def title(self) -> str:
        """Number of the table: Table 2."""
        return f"Table {self.name.removeprefix('table')}"


def render(table: str, frame: pd.DataFrame) -> RenderedTable:
    """Spell one of Tables 2-6 as the paper prints it: its rows, columns and order, three decimals, best values bold.

    Rows and columns that the frame lacks do not appear. A value that is missing is a dash with a note.

    Args:
        table: ``table2`` ... ``table6``.
        frame: what ``tidy`` returns.
    """
    return _spell(_result_grid(table, frame))


def render_region_table(frame: pd.DataFrame) -> RenderedTable:
    """Spell Table 7.

    Args:
        frame: what ``region_table`` returns.
    """
    columns = ["Number of train images", "Number of test images", "Number of neurons"]
    rows = [
        (region_label(region), [_Entry(f"{train} (1)"), _Entry(f"{test} ({repeats})"), _Entry(f"{neurons}")])
        for region, train, test, repeats, neurons in frame[REGION_COLUMNS].itertuples(index=False, name=None)
    ]
    caption = "Size of the recording of each region. In brackets: how often each image was shown."
    return _spell(_Grid("table7", caption, "Region", [], columns, [rows], []))


def _result_grid(table: str, frame: pd.DataFrame) -> _Grid:
    layout = _LAYOUTS[table]
    # A frame that was read from its CSV has NaN for an empty string.
    frame = frame.astype({"layer": object, "note": object}).fillna({"layer": "", "note": ""})
    notes = {
        note: _marker(index) for index, note in enumerate(dict.fromkeys(frame["note"][frame["note"] != ""]))
    }
    rows, upper, lower = (_places(frame, axis) for axis in (layout.rows, layout.upper, layout.lower))
    entries = {
        place: _entry(value, sd, best, notes.get(note, ""))
        for place, value, sd, best, note in zip(
            zip(rows, upper, lower, strict=True),
            *(frame["value"], frame["sd"], _best(frame, layout), frame["note"]),
            strict=True,
        )
    }
    columns = sorted(
        set(zip(upper, lower, strict=True)), key=lambda c: (upper.index(c[0]), lower.index(c[1]))
    )
    lines = [
        (row, [entries.get((row, *column), _Entry("")) for column in columns]) for row in dict.fromkeys(rows)
    ]
    return _Grid(
        name=table,
        caption=_caption(layout, frame),
        corner=layout.corner,
        groups=[
            (layout.upper.label(*group), len(list(members)))
            for group, members in groupby(column[0] for column in columns)
            if group
        ],
        columns=[layout.lower.label(*column[1]) for column in columns],
        blocks=[
            [(layout.rows.label(*row), line) for row, line in block]
            for _, block in groupby(lines, key=lambda line: layout.block(line[0][0]))
        ],
        notes=[(marker, note) for note, marker in notes.items()],
    )


def _places(frame: pd.DataFrame, axis: _Axis) -> list[tuple[str, ...]]:
    """Where each number of the frame stands along an axis."""
    if not axis.keys:
        return [()] * len(frame)
    return list(frame[list(axis.keys)].itertuples(index=False, name=None))


def _entry(value: float, sd: float, best: bool, marker: str) -> _Entry:
    if np.isnan(value):
        return _Entry("–", marker=marker)
    return _Entry(f"{value:z.3f}", "" if np.isnan(sd) else f"{sd:.3f}", bool(best), marker)


def _best(frame: pd.DataFrame, layout: _Layout) -> "pd.Series[bool]":
    """Which means win their contest: the least MSE, the greatest of all else, every one of those that tie."""
    score = frame["value"].where(frame["metric"] != "mse", -frame["value"])
    return score == score.groupby([frame[key] for key in layout.contest]).transform("max")


def _marker(index: int) -> str:
    """a, b ... z, aa, bb ..."""
    return ascii_lowercase[index % 26] * (index // 26 + 1)


def _caption(layout: _Layout, frame: pd.DataFrame) -> str:
    """What is shown, what bold means, how many seeds."""
    if frame.empty:
        return "The config leaves out every model of this table."
    n = int(frame["n"].max())
    seeds = f"Mean ± standard deviation over {n} seeds." if n > 1 else "Values of one seed."
    regions = ", ".join(map(region_label, frame["region"].unique()))
    return f"{layout.caption.replace('{regions}', regions)} {layout.bold} {seeds}"


# ---- spelling -----------------------------------------------------------------------------------------


def _spell(grid: _Grid) -> RenderedTable:
    return RenderedTable(markdown=_markdown(grid), latex=_latex(grid), html=_html(grid))


def _markdown(grid: _Grid) -> str:
    def cell(entry: _Entry) -> str:
        text = f"**{entry.text}**" if entry.best else entry.text
        return (
            text
            + (f" ± {entry.sd}" if entry.sd else "")
            + (f"<sup>{entry.marker}</sup>" if entry.marker else "")
        )

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


_LATEX = str.maketrans(
    {
        **{char: f"\\{char}" for char in "&%$#_{}"},
        **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
        # After a line's end a bracket would be read as an option; < and > depend on the font's encoding.
        **{"[": "{[}", "]": "{]}", "<": "$<$", ">": "$>$", "|": "$|$"},
        **{"↓": r"$\downarrow$", "↑": r"$\uparrow$", "±": r"$\pm$", "✓": r"$\surd$", "×": r"$\times$"},
        **{"–": "--", "≤": r"$\leq$"},
        **{subscript: f"$_{chr(plain)}$" for plain, subscript in zip(_SUBSCRIPTS, "₁₂₃₄ᵢ", strict=True)},
    }
)


def _escape_latex(text: str) -> str:
    """Escape LaTeX's own characters, spell symbols as mathematics: CAE-FR₁ -> CAE-FR$_1$, h₁ -> $h_1$."""
    return re.sub(r"\bh\$_(\w)\$", r"$h_\1$", re.sub(" (?=[↓↑])", "", text).translate(_LATEX))


def _latex(grid: _Grid) -> str:
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


def _latex_header(grid: _Grid) -> Iterable[str]:
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


def _latex_row(label: str, line: list[_Entry]) -> Iterable[str]:
    """The values, and below them their standard deviations: beside them they would not fit on a page."""
    values = []
    for entry in line:
        text = re.sub(r"^-(?=\d)", "$-$", _escape_latex(entry.text))
        marker = rf"\rlap{{$^{{{entry.marker}}}$}}" if entry.marker else ""
        values.append((rf"\textbf{{{text}}}" if entry.best else text) + marker)
    yield " & ".join([_escape_latex(label), *values]) + r" \\"
    if any(entry.sd for entry in line):
        yield "".join(rf" & {{\tiny$\pm${entry.sd}}}" if entry.sd else " &" for entry in line) + r" \\[2pt]"


_PAGE = jinja2.Environment(
    autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_PAGE_TEMPLATE = _PAGE.from_string("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ grid.title }}</title>
<style>
:root { color-scheme: light; }
body { margin: 1.5rem; background: #fff; color: #1a1a1a; font: 1rem/1.45 system-ui, sans-serif; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; border-bottom: 2px solid; font-variant-numeric: tabular-nums; }
caption { max-width: 46rem; padding-bottom: .75rem; text-align: left; }
th { font-weight: normal; white-space: nowrap; }
td sup { position: absolute; margin-top: -.2em; font-size: .75em; }
th, td { padding: .25rem .6rem; text-align: right; vertical-align: baseline; }
thead tr:first-child > * { border-top: 2px solid; }
th[scope=row], .corner { padding-left: .2rem; text-align: left; }
.corner { vertical-align: bottom; }
th[scope=colgroup] { text-align: center; }
th[scope=colgroup] span { display: block; border-bottom: 1px solid; }
tbody tr:first-child > * { border-top: 1px solid; }
td span { display: block; color: #595959; font-size: .8em; white-space: nowrap; }
.notes { max-width: 46rem; padding: 0; list-style: none; font-size: .9em; }
</style>
</head>
<body>
<div class="scroll" role="region" aria-label="{{ grid.title }}" tabindex="0">
<table>
<caption><strong>{{ grid.title }}.</strong> {{ grid.caption }}</caption>
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
{%- if entry.sd %} <span>± {{ entry.sd }}</span>{% endif %}</td>
{% endfor %}
</tr>
{% endfor %}
</tbody>
{% endfor %}
</table>
</div>
{% if grid.notes %}
<ul class="notes">
{% for marker, note in grid.notes %}
<li><sup>{{ marker }}</sup> {{ note }}</li>
{% endfor %}
</ul>
{% endif %}
</body>
</html>
""")


def _html(grid: _Grid) -> str:
    return _PAGE_TEMPLATE.render(grid=grid) + "\n"
