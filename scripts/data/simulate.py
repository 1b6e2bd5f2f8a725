"""Simulate a recording in the published layout."""

from daenr.data.simulated import simulate_archive
from daenr.logs import run_main

if __name__ == "__main__":
    run_main(simulate_archive, snakemake)
