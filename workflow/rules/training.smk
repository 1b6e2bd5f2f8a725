localrules:
    evaluate,
    significance,
    significance_validation,


rule train:
    input:
        unpack(training_input),
        code=package("models", "training"),
    output:
        weights=ensure(f"{RESULTS}/runs/{{run}}/weights.pt", non_empty=True),
        history=ensure(f"{RESULTS}/runs/{{run}}/history.csv", non_empty=True),
        training=ensure(f"{RESULTS}/runs/{{run}}/training.json", non_empty=True),
        predictions=ensure(f"{RESULTS}/runs/{{run}}/predictions.npz", non_empty=True),
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
        gpu=gpus(),
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        config=training_config,
    message:
        "Training {wildcards.run}"
    script:
        "../../scripts/training/train.py"


rule evaluate:
    input:
        region=run_region,
        predictions=rules.train.output.predictions,
        training=rules.train.output.training,
        code=package("statistics"),
    output:
        metrics=ensure(f"{RESULTS}/runs/{{run}}/metrics.json", non_empty=True),
        scores=ensure(f"{RESULTS}/runs/{{run}}/scores.npz", non_empty=True),
    log:
        f"{RESULTS}/logs/evaluate/{{run}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        ssim_window=lambda wildcards: settings(wildcards, "evaluation")["ssim_window"],
    message:
        "Evaluating {wildcards.run}"
    script:
        "../../scripts/training/evaluate.py"


rule significance:
    input:
        region=tested_region,
        predictions=rules.train.output.predictions,
        code=package("statistics"),
    output:
        significance=ensure(f"{RESULTS}/runs/{{run}}/significance.csv", non_empty=True),
    log:
        f"{RESULTS}/logs/significance/{{run}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        images="test",
        threshold=config["significance"]["threshold"],
        permutations=config["significance"]["permutations"],
    message:
        "Testing the neurons of {wildcards.run} on the {params.images} images"
    script:
        "../../scripts/training/significance.py"


use rule significance as significance_validation with:
    output:
        significance=ensure(
            f"{RESULTS}/runs/{{run}}/significance-validation.csv", non_empty=True
        ),
    log:
        f"{RESULTS}/logs/significance-validation/{{run}}.log",
    params:
        images="validation",
        threshold=config["significance"]["threshold"],
        permutations=config["significance"]["permutations"],


rule trainings:
    input:
        [run_file(run, "metrics.json") for run in RUNS],
