"""Images that drive the neurons of one region."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from daenr.data.preprocessing import to_unit
from daenr.data.simulated import filters, true_population
from daenr.files import read_arrays, read_frame
from daenr.logs import run_main
from daenr.reporting.figures import save
from daenr.reporting.optimal_figure import optimal_images


def main(
    region: str,
    images: Sequence[Path],
    judged: Sequence[Path],
    intensity_range: Sequence[float],
    simulation: Mapping[str, int] | None,
    png: Path,
    pdf: Path,
) -> None:
    found = read_arrays(images[0])
    rows = dict(zip(found["methods"].tolist(), to_unit(found["images"], intensity_range), strict=True))
    known = filters(true_population(region, **simulation))[found["neurons"]] if simulation else None
    frame = pd.concat([read_frame(path) for path in judged], ignore_index=True)
    save(optimal_images(rows, known, frame), png, pdf)


if __name__ == "__main__":
    run_main(main, snakemake)
