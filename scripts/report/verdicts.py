"""What the runs say about the paper's claims."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.data.region import read_region
from daenr.logs import to_file
from daenr.paper.claims import from_rows
from daenr.paper.population import held_against_truth
from daenr.paper.published import all_published
from daenr.paper.verdicts import Rules, judge
from daenr.reporting.rendering import save
from daenr.reporting.verdicts import render
from daenr.statistics.scores import read_scores_of


def main(
    claims: Sequence[Mapping[str, Any]],
    scores: Sequence[Path],
    paper: Path,
    rules: Mapping[str, Any],
    threshold: float,
    regions: Mapping[str, Path],
    csv: Path,
    **rendered: Path,
) -> None:
    roots, read, judged_by = from_rows(claims), read_scores_of(scores), Rules(**rules)
    frame = judge(roots, read, all_published(paper), judged_by, threshold)
    if regions:
        responsive = {region: read_region(path).responsive for region, path in regions.items()}
        frame = held_against_truth(frame, roots, read, responsive, judged_by)
    save(frame, render(frame, judged_by), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            claims=snakemake.params.claims,
            scores=snakemake.input.scores,
            paper=Path(snakemake.input.paper[0]).parent,
            rules=snakemake.params.rules,
            threshold=snakemake.params.threshold,
            regions=dict(zip(snakemake.params.regions, map(Path, snakemake.input.regions), strict=True)),
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
