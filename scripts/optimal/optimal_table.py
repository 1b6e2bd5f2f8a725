"""The table of images that drive a neuron."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from daenr.files import read_frame
from daenr.logs import to_file
from daenr.reporting.optimal_table import render, tidy
from daenr.reporting.rendering import save


def main(judged: Sequence[Path], confidence: float, csv: Path, **rendered: Path) -> None:
    frame = tidy(pd.concat([read_frame(path) for path in judged], ignore_index=True), confidence)
    save(frame, render(frame, confidence), csv, **rendered)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            judged=[Path(path) for path in snakemake.input.judged],
            confidence=snakemake.params.confidence,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
