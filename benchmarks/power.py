"""What the tree of claims finds: planted gains in PCC, with 3 to 20 seeds and 50 or 200 test images.

    PYTHONPATH=. python benchmarks/power.py benchmarks/power.csv docs/power.png
    PYTHONPATH=. python benchmarks/power.py --methods benchmarks/inference.csv

The first draws sets of results for every claim of the paper, with the variances that were seen in trainings, and has
``daenr.paper.verdicts`` decide them. The second compares ways to test a mean over crossed seeds and images, by how
often each calls a difference that is not there significant, over the level that it is asked for (1 is right).
"""

import argparse
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import special

from daenr.paper.claims import Claim, Pairs, claim_tree
from daenr.paper.plan import Plan
from daenr.paper.power import SPREADS
from daenr.paper.resolved import resolve
from daenr.paper.verdicts import CONTRADICTED, PRACTICALLY_NONE, SUPPORTED, VERDICTS, Decision, Rules, decide
from daenr.run import Run
from daenr.statistics.inference import Difference, crossed

ROOT = Path(__file__).parents[1]
SETS = 400


# ---- planted results ----------------------------------------------------------------------------------


REGIONS, CELLS = 3, 12
"""Of a primary claim: four layers in each of three regions."""


CONFIG = resolve(
    {"dataset": {"name": "x", "layout": "simulated"}, "controls": ["shuffled", "frozen"], "seeds": [0]}, ROOT
)
RULES = Rules(**CONFIG["comparison"])


@cache
def tree() -> tuple[Claim, ...]:
    """All claims of the paper with the runs of one seed, which stand for cells here."""
    return claim_tree(Plan(CONFIG, ROOT / "config/paper"))


@cache
def _cells() -> Mapping[str, Mapping[str, list[tuple[str, list[int]]]]]:
    """By claim and contrast: the regions, and the numbers of the cells in each."""
    number: dict[tuple[Run, Run], int] = {}

    def numbers(pairs: Pairs, region: str) -> list[int]:
        runs = [(treated.run, reference.run) for treated, reference in pairs if treated.region == region]
        return [number.setdefault(pair, len(number)) for pair in runs]

    return {
        claim.name: {
            name: [(region, numbers(pairs, region)) for region in claim.regions]
            for name, pairs in claim.contrasts.items()
        }
        for root in tree()
        for claim, _ in root.walk()
    }


class Planted:
    """One set of results, in which every cell gains the same: a table of seeds by images each.

    A seed deviates by a part that all cells share and a part of the cell's own, of equal variance; so does an image,
    whose shared part is shared within its region.

    Args:
        gain: of every cell, by metric.
        seeds: how many.
        images: how many a region.
        rng: draws the deviations.
    """

    def __init__(self, gain: Mapping[str, float], seeds: int, images: int, rng: np.random.Generator) -> None:
        self._gain = gain
        count = 1 + max(max(cells) for c in _cells().values() for r in c.values() for _, cells in r)
        self._shared = {metric: rng.standard_normal(seeds) for metric in SPREADS}
        self._of_region = {
            (metric, region): (rng.standard_normal(images), rng.standard_normal((seeds, images)))
            for metric in SPREADS
            for region in tree()[0].regions
        }
        self._own = rng.standard_normal((count, seeds)), rng.standard_normal((count, images))
        self._found: dict[str, dict[str, Difference]] = {}

    def __call__(self, claim: Claim) -> dict[str, Difference]:
        """The difference of each contrast, as ``decide`` asks for it."""
        if claim.name not in self._found:
            self._found[claim.name] = {
                name: crossed([self._table(claim.metric, region, cells) for region, cells in regions])
                for name, regions in _cells()[claim.name].items()
            }
        return self._found[claim.name]

    def _table(self, metric: str, region: str, cells: Sequence[int]) -> np.ndarray:
        like = metric if metric in SPREADS else "pcc"
        seed, image, interaction = SPREADS[like].components
        of_image, rest = self._of_region[like, region]
        own_seed, own_image = (own[cells].mean(axis=0) for own in self._own)
        table: np.ndarray = (
            self._gain.get(metric, 0.0)
            + seed * (self._shared[like] + own_seed)[:, None] / (1 + 1 / CELLS) ** 0.5
            + image * (of_image + own_image) / (1 / REGIONS + 1 / CELLS) ** 0.5
            + interaction * rest * REGIONS**0.5
        )
        return 100 * table if metric == "significant" else table  # so many neurons


def primaries() -> tuple[Claim, ...]:
    """The two primary claims, without the tree below them."""
    return tuple(replace(root, children=()) for root in tree())


def decided(
    gain: Mapping[str, float],
    claims: Sequence[Claim] | None = None,
    seeds: int = 5,
    images: int = 50,
    sets: int = SETS,
    seed: int = 0,
) -> list[dict[str, Decision]]:
    """The decisions on some claims, by default the whole tree, in each of ``sets`` sets of planted results."""
    rng = np.random.default_rng([seed, seeds, images])
    return [decide(claims or tree(), Planted(gain, seeds, images, rng), RULES) for _ in range(sets)]


def wrong(decisions: Mapping[str, Decision]) -> bool:
    """Whether a set without any effect has a claim that is supported or contradicted."""
    return any(decision.verdict in (SUPPORTED, CONTRADICTED) for decision in decisions.values())


# ---- power --------------------------------------------------------------------------------------------


def power(
    seeds: Sequence[int], images: Sequence[int], gains: Sequence[float], sets: int = SETS
) -> pd.DataFrame:
    """Shares of the verdicts on the primary claim on PCC, by seeds, images and planted gain.

    ``wrong`` is, where no gain is planted, the share of sets in which any claim of the tree is decided.
    """
    rows = []
    for size, count, gain in itertools.product(images, seeds, gains):
        results = decided({"pcc": gain}, primaries() if gain else tree(), count, size, sets)
        verdicts = Counter(result["pcc"].verdict for result in results)
        row: dict[str, float] = {"images": size, "seeds": count, "gain": gain, "sets": sets}
        row |= {verdict: verdicts[verdict] / sets for verdict in VERDICTS}
        decided_wrongly = sum(map(wrong, results)) / sets
        rows.append(row | {"wrong": np.nan if gain else decided_wrongly})
    return pd.DataFrame(rows)


def plot(frame: pd.DataFrame, path: Path) -> None:
    """A panel for each number of test images: the chance of the answer that the planted gain deserves."""
    groups = frame.groupby("images")
    figure, axes = plt.subplots(
        1, len(groups), figsize=(8, 3.4), sharey=True, squeeze=False, layout="constrained"
    )
    axes = axes[0]
    for axis, (_, panel) in zip(axes, groups, strict=True):
        for gain in panel["gain"].unique():
            line = panel[panel["gain"] == gain]
            answer = SUPPORTED if gain else PRACTICALLY_NONE
            label = f"gain {gain:.3f}, {answer}" if gain else f"no gain, {answer}"
            style = "o-" if gain else "s--"
            axis.plot(line["seeds"], line[answer], style, label=label)
        axis.axhline(0.8, color="0.6", linewidth=0.8)
        axis.set(
            title=f"{int(panel['images'].iloc[0])} test images", xlabel="seeds", xscale="log", ylim=(0, 1.02)
        )
        axis.set_xticks(panel["seeds"].unique(), panel["seeds"].unique())
        axis.minorticks_off()
    axes[0].set_ylabel("share of sets with this verdict")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(path, dpi=150)


# ---- methods ------------------------------------------------------------------------------------------

Test = Callable[[Difference, float], bool]


def _satterthwaite(found: Difference, level: float) -> bool:
    return 2 * float(special.stdtr(found.freedom, -abs(found.estimate) / found.error)) <= level


def _corrected_bootstrap(found: Difference, level: float) -> bool:
    """Schuett et al. 2023: for a mean it has the variance of the quasi-F; the t is that of the smaller factor."""
    freedom = min(found.seeds, found.units) - 1
    return 2 * float(special.stdtr(freedom, -abs(found.estimate) / found.error)) <= level


def _larger_p(found: Difference, level: float) -> bool:
    """Each factor alone, neither of which knows of the other."""
    return found.estimate**2 >= max(found.of_seeds.reach(level), found.of_units.reach(level))


METHODS: Mapping[str, Test] = {
    "t of each mean square": Difference.significant,
    "Satterthwaite": _satterthwaite,
    "corrected two-factor bootstrap": _corrected_bootstrap,
    "larger of two p": _larger_p,
}


def methods(sets: int = 10 * SETS, seed: int = 0) -> pd.DataFrame:
    """Each method's rate of false findings over its level, and its power for the planted gain of .017 in PCC."""
    shares, rows = (0.0, 0.15, 0.5, 0.8, 1.0), []
    rng = np.random.default_rng(seed)
    for seeds, share, rest in itertools.product((2, 3, 5, 10), shares, (0.0, 1.0)):
        deviations = (share * seeds) ** 0.5, ((1 - share) * 50) ** 0.5, (rest * 50) ** 0.5
        found = [crossed([_table(0.0, seeds, deviations, rng)]) for _ in range(sets)]
        for (name, test), level in itertools.product(METHODS.items(), (0.05, 0.0125)):
            rate = np.mean([test(difference, level) for difference in found]) / level
            row = {"seeds": seeds, "seeds_share": share, "rest": rest, "method": name, "level": level}
            rows.append(row | {"false_over_level": rate})
    planted = [crossed([_table(0.017, 5, SPREADS["pcc"].components, rng)]) for _ in range(sets)]
    reach = {name: np.mean([test(found, 0.025) for found in planted]) for name, test in METHODS.items()}
    return pd.DataFrame(rows).assign(power=lambda frame: frame["method"].map(reach))


def _table(
    gain: float, seeds: int, deviations: tuple[float, float, float], rng: np.random.Generator
) -> np.ndarray:
    """Of seeds by 50 images."""
    seed, image, rest = deviations
    parts = (seed * rng.standard_normal((seeds, 1)), image * rng.standard_normal((1, 50)))
    return gain + parts[0] + parts[1] + rest * rng.standard_normal((seeds, 50))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("csv", type=Path)
    parser.add_argument("png", type=Path, nargs="?")
    parser.add_argument("--methods", action="store_true")
    arguments = parser.parse_args()
    frame = methods() if arguments.methods else power((3, 5, 10, 20), (50, 200), (0.0, 0.009, 0.017, 0.022))
    frame.to_csv(arguments.csv, index=False, float_format="%.4g", lineterminator="\n")
    if arguments.png:
        plot(frame, arguments.png)


if __name__ == "__main__":
    main()
