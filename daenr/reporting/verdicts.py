"""The pages of verdicts on the paper's claims, under the config's own settings and under others."""

# ruff: noqa: RUF001 - the minus signs are those of print

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from daenr.paper.population import AGREES, DISAGREES
from daenr.paper.verdicts import (
    CHANCE,
    CONTRADICTED,
    NOT_TESTED,
    OPEN,
    PRACTICALLY_NONE,
    SUPPORTED,
    VERDICTS,
    Rules,
)
from daenr.reporting.arrangement import Row
from daenr.reporting.labels import label_words
from daenr.reporting.rendering import Entry, Grid, Rendered, interval_texts, spell
from daenr.statistics.metrics import METRICS

_UNTESTED = "Claims that rest on one which is not supported: their effects are shown, but decide nothing."

_MARKS = {SUPPORTED: "s", CONTRADICTED: "c", PRACTICALLY_NONE: "n", OPEN: "o"}
"""Markers of the notes that say what a verdict means."""

_Line = list[tuple[str, Entry]]
"""Entries of a row, each below the heading of its column; a variant may be called like another column."""


def render(frame: pd.DataFrame, rules: Rules) -> Rendered:
    """The page of verdicts: a paragraph of plain words, and a row a claim, indented below what it rests on.

    Args:
        frame: what ``judge`` returns; of a simulated recording, ``held_against_truth`` of it.
        rules: what the verdicts went by.
    """
    legend = (
        "An effect is the mean over layers (and models) of each region, then over regions, then over seeds, never that "
        f"of the best layer; it is positive if the claim is right. In brackets its {rules.confidence:.0%} interval, "
        "over test images and seeds together. Paper: the same mean of the published numbers. p is two-sided, of no "
        "effect; in brackets the level at which the claim is tested."
    )
    if frame["neurons_gain"].notna().any():
        legend += (
            " Neurons: the share of them whose own mean gain is above 0, and the standard error over neurons of the "
            "effect, which is the mean gain of a neuron."
        )
    caption = f"{summary(frame, rules)}\n\n{legend}"
    untested = frame["verdict"] == NOT_TESTED
    notes = _meanings(frame, rules)
    tested = _grid(frame[~untested], _judged, "verdicts", "The paper's claims", caption, notes)
    if not untested.any():
        return spell(tested)
    title = f"Not tested: {untested.sum()}"
    rest = _grid(frame[untested], _judged, "verdicts-untested", title, _UNTESTED)
    return spell(tested, replace(rest, folded=True))


def render_sensitivity(frame: pd.DataFrame) -> Rendered:
    """The page that compares variants of the settings."""
    names = [name.removeprefix("verdict_") for name in map(str, frame.columns) if name.startswith("verdict_")]
    caption = (
        f"{frame['moves'].sum()} of {len(frame)} verdicts move with the settings, marked ←. Each column is the "
        "same claim with all trainings repeated under other settings: effect, its interval, verdict. An effect is "
        "positive if the claim is right; intervals are over test images and seeds together. The claims of one column "
        "are tested together, without the controls."
    )

    def entries(row: Row) -> _Line:
        varied = [(name, _compared(row, f"_{name}")) for name in names]
        moves = Entry("←" if row["moves"] else "")
        return [("Claim", _claim(row)), ("As configured", _compared(row, "")), *varied, ("Moves", moves)]

    return spell(_grid(frame, entries, "sensitivity", "Sensitivity of the verdicts", caption))


def _grid(
    frame: pd.DataFrame,
    entries: Callable[[Row], _Line],
    name: str,
    title: str,
    caption: str,
    notes: Sequence[tuple[str, str]] = (),
) -> Grid:
    """A row a claim, a block a root of the tree; columns that are empty in all rows are left out."""
    depths: dict[str, int] = {}
    blocks: list[list[tuple[str, _Line]]] = []
    for row in frame.to_dict("records"):
        depth = depths[row["claim"]] = depths.get(row["parent"], -1) + 1
        if depth == 0:
            blocks.append([])
        blocks[-1].append((f"{'· ' * depth}{row['claim']}", entries(row)))
    lines = [line for block in blocks for _, line in block]
    columns = zip(*lines, strict=True)
    shown = [place for place, column in enumerate(columns) if any(entry.text for _, entry in column)]
    kept = [[(label, [line[place][1] for place in shown]) for label, line in block] for block in blocks]
    headings = [lines[0][place][0] for place in shown]
    return Grid(name, title, caption, "Name", headings, kept, notes=[*notes], prose=True)


def _judged(row: Row) -> _Line:
    verdict = row["verdict"]
    decided = verdict in (SUPPORTED, CONTRADICTED)
    return [
        ("Claim", _claim(row)),
        ("Effect", _effect(row, "", against=row["against"])),
        ("Neurons", _neurons(row)),
        ("Paper", Entry(_printed(row))),
        ("p", Entry(_p(row))),
        ("Verdict", Entry(verdict, best=decided, marker=_MARKS.get(verdict, ""))),
        ("What would decide", Entry(_needed(row))),
        ("Population", Entry(row.get("population", ""))),
    ]


def _meanings(frame: pd.DataFrame, rules: Rules) -> list[tuple[str, str]]:
    """What the verdicts of this page mean."""
    margins = ", ".join(
        f"{margin:g} in {METRICS[metric].label}"
        for metric, margin in rules.margins.items()
        if metric in set(frame["metric"])
    )
    texts = {
        SUPPORTED: "told from no effect at the claim's level, and as claimed",
        CONTRADICTED: "told from no effect at the claim's level, and the opposite of what is claimed",
        PRACTICALLY_NONE: f"an effect of the margin or more is excluded, either way ({margins})",
        OPEN: "neither told from no effect nor from one of the margin's size; the claim may be right or wrong. As many "
        f"seeds and images as named would decide with a chance of {CHANCE:.0%}, if effect and variances are those seen",
    }
    return [
        (_MARKS[name], f"{name}: {text}.") for name, text in texts.items() if name in set(frame["verdict"])
    ]


# ---- cells --------------------------------------------------------------------------------------------


def _claim(row: Row) -> Entry:
    """The statement, and in small print where the paper makes it and what is to be noted."""
    return Entry(label_words(row["statement"]), "; ".join(filter(None, [row["source"], row.get("note", "")])))


def _compared(row: Row, suffix: str) -> Entry:
    effect = _effect(row, suffix)
    return Entry(effect.text, f"{effect.below}, {row[f'verdict{suffix}']}".removeprefix(", "))


def _effect(row: Row, suffix: str, against: str = "baseline") -> Entry:
    """PCC +0.0123 [-0.0010, +0.0256], and the contrast where there are others beside the baseline."""
    metric = METRICS[row["metric"]]
    if np.isnan(row[f"effect{suffix}"]):
        return Entry("–")
    (effect, low, high), unit = _interval(row, suffix)
    contrast = "" if against == "baseline" else f", against {against}"
    return Entry(f"{metric.label} {effect}{unit}", f"[{low}, {high}]{unit}{contrast}")


def _interval(row: Row, suffix: str = "") -> tuple[list[str], str]:
    numbers = [row[f"{key}{suffix}"] for key in ("effect", "low", "high")]
    texts, unit = interval_texts(numbers, METRICS[row["metric"]].effect_decimals, sign="+")
    return [text.replace("-", "−") for text in texts], unit


def _neurons(row: Row) -> Entry:
    """80% gain, ± 0.0021; nothing for a metric that is no mean over neurons."""
    if np.isnan(row["neurons_gain"]):
        return Entry("")
    error = row["neurons_error"]
    below = "" if np.isnan(error) else f"± {error:.{METRICS[row['metric']].effect_decimals}f}"
    return Entry(f"{row['neurons_gain']:.0%} gain", below)


def _printed(row: Row) -> str:
    if np.isnan(row["paper"]):
        return ""
    excluded = {"yes": " (excluded)", "no": " (not excluded)", "": ""}[row["paper_excluded"]]
    return f"{_signed(row['paper'], METRICS[row['metric']].effect_decimals)}{excluded}"


def _signed(value: float, decimals: int) -> str:
    return f"{value:+z.{decimals}f}".replace("-", "−")


def _p(row: Row) -> str:
    """0.012 (0.025); nothing for a claim that was not tested."""
    if row["n"] < 2 or np.isnan(row["tested_at"]):
        return ""
    p = "< 0.001" if row["p"] < 0.001 else f"{row['p']:.3f}"
    return f"{p} ({row['tested_at']:.2g})"


def _needed(row: Row) -> str:
    if row["verdict"] != OPEN:
        return ""
    if np.isnan(row["seeds_needed"]):
        return "more seeds" if row["n"] < 2 else "nothing affordable"
    seeds = f"{row['seeds_needed']:.0f} seeds"
    return f"{seeds}, {row['images_needed']:.0f} images" if row["images_needed"] > row["images"] else seeds


# ---- in plain words -----------------------------------------------------------------------------------

_HALVES = {
    "mse": ("Reconstruction", "reconstructs images", "the reconstruction of images"),
    "pcc": ("Responses", "predicts responses", "the prediction of responses"),
}
"""The question of a primary claim, what joint training does better or worse, and what that is a difference to."""


def summary(frame: pd.DataFrame, rules: Rules) -> str:
    """One paragraph made from the numbers of ``judge``: what holds, what does not, what is open and why."""
    return " ".join(_sentences(frame, rules))


def _sentences(frame: pd.DataFrame, rules: Rules) -> Iterator[str]:
    tell = {"primary": _primary, "only if": _only_if}
    for row in frame.to_dict("records"):
        if row["level"] in tell:
            yield tell[row["level"]](row, rules)
    held = (frame["level"] == "primary") & (frame["verdict"] == SUPPORTED)
    if held.any() and "only if" not in set(frame["level"]):
        yield '"Only if" was not asked: the config has no controls that could bring the same gain.'
    further = frame[~frame["level"].isin([*tell, "reference", "known"])]
    for result in VERDICTS:
        if names := list(further.loc[further["verdict"] == result, "claim"]):
            yield f"Of the further claims, {result}: {', '.join(names)}."
    if skipped := int((further["verdict"] == NOT_TESTED).sum()):
        yield (
            f"{skipped} further {'claim was' if skipped == 1 else 'claims were'} not tested, since what "
            f"{'it rests' if skipped == 1 else 'they rest'} on is not supported."
        )
    for row in frame[(frame["level"] == "reference") & frame["effect"].notna()].to_dict("records"):
        yield _reference(row, rules)
    if "population" in frame:
        yield _truth(frame.loc[frame["level"] == "known", "population"])


def _truth(known: pd.Series) -> str:
    """What a simulated recording says to all this."""
    said = (
        "The recording is simulated: its neurons respond to the image, whatever a model reconstructs, so how they were "
        "built does not determine whether the claims are right"
    )
    if known.empty:
        return f"{said}."
    counts = [(name, int((known == name).sum())) for name in (AGREES, DISAGREES, "open")]
    found = ", ".join(f"{count} {name}" for name, count in counts if count)
    return f"{said}; of the results that it does determine, in the last rows: {found}."


def _primary(row: Row, rules: Rules) -> str:
    question, does, to = _HALVES[row["metric"]]
    if np.isnan(row["effect"]):
        return (
            f"{question}: open. Whether joint training {does} better is not decided; the runs lack a result."
        )
    margin = f"{rules.margins[row['metric']]:g}"
    answer = {
        SUPPORTED: f"Joint training {does} better",
        PRACTICALLY_NONE: f"Joint training makes no difference of {margin} or more to {to}",
        CONTRADICTED: f"Joint training {does} worse",
        OPEN: f"Whether joint training {does} better is not decided; {_would_decide(row)}",
    }[row["verdict"]]
    number = _number(row, rules, f"; {_over(row)}, {row['images']} test images")
    return (
        f"{question}: {row['verdict']}. {answer}. The mean gain in {METRICS[row['metric']].label} over all regions "
        f"and layers, positive if the paper is right, is {number}.{_paper(row)}"
    )


def _number(row: Row, rules: Rules, of: str = "") -> str:
    """+0.034 (95% interval +0.026 to +0.043), and in the brackets what it is of."""
    (effect, low, high), unit = _interval(row)
    return f"{effect}{unit} ({rules.confidence:.0%} interval {low} to {high}{unit}{of})"


def _over(row: Row) -> str:
    return f"{row['n']} seeds" if row["n"] > 1 else "over test images alone; one seed"


def _paper(row: Row) -> str:
    if np.isnan(row["paper"]):
        return ""
    printed = (
        f" The paper prints {_signed(row['paper'], METRICS[row['metric']].effect_decimals)} for its recording"
    )
    if not row["paper_excluded"]:
        return f"{printed}."
    answer = "excludes" if row["paper_excluded"] == "yes" else "does not exclude"
    return f"{printed}, which the interval {answer}."


def _only_if(row: Row, rules: Rules) -> str:
    question, does, to = _HALVES[row["metric"]]
    subject = question.lower()
    if row["verdict"] == NOT_TESTED:
        return f'"Only if" was not tested for {subject}: there is no supported gain to explain.'
    if np.isnan(row["effect"]):
        return f'"Only if" is open for {subject}; the runs lack a result.'
    control = "baseline" if row["against"] == "baseline" else f"{row['against']} model"
    answer = {
        SUPPORTED: f"joint training {does} better than the baseline and each control; the least certain gain is over "
        f"the {control}",
        PRACTICALLY_NONE: f"against the {control}, joint training makes no difference of "
        f"{rules.margins[row['metric']]:g} or more to {to}; the gain over it is",
        CONTRADICTED: f"joint training {does} worse than the {control}; the gain over it is",
        OPEN: f"whether joint training {does} better than the {control} is not decided; the gain over it is",
    }[row["verdict"]]
    comma = ", " if row["verdict"] == SUPPORTED else " "
    reason = f"; {_would_decide(row)}" if row["verdict"] == OPEN else ""
    return f'"Only if" is {row["verdict"]} for {subject}: {answer}{comma}{_number(row, rules)}{reason}.'


def _reference(row: Row, rules: Rules) -> str:
    answer = {
        SUPPORTED: "predicts responses better than",
        PRACTICALLY_NONE: "predicts responses practically as well as",
        CONTRADICTED: "predicts responses worse than",
        OPEN: "is not told from",
    }[row["verdict"]]
    return (
        f"For comparison: {row['claim'].removeprefix('pcc-').upper()}, a model of another paper, {answer} "
        f"{row['against']}: {METRICS[row['metric']].label} {_number(row, rules, f'; {_over(row)}')}."
    )


def _would_decide(row: Row) -> str:
    """Why a claim is open, and what to do about it."""
    if row["n"] == 1:
        return "one seed says nothing about another, so train more"
    seeds, images = row["seeds_needed"], row["images_needed"]
    if np.isnan(seeds):
        return "with an effect of this size no affordable number of seeds or test images would decide"
    if images > row["images"]:
        return (
            f"the {row['images']} test images bind: {images:.0f} of them and {seeds:.0f} seeds would decide "
            f"with a chance of {CHANCE:.0%}, if effect and variances are those seen"
        )
    return (
        f"{seeds:.0f} seeds in place of {row['n']} would decide with a chance of {CHANCE:.0%}, if effect and variances "
        "are those seen"
    )
