TRAINING_CONFIG = {key: config[key] for key in ("model", "training", "loss", "device")}


def training_input(wildcards):
    """A region file, and for a neuron group the significance test that makes the group."""
    run = planned(wildcards)
    files = {"region": f"{RESULTS}/data/{run.region}.h5"}
    if run.neurons != "all":
        files["significance"] = run_file(run.parent, "significance.csv")
    return files


def run_region(wildcards):
    return f"{RESULTS}/data/{planned(wildcards).region}.h5"


localrules:
    evaluate,
    significance,


rule train:
    message:
        "Training {wildcards.run}"
    input:
        unpack(training_input),
        code=package(
            "training",
            "losses",
            "devices",
            "randomness",
            "receptive_fields",
            "models/autoencoders",
            "models/readouts",
            "models/daenr",
        ),
    output:
        weights=ensure(f"{RESULTS}/runs/{{run}}/weights.pt", non_empty=True),
        history=ensure(f"{RESULTS}/runs/{{run}}/history.csv", non_empty=True),
        training=ensure(f"{RESULTS}/runs/{{run}}/training.json", non_empty=True),
        predictions=ensure(f"{RESULTS}/runs/{{run}}/predictions.npz", non_empty=True),
    log:
        f"{RESULTS}/logs/train/{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{run}}.tsv"
    params:
        config=TRAINING_CONFIG,
    threads: 1
    resources:
        gpu=gpus(),
        mem_mb=2000,
        runtime=120,
    conda:
        "../../envs/environment.yaml"
    script:
        "../../scripts/train.py"


rule evaluate:
    message:
        "Evaluating {wildcards.run}"
    input:
        region=run_region,
        predictions=rules.train.output.predictions,
        training=rules.train.output.training,
        code=package("evaluation"),
    output:
        metrics=ensure(f"{RESULTS}/runs/{{run}}/metrics.json", non_empty=True),
    log:
        f"{RESULTS}/logs/evaluate/{{run}}.log",
    params:
        ssim_window=config["evaluation"]["ssim_window"],
    resources:
        mem_mb=1000,
        runtime=5,
    conda:
        "../../envs/environment.yaml"
    script:
        "../../scripts/evaluate.py"


rule significance:
    message:
        "Testing the neurons of {wildcards.run}"
    input:
        region=run_region,
        predictions=rules.train.output.predictions,
        code=package("significance"),
    output:
        significance=ensure(f"{RESULTS}/runs/{{run}}/significance.csv", non_empty=True),
    log:
        f"{RESULTS}/logs/significance/{{run}}.log",
    params:
        threshold=config["significance"]["threshold"],
    resources:
        mem_mb=1000,
        runtime=5,
    conda:
        "../../envs/environment.yaml"
    script:
        "../../scripts/significance.py"


rule trainings:
    input:
        [run_file(run, "metrics.json") for run in RUNS],
