"""Tables 2-6: our results beside the paper's as tidy frames, and rendered to look like the paper's.

A tidy frame has one row for each number of a table. ``render`` arranges it into a grid of strings as the
paper does and spells that grid as Markdown, LaTeX and HTML.
"""

# ruff: noqa: RUF001 - the symbols are those of the paper

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from daenr.paper import plan as runs
from daenr.paper.plan import Cell
from daenr.paper.published import Published
from daenr.registry import AUTOENCODERS, joint_names, split_model
from daenr.reporting import labels
from daenr.reporting.arrangement import (
    LAYER_AXIS,
    LEVERAGE,
    METRIC_AXIS,
    NO_AXIS,
    REGION_AXIS,
    Arrangement,
    Axis,
    Row,
    captioned,
    grid,
    in_order,
    paper_values,
    seeds,
)
from daenr.reporting.rendering import Entry, Rendered, power_text, spell, value_entry
from daenr.run import RANDOM
from daenr.statistics.correlation import constant
from daenr.statistics.inference import difference
from daenr.statistics.metrics import METRICS
from daenr.statistics.scores import Scores

_KEY = ["table", "region", "model", "layer", "neurons", "metric"]
COLUMNS = [*_KEY, "value", "sd", "n", "paper", "note", "standing"]
"""Columns of a tidy frame; ``layer``, ``note`` and ``standing`` are empty strings where there is none."""

RECONSTRUCTION = ("table2", "table3", "table5")
"""Tables of the reconstruction task, which show the leverage of the responses."""


# ---- arrangements -------------------------------------------------------------------------------------


_NEURONS = Axis(
    ("neurons",), labels.NEURON_LABELS.__getitem__, place=lambda neurons: (neurons.removeprefix(RANDOM),)
)
_MODELS = Axis(("model",), labels.family_label)
_READ_OUT_MODELS = Axis(("model", "layer"), labels.model_label)
_GROUPED_MODELS = Axis(
    ("model", "layer", "neurons"),
    lambda model, layer, drawn: labels.model_label(model, layer) + drawn,
    place=lambda model, layer, neurons: (
        *(model, layer),
        ", as many at random" if neurons.startswith(RANDOM) else "",
    ),
)


@dataclass(frozen=True, kw_only=True)
class _PaperTable(Arrangement):
    """How a table of the paper is arranged and what it says.

    Attributes:
        caption: in our own words; ``{regions}`` stands for the regions that are shown.
        contest: keys of the values of which the best is bold.
        bold: what bold means, in the caption.
    """

    caption: str
    contest: tuple[str, ...]
    bold: str = "Bold: best of a column."


ARRANGEMENTS: Mapping[str, _PaperTable] = {
    "table2": _PaperTable(
        caption="Reconstruction of the test images by the plain auto-encoder and by models that also learn the "
        "responses of all neurons; the subscript is the layer that is read out.",
        corner="Model",
        rows=_READ_OUT_MODELS,
        upper=REGION_AXIS,
        lower=METRIC_AXIS,
        contest=("region", "metric"),
    ),
    "table3": _PaperTable(
        caption="Reconstruction of the test images by models that learn the responses of the significant (✓) or of "
        "the insignificant (×) neurons alone, {regions}.",
        corner="Model (significant?)",
        rows=_GROUPED_MODELS,
        block=lambda row: row[2],
        upper=METRIC_AXIS,
        lower=_NEURONS,
        contest=("metric", "neurons"),
    ),
    "table4": _PaperTable(
        caption="Pearson correlation (PCC ↑) of predicted and recorded responses to the test images, mean over "
        "neurons; the subscript is the layer that is read out.",
        corner="Region",
        rows=REGION_AXIS,
        upper=NO_AXIS,
        lower=_READ_OUT_MODELS,
        contest=("region", "layer"),
        bold="Bold: the better of the two models of a region and layer.",
    ),
    "table5": _PaperTable(
        caption="Reconstruction of the test images by every auto-encoder, alone and with every readout of the layer "
        "that heads the columns, {regions}. The plain auto-encoders have no readout: their values recur.",
        corner="Model",
        rows=_MODELS,
        upper=LAYER_AXIS,
        lower=METRIC_AXIS,
        contest=("layer", "metric"),
        block=lambda row: row[0] if row[0] == labels.LINEAR_CODE else split_model(row[0])[0],
    ),
    "table6": _PaperTable(
        caption="Pearson correlation (PCC ↑) of predicted and recorded responses to the test images, mean over "
        "neurons, for every readout of the layer that heads the column, end to end and with every auto-encoder.",
        corner="Model",
        rows=_MODELS,
        upper=REGION_AXIS,
        lower=LAYER_AXIS,
        contest=("region", "layer"),
        block=lambda row: split_model(row[0])[1],
    ),
}


# ---- tidy frames --------------------------------------------------------------------------------------


def place(number: Cell | Published, metric: str) -> tuple[str, ...]:
    """Where a number stands among the tables of the paper: ``table`` to ``metric`` of ``COLUMNS``."""
    return number.table, number.region, number.model, number.layer or "", number.neurons, metric


def tidy(
    table: str,
    cells: Sequence[Cell],
    metrics: Mapping[str, Mapping[str, Any]],
    published: Sequence[Published],
    scores: Mapping[str, Scores],
    confidence: float = 0.95,
    linear: Mapping[str, Scores] = MappingProxyType({}),
) -> pd.DataFrame:
    """One table's results, a row for each of its numbers, in the order in which the paper prints them.

    Args:
        table: ``table2`` ... ``table6``.
        cells: the table's places, one a seed; cells of other tables are passed over.
        metrics: for each run's name what its ``metrics.json`` holds: ``metrics`` and ``reason``.
        published: the paper's results; empty where ours are not to be compared with them.
        scores: for each run's name its results image by image and neuron by neuron.
        confidence: of the intervals that tell which values are tied with the best.
        linear: for each region what its linear code scored, which stands above the plain auto-encoders.

    Returns:
        Columns ``COLUMNS``: ``value`` is the mean over seeds and ``sd`` their sample standard deviation (n - 1 below
        the line, empty for one seed), ``n`` counts the seeds that gave a value, ``paper`` is the published value,
        ``note`` says why seeds gave none, and what of a value is degenerate. ``standing`` is ``best`` for the best mean
        of those that compete, ``same`` where a mean's printed digits are the best's, ``tied`` where the interval of the
        difference to it includes 0, and else empty. Beside the metrics of a reconstruction stands a row with the metric
        ``leverage`` (see `daenr.training.leverage`, median over a training), which competes with nothing.

    Raises:
        ValueError: a metric of a run is missing, or null without a reason.
    """
    arrangement = ARRANGEMENTS[table]
    shown = (*runs.TABLE_METRICS[table], *([LEVERAGE] if _recorded(table, metrics) else []))
    own = [cell for cell in cells if cell.table == table]
    # The linear code stands at each place of a plain auto-encoder, and for each of its seeds, so that the two compare.
    plain = [cell for cell in own if cell.model in AUTOENCODERS and cell.region in linear]
    rows: list[tuple[object, ...]] = []
    for cell, metric in product(plain, runs.TABLE_METRICS[table]):
        code, scored = replace(cell, model=labels.LINEAR_CODE, neurons="all"), linear[cell.region]
        rows.append((*place(code, metric), METRICS[metric].mean(scored), "", cell.run.seed, scored))
    for cell, metric in product(own, shown):
        value, note = _measured(cell, metric, metrics, scores)
        rows.append((*place(cell, metric), value, note, cell.run.seed, scores.get(cell.run.name)))
    single = pd.DataFrame(rows, columns=[*_KEY, "value", "note", "seed", "scores"]).astype({"value": float})
    single = single.drop_duplicates([*_KEY, "seed"])
    frame = _over_seeds(single)
    # It is the same whatever the seed.
    frame.loc[frame["model"] == labels.LINEAR_CODE, ["sd", "n"]] = np.nan, 1
    paper = {place(result, result.metric): result.value for result in published}
    keys = frame[_KEY].itertuples(index=False, name=None)
    frame["paper"] = pd.Series([paper.get(key, np.nan) for key in keys], dtype=float)
    frame = in_order(frame, arrangement)
    frame["standing"] = _standings(frame, arrangement, single, confidence)
    return frame[COLUMNS]


def unpublished(
    cells: Sequence[Cell],
    documents: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
    section: str = "metrics",
) -> pd.DataFrame:
    """Numbers that the paper does not print, at the places of one of its tables.

    Args:
        cells: the places, one a seed.
        documents: for each run's name what its ``metrics.json`` holds.
        names: of the numbers.
        section: of the documents, in which the numbers stand; NaN for one that is missing there.

    Returns:
        Columns ``COLUMNS``, one row a place and name, as of `tidy`; without paper's values and standings.
    """
    single = [
        (*place(cell, name), document[section].get(name), document["reason"] or "")
        for cell in cells
        for document in [documents[cell.run.name]]
        for name in names
    ]
    columns = [*_KEY, "value", "note"]
    frame = _over_seeds(pd.DataFrame(single, columns=columns).astype({"value": float}))
    return frame.assign(paper=np.nan, standing="")[COLUMNS]


def _over_seeds(single: pd.DataFrame) -> pd.DataFrame:
    """Mean, sample standard deviation and number of the seeds at each place, and what their notes say."""
    return (
        single.groupby(_KEY, sort=False)
        .agg(value=("value", "mean"), sd=("value", "std"), n=("value", "count"), note=("note", _note))
        .reset_index()
    )


def _recorded(table: str, metrics: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a table shows the leverage: only of reconstructions, and only where the trainings recorded it."""
    return table in RECONSTRUCTION and any(LEVERAGE in document["metrics"] for document in metrics.values())


def _measured(
    cell: Cell, metric: str, metrics: Mapping[str, Mapping[str, Any]], scores: Mapping[str, Scores]
) -> tuple[float, str]:
    """The value of one cell and what is degenerate about it, or NaN and the reason why there is none."""
    name = cell.run.name
    if metric == LEVERAGE:
        share = metrics[name]["metrics"].get(LEVERAGE)
        return (np.nan, metrics[name]["reason"] or "") if share is None else (float(share), "")
    if name not in metrics or metric not in metrics[name]["metrics"]:
        raise ValueError(f"metrics.json of run {name} lacks {metric!r}; evaluate the run again")
    value, reason = metrics[name]["metrics"][metric], metrics[name]["reason"]
    if value is not None:
        silent = metrics[name]["metrics"].get("silent_neurons", 0)
        return float(value), _degenerate(metric, scores[name], silent)
    if not reason:
        raise ValueError(f"metrics.json of run {name}: {metric!r} is null but 'reason' does not say why")
    return np.nan, " ".join(str(reason).split())


def _degenerate(metric: str, scores: Scores, silent: int) -> str:
    """What makes a value less than the number that it seems to be; empty for nothing.

    Args:
        metric: what the value is of; that neurons alone are degenerate says nothing of an image.
        scores: what the run predicted.
        silent: number of neurons whose training responses are all alike.
    """
    if scores.prediction is None or scores.response is None:
        return ""
    count = scores.prediction.shape[1]
    constant_predictions, constant_responses = constant(scores.prediction), constant(scores.response)
    if constant_predictions.all():
        return f"the readout died: all {count} predictions are constant"
    if METRICS[metric].of_neurons is None:
        return ""
    kinds = {
        "predictions are constant and count with r = 0": constant_predictions.sum(),
        "neurons respond to every test image alike and count with r = 0": constant_responses.sum(),
        "neurons are silent or constant in training": silent,
    }
    return "; ".join(f"{found} of {count} {kind}" for kind, found in kinds.items() if found)


def _note(reasons: "pd.Series[str]") -> str:
    """Why seeds gave no value or a degenerate one, and how many of them if the others did not."""
    given = [reason for reason in reasons if reason]
    text = "; ".join(dict.fromkeys(given))
    return f"{len(given)} of {len(reasons)} seeds: {text}" if 0 < len(given) < len(reasons) else text


def _standings(
    frame: pd.DataFrame, arrangement: _PaperTable, single: pd.DataFrame, confidence: float
) -> "pd.Series[str]":
    """How each value stands to the best of its contest; ``single`` has the seeds' values and scores."""
    seeds_of = {
        key: dict(zip(own["seed"], own["scores"], strict=True))
        for key, own in single.dropna(subset="value").groupby(_KEY)
    }
    standings = pd.Series("", index=frame.index, dtype=str)
    competing = frame[(frame["metric"] != LEVERAGE) & frame["value"].notna()]
    gain = competing["value"] * [METRICS[metric].sign for metric in competing["metric"]]
    printed = _printed(competing)
    places = pd.Series([*competing[_KEY].itertuples(index=False, name=None)], index=competing.index)
    for _, contest in gain.groupby(_contests(competing, arrangement)):
        best = contest.index[contest == contest.max()][-1]
        for row in contest.index:
            if contest[row] == contest[best]:
                standings[row] = "best"
            elif printed[row] == printed[best]:
                standings[row] = "same"
            elif _tied(competing["metric"][row], seeds_of[places[best]], seeds_of[places[row]], confidence):
                standings[row] = "tied"
    return standings


def _printed(frame: pd.DataFrame) -> "pd.Series[str]":
    """The values as they are printed, a dash where there is none."""
    texts = [
        value_entry(value, np.nan, decimals=METRICS[metric].decimals).text
        for metric, value in zip(frame["metric"], frame["value"], strict=True)
    ]
    return pd.Series(texts, index=frame.index, dtype=str)


def _tied(metric: str, best: Mapping[int, Scores], rival: Mapping[int, Scores], confidence: float) -> bool:
    """Whether the interval of the difference between runs of the same seeds includes 0."""
    shared = sorted(set(best) & set(rival))
    if not shared:
        return False
    found = difference(metric, [[[(best[seed], rival[seed])] for seed in shared]])
    return not found.significant(1 - confidence)


# ---- rendered -----------------------------------------------------------------------------------------


def render(table: str, frame: pd.DataFrame, confidence: float = 0.95) -> Rendered:
    """Spell one of Tables 2-6 as the paper prints it: its rows, columns and order.

    The best of each contest is bold where its printed digits tell it from others, what is tied with it is marked.
    Rows and columns that the frame lacks do not appear. A value that is missing is a dash with a note.
    """
    arrangement = ARRANGEMENTS[table]
    rivals = frame["value"].groupby(_contests(frame, arrangement)).transform("count") > 1
    told = frame["standing"].eq("best") & rivals & ~_undecided(frame, arrangement)
    title, caption = f"Table {table.removeprefix('table')}", _caption(arrangement, frame, confidence)
    return spell(grid(arrangement, frame.assign(bold=told), _entry, table, title, caption))


def _entry(row: Row, note: str) -> Entry:
    """What stands in one place, from a row of the frame and the marker of its note."""
    value, sd, metric = row["value"], row["sd"], row["metric"]
    if metric == LEVERAGE and not np.isnan(value):
        return Entry(power_text(value), "" if np.isnan(sd) else f"± {power_text(sd)}", marker=note)
    return value_entry(
        value,
        sd,
        decimals=METRICS[metric].decimals if metric in METRICS else 0,
        best=row["bold"],
        marker=" ".join(filter(None, ["≈" if row["standing"] == "tied" else "", note])),
        paper=row["paper"],
    )


def _undecided(frame: pd.DataFrame, arrangement: _PaperTable) -> "pd.Series[bool]":
    """Where the printed digits do not tell the best of a contest from another."""
    return (
        frame["standing"].isin(["best", "same"]).groupby(_contests(frame, arrangement)).transform("sum") > 1
    )


def _contests(frame: pd.DataFrame, arrangement: _PaperTable) -> list["pd.Series[str]"]:
    """The keys of the contest that each value takes part in; groups drawn at random compete with those they match."""
    return [frame[key].str.removeprefix(RANDOM) for key in arrangement.contest]


def _caption(arrangement: _PaperTable, frame: pd.DataFrame, confidence: float) -> str:
    """What is shown, what bold and marked mean, how many seeds."""
    regions = ", ".join(map(labels.region_label, frame["region"].unique()))
    drawn = "test images and seeds" if frame["n"].max() > 1 else "test images alone, as there is one seed"
    tied = (
        f"≈: not told apart from the best, the {confidence:.0%} interval of the difference includes 0 "
        f"(over {drawn})."
    )
    shown = arrangement.caption.replace("{regions}", regions)
    told = (seeds(frame), paper_values(frame), _drawn(frame), _linear(frame), _leverage(frame))
    return captioned(frame, shown, arrangement.bold, _same(frame, arrangement), tied, *told)


def _drawn(frame: pd.DataFrame) -> str:
    """What the random groups of Table 3 are; empty where the config asks for none."""
    if not frame["neurons"].str.startswith(RANDOM).any():
        return ""
    return (
        "As many at random: all neurons divided at random into groups of the same sizes (✓ as many as are "
        "significant, × as many as are not), since fewer neurons are a smaller loss, whatever they know. Which neurons "
        "they are matters where a row differs from its random one in the same column."
    )


def _same(frame: pd.DataFrame, arrangement: _PaperTable) -> str:
    """In how many contests the printed digits do not tell the best, or any networks, apart; empty if in none."""
    competing = frame[frame["metric"] != LEVERAGE]
    competing = competing.assign(undecided=_undecided(competing, arrangement), printed=_printed(competing))
    contests = competing.groupby(_contests(competing, arrangement), sort=False)
    undecided = contests["undecided"].any().sum()
    networks = competing[competing["model"] != labels.LINEAR_CODE]
    texts = networks.groupby(_contests(networks, arrangement))["printed"]
    alike = (texts.nunique().eq(1) & texts.size().gt(1)).sum()
    said = {
        "no value is bold: the best are the same to the printed digits": undecided,
        "all networks are the same to the printed digits": alike,
    }
    return " ".join(
        f"In {count} of {contests.ngroups} comparisons {what}." for what, count in said.items() if count
    )


def _linear(frame: pd.DataFrame) -> str:
    """What the linear code is and how often no network reaches it; empty where the table does not show it."""
    shown = frame["model"] == labels.LINEAR_CODE
    if not shown.any():
        return ""
    first = int((shown & (frame["standing"] == "best")).sum())
    return (
        "Linear code (PCA): principal components of the training images, as many as the latent has numbers, no network "
        f"at all; it is the best in {first} of {int(shown.sum())} comparisons."
    )


def _leverage(frame: pd.DataFrame) -> str:
    """What the leverage is, how large it is, and what follows for the rows; empty where the table does not show it."""
    joint = frame["model"].isin(joint_names())
    shares = frame.loc[joint & (frame["metric"] == LEVERAGE), "value"].dropna()
    if shares.empty:
        return ""
    low, middle, high = map(power_text, shares.quantile([0, 0.5, 1]))
    few = int((shares < labels.NEGLIGIBLE).sum())
    follows = (
        "In none it is below 1 in 1,000: the responses take part in what these layers learn."
        if few == 0
        else f"In {few} of {len(shares)} it is below 1 in 1,000: as reconstructions, these rows compare a model with "
        "itself."
    )
    return (
        "Leverage: the share of the gradient of the shared layers that the responses supply, median over the "
        f"training; in the joint models of this table a median of {middle}, from {low} to {high}. {follows}"
    )
