import os
import re
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Relative, so that a project that moves makes nothing again. From this file, since a workflow that imports this one as
# a module has a folder of its own.
ROOT = Path(os.path.relpath(f"{workflow.current_basedir}/../.."))
INSTALL = f"run `pip install -e .` in {ROOT.absolute()}"

try:
    import daenr

    # Before its modules: an editable install finds those even for another package of this name.
    if not os.path.samefile(daenr.__path__[0], ROOT / "daenr"):
        raise WorkflowError(
            f"The package daenr is installed from {daenr.__path__[0]}, which is not this project's; {INSTALL}"
        )
    from daenr.config import SEARCH, ConfigError, DatasetSettings
    from daenr.data import download
    from daenr.data.layouts import reading
    from daenr.files import stamp
    from daenr.paper.claims import claim_tree
    from daenr.paper import search
    from daenr.paper.plan import CONTROL_METRICS, TABLE_METRICS, Plan, tables_alone
    from daenr.paper.resolved import of_the_paper, resolve
    from daenr.reporting.contents import PAGE, contents, placed
    from daenr.run import Run
    from daenr.training.gpus import visible
    from daenr.training.memory import ENVIRONMENT
except ModuleNotFoundError as error:
    raise WorkflowError(f"{error}; {INSTALL}")

# What the processes of the jobs start with. Python would find a signal.py or random.py of the working folder before
# its own.
os.environ.update(ENVIRONMENT, PYTHONSAFEPATH="1")

PAPER = ROOT / "config/paper"

try:
    config = resolve(config, ROOT)
    OWN = f"results/{config['dataset']['name']}/weights.csv"
    # Where the search puts them, and what it is called, if a workflow imports this one with a prefix or other names.
    WEIGHTS = str(workflow.modifier.path_modifier.replace_prefix(OWN))
    SEARCHING = workflow.modifier.modify_rulename("weights")
    if config["weights"] == OWN:
        config["weights"] = WEIGHTS
    TRIES = search.tries(config, PAPER)
    # By a run's variant; None is the config's own.
    SETTINGS = {
        None: config,
        SEARCH: search.settings(config, ROOT),
        **config["variants"],
    }
    # Until the weights are there that the config takes from its search, there is nothing else to plan.
    UNSEARCHED = config["weights"] == WEIGHTS and not os.path.exists(WEIGHTS)
    if UNSEARCHED:
        config = {**tables_alone(config), "tables": []}
    PLAN = Plan(config, PAPER)
    RUNS = PLAN.runs()
except ConfigError as error:
    raise WorkflowError(f"Config error at {error}")
except ValueError as error:
    raise WorkflowError(f"Config error: {error}")

DATASET = config["dataset"]["name"]
RESULTS = f"results/{DATASET}"
# The paper's numbers stand beside its own recording and the one simulated after it, not beside another's region1.
COMPARED = of_the_paper(DatasetSettings(**config["dataset"]), ROOT)
FORMATS = ("csv", "md", "tex", "html", "json")
PAGE_FORMATS = ("csv", "md", "html", "json")
PICTURE_FORMATS = ("png", "pdf")
FIGURE_REGIONS = PLAN.figure_regions()
COUNTED_RUNS = PLAN.counted_runs()
OPTIMAL_RUNS = [
    run for region in config["regions"] for run in PLAN.drawing_runs(region)
]
ENGINES = {run.region: run for run in PLAN.engine_runs()}
# Of these it is known which neurons see the image.
KNOWN_REGIONS = config["regions"] if config["dataset"]["layout"] == "simulated" else []
# GPUs that a training asks for; torch would tell better, but takes seconds to import.
GPUS = int(config["device"] == "cuda" or bool(visible(config["device"])))


wildcard_constraints:
    region="|".join(map(re.escape, config["regions"])),
    run="[^/]+",
    table="table[2-6]",


def ours(path):
    """A file of the project or one that the config names: no prefix of a module is put before it."""
    return local(str(path))


def printed(*tables):
    """The paper's numbers of these tables; none for a recording that they are not about."""
    return [ours(PAPER / f"{table}.csv") for table in tables] if COMPARED else []


def given(key):
    """A file that the config's dataset may name, as a named input."""
    path = config["dataset"][key]
    return {key: ours(path)} if path else {}


def package(*folders):
    """Files of folders of the package, on which a rule's result depends; Snakemake does not see through imports.

    Whole folders, and what lies below all of them: a new module cannot be forgotten.
    """
    return [
        ours(path)
        for folder in folders
        for path in sorted(ROOT.glob(f"daenr/{folder}/**/*.*"))
        if path.suffix != ".pyc"
    ]


def numbered(section):
    """A section of the report with its number, since Snakemake sorts them by name."""
    items = contents(SHOWN, RESULTS, FIGURE_REGIONS)
    sections = list(dict.fromkeys([*(item.section for item in items), PAGE]))
    return f"{sections.index(section) + 1}. {section}"


def made(path, formats, caption):
    """A result's files, none of them empty; the one that can be shown goes into Snakemake's report.

    A caption's file cannot depend on wildcards; its text, a template, can.
    """

    def place(wildcards):
        named = f"{path}.{formats[0]}".format(**dict(wildcards.items()))
        return placed(f"{RESULTS}/{named}", RESULTS, FIGURE_REGIONS)

    files = {format: written(f"{path}.{format}") for format in formats}
    shown = "html" if "html" in formats else "png"
    files[shown] = report(
        files[shown],
        caption=f"../report/{caption}.rst",
        category=lambda wildcards: numbered(place(wildcards).section),
        labels=lambda wildcards: {"result": place(wildcards).title},
    )
    return files


def written(path):
    """A result, which must not be empty."""
    return ensure(f"{RESULTS}/{path}", non_empty=True)


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
    if run.variant not in SETTINGS:
        raise WorkflowError(
            f"{run.name}: the config has the variants {sorted(filter(None, SETTINGS))}"
        )
    return run


def settings(wildcards, section):
    """A section of the config as the run's variant has it."""
    return SETTINGS[planned(wildcards).variant][section]


def searched(wildcards):
    """No files: stops what needs weights that are yet to be searched for."""
    if UNSEARCHED:
        raise WorkflowError(
            f"weights: there is no {WEIGHTS} yet; the target `{SEARCHING}` with the same config makes it"
        )
    return []


def growing(amount):
    """Twice the amount on the second attempt, three times on the third; a cluster's profile retries."""
    return lambda wildcards, attempt: amount * attempt


def run_file(run, name):
    """Path of one of a run's files."""
    return f"{RESULTS}/runs/{run.name}/{name}"


def region_file(region):
    """Path of a preprocessed recording."""
    return f"{RESULTS}/data/{region}.h5"


def run_files(runs, name):
    """One of the files of each of these runs, each once."""
    return [run_file(run, name) for run in dict.fromkeys(runs)]


def cell_files(cells, name):
    """One of the files of each run of these cells."""
    return run_files((cell.run for cell in cells), name)


def references(wildcards):
    """Models of other papers that stand in a table's companion."""
    return PLAN.references() if wildcards.table == "table4" else []


def linear_codes(table, name):
    """One of the files of each of the linear codes that stand beside a table's plain auto-encoders."""
    regions = dict.fromkeys(
        cell.region for cell in PLAN.cells(table) if cell.run.layer is None
    )
    return [f"{RESULTS}/linear_code/{region}/{name}" for region in regions]


def scores_of(claims):
    """Files with the scores of the runs that claims are about."""
    return cell_files(
        [cell for root in claims for claim, _ in root.walk() for cell in claim.cells],
        "scores.npz",
    )


def rows(planned):
    """Cells or claims as a job is handed them: one that changes makes what it is in anew."""
    return [each.row() for each in planned]


def training_config(wildcards):
    """What of the config a training depends on."""
    sections = {
        key: settings(wildcards, key)
        for key in ("split", "receptive_field", "model", "training", "loss")
    }
    return {**sections, "device": config["device"], "precision": config["precision"]}


def training_group(wildcards):
    """Trainings that a cluster may pack into one allocation.

    A training on a neuron group waits for another training, so the two never share one.
    """
    return "trainings" if planned(wildcards).neurons == "all" else "group_trainings"


def training_input(wildcards):
    """A region file, and what other trainings must have made: a group of neurons, a trained encoder."""
    run = planned(wildcards)
    files = {"region": region_file(run.region)}
    if run.neurons != "all":
        chosen = settings(wildcards, "significance")["groups_from"]
        ending = "" if chosen == "test" else f"-{chosen}"
        files["significance"] = run_file(run.parent, f"significance{ending}.csv")
    if run.pretrained:
        files["pretrained"] = run_file(run.pretrained, "weights.safetensors")
    return files


def tested_region(wildcards):
    """The region file of a run whose neurons can be tested."""
    run = planned(wildcards)
    if run.layer is None:
        raise WorkflowError(f"{run.name} predicts no neurons: nothing to test")
    return region_file(run.region)


def simulated_region(region):
    """From which the true neurons of a simulated region follow; None for a recording."""
    if region not in KNOWN_REGIONS:
        return None
    simulation = config["dataset"]["simulation"]
    return {
        "neurons": simulation["sizes"][region]["neurons"],
        "seed": simulation["seed"],
    }


def seeds_of(wildcards):
    """A run and its repeats under other seeds, this one first."""
    run = planned(wildcards)
    repeats = PLAN.optimal_runs(run.region, run.model)
    if run not in repeats:
        raise WorkflowError(
            f"{run.name} is none of the runs that optimal_images of the config asks for: "
            f"{[repeat.name for repeat in OPTIMAL_RUNS]}"
        )
    return [run, *(repeat for repeat in repeats if repeat != run)]
