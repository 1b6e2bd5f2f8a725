rule reconstructions:
    input:
        region=lambda wildcards: region_file(FIGURE_REGIONS[wildcards.figure]),
        predictions=lambda wildcards: [
            run_file(run, "predictions.npz")
            for run in reconstructed_runs(wildcards.figure)
        ],
        code=package("reporting"),
    output:
        **made("figures/{figure}", ("png", "pdf"), caption="reconstructions"),
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
        significance=lambda wildcards: [
            run_file(run, "significance.csv") for run in counted_runs(wildcards.figure)
        ],
        code=package("statistics", "reporting"),
    output:
        **made("figures/{figure}", ("png", "pdf", "csv"), caption="neuron_counts"),
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    wildcard_constraints:
        figure="|".join(COUNT_FIGURES) or "none",
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
        **made("figures/figure5", ("png", "pdf"), caption="stimuli"),
    log:
        f"{RESULTS}/logs/figures/figure5.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "Drawing figure5"
    script:
        "../../scripts/figures/stimuli.py"


rule leverage:
    input:
        regions=[region_file(region) for region in config["regions"]],
        histories=[run_file(run, "history.csv") for _, run in WEIGHTED],
        code=package("reporting"),
    output:
        **made("figures/leverage", ("png", "pdf"), caption="leverage"),
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
        **made("figures/gains", ("png", "pdf"), caption="gains"),
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


rule figures:
    input:
        searched,
        [
            f"{RESULTS}/figures/{figure}.{format}"
            for figure in FIGURES
            for format in ("png", "pdf")
        ],
    localrule: True
