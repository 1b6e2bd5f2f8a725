rule train:
    input:
        unpack(training_input),
        code=package("models", "training"),
    output:
        weights=written("runs/{run}/weights.safetensors"),
        history=written("runs/{run}/history.csv"),
        training=written("runs/{run}/training.json"),
        predictions=written("runs/{run}/predictions.npz"),
    log:
        f"{RESULTS}/logs/train/{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{run}}.tsv"
    group:
        training_group
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=GPUS,
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        settings=training_config,
    message:
        "Training {wildcards.run}"
    script:
        "../../scripts/training/train.py"


rule evaluate:
    input:
        region=lambda wildcards: region_file(planned(wildcards).region),
        predictions=rules.train.output.predictions,
        training=rules.train.output.training,
        code=package("statistics"),
    output:
        metrics=written("runs/{run}/metrics.json"),
        scores=written("runs/{run}/scores.npz"),
        neuron_scores=written("runs/{run}/neurons.csv"),
    log:
        f"{RESULTS}/logs/evaluate/{{run}}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        ssim_window=lambda wildcards: settings(wildcards, "evaluation")["ssim_window"],
    message:
        "Evaluating {wildcards.run}"
    script:
        "../../scripts/training/evaluate.py"


rule linear_code:
    input:
        region=region_file("{region}"),
        code=package("statistics"),
    output:
        metrics=written("linear_code/{region}/metrics.json"),
        scores=written("linear_code/{region}/scores.npz"),
    log:
        f"{RESULTS}/logs/linear_code/{{region}}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        size=config["model"]["latent"],
        ssim_window=config["evaluation"]["ssim_window"],
    message:
        "Linear code of {wildcards.region}"
    script:
        "../../scripts/training/linear_code.py"


rule significance:
    input:
        region=tested_region,
        predictions=rules.train.output.predictions,
        code=package("statistics"),
    output:
        significance=written("runs/{run}/significance.csv"),
    log:
        f"{RESULTS}/logs/significance/{{run}}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        threshold=lambda wildcards: settings(wildcards, "significance")["threshold"],
        permutations=lambda wildcards: settings(wildcards, "significance")[
            "permutations"
        ],
        split=lambda wildcards: settings(wildcards, "split"),
        images="test",
    message:
        "Testing the neurons of {wildcards.run} on the {params.images} images"
    script:
        "../../scripts/training/significance.py"


use rule significance as significance_validation with:
    output:
        significance=written("runs/{run}/significance-validation.csv"),
    log:
        f"{RESULTS}/logs/significance-validation/{{run}}.log",
    params:
        threshold=rules.significance.params.threshold,
        permutations=rules.significance.params.permutations,
        split=rules.significance.params.split,
        images="validation",


TRIED = {
    task: [cell for cell in TRIES if search.TASKS[cell.table] == task]
    for task in ("ir", "nrs")
}


# Asked for by its name alone: what it makes, a config can take as its weights.
rule weights:
    input:
        paper=printed("weights"),
        trainings=cell_files(TRIED["ir"], "training.json"),
        histories=cell_files(TRIED["ir"], "history.csv"),
        tested=cell_files(TRIED["nrs"], "significance-validation.csv"),
        code=package("paper", "statistics", "reporting"),
    output:
        **made("figures/weights", PICTURE_FORMATS, caption="weights"),
        weights=written("weights.csv"),
        scores=written("weights-scores.csv"),
    log:
        f"{RESULTS}/logs/weights.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        cells=rows(TRIES),
    message:
        "Choosing loss weights by validation scores"
    script:
        "../../scripts/training/weights.py"


rule trainings:
    input:
        searched,
        run_files(RUNS, "metrics.json"),
    localrule: True
