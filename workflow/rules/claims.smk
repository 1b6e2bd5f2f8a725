rule verdicts:
    input:
        scores=scores_of(CLAIMS),
        paper=[str(PAPER / f"{table}.csv") for table in (*METRICS, "weights")],
        code=package("paper", "statistics", "reporting"),
    output:
        **made("claims", PAGES, caption="claims"),
    log:
        f"{RESULTS}/logs/claims.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        config=planned_by(PLAN),
        options=judging(),
    message:
        "Judging the paper's claims"
    script:
        "../../scripts/report/claims.py"


rule sensitivity:
    input:
        scores=scores_of(VARIED_CLAIMS),
        paper=[str(PAPER / f"{table}.csv") for table in (*METRICS, "weights")],
        code=package("paper", "statistics", "reporting"),
    output:
        **made("sensitivity", PAGES, caption="sensitivity"),
    log:
        f"{RESULTS}/logs/sensitivity.log",
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        config=planned_by(VARIED_PLANS[0]),
        options=judging(),
    message:
        "Judging the paper's claims under the variants of the config"
    script:
        "../../scripts/report/sensitivity.py"


rule claims:
    input:
        [
            f"{RESULTS}/{page}.{format}"
            for page, asked in (
                ("claims", CLAIMS),
                ("sensitivity", config["variants"] and VARIED_CLAIMS),
            )
            if asked
            for format in PAGES
        ],
