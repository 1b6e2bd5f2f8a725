CLAIMS = claim_tree(PLAN)
# Variants repeat the tables alone, and are compared with the same claims of the config's own.
VARIED = {"": Plan(tables_alone(config), PAPER), **PLAN.variants()}
VARIED_CLAIMS = {name: claim_tree(plan) for name, plan in VARIED.items()}
VARIED_CELLS = {name: plan.cells(*plan.tables()) for name, plan in VARIED.items()}
PAGES = [
    name
    for name, judged in (
        ("verdicts", CLAIMS),
        ("sensitivity", config["variants"] and VARIED_CLAIMS[""]),
        ("readings", COMPARED and config["variants"] and VARIED_CELLS[""]),
    )
    if judged
]
# Tables as data and pictures, from which the report is made; those of the trainings themselves if there are any.
SHOWN = [
    *(f"{RESULTS}/{page}.json" for page in PAGES),
    *(
        f"{RESULTS}/tables/{table}.json"
        for table in [*TABLES, *(["runtimes"] if RUNS else [])]
    ),
    *(
        f"{RESULTS}/figures/{figure}.png"
        for figure in [*FIGURES, *(["curves"] if RUNS else [])]
    ),
]
# Under other settings losses have other units.
OWN_RUNS = [run for run in RUNS if not run.variant]


rule curves:
    input:
        histories=run_files(OWN_RUNS, "history.csv"),
        code=package("reporting"),
    output:
        **made("figures/curves", PICTURE_FORMATS, caption="curves"),
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
        trainings=run_files(RUNS, "training.json"),
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
        rules={name: plan.config["comparison"] for name, plan in VARIED.items()},
        thresholds={
            name: plan.config["significance"]["threshold"]
            for name, plan in VARIED.items()
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
        shown=SHOWN,
        training=run_files(RUNS[:1], "training.json"),
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
        # Without the keys that change no result.
        config={
            key: value
            for key, value in config.items()
            if key not in ("checkpoint_every", "trainings_per_gpu")
        },
    message:
        "Writing the report"
    script:
        "../../scripts/report/report.py"
