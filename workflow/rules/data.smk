# Never data/NAME.zip: what a person puts there is no output of a rule, so nothing that Snakemake does removes it.
rule download:
    input:
        **MANIFEST,
    output:
        archive=ensure(DOWNLOADED["archive"], non_empty=True),
        record=ensure(DOWNLOADED["record"], non_empty=True),
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
        archive=ensure(f"{RESULTS}/data/archive.zip", non_empty=True),
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


rule preprocess:
    input:
        **MANIFEST,
        **archive(),
        code=package("data", *chosen_by()),
    output:
        region=ensure(f"{RESULTS}/data/{{region}}.h5", non_empty=True),
    log:
        f"{RESULTS}/logs/preprocess/{{region}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        layout=config["dataset"]["layout"],
        source=source(),
        reading=reading(config["dataset"], alone=len(config["regions"]) == 1),
        neurons=config["dataset"]["neurons"],
        contents=contents_of(archive()["archive"]),
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
