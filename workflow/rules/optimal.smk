rule optimize:
    input:
        weights=rules.train.output.weights,
        others=lambda wildcards: run_files(
            seeds_of(wildcards)[1:], "weights.safetensors"
        ),
        predictions=lambda wildcards: run_files(seeds_of(wildcards), "predictions.npz"),
        region=lambda wildcards: region_file(planned(wildcards).region),
        code=package("models", "optimal", "statistics", "training", "use"),
    output:
        images=written("optimal_images/{run}.npz"),
    log:
        f"{RESULTS}/logs/optimize/{{run}}.log",
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=GPUS,
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        settings=config["optimal_images"],
        device=config["device"],
    message:
        "Finding images that drive the neurons of {wildcards.run}"
    script:
        "../../scripts/optimal/optimize.py"


rule judge:
    input:
        images=rules.optimize.output.images,
        weights=rules.train.output.weights,
        judging=lambda wildcards: run_file(
            PLAN.optimal_judge(planned(wildcards).region), "weights.safetensors"
        ),
        region=lambda wildcards: region_file(planned(wildcards).region),
        code=package("models", "optimal", "statistics", "training", "use"),
    output:
        csv=written("optimal_images/{run}.csv"),
    log:
        f"{RESULTS}/logs/judge/{{run}}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        contrast=config["optimal_images"]["contrast"],
        simulation=lambda wildcards: simulated_region(planned(wildcards).region),
    message:
        "Judging the images of {wildcards.run}"
    script:
        "../../scripts/optimal/judge.py"


rule optimal_table:
    input:
        judged=[f"{RESULTS}/optimal_images/{run.name}.csv" for run in OPTIMAL_RUNS],
        code=package("statistics", "reporting"),
    output:
        **made("tables/optimal_images", FORMATS, caption="optimal_table"),
    log:
        f"{RESULTS}/logs/tables/optimal_images.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        confidence=config["comparison"]["confidence"],
    message:
        "Making the table of images that drive a neuron"
    script:
        "../../scripts/optimal/optimal_table.py"


rule optimal_figure:
    input:
        images=lambda wildcards: [
            f"{RESULTS}/optimal_images/{run.name}.npz"
            for run in PLAN.drawing_runs(wildcards.region)
        ],
        judged=lambda wildcards: [
            f"{RESULTS}/optimal_images/{run.name}.csv"
            for run in PLAN.drawing_runs(wildcards.region)
        ],
        code=package("statistics", "reporting"),
    output:
        **made("figures/optimal-{region}", PICTURE_FORMATS, caption="optimal_figure"),
    log:
        f"{RESULTS}/logs/figures/optimal-{{region}}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        intensity_range=config["dataset"]["intensity_range"],
        simulation=lambda wildcards: simulated_region(wildcards.region),
    message:
        "Drawing images that drive neurons of {wildcards.region}"
    script:
        "../../scripts/optimal/optimal_figure.py"


rule optimal_images:
    input:
        [
            f"{RESULTS}/tables/optimal_images.{format}"
            for format in FORMATS
            if OPTIMAL_RUNS
        ],
        [
            f"{RESULTS}/figures/optimal-{run.region}.{format}"
            for run in OPTIMAL_RUNS
            for format in PICTURE_FORMATS
        ],
    localrule: True
