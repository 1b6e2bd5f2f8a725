localrules:
    table,
    table7,


rule table:
    input:
        metrics=lambda wildcards: cell_files(wildcards.table, "metrics.json"),
        scores=lambda wildcards: cell_files(wildcards.table, "scores.npz"),
        paper=str(PAPER / "{table}.csv"),
        code=package(
            "tables",
            "layouts",
            "rendering",
            "labels",
            "resampling",
            "correlation",
            "scores",
            "runs",
            "paper",
        ),
    output:
        **{
            format: ensure(f"{RESULTS}/tables/{{table}}.{format}", non_empty=True)
            for format in FORMATS
        },
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
        "../../scripts/table.py"


rule table7:
    input:
        regions=[f"{RESULTS}/data/{region}.h5" for region in config["regions"]],
        code=package("tables", "layouts", "rendering", "labels"),
    output:
        **{
            format: ensure(f"{RESULTS}/tables/table7.{format}", non_empty=True)
            for format in FORMATS
        },
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
        "../../scripts/table7.py"


# Only where there are runs to judge, so that no empty table can be asked for.
if JUDGED_RUNS:

    localrules:
        table_significance,

    rule table_significance:
        input:
            regions=[f"{RESULTS}/data/{region}.h5" for region in JUDGED_REGIONS],
            significance=[run_file(run, "significance.csv") for run in JUDGED_RUNS],
            code=package("truth", "rendering", "labels"),
        output:
            **{
                format: ensure(
                    f"{RESULTS}/tables/significance.{format}", non_empty=True
                )
                for format in FORMATS
            },
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
            "../../scripts/table_significance.py"


rule tables:
    input:
        [
            f"{RESULTS}/tables/{table}.{format}"
            for table in [
                *config["tables"],
                *(["significance"] if JUDGED_RUNS else []),
            ]
            for format in FORMATS
        ],
