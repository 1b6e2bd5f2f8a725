localrules:
    curves,
    runtimes,
    page,


rule curves:
    input:
        histories=[run_file(run, "history.csv") for run in RUNS if not run.variant],
        code=package("reporting"),
    output:
        **made("figures/curves", ("png", "pdf"), caption="curves"),
    log:
        f"{RESULTS}/logs/figures/curves.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        # Under other settings losses have other units.
        runs=[run.name for run in RUNS if not run.variant],
    message:
        "Drawing the training curves"
    script:
        "../../scripts/report/figure_curves.py"


rule runtimes:
    input:
        trainings=[run_file(run, "training.json") for run in RUNS],
        code=package("reporting"),
    output:
        **made("tables/runtimes", FORMATS, caption="runtimes"),
    log:
        f"{RESULTS}/logs/tables/runtimes.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime=5,
    message:
        "Making the table of run times"
    script:
        "../../scripts/report/table_runtimes.py"


rule page:
    input:
        shown=shown_in_report(),
        training=[run_file(run, "training.json") for run in RUNS[:1]],
        template=str(ROOT / "workflow/report/report.html.j2"),
        captions=sorted(map(str, ROOT.glob("workflow/report/*.rst"))),
        assumptions=str(ROOT / "docs/assumptions.md"),
        code=package("reporting"),
    output:
        **made("report", ("html",), caption="page"),
    log:
        f"{RESULTS}/logs/report.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        regions=FIGURE_REGIONS,
        config=told_config(),
    message:
        "Writing the report"
    script:
        "../../scripts/report/report.py"
