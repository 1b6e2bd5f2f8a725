"""The paper's claims, each as pairs of runs of which it says that one is better.

Statements are in our own words; what a claim is about in a single row is its region and its metric. This module
is imported while the workflow's files are parsed, so it needs the standard library alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daenr.paper.plan import CONTROL_METRICS, TABLE_METRICS, Cell, Plan
from daenr.registry import AUTOENCODERS, END_TO_END, READOUTS

VERDICTS = ("supported", "not supported", "contradicted", "too few seeds to say")


@dataclass(frozen=True)
class Claim:
    """One claim of the paper about one region and metric.

    Attributes:
        name: unique, ``table2-region1-mse``.
        statement: what is claimed, one sentence.
        source: the table or figure that shows it, or the title.
        region: the region.
        metric: ``mse``, ``psnr``, ``ssim``, ``pcc``, or ``significant`` for the number of significant neurons.
        pairs: (treated, reference), both of one seed and region and where both are read out of one layer; the claim
            is that the treated is better.
    """

    name: str
    statement: str
    source: str
    region: str
    metric: str
    pairs: tuple[tuple[Cell, Cell], ...]

    def row(self) -> dict[str, Any]:
        """The claim as plain values: what a job is handed."""
        return {**vars(self), "pairs": [[cell.row() for cell in pair] for pair in self.pairs]}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Claim":
        """The claim that ``row`` gave."""
        pairs = ((Cell.from_row(treated), Cell.from_row(reference)) for treated, reference in row["pairs"])
        return cls(**{**row, "pairs": tuple(pairs)})


def claims(plan: Plan) -> list[Claim]:
    """The claims that the runs of a plan can speak to, in the order of the paper, the title's last.

    A claim is left out if the config does not ask for the table, figure or control that it rests on, or leaves out
    one of its models.
    """
    tables, figures = plan.tables(), plan.config["figures"]
    made = [
        *(_table2(plan) if "table2" in tables else ()),
        *(_table3(plan) if "table3" in tables else ()),
        *(_table4(plan) if "table4" in tables else ()),
        *(_figure4(plan) if "figure4" in figures else ()),
        *(_table5(plan) if "table5" in tables else ()),
        *(_table6(plan) if "table6" in tables else ()),
        *(_only_if(plan) if plan.config["controls"] else ()),
    ]
    # Table 3 compares with the plain CAE, which only other tables train.
    planned = set(plan.runs())
    return [
        claim
        for claim in made
        if claim.pairs and all(cell.run in planned for pair in claim.pairs for cell in pair)
    ]


def _table2(plan: Plan) -> Iterator[Claim]:
    cells = plan.cells("table2")
    for region in plan.regions:
        for metric in TABLE_METRICS["table2"]:
            yield Claim(
                f"table2-{region}-{metric}",
                "A CAE reconstructs images better if it also learns how neurons respond to them (CAE-FR).",
                "Table 2",
                region,
                metric,
                _pairs(_of(cells, region, "cae-fr"), _of(cells, region, "cae")),
            )


def _table3(plan: Plan) -> Iterator[Claim]:
    plain = _of(plan.cells("table2"), plan.focus, "cae")
    groups = plan.cells("table3")
    significant, insignificant = (
        [cell for cell in groups if cell.neurons == name] for name in ("significant", "insignificant")
    )
    contrasts = (
        (
            "significant",
            "The neurons that CAE-FR predicts significantly are enough to reconstruct better than the CAE does.",
            _pairs(significant, plain),
        ),
        (
            "insignificant",
            "The neurons that it does not predict significantly make the reconstruction worse than the CAE's.",
            _pairs(insignificant, plain, claimed_worse=True),
        ),
        (
            "groups",
            "Significant neurons serve the reconstruction better than insignificant ones.",
            _pairs(significant, insignificant),
        ),
    )
    for name, statement, pairs in contrasts:
        for metric in TABLE_METRICS["table3"]:
            yield Claim(f"table3-{name}-{metric}", statement, "Table 3", plan.focus, metric, pairs)


def _table4(plan: Plan) -> Iterator[Claim]:
    cells = plan.cells("table4")
    for region in plan.regions:
        yield Claim(
            f"table4-{region}",
            "Responses are predicted better if the network also reconstructs the images (CAE-FR, not CNN-FR).",
            "Table 4",
            region,
            "pcc",
            _pairs(_of(cells, region, "cae-fr"), _of(cells, region, "cnn-fr")),
        )


def _figure4(plan: Plan) -> Iterator[Claim]:
    cells = [Cell("figure4", run.region, run.model, run.layer, "all", run) for run in plan.comparison_runs()]
    yield Claim(
        "figure4",
        "CAE-FR predicts more of the neurons significantly than CNN-FR does.",
        "Figure 4",
        plan.focus,
        "significant",
        _pairs(_of(cells, plan.focus, "cae-fr"), _of(cells, plan.focus, "cnn-fr")),
    )


def _table5(plan: Plan) -> Iterator[Claim]:
    cells = plan.cells("table5")
    contrasts = [
        (f"cae-{readout}", f"with the readout {readout.upper()}", [f"cae-{readout}"], "cae")
        for readout in READOUTS
        if readout != "fr"
    ]
    contrasts += [
        (plain, f"for the {plain.upper()}", [f"{plain}-{readout}" for readout in READOUTS], plain)
        for plain in AUTOENCODERS
        if plain != "cae"
    ]
    for name, learner, joint, plain in contrasts:
        for metric in TABLE_METRICS["table5"]:
            yield Claim(
                f"table5-{name}-{metric}",
                f"The gain in reconstruction is there {learner} too.",
                "Table 5",
                plan.focus,
                metric,
                _pairs(_of(cells, plan.focus, *joint), _of(cells, plan.focus, plain)),
            )


def _table6(plan: Plan) -> Iterator[Claim]:
    cells = plan.cells("table6")
    contrasts = [
        (readout, f"with the readout {readout.upper()}", f"cae-{readout}", f"{END_TO_END}-{readout}")
        for readout in READOUTS
        if readout != "fr"
    ]
    contrasts += [
        (encoder, f"for the {encoder.upper()}", f"{encoder}-fr", "cnn-fr")
        for encoder in AUTOENCODERS
        if encoder != "cae"
    ]
    for name, learner, joint, baseline in contrasts:
        for region in plan.regions:
            yield Claim(
                f"table6-{name}-{region}",
                f"The gain in predicting responses is there {learner} too.",
                "Table 6",
                region,
                "pcc",
                _pairs(_of(cells, region, joint), _of(cells, region, baseline)),
            )


_ONLY_IF = {
    (
        "controls-ir",
        "shuffled",
    ): "What helps the reconstruction is which image a response belongs to: not so if responses are shuffled.",
    (
        "controls-nrs",
        "shuffled",
    ): "Responses are predicted from the image they belong to: not so if they are shuffled in training.",
    (
        "controls-nrs",
        "frozen",
    ): "Both tasks must be learnt together: a readout of a trained CAE, held fixed, predicts responses less well.",
    (
        "controls-nrs",
        "random",
    ): "The layers must be learnt: a readout of an untrained encoder, held fixed, predicts responses less well.",
}
"""What the title's "if and only if" comes down to, for each half of the controls' table."""


def _only_if(plan: Plan) -> Iterator[Claim]:
    for (table, control), statement in _ONLY_IF.items():
        cells = plan.cells(table)
        joint, altered = ([cell for cell in cells if cell.control == name] for name in ("joint", control))
        for region in plan.regions:
            for metric in CONTROL_METRICS[table]:
                yield Claim(
                    f"only-if-{control}-{region}-{metric}",
                    statement,
                    "Title",
                    region,
                    metric,
                    _pairs(_of(joint, region, "cae-fr"), _of(altered, region, "cae-fr")),
                )


def _of(cells: Iterable[Cell], region: str, *models: str) -> list[Cell]:
    return [cell for cell in cells if cell.region == region and cell.model in models]


def _pairs(
    cells: Sequence[Cell], partners: Sequence[Cell], claimed_worse: bool = False
) -> tuple[tuple[Cell, Cell], ...]:
    """Each cell and its partner of the same seed and layer, or of no layer; the one that is claimed better first."""
    at = {(cell.run.seed, cell.layer): cell for cell in partners}
    found = [
        (cell, partner)
        for cell in cells
        if (partner := at.get((cell.run.seed, cell.layer)) or at.get((cell.run.seed, None)))
    ]
    return tuple((partner, cell) if claimed_worse else (cell, partner) for cell, partner in found)
