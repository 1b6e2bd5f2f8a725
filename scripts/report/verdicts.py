"""What the runs say about the paper's claims."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.data.region import read_region
from daenr.logs import to_file
from daenr.paper.claims import from_rows
from daenr.paper.population import held_against_truth
from daenr.paper.results import read_results
from daenr.paper.verdicts import Rules, judge
from daenr.reporting.rendering import save
from daenr.reporting.verdicts import render


def main(
    claims: Sequence[Mapping[str, Any]],
    scores: Sequence[Path],
    paper: Sequence[Path],
    rules: Mapping[str, Any],
    threshold: float,
    regions: Mapping[str, Path],
    csv: Path,
    **rendered: Path,
) -> None:
    roots, judged_by = from_rows(claims), Rules(**rules)
    read, published = read_results(scores, paper)
    frame = judge(roots, read, published, judged_by, threshold)
    if regions:
        responsive = {region: read_region(path).responsive for region, path in regions.items()}
        frame = held_against_truth(frame, roots, read, responsive, judged_by)
    save(frame, render(frame, judged_by), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            claims=snakemake.params.claims,
            scores=snakemake.input.scores,
            paper=snakemake.input.paper,
            rules=snakemake.params.rules,
            threshold=snakemake.params.threshold,
            regions=dict(zip(snakemake.params.regions, map(Path, snakemake.input.regions), strict=True)),
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
