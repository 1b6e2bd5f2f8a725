rule engine:
    input:
        weights=rules.train.output.weights,
        region=lambda wildcards: region_file(planned(wildcards).region),
        code=package("models", "training", "use"),
    output:
        archive=written("engine/{run}.zip"),
    log:
        f"{RESULTS}/logs/engine/{{run}}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        noise=config["engine"]["noise"],
    message:
        "Answering the images in place of the animal: {wildcards.run}"
    script:
        "../../scripts/engine/engine.py"


rule synthetic:
    input:
        archive=lambda wildcards: f"{RESULTS}/engine/{ENGINES[wildcards.region].name}.zip",
        region=region_file("{region}"),
        code=package("statistics", "reporting"),
    output:
        **made("figures/synthetic-{region}", PICTURE_FORMATS, caption="synthetic"),
    log:
        f"{RESULTS}/logs/figures/synthetic-{{region}}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "Drawing synthetic beside recorded responses of {wildcards.region}"
    script:
        "../../scripts/engine/synthetic.py"
