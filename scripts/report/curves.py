"""Training curves of all runs."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from daenr.files import read_frame
from daenr.logs import run_main
from daenr.reporting.curves import curve, training_curves
from daenr.reporting.figures import save
from daenr.run import Run


def main(histories: Sequence[Path], png: Path, pdf: Path) -> None:
    frames = [curve(Run.parse(path.parent.name), read_frame(path)) for path in histories]
    save(training_curves(pd.concat(frames, ignore_index=True)), png, pdf)


if __name__ == "__main__":
    run_main(main, snakemake)
