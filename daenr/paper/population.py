"""What the population of a simulated recording was built to do, and whether results agree with it.

Its responses are drives by the image and noise (``daenr.data.simulated``); how well a model reconstructs an image is
nothing that they could depend on. Whether a network gains from learning both tasks follows from the network and its
training, so the population answers none of the paper's claims. What it does determine is asked of the same runs:
neurons that do not see the image cannot be predicted, by any model, so joint training gains nothing in them; neurons
that see it are predicted better by a model that was shown which image they responded to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Bool

from daenr.paper.claims import Claim, Pairs
from daenr.paper.verdicts import CONTRADICTED, PRACTICALLY_NONE, SUPPORTED, Rules, judge
from daenr.run import Run
from daenr.statistics.scores import Scores

Responsive = Mapping[str, Bool[np.ndarray, " neurons"]]
"""For each region and all of its neurons, whether they see the image."""

AGREES, DISAGREES, UNDECIDED, UNDETERMINED = ("agrees", "disagrees", "open", "not determined")

_AGREEMENT = {
    "known-unresponsive": {PRACTICALLY_NONE: AGREES, SUPPORTED: DISAGREES, CONTRADICTED: DISAGREES},
    "known-shuffled": {SUPPORTED: AGREES, CONTRADICTED: DISAGREES},
}
"""What each verdict says about the truth; one that is missing leaves it open. No size of a gain is known, only that
there is one, so ``practically none`` does not speak against one."""


def held_against_truth(
    frame: pd.DataFrame,
    claims: Sequence[Claim],
    scores: Mapping[str, Scores],
    responsive: Responsive,
    rules: Rules,
) -> pd.DataFrame:
    """The verdicts with what the population says to each, and below them those on what it determines.

    Args:
        frame: what ``judge`` returns for the claims.
        claims: the roots.
        scores: of every run of the claims, by its name.
        responsive: the truth.
        rules: what a verdict goes by; what is known is tested at the whole level, each by itself.

    Returns:
        The columns of the frame and ``population``: ``agrees``, ``disagrees``, ``open`` where the results tell neither,
        or ``not determined``. Rows of level ``known`` come last, if the claims have their runs. The note of Table 3's
        claim says how many neurons of each group see the image.
    """
    known = [
        judge([claim], _restricted(claim, scores, responsive, see), [], rules)
        for claim, see in _known(claims)
    ]
    judged = pd.concat([frame, *known], ignore_index=True)
    population = [
        _AGREEMENT[claim].get(verdict, UNDECIDED) if claim in _AGREEMENT else UNDETERMINED
        for claim, verdict in zip(judged["claim"], judged["verdict"], strict=True)
    ]
    groups = {
        claim.name: _groups(claim, scores, responsive)
        for root in claims
        for claim, _ in root.walk()
        if claim.name == "mse-neurons"
    }
    notes = [
        "; ".join(filter(None, [note, groups.get(claim, "")]))
        for claim, note in zip(judged["claim"], judged["note"], strict=True)
    ]
    return judged.assign(note=notes, population=population)


def _known(claims: Sequence[Claim]) -> Iterator[tuple[Claim, bool]]:
    """What the population determines, each with whether it is about neurons that see the image."""
    contrasts = {claim.name: claim.contrasts for root in claims for claim, _ in root.walk()}
    if pairs := contrasts.get("pcc", {}).get("baseline"):
        statement = "Joint training predicts better the neurons that do not see the image."
        yield _claim("known-unresponsive", statement, "baseline", pairs), False
    if pairs := contrasts.get("pcc-only-if", {}).get("shuffled"):
        statement = (
            "Neurons that see the image are predicted better than after training on shuffled responses."
        )
        yield _claim("known-shuffled", statement, "shuffled", pairs), True


def _claim(name: str, statement: str, against: str, pairs: Pairs) -> Claim:
    return Claim(name, statement, "Simulation", "pcc", "known", {against: pairs})


def _restricted(
    claim: Claim, scores: Mapping[str, Scores], responsive: Responsive, see: bool
) -> dict[str, Scores]:
    """The scores of a claim's runs on the neurons that do or do not see the image."""

    def only(run: Run) -> Scores:
        of_all = scores[run.name]
        if of_all.prediction is None or of_all.response is None:
            return of_all
        chosen = responsive[run.region][of_all.neurons] == see
        return replace(
            of_all,
            neurons=of_all.neurons[chosen],
            prediction=of_all.prediction[:, chosen],
            response=of_all.response[:, chosen],
        )

    return {cell.run.name: only(cell.run) for cell in claim.cells}


def _groups(claim: Claim, scores: Mapping[str, Scores], responsive: Responsive) -> str:
    """How many neurons of the groups of Table 3 see the image, over layers and seeds."""
    runs = {cell.run for cell in claim.cells}
    said = []
    for group in ("significant", "insignificant"):
        numbers = [(run.region, scores[run.name].neurons) for run in runs if run.neurons == group]
        see = sum(int(responsive[region][neurons].sum()) for region, neurons in numbers)
        if count := sum(len(neurons) for _, neurons in numbers):
            said.append(f"{see / count:.0%} of the {group} neurons")
    return f"{' and '.join(said)} were built to see the image" if said else ""
