"""The paper's claims as a tree, and the order in which it is tested.

Sixty questions asked at once find nothing with five seeds. So there are two questions, and each further one is asked
only if the claim that it rests on is supported. Statements are in our own words. This module is imported while the
workflow's files are parsed, so it needs the standard library alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from daenr.paper.plan import Cell, Plan
from daenr.registry import AUTOENCODERS, END_TO_END, READOUTS, split_model
from daenr.run import NEURONS, Run

Pairs = tuple[tuple[Cell, Cell], ...]
"""(treated, reference), both of one seed and region and where both are read out of one layer."""

Level = Literal[
    "primary", "only if", "explanation", "generalisation", "region", "layer", "reference", "known"
]
"""What kind of question. ``reference`` is one about a model of another paper and no claim of this one; ``known`` is one
that the population of a simulated recording answers."""

PASSED_ON = 0.5
"""Of a supported claim's level, what goes to the claims beside it; the other half goes to those below.

With none, Holm's step from claim to claim would wait for everything below; with all, nothing below could be tested
before everything beside is supported.
"""


@dataclass(frozen=True)
class Claim:
    """One claim, and those that make sense only if it holds.

    Attributes:
        name: unique, ``pcc-region1-h2``.
        statement: what is claimed, one sentence.
        source: the table or figure that shows it, or the title.
        metric: ``mse``, ``pcc``, or ``significant`` for the number of significant neurons.
        level: what kind of question it is.
        contrasts: pairs of runs by what the treated is compared with. The claim is that the treated is better; with
            several contrasts, that it is better in every one of them.
        children: claims that are tested only if this one is supported.
    """

    name: str
    statement: str
    source: str
    metric: str
    level: Level
    contrasts: Mapping[str, Pairs]
    children: tuple["Claim", ...] = ()

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions that it pools, in the order of its pairs."""
        return tuple(dict.fromkeys(cell.region for cell in self.cells))

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Cells that it compares, those of each contrast in turn."""
        return tuple(cell for pairs in self.contrasts.values() for pair in pairs for cell in pair)

    def walk(self, parent: "Claim | None" = None) -> Iterator[tuple["Claim", "Claim | None"]]:
        """This claim and all below it, each with the claim that it rests on; parents first."""
        yield self, parent
        for child in self.children:
            yield from child.walk(self)

    def row(self) -> dict[str, Any]:
        """The claim and all below it as plain values: what a job is handed."""
        contrasts = {
            name: [[cell.row() for cell in pair] for pair in pairs] for name, pairs in self.contrasts.items()
        }
        return {**vars(self), "contrasts": contrasts, "children": [child.row() for child in self.children]}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Claim":
        """The claim that ``row`` gave."""
        contrasts = {
            name: tuple((Cell.from_row(treated), Cell.from_row(reference)) for treated, reference in pairs)
            for name, pairs in row["contrasts"].items()
        }
        return cls(**{**row, "contrasts": contrasts, "children": tuple(map(cls.from_row, row["children"]))})


# ---- the order of testing -----------------------------------------------------------------------------


def levels(
    claims: Sequence[Claim], alpha: float, supported: Callable[[Claim, float], bool]
) -> dict[str, float]:
    """The significance level at which each claim that can be tested is tested.

    Claims of one parent share its level equally. One that is supported passes half of its share to those beside it
    that are not, as in the truncated Holm procedure, and half to its children; once all below it is supported too,
    its whole share goes to the claims beside it. What is passed on is what a true claim has no use for, so the
    probability that any claim of the tree is decided wrongly is at most alpha, however the claims depend on each other
    (Dmitrienko, Tamhane and Wiens 2008, Biometrical Journal 50:667; Bretz et al. 2009, Statistics in Medicine 28:586;
    Goeman and Solari 2010, Annals of Statistics 38:3782).

    Args:
        claims: the roots.
        alpha: familywise error of the whole tree.
        supported: whether a claim is supported at a level; if it is, then at every larger one.

    Returns:
        By name; a claim that is missing rests on one that is not supported.
    """
    tested: dict[str, float] = {}

    def test(family: Sequence[Claim], level: float) -> bool:
        """Test claims of one parent and all below; whether everything is supported."""
        held: set[str] = set()
        complete: set[str] = set()
        while active := [claim for claim in family if claim.name not in complete]:
            before = len(held), len(complete)
            share = level / len(active)
            if waiting := [claim for claim in active if claim.name not in held]:
                own = share * (1 + PASSED_ON * (len(active) - len(waiting)) / len(waiting))
                tested.update(dict.fromkeys((claim.name for claim in waiting), own))
                held.update(claim.name for claim in waiting if supported(claim, own))
            below = share if all(claim.name in held for claim in active) else share * (1 - PASSED_ON)
            complete.update(
                claim.name for claim in active if claim.name in held and test(claim.children, below)
            )
            if before == (len(held), len(complete)):
                return False
        return True

    test(claims, alpha)
    return tested


# ---- the paper's claims -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Half:
    """One of the paper's two claims, and where its pairs stand."""

    metric: str
    gain: str
    table: str
    general_table: str
    controls: str

    def claim(
        self,
        name: str,
        statement: str,
        table: str,
        level: Level,
        pairs: Pairs,
        children: tuple[Claim, ...] = (),
    ) -> Claim:
        """One of its claims that a table of the paper shows, all of which are about the baseline."""
        source = f"Table {table.removeprefix('table')}"
        return Claim(name, statement, source, self.metric, level, {"baseline": pairs}, children)


_HALVES = (
    _Half("mse", "images are reconstructed better", "table2", "table5", "controls-ir"),
    _Half("pcc", "responses are predicted better", "table4", "table6", "controls-nrs"),
)

_CONTROLS = {"shuffled": "shuffled responses", "frozen": "a frozen encoder"}
"""What the title's "only if" excludes: wrong responses, and layers that did not learn both tasks."""


def claim_tree(plan: Plan) -> tuple[Claim, ...]:
    """The claims that the runs of a plan can speak to: two roots, reconstruction (MSE) and responses (PCC).

    Beside them stands one for each reference model of the config.

    A claim is left out if the config does not ask for the table, figure or control that it rests on, or leaves out
    one of its models; what would have stood below it then stands in its place.
    """
    planned = set(plan.runs())
    roots = [*(_half(plan, half) for half in _HALVES), *_references(plan)]
    return tuple(kept for root in roots for kept in _planned(root, planned))


def _planned(claim: Claim, planned: set[Run]) -> tuple[Claim, ...]:
    """The claim with what is planned of its tree; what is below it alone, if its own runs are not planned.

    Table 3 compares with the plain CAE, which only other tables train.
    """
    children = tuple(kept for child in claim.children for kept in _planned(child, planned))
    if all(claim.contrasts.values()) and planned.issuperset(cell.run for cell in claim.cells):
        return (replace(claim, children=children),)
    return children


def _half(plan: Plan, half: _Half) -> Claim:
    pairs = _against_baseline(_cells(plan, half.table), ("cae-fr",))
    below = (
        *_explanations(plan, half),
        _generalisation(plan, half),
        *_regions(half, pairs),
    )
    statement = (
        f"Joint training (CAE-FR) helps: {half.gain} than by the baseline, over all regions and layers."
    )
    children = _only_if(plan, half, pairs, below)
    return half.claim(half.metric, statement, half.table, "primary", pairs, children)


def _only_if(plan: Plan, half: _Half, baseline: Pairs, below: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """Joint training beats the baseline and each control that the plan has; what is below alone if it has none."""
    cells = _cells(plan, half.controls)
    joint = [cell for cell in cells if cell.control == "joint"]
    contrasts = {
        name: _pairs(joint, controls)
        for name in _CONTROLS
        if (controls := [cell for cell in cells if cell.control == name])
    }
    if not contrasts:
        return below
    statement = (
        f"Only with joint training {half.gain}: not by the baseline, and not by the same model with "
        f"{' or '.join(_CONTROLS[name] for name in contrasts)}."
    )
    contrasts = {"baseline": baseline, **contrasts}
    return (Claim(f"{half.metric}-only-if", statement, "Title", half.metric, "only if", contrasts, below),)


def _explanations(plan: Plan, half: _Half) -> Iterator[Claim]:
    """What the paper says the gain comes from: Table 3 for reconstruction, Figure 4 for responses."""
    if half.metric == "mse" and (cells := _cells(plan, "table3")):
        plain = [cell for cell in plan.cells("table2") if (cell.region, cell.model) == (plan.focus, "cae")]
        use, harm, as_use, as_harm = ([c for c in cells if c.neurons == name] for name in NEURONS[1:])
        drawn = Claim(
            "mse-neurons-random",
            "It is which neurons they are, not how many: the significant ones beat as many at random, the others fall "
            "behind as many at random.",
            "Table 3",
            "mse",
            "explanation",
            {"random": _pairs(use, as_use), "random beats insignificant": _pairs(as_harm, harm)},
        )
        yield Claim(
            "mse-neurons",
            "The neurons that CAE-FR predicts significantly bring the gain: alone they beat the CAE, the others alone "
            "fall behind it.",
            "Table 3",
            "mse",
            "explanation",
            {
                "CAE": _pairs(use, plain),
                "insignificant": _pairs(use, harm),
                "CAE beats insignificant": tuple(
                    (reference, cell) for cell, reference in _pairs(harm, plain)
                ),
            },
            (drawn,),
        )
    if half.metric == "pcc":
        runs = plan.counted_runs().get("figure4", [])
        cells = [Cell("figure4", run.region, run.model, run.layer, "all", run) for run in runs]
        yield Claim(
            "pcc-neurons",
            "CAE-FR predicts more of the neurons significantly than CNN-FR does.",
            "Figure 4",
            "significant",
            "explanation",
            {"baseline": _against_baseline(cells, ("cae-fr",))},
        )


def _generalisation(plan: Plan, half: _Half) -> Claim:
    """All other joint models of Table 5 or 6 pooled, below it each by itself, CAE-FR with that table's weights too."""
    metric, table = half.metric, half.general_table
    cells = _cells(plan, table)
    models = [f"{autoencoder}-{readout}" for autoencoder in AUTOENCODERS for readout in READOUTS]
    each = [
        half.claim(
            f"{metric}-{model}", f"With {model.upper()} {half.gain} too.", table, "generalisation", pairs
        )
        for model in models
        if (pairs := _against_baseline(cells, (model,)))
    ]
    statement = f"With other auto-encoders and readouts {half.gain} too, taken together."
    others = _against_baseline(cells, [model for model in models if model != "cae-fr"])
    return half.claim(f"{metric}-others", statement, table, "generalisation", others, tuple(each))


def _regions(half: _Half, pairs: Pairs) -> Iterator[Claim]:
    """The primary claim region by region, below each layer by layer."""
    for region in dict.fromkeys(treated.region for treated, _ in pairs):
        own = tuple(pair for pair in pairs if pair[0].region == region)
        name = f"{half.metric}-{region}"
        layers = [
            half.claim(
                f"{name}-{layer}",
                f"In {region} {half.gain} by CAE-FR read out of {layer}.",
                half.table,
                "layer",
                tuple(pair for pair in own if pair[0].layer == layer),
            )
            for layer in dict.fromkeys(treated.layer for treated, _ in own)
        ]
        statement = f"In {region} {half.gain} by CAE-FR, over all layers."
        yield half.claim(name, statement, half.table, "region", own, tuple(layers))


def _references(plan: Plan) -> Iterator[Claim]:
    """Whether a model of another paper predicts responses better than the network end to end of Table 4."""
    references = plan.references()
    ends = [cell for cell in plan.cells("table4") if cell.model == "cnn-fr"] if references else []
    for model in dict.fromkeys(cell.model for cell in references):
        own = [cell for cell in references if cell.model == model]
        yield Claim(
            f"pcc-{model}",
            f"{model.upper()}, a model of another paper, predicts responses better than CNN-FR, over all regions and "
            "layers.",
            "References",
            "pcc",
            "reference",
            {"CNN-FR": tuple((cell, end) for end, cell in _pairs(ends, own))},
        )


def _cells(plan: Plan, table: str) -> list[Cell]:
    """Cells of a table; none of one that the plan lacks, so that claims about it compare nothing and are left out."""
    return plan.cells(table) if table in plan.tables() else []


def _against_baseline(cells: Sequence[Cell], models: Sequence[str]) -> Pairs:
    """The cells of joint models and those without the other task: the plain auto-encoder or the network end to end.

    A table has one of the two.
    """
    found: list[tuple[Cell, Cell]] = []
    for model in models:
        autoencoder, readout = split_model(model)
        partners = (autoencoder, f"{END_TO_END}-{readout}")
        found += _pairs(
            [cell for cell in cells if cell.model == model],
            [cell for cell in cells if cell.model in partners],
        )
    return tuple(found)


def _pairs(cells: Iterable[Cell], partners: Iterable[Cell]) -> Pairs:
    """Each cell and its partner of the same region, seed and layer, or of no layer."""
    at = {(cell.region, cell.run.seed, cell.layer): cell for cell in partners}
    return tuple(
        (cell, partner)
        for cell in cells
        if (
            partner := at.get((cell.region, cell.run.seed, cell.layer))
            or at.get((cell.region, cell.run.seed, None))
        )
    )
