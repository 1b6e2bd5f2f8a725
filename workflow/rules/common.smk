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

from daenr.paper.claims import claims
from daenr.config import ConfigError
from daenr.reporting.contents import PAGE, SHOWN, contents, placed
from daenr.data import download
from daenr.paper.plan import CONTROL_METRICS, METRICS, Plan
from daenr.paper.resolved import resolve
from daenr.run import Run

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
PUBLISHED = (
    {"published": config["dataset"]["published"]}
    if config["dataset"]["published"]
    else {}
)
FORMATS = ("csv", "md", "tex", "html")
PAGES = ("csv", "md", "html")
FIGURE_REGIONS = PLAN.figure_regions()
GROUPS_FILE = {"test": "significance.csv", "validation": "significance-validation.csv"}[
    config["significance"]["groups_from"]
]
CLAIMS = claims(PLAN)
# Variants repeat the tables alone, and are compared with the same claims of the config's own.
VARIED_PLANS = [
    Plan({**config, "figures": [], "controls": []}, PAPER),
    *PLAN.variants().values(),
]
VARIED_CLAIMS = [claim for plan in VARIED_PLANS for claim in claims(plan)]
COUNT_FIGURES = sorted({"figure3", "figure4", "figure8"} & set(PLAN.figures()))
CEILING_TABLES = [
    *(["ceilings"] if config["tables"] else []),
    *(
        f"{table}-ceiling"
        for table in ("table4", "table6")
        if table in config["tables"]
    ),
]
CONTROL_TABLES = ["controls"] if config["controls"] else []


wildcard_constraints:
    region="|".join(map(re.escape, config["regions"])),
    run="[^/]+",
    table="table[2-6]",


def package(*folders):
    """Modules of folders of the package, on which a rule's result depends; Snakemake does not see through imports.

    Whole folders, and what lies below all of them: a new module cannot be forgotten.
    """
    return [
        str(path)
        for folder in folders
        for path in sorted(ROOT.glob(f"daenr/{folder}/**/*.py"))
    ]


def numbered(section):
    """A section of the report with its number, since Snakemake sorts them by name."""
    items = contents(shown_in_report(), RESULTS, FIGURE_REGIONS)
    sections = list(dict.fromkeys([*(item.section for item in items), PAGE]))
    return f"{sections.index(section) + 1}. {section}"


def made(path, formats, caption):
    """A result's files, none of them empty; the one that can be shown goes into Snakemake's report.

    A caption's file cannot depend on wildcards; its text, a template, can.
    """

    def place(wildcards):
        named = f"{path}.{formats[0]}".format(**dict(wildcards.items()))
        return placed(f"{RESULTS}/{named}", RESULTS, FIGURE_REGIONS)

    files = {}
    for format in formats:
        file = ensure(f"{RESULTS}/{path}.{format}", non_empty=True)
        if f".{format}" in SHOWN:
            file = report(
                file,
                caption=f"../report/{caption}.rst",
                category=lambda wildcards: numbered(place(wildcards).section),
                labels=lambda wildcards: {"result": place(wildcards).title},
            )
        files[format] = file
    return files


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
    if run.variant is not None and run.variant not in config["variants"]:
        raise WorkflowError(
            f"{run.name}: the config has the variants {sorted(config['variants'])}"
        )
    return run


def settings(wildcards, section):
    """A section of the config as the run's variant has it."""
    variant = planned(wildcards).variant
    return config["variants"][variant][section] if variant else config[section]


def training_config(wildcards):
    """What of the config a training depends on."""
    sections = {key: settings(wildcards, key) for key in ("model", "training", "loss")}
    return {**sections, "device": config["device"], "precision": config["precision"]}


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
    if download.is_local(config["dataset"]["source"]):
        return config["dataset"]["source"]
    return f"data/{DATASET}.zip"


def training_input(wildcards):
    """A region file, and what other trainings must have made: a group of neurons, a trained encoder."""
    run = planned(wildcards)
    files = {"region": f"{RESULTS}/data/{run.region}.h5"}
    if run.neurons != "all":
        files["significance"] = run_file(run.parent, GROUPS_FILE)
    if run.pretrained:
        files["pretrained"] = run_file(run.pretrained, "weights.pt")
    return files


def run_region(wildcards):
    return f"{RESULTS}/data/{planned(wildcards).region}.h5"


def tested_region(wildcards):
    """The same for a run whose neurons can be tested."""
    if planned(wildcards).layer is None:
        raise WorkflowError(f"{wildcards.run} predicts no neurons: nothing to test")
    return run_region(wildcards)


def cell_files(table, name):
    """One of the files of each run of a table."""
    return list(dict.fromkeys(run_file(cell.run, name) for cell in PLAN.cells(table)))


def cell_rows(table):
    """Cells of a table as plain values, so that a changed cell reruns the table."""
    return [
        {
            "table": cell.table,
            "region": cell.region,
            "model": cell.model,
            "layer": cell.layer,
            "neurons": cell.neurons,
            "run": cell.run.name,
            "control": cell.control,
        }
        for cell in PLAN.cells(table)
    ]


def planned_by(plan):
    """What of the config a plan depends on, so that a script can make the same plan."""
    keys = ("regions", "focus_region", "weights_of_region", "layers", "models", "seeds")
    asked = {key: plan.config[key] for key in (*keys, "tables", "figures", "controls")}
    task = {"figure4_task": config["significance"]["figure4_task"]}
    return {
        **asked,
        "dataset": {"name": DATASET},
        "significance": task,
        "variants": sorted(config["variants"]),
    }


def scores_of(judged):
    """Files with the scores of the runs that claims are about."""
    runs = {cell.run for claim in judged for pair in claim.pairs for cell in pair}
    return sorted(run_file(run, "scores.npz") for run in runs)


def judging():
    """How claims are judged."""
    return {**config["comparison"], "threshold": config["significance"]["threshold"]}


def counted_runs(figure):
    """Runs whose significant neurons a figure counts."""
    if figure == "figure4":
        return PLAN.comparison_runs()
    regions = [PLAN.focus] if figure == "figure3" else PLAN.other_regions
    return [run for region in regions for run in PLAN.significance_runs(region)]


def judged_runs():
    """Runs whose significant neurons are held against the truth, which a simulated recording alone knows."""
    if config["dataset"]["layout"] != "simulated":
        return []
    runs = [
        run
        for figure in ("figure3", "figure8")
        if figure in COUNT_FIGURES
        for run in counted_runs(figure)
    ]
    return sorted(runs, key=lambda run: PLAN.regions.index(run.region))


JUDGED_RUNS = judged_runs()
JUDGED_REGIONS = list(dict.fromkeys(run.region for run in JUDGED_RUNS))
TABLES = [
    *config["tables"],
    *CEILING_TABLES,
    *CONTROL_TABLES,
    *(["significance"] if JUDGED_RUNS else []),
]


def told_config():
    """The config as the report tells it, without the keys that change no result."""
    untold = ("checkpoint_every", "trainings_per_gpu")
    return {key: value for key, value in config.items() if key not in untold}


def shown_in_report():
    """The page or picture of every result; those of the trainings themselves if there are any."""
    tables = [*TABLES, *(["runtimes"] if RUNS else [])]
    figures = [*PLAN.figures(), *CONTROL_TABLES, *(["curves"] if RUNS else [])]
    pages = [
        *(["claims"] if CLAIMS else []),
        *(["sensitivity"] if config["variants"] and VARIED_CLAIMS else []),
    ]
    return [
        *(f"{RESULTS}/{page}.html" for page in pages),
        *(f"{RESULTS}/tables/{table}.html" for table in tables),
        *(f"{RESULTS}/figures/{figure}.png" for figure in figures),
    ]
