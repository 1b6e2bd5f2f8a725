def archive():
    """The archive in the published layout, wherever it comes from."""
    if config["dataset"]["layout"] == "simulated":
        return f"{RESULTS}/data/archive.zip"
    if antolik2016.is_local(config["dataset"]["source"]):
        return config["dataset"]["source"]
    return f"data/{DATASET}.zip"


MANIFEST = {"manifest": config["dataset"]["manifest"]} if config["dataset"]["manifest"] else {}


localrules:
    download,


rule download:
    message:
        "Downloading {params.source}"
    input:
        **MANIFEST,
    output:
        # update: an archive that is already in place is verified and kept, not removed and fetched again.
        archive=update(f"data/{DATASET}.zip"),
    log:
        f"{RESULTS}/logs/download.log",
    params:
        source=config["dataset"]["source"],
        mirrors=config["dataset"]["mirrors"],
    retries: 2
    resources:
        mem_mb=1000,
        runtime=60,
    conda:
        "../../envs/environment.yaml"
    script:
        "../../scripts/download.py"


rule simulate:
    message:
        "Simulating a recording of {params.sizes}"
    input:
        code=package("datasets/simulated", "datasets/archive"),
    output:
        archive=ensure(f"{RESULTS}/data/archive.zip", non_empty=True),
    log:
        f"{RESULTS}/logs/simulate.log",
    params:
        sizes=config["dataset"]["simulation"]["sizes"],
        seed=config["dataset"]["simulation"]["seed"],
    resources:
        mem_mb=2000,
        runtime=10,
    conda:
        "../../envs/environment.yaml"
    script:
        "../../scripts/simulate.py"


rule preprocess:
    message:
        "Preprocessing {wildcards.region}"
    input:
        **MANIFEST,
        archive=archive(),
        code=package("preprocessing", "receptive_fields", "datasets/archive"),
    output:
        region=ensure(f"{RESULTS}/data/{{region}}.h5", non_empty=True),
    log:
        f"{RESULTS}/logs/preprocess/{{region}}.log",
    params:
        dataset=DATASET,
        source=config["dataset"]["source"] or "simulated",
        intensity_range=config["dataset"]["intensity_range"],
        split=config["split"],
        blur=config["receptive_field"]["blur"],
    resources:
        mem_mb=2000,
        runtime=10,
    conda:
        "../../envs/environment.yaml"
    script:
        "../../scripts/preprocess.py"
