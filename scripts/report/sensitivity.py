"""The verdicts on the paper's claims under every variant of the settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.logs import run_main
from daenr.paper.claims import Claim
from daenr.paper.published import published
from daenr.paper.verdicts import Rules, judge, sensitivity
from daenr.reporting.rendering import save
from daenr.reporting.verdicts import render_sensitivity
from daenr.statistics.scores import read_scores_of


def main(
    claims: Mapping[str, Sequence[Mapping[str, Any]]],
    scores: Sequence[Path],
    paper: Sequence[Path],
    rules: Mapping[str, Mapping[str, Any]],
    thresholds: Mapping[str, float],
    csv: Path,
    **rendered: Path,
) -> None:
    read, printed = read_scores_of(scores), published(paper)
    frames = {
        name: judge([*map(Claim.from_row, rows)], read, printed, Rules(**rules[name]), thresholds[name])
        for name, rows in claims.items()
    }
    frame = sensitivity(frames)
    save(frame, render_sensitivity(frame), csv, **rendered)


if __name__ == "__main__":
    run_main(main, snakemake)
