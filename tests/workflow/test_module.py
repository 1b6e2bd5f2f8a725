"""Another workflow imports this one; files of its folder and of the project's are called like Python's own."""

import pytest

SETTING = """
SETTING = {
    "dataset": {
        "name": "inner",
        "layout": "simulated",
        "simulation": {"sizes": {"v1": {"train_images": 60, "test_images": 10, "repeats": 4, "neurons": 12}}},
    },
    "regions": ["v1"],
    "weights": {"alpha": 1, "beta": 0.1},
    "layers": ["h2"],
    "models": ["cae", "cae-fr"],
    "tables": ["table2", "table3", "table7"],
    "figures": ["figure3"],
    "training": {"batch_size": 16, "validate_every": 2, "max_steps": 2},
}
"""
PLAIN = """
module plain:
    snakefile:
        "../workflow/Snakefile"
    config:
        SETTING


use rule * from plain as plain_*
"""
PLACED = """
module placed:
    snakefile:
        "../workflow/Snakefile"
    prefix:
        "lab"
    config:
        SETTING


use rule * from placed as placed_*
"""
BOTH = """
rule both:
    default_target: True
    input:
        rules.plain_tables.input,
        rules.placed_all.input,
"""
LIKE_PYTHONS = ("signal.py", "types.py", "random.py")


@pytest.fixture
def importing(project):
    """A folder with a workflow of its own beside the project's."""
    folder = project.folder / "own"
    folder.mkdir()
    (folder / "Snakefile").write_text(SETTING + PLAIN + PLACED + BOTH)
    for place in (folder, project.folder):
        for name in LIKE_PYTHONS:
            (place / name).write_text("raise SystemExit('not the module of Python')\n")
    return folder


def test_it_is_imported_with_and_without_a_prefix_and_the_second_run_has_nothing_to_do(project, importing):
    project.snakemake(cwd=importing)
    tables = [importing / place / "results/inner/tables/table2.csv" for place in (".", "lab")]
    assert tables[0].read_bytes() == tables[1].read_bytes()
    assert (importing / "lab/results/inner/report.html").stat().st_size > 0
    assert (importing / "lab/results/inner/figures/figure3.png").stat().st_size > 0
    made = {path.name for path in importing.iterdir()} - {
        ".snakemake",
        "Snakefile",
        "__pycache__",
        *LIKE_PYTHONS,
    }
    assert made == {"results", "lab"}
    assert "Nothing to be done" in project.snakemake(cwd=importing)


def test_weights_that_were_searched_for_are_found_below_the_prefix(project):
    setting = SETTING.replace('{"alpha": 1, "beta": 0.1}', '"results/inner/weights.csv"')
    folder = project.folder / "searching"
    folder.mkdir()
    (folder / "Snakefile").write_text(setting + PLACED)
    command = ("-n", "placed_tables", "placed_trainings")
    output = project.snakemake(*command, cwd=folder, check=False)
    assert "there is no lab/results/inner/weights.csv yet; the target `placed_weights`" in output
    found = folder / "lab/results/inner/weights.csv"
    found.parent.mkdir(parents=True)
    found.write_text("table,task,region,model,layer,alpha,beta\ntable8,ir,v1,cae-fr,h2,1.0,0.3\n")
    assert "Training inner_v1_cae-fr_h2_a1_b0.3_all_s0" in project.snakemake(*command, cwd=folder)
