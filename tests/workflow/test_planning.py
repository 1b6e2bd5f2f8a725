"""What Snakemake says before anything runs."""

import re
import time

import pytest
import yaml

from daenr.run import Run


def test_the_paper_is_planned_offline_in_ten_seconds(copy):
    start = time.perf_counter()
    jobs = copy.would_run()
    assert time.perf_counter() - start < 10
    assert jobs["train"] == jobs["evaluate"] == 216
    assert jobs["download"] == 1
    assert "table_significance" not in jobs  # the truth is not known
    assert jobs["table"] == 5
    assert jobs["reconstructions"] == jobs["neuron_counts"] == 3


def test_it_plans_from_another_folder(copy, tmp_path):
    output = copy.snakemake("-n", "--quiet", "rules", "--directory", tmp_path)
    assert re.search(r"^train +216$", output, re.M), output


def test_the_demo_downloads_nothing(copy):
    jobs = copy.would_run("--configfile", "config/demo.yaml")
    assert jobs["train"] == 216
    assert jobs["simulate"] == 1
    assert "download" not in jobs
    assert jobs["table_significance"] == 1


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ({"models": ["cea"]}, r"Config error at models\[0\]: 'cea' is not one of"),
        ({"regions": ["region9"]}, r"Config error at regions\[0\]: 'region9' is not in"),
        (
            {"dataset": {"name": "x", "layout": "simulated"}, "training": {"batch_size": 4096}},
            r"Config error at training\.batch_size: 4096 images a batch",
        ),
        ({"model": {"fr_penalty": -1}}, r"Config error at model\.fr_penalty: -1 should be greater than or"),
        ({"trainning": {"patience": 3}}, r"Config error at trainning: unknown key; did you mean 'training'"),
    ],
)
def test_a_config_error_fails_while_parsing(copy, setting, complaint):
    (copy.folder / "wrong.yaml").write_text(yaml.safe_dump(setting))
    output = copy.snakemake("-n", "--configfile", "wrong.yaml", check=False)
    assert re.search(complaint, output), output
    assert "Job stats" not in output


def test_config_files_are_merged_and_the_later_one_counts(copy):
    (copy.folder / "later.yaml").write_text("training: {patience: 20}\n")
    output = copy.snakemake("-n", "--configfile", "config/demo.yaml", "later.yaml", check=False)
    # The demo validates every 30 steps; by itself the later file would be held against the paper's 50.
    assert "Config error at training.patience: 20 steps end before the first validation" in output
    assert "training.validate_every = 30" in output
    jobs = copy.would_run("--configfile", "config/demo.yaml", "config/fast.yaml")
    assert jobs["train"] == 216
    assert jobs["simulate"] == 1


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
        "results/antolik2016/runs/other_region1_cae-fr_h1_a1_b1_all_s0/metrics.json",
        "results/antolik2016/runs/antolik2016_region1_cae_none_a1_b0_all_s0/significance.csv",
        "results/antolik2016/data/region4.h5",
        "results/antolik2016/tables/table9.csv",
        "results/antolik2016/tables/significance.csv",
        "results/antolik2016/figures/figure1.png",
    ],
)
def test_a_typo_in_a_target_fails_before_anything_runs(copy, target):
    output = copy.snakemake("-n", target, check=False)
    assert "Job stats" not in output
    assert "Error" in output or "Exception" in output


def test_any_run_can_be_asked_for_by_name(copy):
    run = Run("antolik2016", "region2", "vae-fc", "h3", 1.0, 0.123, "all", 7)
    jobs = copy.would_run(f"results/antolik2016/runs/{run.name}/metrics.json")
    assert jobs == {"download": 1, "preprocess": 1, "train": 1, "evaluate": 1}


def test_a_group_brings_its_parent_and_the_test(copy):
    run = Run("antolik2016", "region3", "cae-fr", "h1", 1.0, 0.5, "significant", 0)
    jobs = copy.would_run(f"results/antolik2016/runs/{run.name}/metrics.json")
    assert jobs["train"] == 2
    assert jobs["significance"] == 1


@pytest.mark.parametrize(("device", "gpus"), [("cuda", 1), ("cpu", 0)])
def test_a_gpu_is_asked_for_where_the_config_says_so(copy, device, gpus):
    rules = copy.folder / "workflow/rules/training.smk"
    written = rules.read_text()
    try:
        # A rule with a message prints that in place of its resources.
        rules.write_text(written.replace('    message:\n        "Training {wildcards.run}"\n', "", 1))
        plan = copy.snakemake("-n", "--config", f"device={device}")
    finally:
        rules.write_text(written)
    assert len(re.findall(rf"resources:[^\n]*gpu={gpus}", plan)) == 216
