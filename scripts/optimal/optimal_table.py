"""The table of images that drive a neuron."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from daenr.files import read_frame
from daenr.logs import run_main
from daenr.reporting.optimal_table import render, tidy
from daenr.reporting.rendering import save


def main(judged: Sequence[Path], confidence: float, csv: Path, **rendered: Path) -> None:
    frame = tidy(pd.concat([read_frame(path) for path in judged], ignore_index=True), confidence)
    save(frame, render(frame, confidence), csv, **rendered)


if __name__ == "__main__":
    run_main(main, snakemake)
