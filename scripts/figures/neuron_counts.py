"""Figures 3, 4 and 8: how many neurons each model predicts significantly."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from daenr.files import atomic
from daenr.logs import to_file
from daenr.reporting import figures
from daenr.run import Run
from daenr.statistics.significance import RULES

COUNTS = ["significant", "insignificant", "significant_bh", "significant_permutation", "chance"]


def main(
    figure: str,
    runs: Sequence[str],
    significance: Sequence[Path],
    threshold: float,
    png: Path,
    pdf: Path,
    csv: Path,
) -> None:
    counts = pd.DataFrame(
        [count(Run.parse(name), Path(path)) for name, path in zip(runs, significance, strict=True)],
        columns=["region", "model", "layer", "seed", *COUNTS],
    )
    with atomic(csv) as path:
        counts.to_csv(path, index=False, lineterminator="\n")
    draw = figures.neuron_counts_by_model if figure == "figure4" else figures.neuron_counts
    mean = (
        counts.drop(columns="seed").groupby(["region", "model", "layer"], sort=False, as_index=False).mean()
    )
    figures.save(draw(mean, threshold), png, pdf)


def count(run: Run, significance: Path) -> list[object]:
    tested = pd.read_csv(significance)
    significant, bh, permutation = (int(tested[rule].sum()) for rule in RULES)
    key = [run.region, run.model, run.layer, run.seed]
    return [*key, significant, len(tested) - significant, bh, permutation, tested["chance"].sum()]


if __name__ == "__main__":
    with to_file(Path(snakemake.log[0])):
        main(
            figure=snakemake.wildcards.figure,
            runs=snakemake.params.runs,
            significance=snakemake.input.significance,
            threshold=snakemake.params.threshold,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
