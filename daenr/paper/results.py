"""Our results and the paper's, as the pages read them that hold one against the other."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from daenr.paper.published import Published, all_published
from daenr.statistics.scores import Scores, read_scores_of


def read_results(
    scores: Iterable[Path | str], paper: Sequence[Path | str]
) -> tuple[dict[str, Scores], list[Published]]:
    """Scores of the runs by name, and what the paper prints.

    Args:
        scores: ``scores.npz`` of each run.
        paper: files of the paper's tables, all in one folder; none for a recording that they are not about.

    Raises:
        ValueError: as for ``all_published``.
    """
    return read_scores_of(scores), all_published(Path(paper[0]).parent) if paper else []
