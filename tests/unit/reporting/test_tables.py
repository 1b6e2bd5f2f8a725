import math
import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from daenr.files import read_frame
from daenr.paper.plan import TABLE_METRICS, Cell
from daenr.paper.published import Published, published
from daenr.reporting import tables
from daenr.run import Run
from daenr.statistics import metrics
from daenr.statistics.metrics import Metric, evaluate
from daenr.statistics.scores import Scores

PAPER = Path(__file__).parents[3] / "config" / "paper"
TABLES = sorted(TABLE_METRICS)


def cell(table, region="region3", model="cae-fr", layer="h1", neurons="all", seed=0):
    """A cell; the run of a plain auto-encoder has no layer, though Table 5 prints it under each."""
    plain, baseline = model in ("cae", "vae", "vq-vae"), model.startswith("cnn")
    run = Run(
        dataset="fake",
        region=region,
        model=model,
        layer=None if plain else layer,
        alpha=0.0 if baseline else 1.0,
        beta=0.0 if plain else 0.5,
        neurons="all" if plain else neurons,
        seed=seed,
    )
    return Cell(table, region, model, layer, neurons, run)


def paper_cells(table, seeds=1):
    """Every cell of the paper's table, in its order, seed after seed."""
    places = dict.fromkeys(
        (p.region, p.model, p.layer, p.neurons) for p in published([PAPER / f"{table}.csv"])
    )
    return [cell(table, *place, seed=seed) for seed in range(seeds) for place in places]


def measured(cells, value):
    """metrics.json of each cell's run; ``value(cell, metric)`` gives a number, None where there is none."""
    documents = {}
    for item in cells:
        document = documents.setdefault(item.run.name, {"metrics": {}, "reason": None})
        for metric in TABLE_METRICS[item.table]:
            document["metrics"][metric] = value(item, metric)
            if document["metrics"][metric] is None:
                document["reason"] = f"no {item.neurons} neurons"
    return documents


def drawn(cells, seed=0):
    """Metrics drawn at random, one number a run and metric."""
    generator = np.random.default_rng(seed)
    numbers = {}
    return measured(
        cells, lambda item, metric: numbers.setdefault((item.run, metric), float(generator.uniform(0.1, 0.9)))
    )


def scored(cells, metrics, spread=0.0, images=12, seed=0):
    """scores.npz of each cell's run: images scatter around its metrics with a deviation of ``spread``.

    Correlations are exact: prediction is r z + sqrt(1 - r^2) w of standardized z and w that are orthogonal.
    """
    generator = np.random.default_rng(seed)
    z, w = np.linalg.qr(np.column_stack([np.ones(images), generator.normal(size=(images, 2))]))[0].T[1:]
    scores = {}
    for item in cells:
        found = metrics[item.run.name]["metrics"]
        if any(value is None for value in found.values()):
            scores[item.run.name] = Scores(np.arange(0))
            continue
        noise = generator.normal(size=(3, images))
        by_image = {
            name: found[name] + spread * (line - line.mean())
            for name, line in zip(("mse", "psnr", "ssim"), noise, strict=True)
            if name in found
        }
        arrays = {}
        if "pcc" in found:
            r = found["pcc"]
            arrays = {"prediction": (r * z + math.sqrt(1 - r**2) * w)[:, None], "response": z[:, None]}
        scores[item.run.name] = Scores(np.arange(1), **by_image, **arrays)
    return scores


def tidied(table, cells, metrics, paper=()):
    return tables.tidy(table, cells, metrics, paper, scored(cells, metrics))


def rendered(table, cells, metrics, paper=()):
    frame = tidied(table, cells, metrics, paper)
    return frame, tables.render(table, frame)


@cache
def papers(table, seeds=1):
    """The frame and the spellings of a table of the paper's cells, with numbers drawn at random."""
    cells = paper_cells(table, seeds)
    return rendered(table, cells, drawn(cells))


class Page(HTMLParser):
    """What a browser would see of a page: rows of (tag, text, bold), balanced tags, resources."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.rows, self.caption, self.links, self.scopes, self.text = [], [], "", [], [], ""
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attributes):
        self.links += [value for name, value in attributes if name in ("src", "href")]
        if tag == "meta":
            return
        self.stack.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append({"tag": tag, "text": "", "bold": False, **dict(attributes)})

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.text += data
        if "figcaption" in self.stack:
            self.caption += data
        elif "td" in self.stack or "th" in self.stack:
            self.rows[-1][-1]["text"] += data
            self.rows[-1][-1]["bold"] |= "strong" in self.stack


def markdown_rows(text):
    """Cells of each row of a GFM table; a pipe that is escaped is no border."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


# ---- tidy ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_those_of_the_papers_csv_in_its_order(table):
    rows = published([PAPER / f"{table}.csv"])
    cells = paper_cells(table, seeds=2)
    frame = tidied(table, cells, drawn(cells), rows)
    expected = [(p.table, p.region, p.model, p.layer or "", p.neurons, p.metric) for p in rows]
    assert list(frame[tables.COLUMNS[:6]].itertuples(index=False, name=None)) == expected
    assert frame["paper"].tolist() == [p.value for p in rows]
    assert list(frame.columns) == [
        *("table", "region", "model", "layer", "neurons", "metric"),
        *("value", "sd", "n", "paper", "note", "standing"),
    ]


def test_mean_and_sample_deviation_over_seeds():
    values = {0: 0.2, 1: 0.5, 2: 0.8}
    cells = [cell("table4", seed=seed) for seed in values]
    frame = tidied("table4", cells, measured(cells, lambda item, _: values[item.run.seed]), [])
    (row,) = frame.to_dict("records")
    assert row["value"] == pytest.approx((0.2 + 0.5 + 0.8) / 3)
    assert row["sd"] == pytest.approx(math.sqrt((0.3**2 + 0 + 0.3**2) / 2))
    assert row["n"] == 3
    assert np.isnan(row["paper"])
    assert row["note"] == ""


def test_one_seed_has_no_deviation():
    cells = [cell("table4")]
    (row,) = tidied("table4", cells, drawn(cells), []).to_dict("records")
    assert row["n"] == 1
    assert np.isnan(row["sd"])


def test_a_null_metric_is_not_counted_and_its_reason_kept():
    cells = [
        cell("table3", neurons=neurons, seed=seed)
        for seed in range(3)
        for neurons in ("significant", "insignificant")
    ]

    def value(item, metric):
        missing = item.neurons == "insignificant" or item.run.seed == 1
        return None if missing else 0.3 + 0.1 * item.run.seed

    frame = tidied("table3", cells, measured(cells, value), [])
    some = frame[frame["neurons"] == "significant"]
    assert some["n"].tolist() == [2, 2, 2]
    assert some["value"].tolist() == pytest.approx([0.4] * 3)
    assert some["sd"].tolist() == pytest.approx([math.sqrt(2 * 0.1**2)] * 3)
    assert set(some["note"]) == {"1 of 3 seeds: no significant neurons"}
    none = frame[frame["neurons"] == "insignificant"]
    assert none["n"].tolist() == [0, 0, 0]
    assert none[["value", "sd"]].isna().all(axis=None)
    assert set(none["note"]) == {"no insignificant neurons"}


def test_cells_of_other_tables_are_passed_over():
    cells = [cell("table4"), cell("table6")]
    assert len(tidied("table4", cells, drawn(cells), [])) == 1


def test_the_papers_value_needs_equal_keys():
    cells = [cell("table4", layer="h1"), cell("table4", layer="h2")]
    paper = [
        Published("table4", "region3", "cae-fr", "h2", "all", "pcc", 0.123),
        Published("table6", "region3", "cae-fr", "h1", "all", "pcc", 0.456),
        Published("table4", "region1", "cae-fr", "h1", "all", "pcc", 0.789),
    ]
    frame = tidied("table4", cells, drawn(cells), paper)
    np.testing.assert_array_equal(frame["paper"], [np.nan, 0.123])


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, r"run fake_region3_cae-fr_h1_.* lacks 'pcc'"),
        ({"metrics": {"mse": 1.0}, "reason": None}, r"lacks 'pcc'"),
        ({"metrics": {"pcc": None}, "reason": None}, r"'pcc' is null but 'reason'"),
    ],
)
def test_what_is_wrong_with_metrics_is_named(document, message):
    cells = [cell("table4")]
    with pytest.raises(ValueError, match=message):
        tables.tidy("table4", cells, {cells[0].run.name: document} if document else {}, [], {})


# ---- standing -----------------------------------------------------------------------------------------


def compete(*by_image, metric="psnr"):
    """Standings in Table 2 of models whose seeds (rows) scored these values, image by image."""
    models = dict(zip(("h1", "h2", "h3"), map(np.atleast_2d, by_image), strict=False))
    cells = [cell("table2", layer=layer, seed=seed) for layer in models for seed in range(len(models[layer]))]
    metrics = measured(cells, lambda item, _: models[item.layer][item.run.seed].mean())
    scores = {
        item.run.name: Scores(
            np.arange(0), **dict.fromkeys(TABLE_METRICS["table2"], models[item.layer][item.run.seed])
        )
        for item in cells
    }
    frame = tables.tidy("table2", cells, metrics, [], scores)
    return frame.loc[frame["metric"] == metric, "standing"].tolist()


def test_noise_of_the_images_ties():
    noise = np.random.default_rng(1).normal(size=50)
    steady = np.tile([1.0, -1.0], 25)
    assert compete(3 + steady, 3 + noise - noise.mean() - 0.05, 2 + steady) == ["best", "tied", ""]


def test_images_are_paired():
    """Some images are hard for every model: that spread is none of the difference."""
    hard = 10 * np.random.default_rng(2).normal(size=50)
    wobble = 0.01 * np.tile([1.0, -1.0], 25)
    assert compete(hard + 0.1, hard + wobble, metric="psnr") == ["best", ""]
    assert compete(hard + 0.1, hard + wobble, metric="mse") == ["", "best"]


def test_seeds_are_paired_and_their_disagreement_ties():
    image = np.ones(50)
    offsets = np.array([[-5.0], [0.0], [5.0]])
    assert compete((offsets + 0.1) * image, offsets * image) == ["best", ""]
    disagreeing = np.array([[1.0], [1.0], [-1.5]])
    assert compete((offsets + disagreeing) * image, offsets * image) == ["best", "tied"]


def test_equal_means_are_all_best():
    assert compete(np.arange(5.0), np.arange(5.0)[::-1], np.zeros(5)) == ["best", "best", ""]


def test_without_a_shared_seed_nothing_is_compared():
    cells = [cell("table4", layer="h1", seed=0), cell("table4", model="cnn-fr", layer="h1", seed=1)]
    frame = tidied("table4", cells, measured(cells, lambda item, _: 0.3 + 0.1 * item.run.seed))
    assert frame["standing"].tolist() == ["", "best"]


def test_a_value_that_is_missing_has_no_standing():
    cells = [cell("table3", neurons="significant", layer=layer) for layer in ("h1", "h2")]
    metrics = measured(cells, lambda item, _: 0.3 if item.layer == "h1" else None)
    assert tidied("table3", cells, metrics)["standing"].tolist() == ["best"] * 3 + [""] * 3


def test_the_caption_tells_what_a_tie_is():
    for seeds, drawn_from in ((1, "test images alone, as there is one seed"), (2, "test images and seeds")):
        cells = paper_cells("table4", seeds)
        frame = tidied("table4", cells, drawn(cells))
        made = tables.render("table4", frame, confidence=0.9)
        assert f"the 90% interval of the difference includes 0 (over {drawn_from})" in made.md


# ---- leverage -----------------------------------------------------------------------------------------


def leveraged(share):
    """Table 2's CAE and CAE-FR_1 ... 4 in one region, whose responses supply this share of the gradient."""
    cells = [cell("table2", model="cae", layer=None), *(cell("table2", layer=f"h{i}") for i in (1, 2, 3, 4))]
    metrics = drawn(cells)
    for item in cells:
        metrics[item.run.name]["metrics"]["leverage"] = 0.0 if item.model == "cae" else share
    return rendered("table2", cells, metrics)


def test_leverage_stands_in_a_column_that_competes_with_nothing():
    frame, made = leveraged(6.1e-6)
    shown = frame[frame["metric"] == "leverage"]
    assert shown["value"].tolist() == [0, *[6.1e-6] * 4]
    assert set(shown["standing"]) == {""}
    header, _, *body = markdown_rows(made.md)
    assert header[-1] == "Region 3 Leverage"
    assert [row[-1] for row in body] == ["0", *["6.1×10⁻⁶"] * 4]  # noqa: RUF001
    assert r"6.1$\times$10$^-$$^6$" in made.tex
    assert latex_is_balanced(made.tex)


@pytest.mark.parametrize(
    ("share", "says"),
    [
        (
            6.1e-6,
            "In 4 of 4 it is below 1 in 1,000: as reconstructions, these rows compare a model with itself.",
        ),
        (0.0599, "In none it is below 1 in 1,000: the responses take part in what these layers learn."),
    ],
)
def test_the_caption_says_what_follows_from_the_leverage(share, says):
    assert says in leveraged(share)[1].md


def test_a_group_without_neurons_has_no_leverage_and_the_same_note():
    cells = [cell("table3", neurons=neurons) for neurons in ("significant", "insignificant")]
    metrics = measured(cells, lambda item, _: None if item.neurons == "insignificant" else 0.25)
    for item in cells:
        metrics[item.run.name]["metrics"]["leverage"] = None if item.neurons == "insignificant" else 2e-5
    _, made = rendered("table3", cells, metrics)
    (row,) = markdown_rows(made.md)[2:]
    assert row[-2:] == ["2.0×10⁻⁵", "–<sup>a</sup>"]  # noqa: RUF001


# ---- linear code --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("table", "layers"), [("table2", [""]), ("table5", ["h1", "h2"])])
def test_the_linear_code_stands_above_the_plain_autoencoders_and_is_bold_where_it_is_best(table, layers):
    models = ("cae", "vae") if table == "table5" else ("cae",)
    cells = [
        cell(table, model=model, layer=layer or None, seed=seed)
        for seed in (0, 1)
        for model in models
        for layer in layers
    ]
    metrics = measured(cells, lambda item, metric: 0.5 + 0.01 * item.run.seed)
    images = np.full(12, 0.3)
    linear = {"region3": Scores(np.arange(0), mse=images, psnr=images, ssim=images)}
    frame = tables.tidy(table, cells, metrics, [], scored(cells, metrics), linear=linear)
    rows = frame[frame["model"] == "pca"]
    assert rows[["layer", "metric", "standing"]].to_numpy().tolist() == [
        [layer, metric, "best" if metric == "mse" else ""]
        for layer in layers
        for metric in TABLE_METRICS[table]
    ]
    assert (set(rows["n"]), rows["sd"].isna().all(), set(frame["n"])) == ({1}, True, {1, 2})
    made = tables.render(table, frame)
    first = markdown_rows(made.md)[2]
    assert first == ["Linear code (PCA)", *["**0.300**", "0.300", "0.300"] * len(layers)]
    assert f"it is the best in {len(layers)} of {3 * len(layers)} comparisons" in made.md


def test_a_table_without_plain_autoencoders_has_no_linear_code():
    cells = [cell("table3")]
    metrics = drawn(cells)
    scores = scored(cells, metrics)
    frame = tables.tidy("table3", cells, metrics, [], scores, linear={"region3": Scores(np.arange(0))})
    assert set(frame["model"]) == {"cae-fr"}


# ---- degenerate ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dead", "silent", "note"),
    [
        (0, 0, ""),
        (2, 0, "2 of 4 predictions are constant and count with r = 0"),
        (4, 0, "the readout died: all 4 predictions are constant"),
        (
            1,
            3,
            "1 of 4 predictions are constant and count with r = 0; 3 of 4 neurons are silent or constant in training",
        ),
    ],
)
def test_a_degenerate_value_says_so_at_its_cell(dead, silent, note):
    item = cell("table4")
    prediction, response = np.random.default_rng(3).normal(size=(2, 9, 4))
    prediction[:, :dead] = 0.5
    scores = {item.run.name: Scores(np.arange(4), prediction=prediction, response=response)}
    found = {**evaluate(scores[item.run.name]), "silent_neurons": silent}
    frame = tables.tidy("table4", [item], {item.run.name: {"metrics": found, "reason": None}}, [], scores)
    assert frame["note"].tolist() == [note]
    made = tables.render("table4", frame)
    assert ("<sup>a</sup> " + note in made.md) == bool(note)


# ---- rendering ----------------------------------------------------------------------------------------


def wins(table, frame):
    """For each value whether no rival is better: in its column, in Table 4 the other model of region and layer."""
    rivals_share = {
        "table2": ["region", "metric"],
        "table3": ["neurons", "metric"],
        "table4": ["region", "layer"],
        "table5": ["layer", "metric"],
        "table6": ["region", "layer"],
    }[table]
    won = []
    for _, row in frame.iterrows():
        rivals = frame.loc[(frame[rivals_share] == row[rivals_share]).all(axis=1), "value"]
        won.append(not ((rivals < row["value"]) if row["metric"] == "mse" else (rivals > row["value"])).any())
    return won


@pytest.mark.parametrize(
    ("table", "seeds"), [("table2", 3), ("table3", 3), ("table4", 3), ("table5", 1), ("table6", 1)]
)
def test_all_spellings_show_values_deviations_and_the_best(table, seeds):
    frame, made = papers(table, seeds)
    sds = [f"{sd:.3f}" if seeds > 1 else "" for sd in frame["sd"]]
    tied = ["≈" if standing == "tied" else "" for standing in frame["standing"]]
    assert seeds == 1 or any(tied)
    values = [f"{value:.3f}" for value in frame["value"]]
    expected = list(zip(values, tied, sds, wins(table, frame), strict=True))

    header, ruler, *body = markdown_rows(made.md)
    assert {len(row) for row in (ruler, *body)} == {len(header)}
    texts = [re.split(" ± |$", text, maxsplit=1) for row in body for text in row[1:]]
    assert [
        (*re.fullmatch(r"\**([\d.]+)\**(?:<sup>(.)</sup>)?", value).groups(""), sd, value.startswith("**"))
        for value, sd in texts
    ] == expected

    entries = [entry for row in Page(made.html).rows for entry in row if entry["tag"] == "td"]
    texts = [
        (*re.match(r"([\d.]+)(≈?)(?: ± )?(.*)", entry["text"]).groups(), entry["bold"]) for entry in entries
    ]
    assert texts == expected

    lines = made.tex.split(r"\midrule", 1)[1].splitlines()
    rows = [line.removesuffix(r"[2pt]").removesuffix(r" \\").split(" & ") for line in lines if "&" in line]
    values = [text for label, *row in rows if label for text in row]
    deviations = [text for label, *row in rows if not label for text in row] or [""] * len(values)
    assert [
        (
            re.search(r"[\d.]+", value)[0],
            "≈" if value.endswith(r"\rlap{$^{\approx}$}") else "",
            re.sub(r"{\\tiny\$\\pm\$(.*)}", r"\1", sd),
            "textbf" in value,
        )
        for value, sd in zip(values, deviations, strict=True)
    ] == expected


@pytest.mark.parametrize(
    ("table", "labels", "header"),
    [
        ("table2", "CAE CAE-FR₁ CAE-FR₂ CAE-FR₃ CAE-FR₄", "Region 1 MSE ↓|Region 1 PSNR ↑|Region 1 SSIM ↑"),
        ("table3", "CAE-FR₁ CAE-FR₂ CAE-FR₃ CAE-FR₄", "MSE ↓ ✓|MSE ↓ ×|SSIM ↑ ✓|SSIM ↑ ×|PSNR ↑ ✓|PSNR ↑ ×"),  # noqa: RUF001
        ("table4", "Region 1|Region 2|Region 3", "CNN-FR₁|CAE-FR₁|CNN-FR₂|CAE-FR₂|CNN-FR₃|CAE-FR₃|CNN-FR₄|CAE-FR₄"),
        (
            "table5",
            "CAE CAE-FRᵢ CAE-FCᵢ CAE-FMᵢ VAE VAE-FRᵢ VAE-FCᵢ VAE-FMᵢ VQ-VAE VQ-VAE-FRᵢ VQ-VAE-FCᵢ VQ-VAE-FMᵢ",
            "h₁ MSE ↓|h₁ PSNR ↑|h₁ SSIM ↑|h₂ MSE ↓",
        ),
        (
            "table6",
            "CNN-FRᵢ CAE-FRᵢ VAE-FRᵢ VQ-VAE-FRᵢ CNN-FCᵢ CAE-FCᵢ VAE-FCᵢ VQ-VAE-FCᵢ CNN-FMᵢ CAE-FMᵢ VAE-FMᵢ VQ-VAE-FMᵢ",
            "Region 1 h₁|Region 1 h₂|Region 1 h₃|Region 1 h₄|Region 2 h₁",
        ),
    ],
)  # fmt: skip
def test_labels_are_the_papers(table, labels, header):
    _, made = papers(table)
    first, _, *body = markdown_rows(made.md)
    assert [row[0] for row in body] == labels.split("|" if "|" in labels else None)
    assert first[1:][: header.count("|") + 1] == header.split("|")


def test_html_has_two_header_levels_that_span_the_columns():
    page = Page(papers("table2")[1].html)
    upper, lower, *body = page.rows
    assert [(entry["text"], entry["colspan"], entry["scope"]) for entry in upper[1:]] == [
        (f"Region {i}", "3", "colgroup") for i in (1, 2, 3)
    ]
    assert [entry["text"] for entry in lower] == ["MSE ↓", "PSNR ↑", "SSIM ↑"] * 3
    assert {entry["scope"] for entry in lower} == {"col"}
    assert all(row[0]["tag"] == "th" and row[0]["scope"] == "row" for row in body)
    assert page.links == []
    assert page.caption.startswith("Table 2.")


def test_what_the_printed_digits_do_not_tell_apart_is_not_bold():
    """0.5000 twice is a tie; 0.4999 is worse, but is printed alike."""
    values = {"h1": 0.5, "h2": 0.5, "h3": 0.4999, "h4": 0.3}
    cells = [cell("table2", layer=layer) for layer in values]
    frame, made = rendered("table2", cells, measured(cells, lambda item, metric: values[item.layer]))
    assert frame.loc[frame["metric"] == "psnr", "standing"].tolist() == ["best", "best", "same", ""]
    assert "In 2 of 3 comparisons no value is bold" in made.md
    assert "all networks are the same" not in made.md
    body = markdown_rows(made.md)[2:]
    psnr, mse = [row[2] for row in body], [row[1] for row in body]
    assert psnr == ["0.500", "0.500", "0.500", "0.300"]
    assert mse == ["0.500", "0.500", "0.500", "**0.300**"]


def test_a_further_metric_has_its_best_in_bold_whichever_way_is_better(monkeypatch):
    """A made-up metric is one entry of the registry, and one of the list of what a table prints."""
    blur = Metric(
        name="blur",
        label="Blur",
        unit="pixels",
        decimals=1,
        lower_is_better=True,
        of_images=lambda scores: scores.ssim,
    )
    monkeypatch.setitem(metrics.METRICS, "blur", blur)
    monkeypatch.setitem(TABLE_METRICS, "table2", ("blur", "ssim"))
    values = {"h1": 0.7, "h2": 0.2, "h3": 0.5}
    cells = [cell("table2", layer=layer) for layer in values]
    scores = {item.run.name: Scores(np.arange(0), ssim=np.full(9, values[item.layer])) for item in cells}
    documents = measured(cells, lambda item, metric: evaluate(scores[item.run.name])[metric])
    made = tables.render("table2", tables.tidy("table2", cells, documents, [], scores))
    header, _, *body = markdown_rows(made.md)
    assert header[1:] == ["Region 3 Blur ↓", "Region 3 SSIM ↑"]
    assert [row[1:] for row in body] == [["0.7", "**0.700**"], ["**0.2**", "0.200"], ["0.5", "0.500"]]
    assert made.html.count("<strong>0.2</strong>") == made.tex.count(r"\textbf{0.2}") == 1


def test_five_equal_rows_have_no_bold_value_and_the_caption_says_so():
    cells = [cell("table2", layer=layer) for layer in ("h1", "h2", "h3", "h4")]
    metrics = measured(cells, lambda item, _: 0.5 + 1e-6 * int(item.layer[1]))
    frame, made = rendered("table2", cells, metrics)
    assert set(frame["standing"]) == {"best", "same"}
    assert "In 3 of 3 comparisons no value is bold" in made.md
    assert "In 3 of 3 comparisons all networks are the same to the printed digits." in made.md
    assert "**0" not in made.md
    assert "<strong>0" not in made.html
    assert "textbf" not in made.tex


def test_the_papers_value_stands_below_ours_in_every_spelling():
    cells = paper_cells("table2", seeds=2)
    frame, made = rendered("table2", cells, drawn(cells), published([PAPER / "table2.csv"]))
    printed = [f"[{value:.3f}]" for value in frame["paper"]]
    assert re.findall(r"<sub>\\(\[[\d.]+\\\])</sub>", made.md) == [
        text.replace("]", r"\]") for text in printed
    ]
    assert re.findall(r"<span>(\[.*?\])</span>", made.html) == printed
    assert re.findall(r"{\\tiny{\[}([\d.]+){\]}}", made.tex) == [text.strip("[]") for text in printed]
    assert latex_is_balanced(made.tex)
    for text in (made.md, made.tex, made.html):
        assert "In brackets: what the paper prints for its own recording." in text
    assert "In brackets" not in papers("table2")[1].md


def test_in_table4_the_two_models_of_a_layer_compete():
    values = {("cnn-fr", "h1"): 0.2, ("cae-fr", "h1"): 0.1, ("cnn-fr", "h2"): 0.3, ("cae-fr", "h2"): 0.4}
    cells = [cell("table4", model=model, layer=layer) for model, layer in values]
    _, made = rendered("table4", cells, measured(cells, lambda item, _: values[item.model, item.layer]))
    assert markdown_rows(made.md)[2] == [
        "Region 3",
        "**0.200**",
        "0.100<sup>≈</sup>",
        "0.300<sup>≈</sup>",
        "**0.400**",
    ]


def test_an_empty_group_is_a_dash_with_its_reason_below():
    cells = [cell("table3", neurons=neurons) for neurons in ("significant", "insignificant")]
    metrics = measured(cells, lambda item, _: None if item.neurons == "insignificant" else 0.25)
    _, made = rendered("table3", cells, metrics)
    (row,) = markdown_rows(made.md)[2:]
    assert row[1:] == ["0.250", "–<sup>a</sup>"] * 3, "nothing to be better than"  # noqa: RUF001
    assert made.md.rstrip().endswith("<sup>a</sup> no insignificant neurons")
    assert made.html.count("no insignificant neurons") == 1
    assert [entry["text"] for entry in Page(made.html).rows[-1]][2] == "–a"  # noqa: RUF001
    assert made.tex.count("no insignificant neurons") == 1
    assert made.tex.count(r"--\rlap{$^{a}$}") == 3


def test_a_negative_number_that_rounds_to_zero_has_no_sign():
    values = {"cae-fr": -0.0001, "cnn-fr": -0.25}
    cells = [cell("table4", model=model) for model in values]
    _, made = rendered("table4", cells, measured(cells, lambda item, _: values[item.model]))
    assert markdown_rows(made.md)[2][1:] == ["**0.000**", "-0.250"]
    assert "$-$0.250" in made.tex


def test_what_the_config_left_out_does_not_appear():
    cells = [cell("table6", region=region, model="cae-fc", layer="h2") for region in ("region2", "region7")]
    _, made = rendered("table6", cells, drawn(cells))
    header, _, *body = markdown_rows(made.md)
    assert header == ["Model", "Region 2 h₂", "Region 7 h₂"]
    assert [row[0] for row in body] == ["CAE-FCᵢ"]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_without_cells_says_so(table):
    frame, made = rendered(table, [], {})
    assert frame.empty
    assert list(frame.columns) == tables.COLUMNS
    for text in (made.md, made.tex, Page(made.html).text):
        assert "leaves out every model" in text


def test_the_caption_tells_the_seeds():
    assert "over 3 seeds" in papers("table4", seeds=3)[1].md
    assert "one seed" in papers("table4")[1].md


@pytest.mark.parametrize("region", ["region3", "1", "007", "NA", "None", "nan", "1e5", "TRUE", "-"])
def test_a_frame_read_from_its_csv_renders_the_same(region, tmp_path):
    cells = [cell("table4", region, model) for model in ("cnn-fr", "cae-fr")]
    frame, made = rendered("table4", cells, drawn(cells))
    frame.to_csv(tmp_path / "table4.csv", index=False)
    assert tables.render("table4", read_frame(tmp_path / "table4.csv")) == made


def test_names_are_escaped():
    region = r"v1|<b>a&b</b> *50%* $x$ #{\}~^[1]"
    cells = [cell("table4", region=region)]
    metrics = drawn(cells)
    _, made = rendered("table4", cells, metrics)
    assert Page(made.html).rows[-1][0]["text"] == region
    (row,) = markdown_rows(made.md)[2:]
    assert len(row) == 2
    assert row[0] == r"v1\|\<b\>a&amp;b\</b\> \*50%\* \$x\$ #{\\}\~^\[1\]"
    assert latex_is_balanced(made.tex)
    assert r"v1$|$$<$b$>$a\&b" in made.tex
    assert r"*50\%*" in made.tex
    assert r"\$x\$ \#\{\textbackslash{}\}\textasciitilde{}\textasciicircum{}{[}1{]}" in made.tex


def latex_is_balanced(text):
    """Braces, mathematics and environments close; every row of the table has the columns that it declares."""
    plain = text.replace("\\\\", "").replace(r"\{", "").replace(r"\}", "").replace(r"\$", "")
    depth = 0
    for char in plain:
        depth += (char == "{") - (char == "}")
        assert depth >= 0
    assert depth == 0
    assert plain.count("$") % 2 == 0
    assert re.findall(r"\\begin{(\w+)}", text) == re.findall(r"\\end{(\w+)}", text)[::-1]
    columns = len(re.search(r"\\begin{tabular}{@{}(l+r*)@{}}", text)[1])
    for line in text.splitlines():
        if re.search(r"\\\\(\[.*\])?$", line):
            spans = [int(n) for n in re.findall(r"\\multicolumn{(\d+)}", line)]
            assert len(re.findall(r"(?<!\\)&", line)) + 1 + sum(spans) - len(spans) == columns
    return True


@pytest.mark.parametrize("table", TABLES)
def test_latex_is_a_complete_table(table):
    _, made = papers(table)
    assert made.tex.startswith(r"\begin{table}")
    assert made.tex.isascii()
    assert latex_is_balanced(made.tex)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles(tmp_path):
    parts = []
    for table in TABLES:
        cells = paper_cells(table, seeds=2)
        parts.append(rendered(table, cells, drawn(cells))[1].tex)
    parts.append(rendered("table4", [], {})[1].tex)
    parts.append(rendered("table4", c := [cell("table4", region=r"[a]_b\c|<^~")], drawn(c))[1].tex)
    document = "\n".join(
        [
            r"\documentclass{article}\usepackage{booktabs,graphicx,longtable}\begin{document}",
            *parts,
            r"\end{document}",
        ]
    )
    (tmp_path / "all.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Overfull" not in done.stdout


def test_random_neurons_stand_in_rows_of_their_own_below_table_3():
    groups = ("significant", "insignificant", "random-significant", "random-insignificant")
    cells = [cell("table3", layer=layer, neurons=neurons) for neurons in groups for layer in ("h1", "h2")]
    documents = measured(cells, lambda item, _: 0.1 + 0.2 * groups.index(item.neurons))
    frame = tables.tidy(
        "table3", cells, documents, published([PAPER / "table3.csv"]), scored(cells, documents)
    )
    made = tables.render("table3", frame).md
    lines = [line.split("|")[1:-1] for line in made.splitlines() if line.startswith("| CAE")]
    labels = [line[0].strip() for line in lines]
    assert labels == ["CAE-FR₁", "CAE-FR₂", "CAE-FR₁, as many at random", "CAE-FR₂, as many at random"]
    assert [("0.500" in line[1], "0.700" in line[2]) for line in lines] == [(False, False)] * 2 + [
        (True, True)
    ] * 2
    assert all("sub" in line[1] for line in lines[:2])
    assert not any("sub" in text for line in lines[2:] for text in line)
    assert "divided at random" in made
    # A column is one contest: groups drawn at random, which are worse here, have no best of their own.
    best = frame[(frame["metric"] == "mse") & (frame["standing"] == "best")]
    assert set(best["neurons"]) == {"significant", "insignificant"}
