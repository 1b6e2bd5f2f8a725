import os
import re
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(os.path.relpath(Path(workflow.basedir).parent))
sys.path.insert(0, str(ROOT.absolute()))
# The jobs' scripts import the package from here, installed or not.
os.environ.update(
    PYTHONPATH=os.pathsep.join([str(ROOT.absolute()), os.getenv("PYTHONPATH", "")])
)

from daenr.config import ConfigError, resolve
from daenr.datasets import antolik2016
from daenr.runs import Plan, Run

PAPER = ROOT / "config/paper"

try:
    config = resolve(config, ROOT)
    PLAN = Plan(config, PAPER)
    RUNS = PLAN.runs()
except ConfigError as error:
    raise WorkflowError(f"Config error at {error}")
except ValueError as error:
    raise WorkflowError(f"Config error: {error}")

DATASET = config["dataset"]["name"]
RESULTS = f"results/{DATASET}"
MANIFEST = (
    {"manifest": config["dataset"]["manifest"]} if config["dataset"]["manifest"] else {}
)
TRAINING_CONFIG = {key: config[key] for key in ("model", "training", "loss", "device")}
FORMATS = ("csv", "md", "tex", "html")
FIGURE_REGIONS = PLAN.figure_regions()
COUNT_FIGURES = sorted({"figure3", "figure4", "figure8"} & set(PLAN.figures()))


wildcard_constraints:
    region="|".join(map(re.escape, config["regions"])),
    run="[^/]+",
    table="table[2-6]",


def package(*modules):
    """Files of the package that a rule's result depends on; Snakemake does not see through imports."""
    return [str(ROOT / "daenr" / f"{module}.py") for module in modules]


def planned(wildcards):
    """The run that a target names, refused before anything runs if its name or region is a typo."""
    try:
        run = Run.parse(wildcards.run)
    except ValueError as error:
        raise WorkflowError(str(error))
    if run.dataset != DATASET or run.region not in config["regions"]:
        raise WorkflowError(
            f"{run.name}: the config has dataset {DATASET!r} with regions {config['regions']}"
        )
    return run


def run_file(run, name):
    """Path of one of a run's files."""
    return f"{RESULTS}/runs/{run.name}/{name}"


def gpus():
    """GPUs that a training asks for; torch would tell better, but takes seconds to import."""
    if config["device"] == "auto":
        return int(shutil.which("nvidia-smi") is not None)
    return int(config["device"] == "cuda")


def growing(amount):
    """Twice the amount on the second attempt, three times on the third; a cluster's profile retries."""
    return lambda wildcards, attempt: amount * attempt


def training_group(wildcards):
    """Trainings that a cluster may pack into one allocation.

    A training on a neuron group waits for another training, so the two never share one.
    """
    return "trainings" if planned(wildcards).neurons == "all" else "group_trainings"


def archive():
    """The archive in the published layout, wherever it comes from."""
    if config["dataset"]["layout"] == "simulated":
        return f"{RESULTS}/data/archive.zip"
    if antolik2016.is_local(config["dataset"]["source"]):
        return config["dataset"]["source"]
    return f"data/{DATASET}.zip"


def training_input(wildcards):
    """A region file, and for a neuron group the significance test that makes the group."""
    run = planned(wildcards)
    files = {"region": f"{RESULTS}/data/{run.region}.h5"}
    if run.neurons != "all":
        files["significance"] = run_file(run.parent, "significance.csv")
    return files


def run_region(wildcards):
    return f"{RESULTS}/data/{planned(wildcards).region}.h5"


def tested_region(wildcards):
    """The same for a run whose neurons can be tested."""
    if planned(wildcards).layer is None:
        raise WorkflowError(f"{wildcards.run} predicts no neurons: nothing to test")
    return run_region(wildcards)


def cell_rows(wildcards):
    """Cells of a table as plain values, so that a changed cell reruns the table."""
    return [
        {
            "region": cell.region,
            "model": cell.model,
            "layer": cell.layer,
            "neurons": cell.neurons,
            "run": cell.run.name,
        }
        for cell in PLAN.cells(wildcards.table)
    ]


def counted_runs(figure):
    """Runs whose significant neurons a figure counts."""
    if figure == "figure4":
        return PLAN.comparison_runs()
    regions = [PLAN.focus] if figure == "figure3" else PLAN.other_regions
    return [run for region in regions for run in PLAN.significance_runs(region)]
