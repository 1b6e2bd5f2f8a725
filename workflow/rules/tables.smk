FORMATS = ("csv", "md", "tex", "html")


localrules:
    table,
    table7,


def cell_rows(wildcards):
    """Cells of a table as plain values, so that a changed cell reruns the table."""
    return [
        {
            "region": cell.region,
            "model": cell.model,
            "layer": cell.layer,
            "neurons": cell.neurons,
            "run": cell.run.name,
        }
        for cell in PLAN.cells(wildcards.table)
    ]


rule table:
    message:
        "Making {wildcards.table}"
    input:
        metrics=lambda wildcards: list(
            dict.fromkeys(run_file(cell.run, "metrics.json") for cell in PLAN.cells(wildcards.table))
        ),
        paper=str(PAPER / "{table}.csv"),
        code=package("tables"),
    output:
        **{format: ensure(f"{RESULTS}/tables/{{table}}.{format}", non_empty=True) for format in FORMATS},
    log:
        f"{RESULTS}/logs/tables/{{table}}.log",
    params:
        cells=cell_rows,
    resources:
        mem_mb=1000,
        runtime=5,
    conda:
        "../../envs/environment.yaml"
    script:
        "../../scripts/table.py"


rule table7:
    message:
        "Making table7"
    input:
        regions=[f"{RESULTS}/data/{region}.h5" for region in config["regions"]],
        code=package("tables"),
    output:
        **{format: ensure(f"{RESULTS}/tables/table7.{format}", non_empty=True) for format in FORMATS},
    log:
        f"{RESULTS}/logs/tables/table7.log",
    resources:
        mem_mb=1000,
        runtime=5,
    conda:
        "../../envs/environment.yaml"
    script:
        "../../scripts/table7.py"


rule tables:
    input:
        [f"{RESULTS}/tables/{table}.{format}" for table in config["tables"] for format in FORMATS],
