"""The plan: every training that the paper's tables and figures need, each once.

A ``Cell`` is one place in a table of the paper and the run whose metrics stand there; two tables that need the same
training share it. This module is imported while the workflow's files are parsed, so it needs the standard library
alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any

from daenr.paper.published import Weight, weights
from daenr.registry import AUTOENCODERS, END_TO_END, READOUTS, joint_names, split_model
from daenr.run import RANDOM, Run

TABLE_METRICS: Mapping[str, tuple[str, ...]] = {
    "table2": ("mse", "psnr", "ssim"),
    "table3": ("mse", "ssim", "psnr"),
    "table4": ("pcc",),
    "table5": ("mse", "psnr", "ssim"),
    "table6": ("pcc",),
}
"""Metrics of the paper's tables of results, in the order in which it prints them."""

WEIGHT_TABLES: Mapping[str, tuple[str, ...]] = {
    "table2": ("table8",),
    "table3": ("table8",),
    "table4": ("table9",),
    "table5": ("table10",),
    "table6": ("table11", "table12", "table13"),
    "controls-ir": ("table8",),
    "controls-nrs": ("table9",),
}
"""Where the paper prints the loss weights of a table of results: Table 6 has a table of them for each region."""

CONTROL_METRICS: Mapping[str, tuple[str, ...]] = {
    "controls-ir": ("mse", "psnr", "ssim"),
    "controls-nrs": ("pcc",),
}
"""The two halves of the controls' table: reconstruction and responses."""


@dataclass(frozen=True)
class Cell:
    """One row and column group of a table of the paper, and the run whose metrics stand there.

    The layer is the table's, not the run's: Table 5 prints a plain auto-encoder under each of h1 ... h4.
    ``control`` is empty in the paper's tables; in those of the controls it names the row: ``baseline``, ``joint``
    or one of ``CONTROLS``.
    """

    table: str
    region: str
    model: str
    layer: str | None
    neurons: str
    run: Run
    control: str = ""

    def row(self) -> dict[str, Any]:
        """The cell as plain values, the run by its name: what a job is handed."""
        return {**vars(self), "run": self.run.name}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Cell":
        """The cell that ``row`` gave."""
        return cls(**{**row, "run": Run.parse(row["run"])})


def tables_alone(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config without whatever it asks for beside its tables of the paper."""
    return {
        **config,
        **{"figures": [], "controls": [], "references": [], "variants": {}},
        "optimal_images": {**config["optimal_images"], "neurons": 0},
        "engine": {**config["engine"], "model": None},
    }


class Plan:
    """What a config asks for: runs, and the tables and figures that they serve.

    Args:
        config: the resolved config (see ``config/README.md``).
        paper: the folder with the paper's numbers, ``config/paper``.
        variant: name of a variant of the config whose runs these are, or None.
    """

    def __init__(self, config: Mapping[str, Any], paper: Path, variant: str | None = None) -> None:
        self.config = config
        self.variant = variant
        self._paper = paper
        self._tables: Mapping[str, Callable[[int], Iterable[Cell]]] = {
            "table2": self._table2,
            "table3": self._table3,
            "table4": self._table4,
            "table5": self._table5,
            "table6": self._table6,
            "controls-ir": partial(self._controls, "controls-ir", "cae"),
            "controls-nrs": partial(self._controls, "controls-nrs", "cnn-fr"),
        }

    @cached_property
    def _weights(self) -> list[Weight]:
        """The rows that the config's ``weights`` leads to, read where a cell asks for them.

        Raises:
            ValueError: nothing is chosen, the file is not there, or a cell of it is not what it must be.
        """
        chosen = self.config["weights"]
        if chosen is None:
            raise ValueError(
                "weights: the paper's loss weights are for its own recording; choose for this one: "
                f"results/{self.config['dataset']['name']}/weights.csv, which `snakemake weights` makes, "
                "{alpha: 1, beta: 0.1} for all models, or paper, if the regions have the names that they have there"
            )
        path = self._paper / "weights.csv" if chosen == "paper" else Path(chosen)
        if not path.is_file():
            raise ValueError(f"weights: there is no file {path}")
        return weights(path)

    @property
    def regions(self) -> list[str]:
        """Regions of the config, in its order."""
        return list(self.config["regions"])

    @property
    def focus(self) -> str:
        """The region of Tables 3 and 5 and Figures 2, 3 and 4; region 3 in the paper."""
        return str(self.config["focus_region"])

    @property
    def other_regions(self) -> list[str]:
        """Regions that the paper shows in its appendix: all but the focus."""
        return [region for region in self.regions if region != self.focus]

    def cells(self, *tables: str) -> list[Cell]:
        """Cells of each table in the paper's order, one a seed, of the models that the config has."""
        return [
            cell
            for table in tables
            for seed in self.config["seeds"]
            for cell in self._tables[table](seed)
            if cell.model in self.config["models"]
        ]

    def references(self) -> list[Cell]:
        """Models of other papers beside Table 4, one a region and seed."""
        if "table4" not in self.config["tables"]:
            return []
        return [
            self._cell("table4", region, model, None, seed)
            for seed in self.config["seeds"]
            for model in self.config["references"]
            for region in self.regions
        ]

    def reconstruction_runs(self, region: str) -> list[Run]:
        """Figures 2, 6, 7: the CAE and CAE-FR_1 ... 4 with the weights of Table 8, first seed."""
        return self._shown(self._table2(self.config["seeds"][0], region))

    def significance_runs(self, region: str) -> list[Run]:
        """Figures 3 and 8: CAE-FR_1 ... 4 with the weights of Table 8, all seeds."""
        runs = self._shown(cell for seed in self.config["seeds"] for cell in self._table2(seed, region))
        return [run for run in runs if run.layer is not None]

    def comparison_runs(self) -> list[Run]:
        """Figure 4: CNN-FR_i and CAE-FR_i in the focus region, all seeds.

        The weights are those of the task ``significance.figure4_task``: the similarity task's (Table 9),
        since the paper discusses the figure there, or the reconstruction task's, which its caption names.
        """
        runs = self._shown(cell for seed in self.config["seeds"] for cell in self._table4(seed, self.focus))
        baselines = [run for run in runs if run.model == "cnn-fr"]
        if self.config["significance"]["figure4_task"] == "ir":
            return [*baselines, *self.significance_runs(self.focus)]
        return [*baselines, *(run for run in runs if run.model == "cae-fr")]

    def counted_runs(self) -> dict[str, list[Run]]:
        """Runs whose significant neurons a figure counts, by figure, of those that come out of this config."""
        figures = self.config["figures"]
        counted = {}
        if "figure3" in figures:
            counted["figure3"] = self.significance_runs(self.focus)
        if "figure8" in figures and self.other_regions:
            counted["figure8"] = [
                run for region in self.other_regions for run in self.significance_runs(region)
            ]
        if "figure4" in figures:
            counted["figure4"] = self.comparison_runs()
        return counted

    def weighted_runs(self) -> list[tuple[str, Run]]:
        """Joint runs of the config's tables, each with the table of the paper that prints its weights."""
        pairs = [
            (WEIGHT_TABLES[table][0], cell.run)
            for table in ("table2", "table4", "table5")
            if table in self.config["tables"]
            for cell in self.cells(table)
            if cell.model in joint_names()
        ]
        return list(dict.fromkeys(pairs))

    def optimal_runs(self, region: str, model: str) -> list[Run]:
        """Runs, one a seed, whose neurons get images that drive them; none unless the config asks for them."""
        wanted = self.config["optimal_images"]
        if not wanted["neurons"]:
            return []
        return [self._predicting(region, model, wanted["layer"], seed).run for seed in self.config["seeds"]]

    def drawing_runs(self, region: str) -> list[Run]:
        """The optimal runs of all models that the config names for it."""
        models = self.config["optimal_images"]["models"]
        return [run for model in models for run in self.optimal_runs(region, model)]

    def optimal_judge(self, region: str) -> Run:
        """What reconstructs such images without having drawn any: the plain CAE, which knows no neurons."""
        return self._cell("", region, "cae", None, self.config["seeds"][0]).run

    def engine_runs(self) -> list[Run]:
        """Runs, one a region, that answer images in place of the animal; none unless the config names their model."""
        return [cell.run for cell in self._engines()]

    def predicting_cells(self) -> list[Cell]:
        """Places in Tables 4 and 6 of what draws optimal images and of the engines, in every region, first seed."""
        wanted, seed = self.config["optimal_images"], self.config["seeds"][0]
        drawing = product(self.regions, wanted["models"] if wanted["neurons"] else ())
        drawn = [self._predicting(region, model, wanted["layer"], seed) for region, model in drawing]
        return [*drawn, *self._engines()]

    def _engines(self) -> list[Cell]:
        engine, seed = self.config["engine"], self.config["seeds"][0]
        if engine["model"] is None:
            return []
        return [self._predicting(region, engine["model"], engine["layer"], seed) for region in self.regions]

    def runs(self) -> list[Run]:
        """Every training that the config's tables and figures need, each once; 216 for the paper's with one seed."""
        wanted = [cell.run for cell in (*self.cells(*self.tables()), *self.references())]
        for region in self.figure_regions().values():
            wanted += self.reconstruction_runs(region)
        for counted in self.counted_runs().values():
            wanted += counted
        for region in self.regions:
            drawing = self.drawing_runs(region)
            wanted += [*drawing, *([self.optimal_judge(region)] if drawing else [])]
        wanted += self.engine_runs()
        wanted += [run for plan in self.variants().values() for run in plan.runs()]
        needed = [run.parent for run in wanted] + [run.pretrained for run in wanted if run.pretrained]
        return list(dict.fromkeys(wanted + needed))

    def tables(self) -> list[str]:
        """Tables of results that come out of this config, the two halves of the controls' among them."""
        papers = [table for table in TABLE_METRICS if table in self.config["tables"]]
        return [*papers, *(CONTROL_METRICS if self.config["controls"] else ())]

    def variants(self) -> dict[str, "Plan"]:
        """The plan of each variant, which repeats the tables alone."""
        return {
            name: Plan({**tables_alone(self.config), **sections}, self._paper, name)
            for name, sections in self.config["variants"].items()
        }

    def figure_regions(self) -> dict[str, str]:
        """The region that each figure of reconstructions shows.

        Figure 2 shows the focus region and Figures 6 and 7 the two others, as in the paper. A recording with more
        regions gets ``figure2-regionN``, one with fewer lacks Figure 7 or both.
        """
        others = self.other_regions
        regions = {"figure2": self.focus, **dict(zip(("figure6", "figure7"), others, strict=False))}
        shown = {figure: region for figure, region in regions.items() if figure in self.config["figures"]}
        if "figure2" in self.config["figures"]:
            shown |= {f"figure2-{region}": region for region in others[2:]}
        return shown

    def figures(self) -> list[str]:
        """Names of the figures that come out of this config."""
        stimuli = {"figure5"} & set(self.config["figures"])
        return sorted([*self.figure_regions(), *self.counted_runs(), *stimuli])

    def _shown(self, cells: Iterable[Cell]) -> list[Run]:
        return [cell.run for cell in cells if cell.model in self.config["models"]]

    def _weight(self, table: str, region: str, model: str, layer: str) -> tuple[float, float]:
        """Alpha and beta of a joint model in a table; 1 and 1 for a model that the paper lacks.

        Raises:
            ValueError: the config chooses no weights, or its file has none for the model.
        """
        chosen = self.config["weights"]
        if isinstance(chosen, Mapping):
            return chosen["alpha"], chosen["beta"]
        found = {
            weight.region: (weight.alpha, weight.beta)
            for weight in self._weights
            if weight.table in WEIGHT_TABLES[table] and (weight.model, weight.layer) == (model, layer)
        }
        if chosen == "paper":
            # Table 10 has one region only, which serves for any.
            return found.get(region) or next(iter(found.values()), (1.0, 1.0))
        if region not in found:
            where = " or ".join(WEIGHT_TABLES[table])
            raise ValueError(f"weights: {chosen} has no row for {where}, {region}, {model}, {layer}")
        return found[region]

    def _cell(self, table: str, region: str, model: str, layer: str | None, seed: int) -> Cell:
        """A cell on all neurons; models that the config leaves out, and those of one task, need no weights."""
        autoencoder, readout = split_model(model)
        alpha = beta = 1.0
        optimal = self.config["optimal_images"]
        drawing = optimal["models"] if optimal["neurons"] else ()
        shown = (*self.config["models"], *drawing, self.config["engine"]["model"])
        if autoencoder and readout and layer and model in shown:
            alpha, beta = self._weight(table, region, model, layer)
        run = Run(
            dataset=self.config["dataset"]["name"],
            region=region,
            model=model,
            layer=layer if readout else None,
            alpha=alpha if autoencoder else 0.0,
            beta=beta if readout else 0.0,
            neurons="all",
            seed=seed,
            variant=self.variant,
        )
        return Cell(table, region, model, layer, "all", run)

    def _predicting(self, region: str, model: str, layer: str, seed: int) -> Cell:
        """A model with its weights for predicting responses."""
        table = "table4" if model in ("cnn-fr", "cae-fr") else "table6"
        return self._cell(table, region, model, layer, seed)

    def _table2(self, seed: int, *regions: str) -> Iterable[Cell]:
        for region in regions or self.regions:
            yield self._cell("table2", region, "cae", None, seed)
            for layer in self.config["layers"]:
                yield self._cell("table2", region, "cae-fr", layer, seed)

    def _table3(self, seed: int) -> Iterable[Cell]:
        cells = [self._cell("table3", self.focus, "cae-fr", layer, seed) for layer in self.config["layers"]]
        for kind in ("", RANDOM) if self.config["significance"]["random_groups"] else ("",):
            for cell, group in product(cells, ("significant", "insignificant")):
                neurons = f"{kind}{group}"
                yield replace(cell, neurons=neurons, run=replace(cell.run, neurons=neurons))

    def _table4(self, seed: int, *regions: str) -> Iterable[Cell]:
        for region, layer in product(regions or self.regions, self.config["layers"]):
            yield self._cell("table4", region, "cnn-fr", layer, seed)
            yield self._cell("table4", region, "cae-fr", layer, seed)

    def _table5(self, seed: int) -> Iterable[Cell]:
        for autoencoder in AUTOENCODERS:
            for model in (autoencoder, *(f"{autoencoder}-{readout}" for readout in READOUTS)):
                for layer in self.config["layers"]:
                    yield self._cell("table5", self.focus, model, layer, seed)

    def _table6(self, seed: int) -> Iterable[Cell]:
        for readout in READOUTS:
            for encoder in (END_TO_END, *AUTOENCODERS):
                for region in self.regions:
                    for layer in self.config["layers"]:
                        yield self._cell("table6", region, f"{encoder}-{readout}", layer, seed)

    def _controls(self, table: str, plain: str, seed: int) -> Iterable[Cell]:
        """The baseline (CAE or CNN-FR_i), CAE-FR_i, and those of its controls that the config asks for.

        Where the encoder is held fixed, to predict responses, there is one task left, so alpha is 0 and beta 1 as in
        CNN-FR_i.
        """
        for region, layer in product(self.regions, self.config["layers"]):
            yield replace(self._cell(table, region, plain, layer, seed), control="baseline")
            joint = self._cell(table, region, "cae-fr", layer, seed)
            yield replace(joint, control="joint")
            altered = {"shuffled": joint.run}
            if table == "controls-nrs":
                altered |= dict.fromkeys(("frozen", "random"), replace(joint.run, alpha=0.0, beta=1.0))
            for control, run in altered.items():
                if control in self.config["controls"]:
                    yield replace(joint, control=control, run=replace(run, control=control))
