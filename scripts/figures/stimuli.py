"""Figure 5: training stimuli of each region."""

from collections.abc import Sequence
from pathlib import Path

from daenr.data.region import read_region
from daenr.logs import to_file
from daenr.reporting.figures import save
from daenr.reporting.stimuli import stimuli


def main(names: Sequence[str], regions: Sequence[Path], png: Path, pdf: Path) -> None:
    images = {name: read_region(Path(path)).train_images for name, path in zip(names, regions, strict=True)}
    save(stimuli(images), png, pdf)


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            names=snakemake.params.regions,
            regions=snakemake.input.regions,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
