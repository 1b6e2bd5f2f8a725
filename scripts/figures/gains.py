"""What joint training gains over each control."""

from pathlib import Path

import pandas as pd

from daenr.logs import to_file
from daenr.reporting import control_figures, figures


def main(controls: Path, confidence: float, png: Path, pdf: Path) -> None:
    figures.save(control_figures.gains(pd.read_csv(controls), confidence), png, pdf)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            controls=Path(snakemake.input.controls),
            confidence=snakemake.params.confidence,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
