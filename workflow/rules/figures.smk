rule reconstructions:
    input:
        region=lambda wildcards: region_file(FIGURE_REGIONS[wildcards.figure]),
        predictions=lambda wildcards: run_files(
            PLAN.reconstruction_runs(FIGURE_REGIONS[wildcards.figure]),
            "predictions.npz",
        ),
        code=package("reporting"),
    output:
        **made("figures/{figure}", PICTURE_FORMATS, caption="reconstructions"),
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    wildcard_constraints:
        figure="|".join(FIGURE_REGIONS) or "none",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "Drawing {wildcards.figure}"
    script:
        "../../scripts/figures/reconstructions.py"


rule neuron_counts:
    input:
        significance=lambda wildcards: run_files(
            COUNTED_RUNS[wildcards.figure], "significance.csv"
        ),
        code=package("statistics", "reporting"),
    output:
        **made("figures/{figure}", (*PICTURE_FORMATS, "csv"), caption="neuron_counts"),
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    wildcard_constraints:
        figure="|".join(COUNTED_RUNS) or "none",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        threshold=config["significance"]["threshold"],
    message:
        "Drawing {wildcards.figure}"
    script:
        "../../scripts/figures/neuron_counts.py"


rule stimuli:
    input:
        regions=[region_file(region) for region in config["regions"]],
        code=package("reporting"),
    output:
        **made("figures/figure5", PICTURE_FORMATS, caption="stimuli"),
    log:
        f"{RESULTS}/logs/figures/figure5.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "Drawing figure5"
    script:
        "../../scripts/figures/stimuli.py"


WEIGHTED = PLAN.weighted_runs()


rule leverage:
    input:
        regions=[region_file(region) for region in config["regions"]],
        histories=[run_file(run, "history.csv") for _, run in WEIGHTED],
        code=package("reporting"),
    output:
        **made("figures/leverage", PICTURE_FORMATS, caption="leverage"),
    log:
        f"{RESULTS}/logs/figures/leverage.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        losses=config["loss"],
        printed=config["weights"] == "paper",
        weights=[weights for weights, _ in WEIGHTED],
    message:
        "Drawing the leverage of the responses"
    script:
        "../../scripts/figures/leverage.py"


rule gains:
    input:
        controls=rules.controls.output.csv,
        code=package("paper", "statistics", "reporting"),
    output:
        **made("figures/gains", PICTURE_FORMATS, caption="gains"),
    log:
        f"{RESULTS}/logs/figures/gains.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        confidence=config["comparison"]["confidence"],
    message:
        "Drawing the gains over the controls"
    script:
        "../../scripts/figures/gains.py"


FIGURES = [
    *PLAN.figures(),
    *(["leverage"] if WEIGHTED else []),
    *(["gains"] if config["controls"] else []),
    *dict.fromkeys(f"optimal-{run.region}" for run in OPTIMAL_RUNS),
    *(f"synthetic-{region}" for region in ENGINES),
]


rule figures:
    input:
        searched,
        [
            f"{RESULTS}/figures/{figure}.{format}"
            for figure in FIGURES
            for format in PICTURE_FORMATS
        ],
    localrule: True
