"""What the runs say about the paper's claims."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daenr.logs import to_file
from daenr.paper import verdicts
from daenr.paper.claims import claims
from daenr.paper.plan import Plan
from daenr.paper.published import all_published
from daenr.statistics.scores import read_scores_of


def main(
    config: Mapping[str, Any],
    scores: Sequence[Path],
    paper: Path,
    options: Mapping[str, Any],
    csv: Path,
    md: Path,
    html: Path,
) -> None:
    frame = verdicts.judge(
        claims(Plan(config, paper)),
        read_scores_of(scores),
        all_published(paper),
        **options,
    )
    verdicts.save(frame, verdicts.render(frame), csv, md, html)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            config=snakemake.params.config,
            scores=snakemake.input.scores,
            paper=Path(snakemake.input.paper[0]).parent,
            options=snakemake.params.options,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
