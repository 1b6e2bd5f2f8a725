"""Another workflow imports this one; files of its folder and of the project's are called like Python's own."""

import pytest

SNAKEFILE = """
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


module plain:
    snakefile:
        "../workflow/Snakefile"
    config:
        SETTING


use rule * from plain as plain_*


module placed:
    snakefile:
        "../workflow/Snakefile"
    prefix:
        "lab"
    config:
        SETTING


use rule * from placed as placed_*


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
    (folder / "Snakefile").write_text(SNAKEFILE)
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
