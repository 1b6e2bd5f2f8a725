"""What the runs say about the paper's claims."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.data.region import read_region
from daenr.logs import run_main
from daenr.paper.claims import Claim
from daenr.paper.population import held_against_truth
from daenr.paper.published import published
from daenr.paper.verdicts import Rules, judge
from daenr.reporting.rendering import save
from daenr.reporting.verdicts import render
from daenr.statistics.scores import read_scores_of


def main(
    claims: Sequence[Mapping[str, Any]],
    scores: Sequence[Path],
    paper: Sequence[Path],
    rules: Mapping[str, Any],
    threshold: float,
    regions: Sequence[Path],
    csv: Path,
    **rendered: Path,
) -> None:
    roots, judged_by = [Claim.from_row(row) for row in claims], Rules(**rules)
    read = read_scores_of(scores)
    frame = judge(roots, read, published(paper), judged_by, threshold)
    if regions:
        responsive = {path.stem: read_region(path).responsive for path in regions}
        frame = held_against_truth(frame, roots, read, responsive, judged_by)
    save(frame, render(frame, judged_by), csv, **rendered)


if __name__ == "__main__":
    run_main(main, snakemake)
