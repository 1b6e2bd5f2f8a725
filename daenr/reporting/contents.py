"""Contents of the report: its sections, and under which title and caption a result stands in them.

The page and Snakemake's own report are made from the same contents. This module is imported while the workflow's
files are parsed, so it needs the standard library alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from daenr.reporting.labels import region_label

_VERDICTS = "Verdicts"
_TABLES = "Tables of the paper"
_FIGURES = "Figures of the paper"
_CEILINGS = "Ceilings and controls"
_SIGNIFICANCE = "Significance of neurons"
_OPTIMAL = "Images that drive a neuron"
_ENGINE = "Data engine"
_SENSITIVITY = "Sensitivity"
_CURVES = "Training curves"
_TIMES = "Run times"
PAGE = "All on one page"


@dataclass(frozen=True)
class Item:
    """One result in the report.

    Attributes:
        name: its path below the results without the ending, ``tables/table2``.
        path: of the file that shows it: a picture, or a table in one of its spellings.
        section: under which it stands.
        title: what it is called.
        caption: name of the file with its caption, without ``.rst``, which is that of the rule that makes it: a
            template that knows the rule's wildcards.
    """

    name: str
    path: str
    section: str
    title: str
    caption: str

    @property
    def wildcards(self) -> Mapping[str, str]:
        """Those of the rule that makes it, as its caption knows them."""
        name = PurePosixPath(self.name).name.removesuffix("-companion")
        return {"table": name, "figure": name}


_RESULTS: Mapping[str, tuple[str, str, str]] = {
    "verdicts": (_VERDICTS, "The paper's claims, one by one", "verdicts"),
    "tables/table2": (_TABLES, "Table 2: do neurons help a CAE to reconstruct images?", "table"),
    "tables/table3": (_TABLES, "Table 3: do only the neurons help that are predicted well?", "table"),
    "tables/table4": (_TABLES, "Table 4: does reconstruction help to predict neurons?", "table"),
    "tables/table5": (_TABLES, "Table 5: reconstruction with other auto-encoders and readouts", "table"),
    "tables/table6": (_TABLES, "Table 6: prediction with other auto-encoders and readouts", "table"),
    "tables/table7": (_TABLES, "Table 7: size of the recording", "table7"),
    "figures/figure2": (_FIGURES, "Figure 2: reconstructed images", "reconstructions"),
    "figures/figure3": (_FIGURES, "Figure 3: significantly predicted neurons", "neuron_counts"),
    "figures/figure4": (_FIGURES, "Figure 4: the same without and with reconstruction", "neuron_counts"),
    "figures/figure5": (_FIGURES, "Figure 5: training images", "stimuli"),
    "figures/figure6": (_FIGURES, "Figure 6: reconstructed images", "reconstructions"),
    "figures/figure7": (_FIGURES, "Figure 7: reconstructed images", "reconstructions"),
    "figures/figure8": (_FIGURES, "Figure 8: significantly predicted neurons", "neuron_counts"),
    "tables/ceilings": (_CEILINGS, "How well could any model predict these neurons?", "ceilings"),
    "tables/table2-companion": (_CEILINGS, "Table 2 by the correlation of pixels", "companion"),
    "tables/table3-companion": (_CEILINGS, "Table 3 by the correlation of pixels", "companion"),
    "tables/table4-companion": (_CEILINGS, "Table 4 by the ceiling and by single trials", "companion"),
    "tables/table5-companion": (_CEILINGS, "Table 5 by the correlation of pixels", "companion"),
    "tables/table6-companion": (_CEILINGS, "Table 6 by the ceiling and by single trials", "companion"),
    "tables/latents": (_CEILINGS, "How much of their latents do the auto-encoders use?", "latents"),
    "tables/controls": (_CEILINGS, "Joint training and its controls", "controls"),
    "figures/gains": (_CEILINGS, "What joint training gains over its controls", "gains"),
    "tables/truth": (_SIGNIFICANCE, "How often the tests are right", "truth"),
    "tables/optimal_images": (_OPTIMAL, "What the images are worth", "optimal_table"),
    "figures/optimal": (_OPTIMAL, "The images", "optimal_figure"),
    "figures/synthetic": (_ENGINE, "Synthetic and recorded responses", "synthetic"),
    "sensitivity": (_SENSITIVITY, "The verdicts under other settings", "sensitivity"),
    "readings": (_SENSITIVITY, "How far from the paper, as configured and under other settings", "readings"),
    "figures/leverage": (_CURVES, "How much the responses have to say", "leverage"),
    "figures/weights": (_CURVES, "The search for loss weights", "weights"),
    "figures/curves": (_CURVES, "Validation losses over the steps of training", "curves"),
    "tables/runtimes": (_TIMES, "Number and length of the trainings", "runtimes"),
    "report": (PAGE, "Verdicts, tables, figures, assumptions and config", "report"),
}
"""Section, title and caption of each result, in the order of the report."""


def contents(paths: Iterable[str], results: str, regions: Mapping[str, str]) -> list[Item]:
    """The results in a report, in its order.

    Args:
        paths: of the results, one a result.
        results: the folder below which they are.
        regions: the region of each figure that shows a single one, ``{"figure2": "region3"}``.

    Raises:
        ValueError: if a result has no place in the report; the message says where to give it one.
    """
    items = [placed(path, results, regions) for path in dict.fromkeys(paths)]
    places = {name: place for place, name in enumerate(_RESULTS)}
    return sorted(items, key=lambda item: (places[_base(item.name)], item.name))


def placed(path: str, results: str, regions: Mapping[str, str]) -> Item:
    """One result's place; arguments and errors as for ``contents``."""
    relative = PurePosixPath(path).relative_to(results).with_suffix("")
    name = str(relative)
    if _base(name) not in _RESULTS:
        raise ValueError(f"{path} has no place in the report; give it one in daenr/reporting/contents.py")
    section, title, caption = _RESULTS[_base(name)]
    if _base(name) in ("figures/optimal", "figures/synthetic"):
        title += f", {region_label(relative.name.partition('-')[2])}"
    if relative.name in regions:
        title += f", {region_label(regions[relative.name])}"
    return Item(name, path, section, title, caption)


def _base(name: str) -> str:
    """``figures/figure2`` for ``figures/figure2-region4``: figures of which every region may have one."""
    base = name.partition("-")[0]
    return base if base in ("figures/figure2", "figures/optimal", "figures/synthetic") else name
