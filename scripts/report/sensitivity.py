"""The verdicts on the paper's claims under every variant of the settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.logs import to_file
from daenr.paper.claims import from_rows
from daenr.paper.published import all_published
from daenr.paper.verdicts import Rules, judge, sensitivity
from daenr.reporting.rendering import save
from daenr.reporting.verdicts import render_sensitivity
from daenr.statistics.scores import read_scores_of


def main(
    claims: Mapping[str, Sequence[Mapping[str, Any]]],
    scores: Sequence[Path],
    paper: Path,
    rules: Mapping[str, Any],
    threshold: float,
    csv: Path,
    **rendered: Path,
) -> None:
    read = read_scores_of(scores)
    results = all_published(paper)
    frames = {
        name: judge(from_rows(rows), read, results, Rules(**rules), threshold)
        for name, rows in claims.items()
    }
    frame = sensitivity(frames)
    save(frame, render_sensitivity(frame), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            claims=snakemake.params.claims,
            scores=snakemake.input.scores,
            paper=Path(snakemake.input.paper[0]).parent,
            rules=snakemake.params.rules,
            threshold=snakemake.params.threshold,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
