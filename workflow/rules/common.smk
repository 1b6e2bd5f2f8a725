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
    from daenr.paper.plan import CONTROL_METRICS, TABLE_METRICS, Plan
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
    SETTINGS = {**config["variants"], SEARCH: search.settings(config, ROOT)}
    # Until the weights are there that the config takes from its search, there is nothing else to plan.
    UNSEARCHED = config["weights"] == WEIGHTS and not os.path.exists(WEIGHTS)
    if UNSEARCHED:
        config |= dict.fromkeys(("tables", "figures", "controls", "references"), [])
        config |= {
            "variants": {},
            "optimal_images": {**config["optimal_images"], "neurons": 0},
            "engine": {**config["engine"], "model": None},
        }
    PLAN = Plan(config, PAPER)
    RUNS = PLAN.runs()
except ConfigError as error:
    raise WorkflowError(f"Config error at {error}")
except ValueError as error:
    raise WorkflowError(f"Config error: {error}")

DATASET = config["dataset"]["name"]
RESULTS = f"results/{DATASET}"
BY_HAND = f"data/{DATASET}.zip"
DOWNLOADED = {
    "archive": f"{RESULTS}/data/downloaded.zip",
    "record": f"{RESULTS}/data/downloaded.json",
}
# The paper's numbers stand beside its own recording and the one simulated after it, not beside another's region1.
COMPARED = of_the_paper(DatasetSettings(**config["dataset"]), ROOT)
FORMATS = ("csv", "md", "tex", "html", "json")
PAGE_FORMATS = ("csv", "md", "html", "json")
FIGURE_REGIONS = PLAN.figure_regions()
COUNT_FIGURES = sorted({"figure3", "figure4", "figure8"} & set(PLAN.figures()))
GROUPS_FILES = {
    "test": "significance.csv",
    "validation": "significance-validation.csv",
}
CLAIMS = claim_tree(PLAN)
# Variants repeat the tables alone, and are compared with the same claims of the config's own.
ALONE = {**config, "figures": [], "controls": [], "references": []}
VARIED = {"": Plan(ALONE, PAPER), **PLAN.variants()}
VARIED_CONFIGS = {"": config, **config["variants"]}
VARIED_CLAIMS = {name: claim_tree(plan) for name, plan in VARIED.items()}
VARIED_CELLS = {
    name: [cell for table in plan.tables() for cell in plan.cells(table)]
    for name, plan in VARIED.items()
}


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


MANIFEST, PUBLISHED = given("manifest"), given("published")


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
    if run.variant is not None and run.variant not in SETTINGS:
        raise WorkflowError(
            f"{run.name}: the config has the variants {sorted(SETTINGS)}"
        )
    return run


def settings(wildcards, section):
    """A section of the config as the run's variant has it."""
    variant = planned(wildcards).variant
    return SETTINGS[variant][section] if variant else config[section]


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


def archive():
    """The archive, wherever it comes from, and the record of a downloaded one."""
    if config["dataset"]["layout"] == "simulated":
        return {"archive": f"{RESULTS}/data/archive.zip"}
    if download.is_local(config["dataset"]["source"]):
        return {"archive": ours(config["dataset"]["source"])}
    return {"archive": ours(BY_HAND)} if os.path.exists(BY_HAND) else DOWNLOADED


def contents_of(source):
    """Tells a file or folder that a person replaced from the one before; what is made here has other ways."""
    if str(source).startswith(f"{RESULTS}/"):
        return None
    # Where a plan needs it, not in every process: each job of a cluster plans, and the content is read.
    return lambda wildcards: stamp(Path(source))


def chosen_by():
    """Folders of the package that choose the neurons of a recording, beside that of the recording itself."""
    neurons = config["dataset"]["neurons"]
    scored = neurons["oracle"] is not None or neurons["signal_to_noise"] is not None
    return ["statistics"] if scored else []


def source():
    """Where the archive comes from; the record of a downloaded one then says from which address."""
    if str(archive()["archive"]) == BY_HAND:
        return f"{BY_HAND}, put there by hand"
    return config["dataset"]["source"] or "simulated"


def cell_files(cells, name):
    """One of the files of each run of these cells."""
    return list(dict.fromkeys(run_file(cell.run, name) for cell in cells))


def references(wildcards):
    """Models of other papers that stand in a table's companion."""
    return PLAN.references() if wildcards.table == "table4" else []


def control_cells(wildcards):
    """Both halves of the controls' table."""
    return [cell for half in CONTROL_METRICS for cell in PLAN.cells(half)]


def latent_cells(wildcards):
    """The models whose latents are described."""
    return PLAN.cells("table5") if "table5" in config["tables"] else []


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


def gpus():
    """GPUs that a training asks for; torch would tell better, but takes seconds to import."""
    return int(config["device"] == "cuda" or bool(visible(config["device"])))


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
        files["significance"] = run_file(run.parent, GROUPS_FILES[chosen])
    if run.pretrained:
        files["pretrained"] = run_file(run.pretrained, "weights.safetensors")
    return files


def tested_region(wildcards):
    """The region file of a run whose neurons can be tested."""
    run = planned(wildcards)
    if run.layer is None:
        raise WorkflowError(f"{run.name} predicts no neurons: nothing to test")
    return region_file(run.region)


def reconstructed_runs(figure):
    """Runs whose reconstructions a figure shows."""
    return PLAN.reconstruction_runs(FIGURE_REGIONS[figure])


def counted_runs(figure):
    """Runs whose significant neurons a figure counts."""
    if figure == "figure4":
        return PLAN.comparison_runs()
    regions = [PLAN.focus] if figure == "figure3" else PLAN.other_regions
    return [run for region in regions for run in PLAN.significance_runs(region)]


# Of these the truth is known: a simulated recording has it.
KNOWN_REGIONS = config["regions"] if config["dataset"]["layout"] == "simulated" else []
# Runs whose significant neurons are held against it.
JUDGED_RUNS = sorted(
    [
        run
        for figure in ("figure3", "figure8")
        if figure in COUNT_FIGURES and KNOWN_REGIONS
        for run in counted_runs(figure)
    ],
    key=lambda run: PLAN.regions.index(run.region),
)
JUDGED_REGIONS = list(dict.fromkeys(run.region for run in JUDGED_RUNS))


def simulated_region(region):
    """From which the true neurons of a simulated region follow; None for a recording."""
    if config["dataset"]["layout"] != "simulated":
        return None
    simulation = config["dataset"]["simulation"]
    return {
        "neurons": simulation["sizes"][region]["neurons"],
        "seed": simulation["seed"],
    }


OPTIMAL_RUNS = [
    run for region in config["regions"] for run in PLAN.drawing_runs(region)
]
ENGINES = {run.region: run for run in PLAN.engine_runs()}
PAGES = [
    name
    for name, judged in (
        ("verdicts", CLAIMS),
        ("sensitivity", config["variants"] and VARIED_CLAIMS[""]),
        ("readings", COMPARED and config["variants"] and VARIED_CELLS[""]),
    )
    if judged
]
TABLES = [
    *config["tables"],
    *(["ceilings"] if config["tables"] else []),
    *(f"{table}-companion" for table in TABLE_METRICS if table in config["tables"]),
    *(["latents"] if "table5" in config["tables"] else []),
    *(["controls"] if config["controls"] else []),
    *(["truth"] if JUDGED_RUNS else []),
    *(["optimal_images"] if OPTIMAL_RUNS else []),
]
WEIGHTED = PLAN.weighted_runs()
FIGURES = [
    *PLAN.figures(),
    *(["leverage"] if WEIGHTED else []),
    *(["gains"] if config["controls"] else []),
    *dict.fromkeys(f"optimal-{run.region}" for run in OPTIMAL_RUNS),
    *(f"synthetic-{region}" for region in ENGINES),
]


def told_config():
    """The config as the report tells it, without the keys that change no result."""
    untold = ("checkpoint_every", "trainings_per_gpu")
    return {key: value for key, value in config.items() if key not in untold}


def shown_in_report():
    """Tables as data and pictures, from which the report is made; those of the trainings themselves if there are any."""
    return [
        *(f"{RESULTS}/{page}.json" for page in PAGES),
        *(
            f"{RESULTS}/tables/{table}.json"
            for table in [*TABLES, *(["runtimes"] if RUNS else [])]
        ),
        *(
            f"{RESULTS}/figures/{figure}.png"
            for figure in [*FIGURES, *(["curves"] if RUNS else [])]
        ),
    ]


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
