"""What joint training gains over each control."""

from pathlib import Path

from daenr.files import read_frame
from daenr.logs import run_main
from daenr.reporting.figures import save
from daenr.reporting.gains import gains


def main(controls: Path, confidence: float, png: Path, pdf: Path) -> None:
    save(gains(read_frame(controls), confidence), png, pdf)


if __name__ == "__main__":
    run_main(main, snakemake)
