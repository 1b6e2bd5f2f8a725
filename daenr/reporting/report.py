"""The report as one page: every verdict, table and figure with its caption, and nothing that must be fetched.

The page can be mailed: pictures are in it, there are no scripts, and wide tables scroll in a box of their own.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import jinja2
import yaml

from daenr.reporting.contents import Item
from daenr.reporting.rendering import page

_STYLE = """\
<style>
main { max-width: 72rem; margin: auto; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #999; font-size: 1.3rem; }
h3 { margin: 2rem 0 .3rem; font-size: 1.05rem; }
p, nav, details { max-width: 46rem; }
img { display: block; max-width: 100%; height: auto; }
img.wide { min-width: 38rem; }
pre { overflow-x: auto; font-size: .8em; }
a { color: #004c8c; }
.text th, .text td, .page th, .page td { text-align: left; white-space: normal; }
.text table { border-top: 2px solid; }
.page h1, .page > p { display: none; }
.page h2 { max-width: 46rem; margin: 1.5rem 0 .4rem; border: none; font-size: 1rem; font-weight: normal; }
.page table { border-top: 2px solid; }
.page td:nth-child(-n+2) { white-space: nowrap; }
@media (max-width: 45rem) {
  body { margin: 1rem; }
  .page table, .page tbody, .page tr, .page td { display: block; }
  .page thead { display: none; }
  .page tr + tr { border-top: 1px solid; }
  .page td { padding: .1rem 0; }
  .page tbody tr:first-child td { border-top: none; }
  .page td:empty { display: none; }
  .page td::before { content: attr(data-column) ": "; color: #595959; }
}
@media print { nav { display: none; } article { break-inside: avoid; } .scroll { overflow: visible; } }
</style>
"""


_CAPTIONS = jinja2.Environment(undefined=jinja2.StrictUndefined)


@dataclass(frozen=True)
class Entry:
    """One result as it stands on the page.

    Attributes:
        name: path below the results without ending; its anchor.
        title: what it is called.
        caption: what a reader who has not read the paper needs to know.
        picture: PNG in base64; empty for a table.
        width: of the picture on the page, CSS pixels.
        table: HTML; empty for a picture.
        kind: ``page`` for a page of verdicts, which has headings of its own, else ``table``.
    """

    name: str
    title: str
    caption: str
    picture: str = ""
    width: int = 0
    table: str = ""
    kind: str = "table"


def entry(item: Item, caption: str, content: bytes) -> Entry:
    """Put a result's file on the page.

    Args:
        item: its place in the report.
        caption: template of its caption, jinja2.
        content: of its PNG or HTML file.
    """
    template = _CAPTIONS.from_string(caption)
    text = " ".join(template.render(snakemake={"wildcards": item.wildcards}).split())
    if item.is_picture:
        picture = base64.b64encode(content).decode()
        return Entry(item.name, item.title, text, picture=picture, width=_width(content))
    kind = "table" if item.name.startswith("tables/") else "page"
    return Entry(item.name, item.title, text, table=_body(content.decode()), kind=kind)


def report(
    items: Sequence[Item],
    entries: Sequence[Entry],
    template: str,
    introduction: str,
    assumptions: str,
    config: Mapping[str, Any],
    versions: Mapping[str, str],
) -> str:
    """The page.

    Args:
        items: the results in their order, sections together.
        entries: the same on the page.
        template: of the page's body, jinja2.
        introduction: one paragraph.
        assumptions: a page of Markdown with one table.
        config: as resolved.
        versions: of the packages that trained.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["anchor"] = lambda text: re.sub(r"[^a-z0-9]+", "-", text.lower())
    placed = list(zip(items, entries, strict=True))
    sections = [
        (section, [made for _, made in group])
        for section, group in groupby(placed, key=lambda pair: pair[0].section)
    ]
    provenance = [
        ("Seeds", ", ".join(map(str, config["seeds"]))),
        ("Controls", ", ".join(config["controls"]) or "none"),
        ("Variants", ", ".join(config["variants"]) or "none"),
        *versions.items(),
    ]
    body = environment.from_string(template).render(
        dataset=config["dataset"]["name"],
        introduction=" ".join(introduction.replace("*", "").replace("``", "").split()),
        sections=sections,
        assumptions=markdown_table(assumptions),
        provenance=provenance,
        config=yaml.safe_dump(dict(config), sort_keys=False),
    )
    return page(f"DAE-NR: {config['dataset']['name']}", f"{_STYLE}<main>\n{body}</main>\n")


def markdown_table(text: str) -> list[list[str]]:
    """The cells of the one table in a page of Markdown, its heading first; marks of code are taken off."""
    lines = [line.strip().strip("|") for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip().replace("`", "") for cell in line.split("|")] for line in lines]
    return [row for row in rows if not all(set(cell) <= set("-:") for cell in row)]


def _width(png: bytes) -> int:
    """Half the pixels of a PNG (its header has them at bytes 16 to 19): 1.6 times as large as in print."""
    return int.from_bytes(png[16:20], "big") // 2


def _body(html: str) -> str:
    """What stands between the tags of the body."""
    _, _, rest = html.partition("<body>")
    body, _, _ = rest.partition("</body>")
    return body
