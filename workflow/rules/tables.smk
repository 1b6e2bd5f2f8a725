localrules:
    table,
    table7,
    ceilings,
    ceilings_table,
    companion,
    controls,


rule table:
    input:
        metrics=lambda wildcards: cell_files(wildcards.table, "metrics.json"),
        scores=lambda wildcards: cell_files(wildcards.table, "scores.npz"),
        paper=str(PAPER / "{table}.csv"),
        code=package("paper", "statistics", "reporting"),
    output:
        **made("tables/{table}", FORMATS, caption="table"),
    log:
        f"{RESULTS}/logs/tables/{{table}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        cells=lambda wildcards: cell_rows(wildcards.table),
        confidence=config["comparison"]["confidence"],
    message:
        "Making {wildcards.table}"
    script:
        "../../scripts/tables/table.py"


rule table7:
    input:
        regions=[f"{RESULTS}/data/{region}.h5" for region in config["regions"]],
        code=package("statistics", "reporting"),
    output:
        **made("tables/table7", FORMATS, caption="table7"),
    log:
        f"{RESULTS}/logs/tables/table7.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime=5,
    message:
        "Making table7"
    script:
        "../../scripts/tables/table7.py"


rule ceilings:
    input:
        region=f"{RESULTS}/data/{{region}}.h5",
        code=package("statistics"),
    output:
        csv=ensure(f"{RESULTS}/ceilings/{{region}}.csv", non_empty=True),
    log:
        f"{RESULTS}/logs/ceilings/{{region}}.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime=5,
    message:
        "Noise ceilings of {wildcards.region}"
    script:
        "../../scripts/tables/ceilings.py"


rule ceilings_table:
    input:
        ceilings=[f"{RESULTS}/ceilings/{region}.csv" for region in config["regions"]],
        code=package("statistics", "reporting"),
    output:
        **made("tables/ceilings", FORMATS, caption="ceilings"),
    log:
        f"{RESULTS}/logs/tables/ceilings.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime=5,
    message:
        "Making the table of ceilings"
    script:
        "../../scripts/tables/table_ceilings.py"


rule companion:
    input:
        **PUBLISHED,
        own=f"{RESULTS}/tables/{{table}}.csv",
        ceilings=f"{RESULTS}/tables/ceilings.csv",
        code=package("statistics", "reporting"),
    output:
        **made("tables/{table}-ceiling", FORMATS, caption="companion"),
    log:
        f"{RESULTS}/logs/tables/{{table}}-ceiling.log",
    wildcard_constraints:
        table="table4|table6",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime=5,
    message:
        "Making {wildcards.table} as fractions of the ceiling"
    script:
        "../../scripts/tables/table_companion.py"


rule controls:
    input:
        scores=[
            file
            for table in CONTROL_METRICS
            for file in cell_files(table, "scores.npz")
        ],
        code=package("statistics", "reporting"),
    output:
        **made("tables/controls", FORMATS, caption="controls"),
    log:
        f"{RESULTS}/logs/tables/controls.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        cells=[row for table in CONTROL_METRICS for row in cell_rows(table)],
        resamples=config["comparison"]["resamples"],
        confidence=config["comparison"]["confidence"],
    message:
        "Making the table of controls"
    script:
        "../../scripts/tables/table_controls.py"


# Only where there are runs to judge, so that no empty table can be asked for.
if JUDGED_RUNS:

    localrules:
        table_significance,

    rule table_significance:
        input:
            regions=[f"{RESULTS}/data/{region}.h5" for region in JUDGED_REGIONS],
            significance=[run_file(run, "significance.csv") for run in JUDGED_RUNS],
            code=package("statistics", "reporting"),
        output:
            **made("tables/significance", FORMATS, caption="significance"),
        log:
            f"{RESULTS}/logs/tables/significance.log",
        conda:
            "../../envs/environment.yaml"
        resources:
            mem_mb=1000,
            runtime=5,
        params:
            regions=JUDGED_REGIONS,
            runs=[run.name for run in JUDGED_RUNS],
            threshold=config["significance"]["threshold"],
        message:
            "Holding the significant neurons against the truth"
        script:
            "../../scripts/tables/table_significance.py"


rule tables:
    input:
        [f"{RESULTS}/tables/{table}.{format}" for table in TABLES for format in FORMATS],
