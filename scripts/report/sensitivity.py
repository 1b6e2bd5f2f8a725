"""The verdicts on the paper's claims under every variant of the settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.logs import to_file
from daenr.paper.claims import from_rows
from daenr.paper.results import read_results
from daenr.paper.verdicts import Rules, judge, sensitivity
from daenr.reporting.rendering import save
from daenr.reporting.verdicts import render_sensitivity


def main(
    claims: Mapping[str, Sequence[Mapping[str, Any]]],
    scores: Sequence[Path],
    paper: Sequence[Path],
    rules: Mapping[str, Mapping[str, Any]],
    thresholds: Mapping[str, float],
    csv: Path,
    **rendered: Path,
) -> None:
    read, published = read_results(scores, paper)
    frames = {
        name: judge(from_rows(rows), read, published, Rules(**rules[name]), thresholds[name])
        for name, rows in claims.items()
    }
    frame = sensitivity(frames)
    save(frame, render_sensitivity(frame), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            claims=snakemake.params.claims,
            scores=snakemake.input.scores,
            paper=snakemake.input.paper,
            rules=snakemake.params.rules,
            thresholds=snakemake.params.thresholds,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
