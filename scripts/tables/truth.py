"""The significance rules held against the truth of a simulated recording."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from daenr.data.region import read_region
from daenr.files import read_frame
from daenr.logs import to_file
from daenr.reporting.rendering import save
from daenr.reporting.truth import render
from daenr.run import Run
from daenr.statistics import truth


def main(
    regions: Mapping[str, Path],
    runs: Sequence[str],
    significance: Sequence[Path],
    threshold: float,
    csv: Path,
    **rendered: Path,
) -> None:
    responsive = {region: read_region(path).responsive for region, path in regions.items()}
    found = []
    for name, tested in zip(runs, significance, strict=True):
        run = Run.parse(name)
        found.append((run.region, run.seed, truth.errors(read_frame(tested), responsive[run.region])))
    frame = truth.tidy(found)
    save(frame, render(frame, threshold), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            regions=dict(zip(snakemake.params.regions, map(Path, snakemake.input.regions), strict=True)),
            runs=snakemake.params.runs,
            significance=snakemake.input.significance,
            threshold=snakemake.params.threshold,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
