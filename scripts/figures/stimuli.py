"""Figure 5: training stimuli of each region."""

from collections.abc import Sequence
from pathlib import Path

from daenr.data.region import read_region
from daenr.logs import run_main
from daenr.reporting.figures import save
from daenr.reporting.stimuli import stimuli


def main(regions: Sequence[Path], png: Path, pdf: Path) -> None:
    save(stimuli({path.stem: read_region(path).train_images for path in regions}), png, pdf)


if __name__ == "__main__":
    run_main(main, snakemake)
