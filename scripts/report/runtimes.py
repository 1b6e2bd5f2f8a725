"""How long the trainings took."""

import json
from collections.abc import Sequence
from pathlib import Path

from daenr.logs import run_main
from daenr.reporting import runtimes
from daenr.reporting.rendering import save


def main(trainings: Sequence[Path], csv: Path, **rendered: Path) -> None:
    frame = runtimes.tidy([json.loads(path.read_text(encoding="utf-8")) for path in trainings])
    save(frame, runtimes.render(frame), csv, **rendered)


if __name__ == "__main__":
    run_main(main, snakemake)
