"""The page holds every result with its caption and fetches nothing."""

import base64
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
import yaml

from daenr.paper.resolved import resolve
from daenr.reporting.contents import contents
from daenr.reporting.rendering import Entry, Grid, spell
from daenr.reporting.report import exhibit, markdown_table, report

ROOT = Path(__file__).parents[3]
CAPTIONS = ROOT / "workflow/report"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (2070).to_bytes(4, "big") + (900).to_bytes(4, "big")
"""What a picture of 2,070 x 900 pixels begins with."""

VOID = {"meta", "img", "br", "hr", "link", "input"}
PATHS = [
    "results/x/figures/figure2.png",
    "results/x/tables/table2.json",
    "results/x/verdicts.json",
    "results/x/figures/curves.png",
]


class Parser(HTMLParser):
    """Checks that tags are nested, and collects what a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.open, self.fetched, self.anchors, self.links, self.words = [], [], set(), set(), []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        self.anchors.add(values.get("id"))
        if tag == "a":
            self.links.add(values["href"])
        elif values.get("src") or values.get("href"):
            self.fetched.append(values.get("src") or values["href"])
        assert tag not in ("script", "iframe")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def caption_of(item):
    return (CAPTIONS / f"{item.caption}.rst").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def parsed():
    items = contents(PATHS, "results/x", {"figure2": "region3"})
    table = Grid("t", "A table", "", "Row", ["Column"], [[("a", [Entry("cells & more")])]])
    content = {".json": spell(table).json.encode(), ".png": PNG}
    exhibits = [exhibit(item, caption_of(item), content[Path(item.path).suffix]) for item in items]
    config = resolve(yaml.safe_load((ROOT / "config/demo.yaml").read_text(encoding="utf-8")), ROOT)
    assumptions = (ROOT / "docs/assumptions.md").read_text(encoding="utf-8")
    notes = {
        "v1": [{"text": "2 neurons are silent & told.", "warning": False}],
        "region2": [{"text": "5 test images leak.", "warning": True}],
    }
    html = report(exhibits, "What it *is*.", assumptions, config, {"torch": "2.13.0"}, notes)
    parser = Parser()
    parser.feed(html)
    return items, html, parser


def test_tags_are_nested_and_nothing_is_fetched(parsed):
    _, _, parser = parsed
    assert parser.open == []
    assert parser.fetched
    assert all(source.startswith("data:image/png;base64,") for source in parser.fetched)
    assert base64.b64decode(parser.fetched[0].partition(",")[2]) == PNG


def test_what_is_to_be_known_of_the_regions_stands_at_the_top_and_warnings_first(parsed):
    text = " ".join(" ".join(parsed[2].words).split())
    warning, note = (
        text.index(told)
        for told in ("Warning. Region 2: 5 test images leak.", "v1: 2 neurons are silent & told.")
    )
    assert warning < note < text.index("What the paper leaves open")


def test_a_picture_of_two_columns_is_as_wide_as_its_print_calls_for(parsed):
    _, html, _ = parsed
    assert 'class="wide" width="1035"' in html


def test_each_table_has_its_own_caption():
    paths = [f"results/x/tables/table{n}.html" for n in range(2, 7)]
    items = contents(paths, "results/x", {})
    texts = [exhibit(item, caption_of(item), b"[]").caption for item in items]
    assert len({*texts}) == len(texts) == 5
    assert all(len(text) > 40 for text in texts)


def test_every_link_leads_to_a_place_on_the_page(parsed):
    _, _, parser = parsed
    assert {link.removeprefix("#") for link in parser.links} <= parser.anchors


def test_every_result_stands_there_with_its_caption(parsed):
    items, _, parser = parsed
    text = " ".join(" ".join(parser.words).split())
    for item in items:
        assert item.title in text
        template = jinja2.Template(caption_of(item))
        assert " ".join(template.render(snakemake={"wildcards": item.wildcards}).split()) in text
    assert "A plain convolutional auto-encoder (CAE) beside" in text  # of Table 2, not of another
    assert "{%" not in text
    assert "The neurons are divided" not in text
    assert "Test images, and what the networks make of them;" in text
    assert "cells & more" in text
    assert "Figure 2: reconstructed images, Region 3" in text


def test_the_assumptions_and_the_config_are_in_it(parsed):
    _, html, _ = parsed
    assert "loss.reconstruction" in html
    assert "max_steps: 30" in html


def test_verdicts_come_first_and_sections_in_their_order(parsed):
    items, _, _ = parsed
    assert [item.name for item in items] == ["verdicts", "tables/table2", "figures/figure2", "figures/curves"]
    sections = [item.section for item in items]
    order = [list(dict.fromkeys(sections)).index(section) for section in sections]
    assert order == sorted(order)


def test_a_result_without_a_place_is_refused():
    with pytest.raises(ValueError, match=r"tables/table9\.html has no place in the report; give it one"):
        contents(["results/x/tables/table9.html"], "results/x", {})


def test_the_assumptions_are_read_from_their_table():
    rows = markdown_table("# Title\n\ntext\n\n| a | b |\n| --- | :-- |\n| `x.y` | two words |\n")
    assert rows == [["a", "b"], ["x.y", "two words"]]
