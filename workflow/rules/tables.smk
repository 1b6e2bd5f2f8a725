rule table:
    input:
        metrics=lambda wildcards: cell_files(
            PLAN.cells(wildcards.table), "metrics.json"
        ),
        scores=lambda wildcards: cell_files(PLAN.cells(wildcards.table), "scores.npz"),
        linear=lambda wildcards: linear_codes(wildcards.table, "scores.npz"),
        paper=printed("{table}"),
        code=package("paper", "statistics", "reporting"),
    output:
        **made("tables/{table}", FORMATS, caption="table"),
    log:
        f"{RESULTS}/logs/tables/{{table}}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        cells=lambda wildcards: rows(PLAN.cells(wildcards.table)),
        confidence=config["comparison"]["confidence"],
    message:
        "Making {wildcards.table}"
    script:
        "../../scripts/tables/table.py"


rule table7:
    input:
        regions=[region_file(region) for region in config["regions"]],
        code=package("statistics", "reporting"),
    output:
        **made("tables/table7", FORMATS, caption="table7"),
    log:
        f"{RESULTS}/logs/tables/table7.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "Making table7"
    script:
        "../../scripts/tables/table7.py"


rule neuron_ceilings:
    input:
        region=region_file("{region}"),
        code=package("statistics"),
    output:
        csv=written("ceilings/{region}.csv"),
    log:
        f"{RESULTS}/logs/ceilings/{{region}}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "Noise ceilings of {wildcards.region}"
    script:
        "../../scripts/tables/neuron_ceilings.py"


rule ceilings:
    input:
        neurons=[f"{RESULTS}/ceilings/{region}.csv" for region in config["regions"]],
        code=package("statistics", "reporting"),
    output:
        **made("tables/ceilings", FORMATS, caption="ceilings"),
    log:
        f"{RESULTS}/logs/tables/ceilings.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "Making the table of ceilings"
    script:
        "../../scripts/tables/ceilings.py"


rule companion:
    input:
        **given("published"),
        own=rules.table.output.csv,
        metrics=rules.table.input.metrics,
        reference_metrics=lambda wildcards: cell_files(
            references(wildcards), "metrics.json"
        ),
        linear=lambda wildcards: linear_codes(wildcards.table, "metrics.json"),
        ceilings=rules.ceilings.output.csv,
        code=package("paper", "statistics", "reporting"),
    output:
        **made("tables/{table}-companion", FORMATS, caption="companion"),
    log:
        f"{RESULTS}/logs/tables/{{table}}-companion.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        cells=rules.table.params.cells,
        references=lambda wildcards: rows(references(wildcards)),
    message:
        "Making the companion of {wildcards.table}"
    script:
        "../../scripts/tables/companion.py"


LATENT_CELLS = PLAN.cells(*{"table5"} & set(config["tables"]))


rule latents:
    input:
        metrics=cell_files(LATENT_CELLS, "metrics.json"),
        code=package("paper", "statistics", "reporting"),
    output:
        **made("tables/latents", FORMATS, caption="latents"),
    log:
        f"{RESULTS}/logs/tables/latents.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        cells=rows(LATENT_CELLS),
    message:
        "Making the table of latents"
    script:
        "../../scripts/tables/latents.py"


rule controls:
    input:
        scores=lambda wildcards: cell_files(PLAN.cells(*CONTROL_METRICS), "scores.npz"),
        code=package("paper", "statistics", "reporting"),
    output:
        **made("tables/controls", FORMATS, caption="controls"),
    log:
        f"{RESULTS}/logs/tables/controls.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        cells=lambda wildcards: rows(PLAN.cells(*CONTROL_METRICS)),
        confidence=config["comparison"]["confidence"],
    message:
        "Making the table of controls"
    script:
        "../../scripts/tables/controls.py"


# Runs whose significant neurons are held against the truth: those that Figures 3 and 8 count.
JUDGED_REGIONS = [
    region
    for region in KNOWN_REGIONS
    if ("figure3" if region == PLAN.focus else "figure8") in COUNTED_RUNS
]
JUDGED_RUNS = [
    run for region in JUDGED_REGIONS for run in PLAN.significance_runs(region)
]


# Only where there are runs to judge, so that no empty table can be asked for.
if JUDGED_RUNS:

    rule truth:
        input:
            regions=[region_file(region) for region in JUDGED_REGIONS],
            significance=run_files(JUDGED_RUNS, "significance.csv"),
            code=package("statistics", "reporting"),
        output:
            **made("tables/truth", FORMATS, caption="truth"),
        log:
            f"{RESULTS}/logs/tables/truth.log",
        localrule: True
        conda:
            "../../envs/environment.yaml"
        params:
            threshold=config["significance"]["threshold"],
        message:
            "Holding the significant neurons against the truth"
        script:
            "../../scripts/tables/truth.py"


TABLES = [
    *config["tables"],
    *(["ceilings"] if config["tables"] else []),
    *(f"{table}-companion" for table in TABLE_METRICS if table in config["tables"]),
    *(["latents"] if LATENT_CELLS else []),
    *(["controls"] if config["controls"] else []),
    *(["truth"] if JUDGED_RUNS else []),
    *(["optimal_images"] if OPTIMAL_RUNS else []),
]


rule tables:
    input:
        searched,
        [f"{RESULTS}/tables/{table}.{format}" for table in TABLES for format in FORMATS],
    localrule: True
