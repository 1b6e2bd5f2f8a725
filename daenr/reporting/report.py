"""The report as one page: every verdict, table and figure with its caption, and nothing that must be fetched.

The page can be mailed: pictures are in it, there are no scripts, and wide tables scroll in a box of their own.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import jinja2
import yaml

from daenr.reporting.contents import Item
from daenr.reporting.labels import region_label
from daenr.reporting.rendering import html

_CAPTIONS = jinja2.Environment(undefined=jinja2.StrictUndefined)


@dataclass(frozen=True)
class Exhibit:
    """One result as it stands on the page.

    Attributes:
        place: in the report.
        caption: what a reader who has not read the paper needs to know.
        picture: PNG in base64; empty for tables.
        width: of the picture on the page, CSS pixels.
        grids: tables, as in their JSON files; none for a picture.
    """

    place: Item
    caption: str
    picture: str = ""
    width: int = 0
    grids: list[dict[str, Any]] = field(default_factory=list)


def exhibit(item: Item, caption: str, content: bytes) -> Exhibit:
    """Put a result's file on the page.

    Args:
        item: its place in the report.
        caption: template of its caption, jinja2.
        content: of its PNG or JSON file.
    """
    template = _CAPTIONS.from_string(caption)
    text = " ".join(template.render(snakemake={"wildcards": item.wildcards}).split())
    if not item.path.endswith(".png"):
        return Exhibit(item, text, grids=json.loads(content))
    # Half the pixels of a PNG (its header has them at bytes 16 to 19): 1.6 times as large as in print.
    width = int.from_bytes(content[16:20], "big") // 2
    return Exhibit(item, text, base64.b64encode(content).decode(), width)


def report(
    exhibits: Sequence[Exhibit],
    introduction: str,
    assumptions: str,
    config: Mapping[str, Any],
    versions: Mapping[str, str],
    notes: Mapping[str, Sequence[Mapping[str, Any]]],
) -> str:
    """The page.

    Args:
        exhibits: the results in their order, sections together.
        introduction: one paragraph.
        assumptions: a page of Markdown with one table.
        config: as resolved.
        versions: of the packages that trained.
        notes: what is told of each region, see `daenr.data.notes`.
    """
    provenance = [
        ("Seeds", ", ".join(map(str, config["seeds"]))),
        ("Controls", ", ".join(config["controls"]) or "none"),
        ("Variants", ", ".join(config["variants"]) or "none"),
        *versions.items(),
    ]
    return html(
        "report.html.j2",
        title=f"DAE-NR: {config['dataset']['name']}",
        dataset=config["dataset"]["name"],
        notes=[(region_label(region), note) for region, told in notes.items() for note in told],
        introduction=" ".join(introduction.replace("*", "").replace("``", "").split()),
        sections=[
            (section, list(those))
            for section, those in groupby(exhibits, key=lambda each: each.place.section)
        ],
        assumptions=markdown_table(assumptions),
        provenance=provenance,
        config=yaml.safe_dump(dict(config), sort_keys=False),
    )


def markdown_table(text: str) -> list[list[str]]:
    """The cells of the one table in a page of Markdown, its heading first; marks of code are taken off."""
    lines = [line.strip().strip("|") for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip().replace("`", "") for cell in line.split("|")] for line in lines]
    return [row for row in rows if not all(set(cell) <= set("-:") for cell in row)]
