FIGURE_REGIONS = PLAN.figure_regions()


localrules:
    reconstructions,
    neuron_counts,
    stimuli,


def counted_runs(figure):
    """Runs whose significant neurons a figure counts."""
    if figure == "figure4":
        return PLAN.comparison_runs()
    regions = [PLAN.focus] if figure == "figure3" else PLAN.other_regions
    return [run for region in regions for run in PLAN.significance_runs(region)]


rule reconstructions:
    message:
        "Drawing {wildcards.figure}"
    input:
        region=lambda wildcards: f"{RESULTS}/data/{FIGURE_REGIONS[wildcards.figure]}.h5",
        predictions=lambda wildcards: [
            run_file(run, "predictions.npz")
            for run in PLAN.reconstruction_runs(FIGURE_REGIONS[wildcards.figure])
        ],
        code=package("figures", "tables"),
    output:
        png=ensure(f"{RESULTS}/figures/{{figure}}.png", non_empty=True),
        pdf=ensure(f"{RESULTS}/figures/{{figure}}.pdf", non_empty=True),
    wildcard_constraints:
        figure="|".join(FIGURE_REGIONS) or "none",
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    params:
        runs=lambda wildcards: [
            run.name for run in PLAN.reconstruction_runs(FIGURE_REGIONS[wildcards.figure])
        ],
    resources:
        mem_mb=1000,
        runtime=5,
    conda:
        "../../envs/environment.yaml"
    script:
        "../../scripts/figure_reconstructions.py"


rule neuron_counts:
    message:
        "Drawing {wildcards.figure}"
    input:
        significance=lambda wildcards: [
            run_file(run, "significance.csv") for run in counted_runs(wildcards.figure)
        ],
        code=package("figures", "tables"),
    output:
        png=ensure(f"{RESULTS}/figures/{{figure}}.png", non_empty=True),
        pdf=ensure(f"{RESULTS}/figures/{{figure}}.pdf", non_empty=True),
        csv=ensure(f"{RESULTS}/figures/{{figure}}.csv", non_empty=True),
    wildcard_constraints:
        figure="figure3|figure4|figure8",
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    params:
        runs=lambda wildcards: [run.name for run in counted_runs(wildcards.figure)],
        threshold=config["significance"]["threshold"],
    resources:
        mem_mb=1000,
        runtime=5,
    conda:
        "../../envs/environment.yaml"
    script:
        "../../scripts/figure_neuron_counts.py"


rule stimuli:
    message:
        "Drawing figure5"
    input:
        regions=[f"{RESULTS}/data/{region}.h5" for region in config["regions"]],
        code=package("figures", "tables"),
    output:
        png=ensure(f"{RESULTS}/figures/figure5.png", non_empty=True),
        pdf=ensure(f"{RESULTS}/figures/figure5.pdf", non_empty=True),
    log:
        f"{RESULTS}/logs/figures/figure5.log",
    params:
        regions=config["regions"],
    resources:
        mem_mb=1000,
        runtime=5,
    conda:
        "../../envs/environment.yaml"
    script:
        "../../scripts/figure_stimuli.py"


rule figures:
    input:
        [
            f"{RESULTS}/figures/{figure}.{format}"
            for figure in PLAN.figures()
            for format in ("png", "pdf")
        ],
