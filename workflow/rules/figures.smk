localrules:
    reconstructions,
    neuron_counts,
    stimuli,
    controls_figure,


rule reconstructions:
    input:
        region=lambda wildcards: f"{RESULTS}/data/{FIGURE_REGIONS[wildcards.figure]}.h5",
        predictions=lambda wildcards: [
            run_file(run, "predictions.npz")
            for run in PLAN.reconstruction_runs(FIGURE_REGIONS[wildcards.figure])
        ],
        code=package("reporting"),
    output:
        **made("figures/{figure}", ("png", "pdf"), caption="reconstructions"),
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    wildcard_constraints:
        figure="|".join(FIGURE_REGIONS) or "none",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        runs=lambda wildcards: [
            run.name
            for run in PLAN.reconstruction_runs(FIGURE_REGIONS[wildcards.figure])
        ],
    message:
        "Drawing {wildcards.figure}"
    script:
        "../../scripts/figures/figure_reconstructions.py"


rule neuron_counts:
    input:
        significance=lambda wildcards: [
            run_file(run, "significance.csv") for run in counted_runs(wildcards.figure)
        ],
        code=package("reporting"),
    output:
        **made("figures/{figure}", ("png", "pdf", "csv"), caption="neuron-counts"),
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    wildcard_constraints:
        figure="|".join(COUNT_FIGURES) or "none",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        runs=lambda wildcards: [run.name for run in counted_runs(wildcards.figure)],
        threshold=config["significance"]["threshold"],
    message:
        "Drawing {wildcards.figure}"
    script:
        "../../scripts/figures/figure_neuron_counts.py"


rule stimuli:
    input:
        regions=[f"{RESULTS}/data/{region}.h5" for region in config["regions"]],
        code=package("reporting"),
    output:
        **made("figures/figure5", ("png", "pdf"), caption="figure5"),
    log:
        f"{RESULTS}/logs/figures/figure5.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        regions=config["regions"],
    message:
        "Drawing figure5"
    script:
        "../../scripts/figures/figure_stimuli.py"


rule controls_figure:
    input:
        controls=f"{RESULTS}/tables/controls.csv",
        code=package("reporting"),
    output:
        **made("figures/controls", ("png", "pdf"), caption="controls-figure"),
    log:
        f"{RESULTS}/logs/figures/controls.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        confidence=config["comparison"]["confidence"],
    message:
        "Drawing controls"
    script:
        "../../scripts/figures/figure_controls.py"


rule figures:
    input:
        [
            f"{RESULTS}/figures/{figure}.{format}"
            for figure in [*PLAN.figures(), *CONTROL_TABLES]
            for format in ("png", "pdf")
        ],
