# Under other settings losses have other units.
OWN_RUNS = [run for run in RUNS if not run.variant]


rule curves:
    input:
        histories=[run_file(run, "history.csv") for run in OWN_RUNS],
        code=package("reporting"),
    output:
        **made("figures/curves", ("png", "pdf"), caption="curves"),
    log:
        f"{RESULTS}/logs/figures/curves.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "Drawing the training curves"
    script:
        "../../scripts/report/curves.py"


rule runtimes:
    input:
        trainings=[run_file(run, "training.json") for run in RUNS],
        code=package("reporting"),
    output:
        **made("tables/runtimes", FORMATS, caption="runtimes"),
    log:
        f"{RESULTS}/logs/tables/runtimes.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "Making the table of run times"
    script:
        "../../scripts/report/runtimes.py"


rule verdicts:
    input:
        scores=scores_of(CLAIMS),
        regions=[region_file(region) for region in KNOWN_REGIONS],
        paper=printed(*TABLE_METRICS),
        code=package("paper", "statistics", "reporting"),
    output:
        **made("verdicts", PAGE_FORMATS, caption="verdicts"),
    log:
        f"{RESULTS}/logs/verdicts.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        claims=rows(CLAIMS),
        rules=config["comparison"],
        threshold=config["significance"]["threshold"],
    message:
        "Judging the paper's claims"
    script:
        "../../scripts/report/verdicts.py"


rule sensitivity:
    input:
        scores=scores_of(sum(VARIED_CLAIMS.values(), ())),
        paper=rules.verdicts.input.paper,
        code=rules.verdicts.input.code,
    output:
        **made("sensitivity", PAGE_FORMATS, caption="sensitivity"),
    log:
        f"{RESULTS}/logs/sensitivity.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        claims={name: rows(claims) for name, claims in VARIED_CLAIMS.items()},
        rules={name: each["comparison"] for name, each in VARIED_CONFIGS.items()},
        thresholds={
            name: each["significance"]["threshold"]
            for name, each in VARIED_CONFIGS.items()
        },
    message:
        "Judging the paper's claims under the variants of the config"
    script:
        "../../scripts/report/sensitivity.py"


rule readings:
    input:
        scores=cell_files(sum(VARIED_CELLS.values(), []), "scores.npz"),
        paper=rules.verdicts.input.paper,
        code=rules.verdicts.input.code,
    output:
        **made("readings", PAGE_FORMATS, caption="readings"),
    log:
        f"{RESULTS}/logs/readings.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        cells={name: rows(cells) for name, cells in VARIED_CELLS.items()},
        confidence=config["comparison"]["confidence"],
    message:
        "Holding the variants of the config against the paper's numbers"
    script:
        "../../scripts/report/readings.py"


rule report:
    input:
        shown=shown_in_report(),
        training=[run_file(run, "training.json") for run in RUNS[:1]],
        recorded=[region_file(region) for region in config["regions"]],
        captions=[ours(path) for path in sorted(ROOT.glob("workflow/report/*.rst"))],
        assumptions=ours(ROOT / "docs/assumptions.md"),
        code=package("reporting"),
    output:
        **made("report", ("html",), caption="report"),
    log:
        f"{RESULTS}/logs/report.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        regions=FIGURE_REGIONS,
        config=told_config(),
    message:
        "Writing the report"
    script:
        "../../scripts/report/report.py"
