import os
import shutil
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(os.path.relpath(Path(workflow.basedir).parent))
sys.path.insert(0, str(ROOT.absolute()))
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(ROOT.absolute()), os.environ.get("PYTHONPATH")])
)

from daenr.config import ConfigError, resolve
from daenr.datasets import antolik2016
from daenr.runs import METRICS, Plan, Run

PAPER = ROOT / "config/paper"

try:
    config = resolve(config, ROOT / "workflow/schemas/config.schema.yaml", PAPER)
    PLAN = Plan(config, PAPER)
    RUNS = PLAN.runs()
except ConfigError as error:
    raise WorkflowError(f"Config error at {error}")

DATASET = config["dataset"]["name"]
RESULTS = f"results/{DATASET}"


wildcard_constraints:
    region="[a-z][a-z0-9]*",
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
        return int(shutil.which("nvidia-smi") is not None and Path("/proc/driver/nvidia").exists())
    return int(config["device"] == "cuda")
