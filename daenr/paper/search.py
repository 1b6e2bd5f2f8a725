"""The search for loss weights: what Tables 8-13 are the outcome of, for a recording of one's own.

Every weight that the tables need is a choice between tries: trainings that differ in beta : alpha alone. Beside them
each model of one task is tried as often, with other seeds. Validation images choose. Imported while the workflow's
files are parsed, so it stays light.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from daenr.config import SEARCH, VARIED, ConfigError, validate
from daenr.paper.plan import TABLE_METRICS, WEIGHT_TABLES, Cell, Plan
from daenr.paper.published import Weight

_EQUAL = {"alpha": 1.0, "beta": 1.0}

TASKS = {
    printed: "nrs" if TABLE_METRICS[table] == ("pcc",) else "ir"
    for table in TABLE_METRICS
    for printed in WEIGHT_TABLES[table]
}
"""What the weights of a table of the paper were chosen for: image reconstruction or responses."""


def tries(config: Mapping[str, Any], paper: Path) -> list[Cell]:
    """The trainings to choose from; those with one table, region, model and layer are the tries of one choice.

    Table 6's weights go by ``table11``, whatever the region.

    Args:
        config: the resolved config; its own weights are not looked at.
        paper: the folder with the paper's numbers.
    """
    settings = config["weight_search"]
    plan = Plan({**config, "weights": _EQUAL, "seeds": config["seeds"][:1]}, paper, SEARCH)
    found = []
    for cell in [*plan.cells(*_tables(config)), *plan.predicting_cells()]:
        runs = []
        if cell.run.alpha and cell.run.beta:
            pairs = [(1 / max(ratio, 1.0), min(ratio, 1.0)) for ratio in sorted(settings["ratios"])]
            runs = [replace(cell.run.parent, alpha=alpha, beta=beta) for alpha, beta in pairs]
        elif settings["baseline_tries"]:
            seeds = range(cell.run.seed, cell.run.seed + len(settings["ratios"]))
            runs = [replace(cell.run, seed=seed) for seed in seeds]
        table = WEIGHT_TABLES[cell.table][0]
        found += [Cell(table, cell.region, cell.model, run.layer, "all", run) for run in runs]
    return list(dict.fromkeys(found))


def _tables(config: Mapping[str, Any]) -> list[str]:
    """Tables of results whose weights the config's tables, figures and controls need."""
    figures, controls = set(config["figures"]), set(config["controls"])
    needed = set(config["tables"]) & WEIGHT_TABLES.keys()
    needed |= {"table2"} if figures - {"figure5"} or controls else set()
    needed |= {"table4"} if "figure4" in figures or controls else set()
    return sorted(needed)


def settings(config: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Sections of the config as the tries take them: the search's schedule, and one validation split for all seeds.

    Args:
        config: the resolved config.
        root: the project's folder, where ``weight_search.schedule`` is looked for if the working folder lacks it.

    Raises:
        ConfigError: the schedule's file is not there, or has a training section that is not allowed.
    """
    own = {section: config[section] for section in VARIED}
    own["split"] = {**own["split"], "by_seed": False}
    if named := config["weight_search"]["schedule"]:
        path = Path(named) if Path(named).exists() else root / named
        if not path.is_file():
            raise ConfigError(f"weight_search.schedule: there is no file {path}")
        written = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        try:
            found = validate({"training": {**own["training"], **written.get("training", {})}})
        except ConfigError as error:
            raise ConfigError(f"weight_search.schedule: {path}: {error}") from error
        own["training"] = found.training.model_dump(mode="json")
    return own


def validation_mse(training: Mapping[str, Any], history: Sequence[Mapping[str, str]], pixels: int) -> float:
    """Squared error per pixel on the validation images with the parameters that were kept.

    Args:
        training: the run's ``training.json``.
        history: rows of its ``history.csv``.
        pixels: of an image.
    """
    (kept,) = (row for row in history if int(row["step"]) == training["best_step"])
    error = float(kept["validation_reconstruction"])
    return error if training["config"]["loss"]["reconstruction"] == "mean" else error / pixels


def choose(cells: Sequence[Cell], scores: Mapping[tuple[str, str], float]) -> list[Cell]:
    """The best try of each choice, in their order.

    Args:
        cells: the tries.
        scores: of each task and run, by their names: MSE for ``ir``, the less the better, correlation for ``nrs``.

    Returns:
        Of equal scores the one with the smaller beta : alpha, then the smaller seed.
    """

    def rank(cell: Cell) -> tuple[float, float, int]:
        score = scores[TASKS[cell.table], cell.run.name]
        alpha, beta = cell.run.alpha, cell.run.beta
        return score if TASKS[cell.table] == "ir" else -score, beta / alpha if alpha else 0.0, cell.run.seed

    choices: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        choices.setdefault((cell.table, cell.region, cell.model, cell.layer), []).append(cell)
    return [min(tried, key=rank) for tried in choices.values()]


def chosen_weights(chosen: Sequence[Cell]) -> list[Weight]:
    """The choices that are weights, as rows of a file like the paper's; models of one task have none."""
    return [
        Weight(
            cell.table, TASKS[cell.table], cell.region, cell.model, cell.layer, cell.run.alpha, cell.run.beta
        )
        for cell in chosen
        if cell.layer and cell.run.alpha and cell.run.beta
    ]
