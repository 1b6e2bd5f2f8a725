"""The significance rules held against the truth of a simulated recording."""

from collections.abc import Sequence
from pathlib import Path

from daenr.data.region import read_region
from daenr.files import read_frame
from daenr.logs import run_main
from daenr.reporting.rendering import save
from daenr.reporting.truth import render
from daenr.run import Run
from daenr.statistics import truth


def main(
    regions: Sequence[Path],
    significance: Sequence[Path],
    threshold: float,
    csv: Path,
    **rendered: Path,
) -> None:
    responsive = {path.stem: read_region(path).responsive for path in regions}
    found = []
    for tested in significance:
        run = Run.parse(tested.parent.name)
        found.append((run.region, run.seed, truth.errors(read_frame(tested), responsive[run.region])))
    frame = truth.tidy(found)
    save(frame, render(frame, threshold), csv, **rendered)


if __name__ == "__main__":
    run_main(main, snakemake)
