"""What Snakemake says before anything runs."""

import os
import re
import resource
from pathlib import Path

import pytest

from daenr.run import Run


def processor_seconds():
    """Of all processes that were started and have ended: other work on the machine does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_the_paper_is_planned_offline_in_ten_seconds_from_any_folder(copy, tmp_path):
    before = processor_seconds()
    jobs = copy.would_run("--directory", tmp_path)
    assert processor_seconds() - before < 10
    assert jobs["train"] == jobs["evaluate"] == 216
    assert jobs["download"] == 1
    assert "truth" not in jobs  # the truth is not known
    assert jobs["table"] == 5
    assert jobs["reconstructions"] == jobs["neuron_counts"] == 3


def test_config_files_are_merged_and_the_later_one_counts(copy):
    (copy.folder / "later.yaml").write_text("training: {patience: 20}\n")
    output = copy.snakemake("-n", "--configfile", "config/demo.yaml", "later.yaml", check=False)
    # The demo validates every 30 steps; by itself the later file would be held against the paper's 50.
    assert "Config error at training.patience: 20 steps end before the first validation" in output
    assert "training.validate_every = 30" in output
    assert "Job stats" not in output
    jobs = copy.would_run("--configfile", "config/demo.yaml", "config/fast.yaml")
    assert jobs["train"] == 216
    assert jobs["simulate"] == jobs["truth"] == 1
    assert "download" not in jobs


def test_a_negative_weight_in_the_papers_file_fails_while_parsing(copy):
    weights = copy.folder / "config/paper/weights.csv"
    printed = weights.read_text()
    try:
        weights.write_text(printed.replace("1e-5", "-1e-5", 1))
        output = copy.snakemake("-n", check=False)
    finally:
        weights.write_text(printed)
    assert re.search(
        r"Config error: .*weights\.csv, line \d+: beta must be a finite number, not negative", output
    )
    assert "Job stats" not in output


@pytest.mark.parametrize(
    "target",
    [
        "results/antolik2016/runs/antolik2016_region1_cae-rf_h1_a1_b1_all_s0/metrics.json",
        "results/antolik2016/runs/antolik2016_region4_cae-fr_h1_a1_b1_all_s0/metrics.json",
        "results/antolik2016/runs/antolik2016_region1_cae_none_a1_b0_all_s0/significance.csv",
        "results/antolik2016/tables/table9.csv",
        "results/antolik2016/tables/truth.csv",
    ],
)
def test_a_typo_in_a_target_fails_before_anything_runs(copy, target):
    output = copy.snakemake("-n", target, check=False)
    assert "Job stats" not in output
    assert "Error" in output or "Exception" in output


def test_any_run_can_be_asked_for_by_name_and_a_group_brings_its_parent_and_the_test(copy):
    runs = [
        Run("antolik2016", "region2", "vae-fc", "h3", 1.0, 0.123, "all", 7),
        Run("antolik2016", "region3", "cae-fr", "h1", 1.0, 0.5, "significant", 0),
    ]
    jobs = copy.would_run(*(f"results/antolik2016/runs/{run.name}/metrics.json" for run in runs))
    assert jobs == {"download": 1, "preprocess": 2, "train": 3, "evaluate": 2, "significance": 1}


@pytest.mark.parametrize(
    ("device", "nvidia_smi", "gpus"),
    [
        ("cuda", "exit 1", 1),
        ("auto", "echo 'GPU 0: NVIDIA (UUID: GPU-0)'", 1),
        ("auto", "echo 'GPU 0: NVIDIA (UUID: GPU-0)'; exit 9", 0),
        ("auto", "echo 'No devices were found'", 0),
    ],
)
def test_a_gpu_is_asked_for_where_the_config_says_so_or_one_is_listed(
    copy, tmp_path, monkeypatch, device, nvidia_smi, gpus
):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{nvidia_smi}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    rules = copy.folder / "workflow/rules/training.smk"
    written = rules.read_text()
    target = "results/antolik2016/runs/antolik2016_region1_cae_none_a1_b0_all_s0/weights.safetensors"
    try:
        # A rule with a message prints that in place of its resources.
        rules.write_text(written.replace('    message:\n        "Training {wildcards.run}"\n', "", 1))
        plan = copy.snakemake("-n", target, "--config", f"device={device}")
    finally:
        rules.write_text(written)
    assert re.search(rf"resources:[^\n]*gpu={gpus}", plan), plan


def test_a_package_that_is_missing_or_another_projects_is_named(copy, monkeypatch):
    monkeypatch.setitem(copy.environment, "PYTHONPATH", str(Path(__file__).parents[2]))
    output = copy.snakemake("-n", check=False)
    assert "which is not this project's; run `pip install -e .` in" in output
    module = copy.folder / "daenr/config.py"
    written = module.read_text(encoding="utf-8")
    monkeypatch.setitem(copy.environment, "PYTHONPATH", str(copy.folder))
    try:
        module.write_text(f"import not_installed\n{written}", encoding="utf-8")
        output = copy.snakemake("-n", check=False)
    finally:
        module.write_text(written, encoding="utf-8")
    assert "No module named 'not_installed'; run `pip install -e .` in" in output


@pytest.mark.parametrize(("model", "latents"), [("cae", 1), ("cnn-fr", None)])
def test_the_table_of_latents_is_made_where_table_5_has_a_model_that_has_one(copy, model, latents):
    config = copy.config(dataset={"name": "few", "layout": "simulated"}, regions=["region1"])
    (copy.folder / "few.yaml").write_text(f"models: [{model}]\ntables: [table4, table5]\nfigures: []\n")
    assert copy.would_run(*config, "few.yaml").get("latents") == latents


def test_weights_are_searched_for_before_anything_else_is_planned(copy):
    config = copy.config(
        dataset={"name": "unsearched", "layout": "simulated"},
        regions=["region1"],
        weights="results/unsearched/weights.csv",
        weight_search={"ratios": [0.1, 1]},
    )
    output = copy.snakemake("-n", *config, check=False)
    assert "there is no results/unsearched/weights.csv yet; the target `weights`" in output
    jobs = copy.would_run("weights", *config)
    # Two tries each of CAE, CNN-FR and CAE-FR, which serves both tasks.
    assert jobs == {"simulate": 1, "preprocess": 1, "train": 6, "significance_validation": 4, "weights": 1}
