"""What our runs say about the paper's claims: effect, interval, p and verdict; and how settings sway them."""

# ruff: noqa: RUF001 - the symbols are those of the paper

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests
from tabulate import tabulate

from daenr.files import atomic
from daenr.paper.claims import VERDICTS, Claim
from daenr.paper.plan import Cell
from daenr.paper.published import Published
from daenr.reporting.labels import region_label
from daenr.reporting.rendering import interval_texts, page
from daenr.statistics.resampling import IMAGE_METRICS, Pair, difference, improves, smallest_p
from daenr.statistics.scores import Scores

COLUMNS = [
    *("claim", "statement", "source", "region", "metric", "effect", "low", "high", "p", "p_holm"),
    *("n", "images", "paper", "verdict", "note"),
]
"""Columns of a frame of verdicts; ``n`` counts seeds, ``images`` test images."""


@dataclass(frozen=True)
class Page:
    """A page of verdicts, spelled twice.

    Attributes:
        markdown: GitHub-flavoured.
        html: a page without external resources, for wide and for narrow screens.
    """

    markdown: str
    html: str


# ---- verdicts -----------------------------------------------------------------------------------------


def judge(
    claims: Sequence[Claim],
    scores: Mapping[str, Scores],
    published: Sequence[Published],
    *,
    confidence: float,
    resamples: int,
    smallest_seeds: int,
    threshold: float,
    seed: int = 0,
) -> pd.DataFrame:
    """One row a claim: how large the effect is, how sure we are of it, and what follows.

    A claim is decided if p, corrected for all claims together (Holm), is at most 1 - confidence: ``supported`` if the
    effect is as claimed and ``contradicted`` if it is the opposite. One that is not decided is ``not supported``, or
    has ``too few seeds to say``; one seed decides nothing, since it says nothing about another.

    Args:
        claims: what to judge; the claims among which p is corrected.
        scores: of every run of the claims, by its name.
        published: the paper's results.
        confidence: of the intervals; see above.
        resamples: of the bootstrap.
        smallest_seeds: with fewer seeds than this, a claim that is not decided has too few.
        threshold: largest p of a significant neuron.
        seed: of the resamples; every claim draws its own.

    Returns:
        Columns ``COLUMNS``. ``effect``, ``low`` and ``high`` are in the metric's unit, positive as claimed: the mean
        over layers (and readouts) of a seed, then over seeds. ``paper`` is the same contrast of the published
        numbers. What there is not is NaN.
    """
    options = {"resamples": resamples, "confidence": confidence, "threshold": threshold}
    rows = [
        _row(claim, scores, np.random.default_rng([seed, *claim.name.encode()]), options) for claim in claims
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["paper"] = [_published_effect(claim, published) for claim in claims]
    tested = frame["p"].notna()
    if tested.any():
        frame.loc[tested, "p_holm"] = multipletests(frame.loc[tested, "p"], method="holm")[1]
    level = 1 - confidence
    frame["verdict"] = [
        _verdict(effect, p, n, level, smallest_seeds)
        for effect, p, n in zip(frame["effect"], frame["p_holm"], frame["n"], strict=True)
    ]
    least = [smallest_p(resamples, images) if images > 1 else 0.0 for images in frame["images"]]
    short = (frame["p_holm"] > level) & (frame["p"] <= least)
    frame.loc[short, "note"] = "p is as small as so few resamples allow; raise comparison.resamples"
    return frame


def _row(
    claim: Claim, scores: Mapping[str, Scores], rng: np.random.Generator, options: Mapping[str, Any]
) -> dict[str, Any]:
    """What one claim's runs show, before it is seen among the others."""
    row: dict[str, Any] = {
        **{"claim": claim.name, "statement": claim.statement, "source": claim.source},
        **{"region": claim.region, "metric": claim.metric, "n": 0, "images": 0},
        **dict.fromkeys(("effect", "low", "high", "p", "p_holm", "paper"), np.nan),
    }
    pairs = _usable_pairs(claim, scores)
    missing = len(claim.pairs) - sum(map(len, pairs))
    notes = [f"{missing} of {len(claim.pairs)} pairs of runs lack a result"] if missing else []
    if pairs:
        found = difference(claim.metric, pairs, rng=rng, **options)
        sign = improves(claim.metric)
        low, high = sorted((sign * found.low, sign * found.high))
        row |= {"effect": sign * found.estimate, "low": low, "high": high}
        row |= {"n": found.seeds, "images": found.images}
        if found.seeds > 1:
            row["p"] = found.p
        else:
            notes.append("one seed: the interval is over test images alone")
    return row | {"note": "; ".join(notes)}


def _usable_pairs(claim: Claim, scores: Mapping[str, Scores]) -> list[list[Pair]]:
    """The pairs of each seed of which both sides have a result."""
    of_seeds: dict[int, list[Pair]] = {}
    for treated, reference in claim.pairs:
        pair = scores[treated.run.name], scores[reference.run.name]
        if all(_has(claim.metric, side) for side in pair):
            of_seeds.setdefault(treated.run.seed, []).append(pair)
    return list(of_seeds.values())


def _has(metric: str, scores: Scores) -> bool:
    """Whether a run has the metric; PSNR is infinite, and of no use, where an image is reproduced exactly."""
    values = getattr(scores, metric) if metric in IMAGE_METRICS else scores.prediction
    return values is not None and values.size > 0 and bool(np.isfinite(values).all())


def _published_effect(claim: Claim, published: Sequence[Published]) -> float:
    """The claim's contrast in the paper's numbers, mean over the same layers; NaN if the paper lacks one."""
    printed = {(p.table, p.region, p.model, p.layer, p.neurons, p.metric): p.value for p in published}

    def value(cell: Cell) -> float:
        if cell.control:
            return np.nan
        return printed.get(
            (cell.table, cell.region, cell.model, cell.layer, cell.neurons, claim.metric), np.nan
        )

    effects = [value(treated) - value(reference) for treated, reference in claim.pairs]
    return float(improves(claim.metric) * np.mean(effects))


def _verdict(effect: float, p: float, seeds: int, level: float, smallest_seeds: int) -> str:
    supported, not_supported, contradicted, too_few = VERDICTS
    if p <= level:
        return supported if effect > 0 else contradicted
    return too_few if seeds < smallest_seeds else not_supported


# ---- sensitivity --------------------------------------------------------------------------------------

_KEY = ["claim", "statement", "source", "region", "metric"]
_COMPARED = ["effect", "low", "high", "verdict"]


def sensitivity(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The verdicts under several settings side by side.

    Args:
        frames: what ``judge`` returns, by the name of the variant; the config's own first, under any name.

    Returns:
        One row a claim that every variant has: the claim; ``effect``, ``low``, ``high`` and ``verdict`` of the
        config's own and ``effect_NAME`` ... of each variant; ``moves``, whether any variant's verdict is another.
    """
    own, *variants = frames
    merged = frames[own][_KEY + _COMPARED]
    for name in variants:
        theirs = frames[name][["claim", *_COMPARED]]
        merged = merged.merge(theirs, on="claim", suffixes=("", f"_{name}"), validate="one_to_one")
    verdicts = merged[[f"verdict_{name}" for name in variants]]
    return merged.assign(moves=verdicts.ne(merged["verdict"], axis=0).any(axis=1))


# ---- pages --------------------------------------------------------------------------------------------

_METRICS = {
    "mse": ("MSE", 4),
    "psnr": ("PSNR, dB", 2),
    "ssim": ("SSIM", 4),
    "pcc": ("PCC", 4),
    "significant": ("significant neurons", 1),
}
"""How a metric is called, and its decimals."""

_NO_NUMBER = "–"


@dataclass(frozen=True)
class _Section:
    """The rows of one statement: a heading, and below it what tells the rows apart and what came out."""

    source: str
    statement: str
    rows: list[list[str]]


def render(frame: pd.DataFrame, title: str = "The paper's claims") -> Page:
    """The page of verdicts, a section a statement.

    Args:
        frame: what ``judge`` returns.
        title: heads the page.
    """
    counts = Counter(frame["verdict"])
    summary = f"Of {len(frame)} claims: " + ", ".join(
        f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]
    )
    caption = (
        f"{summary}. An effect is the mean over layers (and readouts) of each seed, then over seeds, never that of the "
        "best layer; it is positive if the claim is right. In brackets its interval, over test images and seeds "
        "together. p is two-sided and corrected for all these claims together (Holm). n counts seeds. Paper: the same "
        "mean of the published numbers. A claim that p does not decide is not supported, which does not make it wrong."
    )
    columns = ["Region", "Metric", "Effect", "Paper", "p", "n", "Verdict", "Note"]
    return _page(title, caption, columns, _sections(frame, _verdict_cells))


def render_sensitivity(frame: pd.DataFrame, title: str = "Sensitivity of the verdicts") -> Page:
    """The page that compares variants of the settings.

    Args:
        frame: what ``sensitivity`` returns.
        title: heads the page.
    """
    names = [name.removeprefix("verdict_") for name in map(str, frame.columns) if name.startswith("verdict_")]
    caption = (
        f"{frame['moves'].sum()} of {len(frame)} verdicts move with the settings, marked ←. Each column is the "
        "same claim with all trainings repeated under other settings: effect, its interval, verdict. An effect is "
        "positive if the claim is right; intervals are over test images and seeds together, and p is corrected among "
        "the claims of one column (Holm)."
    )

    def cells(row: Mapping[str, Any]) -> list[str]:
        own = [_compared(row, ""), *(_compared(row, f"_{name}") for name in names)]
        return [*_place(row), *own, "←" if row["moves"] else ""]

    return _page(
        title, caption, ["Region", "Metric", "As configured", *names, "Moves"], _sections(frame, cells)
    )


def save(frame: pd.DataFrame, page: Page, csv: Path, md: Path, html: Path) -> None:
    """Write the frame as CSV, and the two spellings of its page."""
    with atomic(csv) as path:
        frame.to_csv(path, index=False, lineterminator="\n")
    for destination, text in ((md, page.markdown), (html, page.html)):
        with atomic(destination) as path:
            path.write_text(text, encoding="utf-8")


def _sections(frame: pd.DataFrame, cells: Callable[[Mapping[str, Any]], list[str]]) -> list[_Section]:
    # A frame that was read from its CSV has NaN for an empty note.
    frame = frame.assign(note=frame["note"].fillna("")) if "note" in frame else frame
    columns = list(map(str, frame.columns))
    records = [dict(zip(columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)]
    return [
        _Section(source, statement, [cells(row) for row in rows])
        for (source, statement), rows in groupby(records, key=lambda row: (row["source"], row["statement"]))
    ]


def _verdict_cells(row: Mapping[str, Any]) -> list[str]:
    decimals = _METRICS[row["metric"]][1]
    return [
        *_place(row),
        _effect(row, ""),
        _signed(row["paper"], decimals),
        _p(row["p_holm"]),
        str(row["n"]),
        row["verdict"],
        row["note"],
    ]


def _place(row: Mapping[str, Any]) -> list[str]:
    return [region_label(row["region"]), _METRICS[row["metric"]][0]]


def _compared(row: Mapping[str, Any], suffix: str) -> str:
    return f"{_effect(row, suffix)}, {row[f'verdict{suffix}']}"


def _effect(row: Mapping[str, Any], suffix: str) -> str:
    """+0.0123 [-0.0010, +0.0256]."""
    numbers = [row[f"{key}{suffix}"] for key in ("effect", "low", "high")]
    if np.isnan(numbers[0]):
        return _NO_NUMBER
    (effect, low, high), unit = interval_texts(numbers, _METRICS[row["metric"]][1], sign="+")
    return f"{effect} [{low}, {high}]{unit}".replace("-", "−")


def _signed(value: float, decimals: int) -> str:
    return _NO_NUMBER if np.isnan(value) else f"{value:+z.{decimals}f}".replace("-", "−")


def _p(value: float) -> str:
    if np.isnan(value):
        return _NO_NUMBER
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _page(title: str, caption: str, columns: Sequence[str], sections: Sequence[_Section]) -> Page:
    """Columns that are empty in all rows are left out."""
    rows = [row for section in sections for row in section.rows]
    shown = [index for index in range(len(columns)) if any(row[index] for row in rows)]
    columns = [columns[index] for index in shown]
    sections = [
        _Section(section.source, section.statement, [[row[index] for index in shown] for row in section.rows])
        for section in sections
    ]
    markdown = [f"**{title}.** {caption}"]
    for section in sections:
        markdown += [
            f"**{section.source}.** {section.statement}",
            tabulate(section.rows, columns, tablefmt="pipe", disable_numparse=True),
        ]
    body = _BODY.render(title=title, caption=caption, columns=columns, sections=sections)
    return Page("\n\n".join(markdown) + "\n", page(title, body, _STYLE))


_STYLE = """\
:root { color-scheme: light; }
body { margin: 1.5rem; background: #fff; color: #1a1a1a; font: 1rem/1.45 system-ui, sans-serif; }
h1 { font-size: 1.3rem; }
h2 { max-width: 46rem; margin: 1.5rem 0 .4rem; font-size: 1rem; font-weight: normal; }
p { max-width: 46rem; }
table { border-collapse: collapse; border: solid; border-width: 2px 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: left; vertical-align: baseline; }
th { font-weight: normal; }
td:nth-child(-n+2) { white-space: nowrap; }
tbody tr:first-child td { border-top: 1px solid; }
@media (max-width: 45rem) {
  body { margin: 1rem; }
  table, tbody, tr, td { display: block; }
  thead { display: none; }
  tr + tr { border-top: 1px solid; }
  td { padding: .1rem 0; }
  tbody tr:first-child td { border-top: none; }
  td:empty { display: none; }
  td::before { content: attr(data-column) ": "; color: #595959; }
}
"""

_BODY = jinja2.Environment(
    autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
).from_string("""\
<h1>{{ title }}</h1>
<p>{{ caption }}</p>
{% for section in sections %}
<h2><strong>{{ section.source }}.</strong> {{ section.statement }}</h2>
<table>
<thead>
<tr>{% for column in columns %}<th scope="col">{{ column }}</th>{% endfor %}</tr>
</thead>
<tbody>
{% for row in section.rows %}
<tr>{% for cell in row %}<td data-column="{{ columns[loop.index0] }}">{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table>
{% endfor %}
""")
