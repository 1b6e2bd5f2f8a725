BY_HAND = f"data/{DATASET}.zip"


# Never BY_HAND: what a person puts there is no output of a rule, so nothing that Snakemake does removes it.
rule download:
    input:
        **given("manifest"),
    output:
        archive=written("data/downloaded.zip"),
        record=written("data/downloaded.json"),
    log:
        f"{RESULTS}/logs/download.log",
    retries: 2
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        source=config["dataset"]["source"],
        mirrors=config["dataset"]["mirrors"],
        by_hand=BY_HAND,
    message:
        "Downloading {params.source}"
    script:
        "../../scripts/data/download.py"


rule simulate:
    input:
        code=package("data"),
    output:
        archive=written("data/archive.zip"),
    log:
        f"{RESULTS}/logs/simulate.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        sizes=config["dataset"]["simulation"]["sizes"],
        seed=config["dataset"]["simulation"]["seed"],
    message:
        "Simulating a recording of {params.sizes}"
    script:
        "../../scripts/data/simulate.py"


# A recording that no rule makes: where the config says, or put by hand in place of a download.
FOUND = None
if config["dataset"]["layout"] != "simulated":
    if download.is_local(config["dataset"]["source"]):
        FOUND = config["dataset"]["source"]
    elif os.path.exists(BY_HAND):
        FOUND = BY_HAND
MADE = rules.simulate if config["dataset"]["layout"] == "simulated" else rules.download
CHOICE = config["dataset"]["neurons"]
SCORED = CHOICE["oracle"] is not None or CHOICE["signal_to_noise"] is not None
# Folders of the package that choose neurons, beside that of the recording itself.
CHOSEN_BY = ["statistics"] if SCORED else []


rule preprocess:
    input:
        **given("manifest"),
        **({"archive": ours(FOUND)} if FOUND else dict(MADE.output.items())),
        code=package("data", *CHOSEN_BY),
    output:
        region=written("data/{region}.h5"),
    log:
        f"{RESULTS}/logs/preprocess/{{region}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        layout=config["dataset"]["layout"],
        source=(
            f"{BY_HAND}, put there by hand"
            if FOUND == BY_HAND
            else config["dataset"]["source"] or "simulated"
        ),
        reading=reading(config["dataset"], alone=len(config["regions"]) == 1),
        neurons=config["dataset"]["neurons"],
        # Tells a file that a person replaced; read where the plan needs it, not in every process that plans.
        contents=lambda wildcards: stamp(Path(FOUND)) if FOUND else None,
        settings=dict(
            dataset=DATASET,
            intensity_range=config["dataset"]["intensity_range"],
            fit=config["dataset"]["fit"],
            negative_responses=config["dataset"]["negative_responses"],
            response_scale=config["dataset"]["response_scale"],
            own_validation=config["dataset"]["own_validation"],
            validation_fraction=config["split"]["validation_fraction"],
            split_seed=config["split"]["seed"],
            blur=config["receptive_field"]["blur"],
        ),
    message:
        "Preprocessing {wildcards.region}"
    script:
        "../../scripts/data/preprocess.py"
