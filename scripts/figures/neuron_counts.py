"""Figures 3, 4 and 8: how many neurons each model predicts significantly."""

from collections.abc import Sequence
from pathlib import Path

from daenr.files import read_frame, write_frame
from daenr.logs import run_main
from daenr.reporting.figures import save
from daenr.reporting.neuron_counts import neuron_counts, tidy
from daenr.run import Run


def main(
    figure: str,
    significance: Sequence[Path],
    threshold: float,
    png: Path,
    pdf: Path,
    csv: Path,
) -> None:
    counts = tidy((Run.parse(path.parent.name), read_frame(path)) for path in significance)
    write_frame(csv, counts)
    save(neuron_counts(counts, threshold, by_model=figure == "figure4"), png, pdf)


if __name__ == "__main__":
    run_main(main, snakemake)
