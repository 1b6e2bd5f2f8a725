"""Where the time of a finished run of the workflow went, rule by rule.

    PYTHONPATH=. python benchmarks/where.py results/demo --cores 2

Reads what Snakemake noted of each job in .snakemake/metadata, and the seconds of each fit in training.json; the run
must have been made in one go. What no job held of the cores between the first job and the last is Snakemake's:
scheduling, and the end, when too few jobs are left to keep the cores busy.
"""

import argparse
import json
from base64 import b64decode
from collections import defaultdict
from pathlib import Path


def jobs(metadata: Path, results: Path) -> dict[tuple[str, ...], tuple[str, float, float]]:
    """Rule, start and end of each job, by its log; a job with several outputs counts once."""
    found: dict[tuple[str, ...], tuple[str, float, float]] = {}
    for file in metadata.rglob("*"):
        if file.is_file():
            record = json.loads(file.read_text(encoding="utf-8"))
            if _output(file, metadata).startswith(f"{results}/") and record.get("endtime"):
                found[tuple(record["log"])] = (record["rule"], record["starttime"], record["endtime"])
    return found


def _output(file: Path, metadata: Path) -> str:
    """Path of the output that a file of metadata is about; Snakemake spells it in base64, long ones as folders."""
    return b64decode("".join(part.removeprefix("@") for part in file.relative_to(metadata).parts)).decode()


def main(results: Path, cores: int) -> None:
    """Print the table."""
    found = jobs(Path(".snakemake/metadata"), results)
    wall = max(end for _, _, end in found.values()) - min(start for _, start, _ in found.values())
    by_rule: dict[str, list[float]] = defaultdict(list)
    for rule, start, end in found.values():
        by_rule[rule].append(end - start)
    records = [json.loads(path.read_text(encoding="utf-8")) for path in results.glob("runs/*/training.json")]
    fits = [record.get("seconds") or 0 for record in records]
    print(f"| rule | jobs | seconds each, median | core seconds | share of {cores} x {wall:.0f} s |")
    print("| --- | --- | --- | --- | --- |")
    for rule, seconds in sorted(by_rule.items(), key=lambda item: -sum(item[1])):
        median = sorted(seconds)[len(seconds) // 2]
        share = sum(seconds) / (cores * wall)
        print(f"| {rule} | {len(seconds)} | {median:.2f} | {sum(seconds):.0f} | {100 * share:.1f}% |")
    print(
        f"| of train: in fits | {len(fits)} | | {sum(fits):.0f} | {100 * sum(fits) / (cores * wall):.1f}% |"
    )
    busy = sum(sum(seconds) for seconds in by_rule.values())
    print(f"| no job | | | {cores * wall - busy:.0f} | {100 * (1 - busy / (cores * wall)):.1f}% |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path)
    parser.add_argument("--cores", type=int, required=True)
    options = parser.parse_args()
    main(options.results, options.cores)
