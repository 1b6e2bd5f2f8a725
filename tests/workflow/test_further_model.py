"""A further auto-encoder or readout is one class and one line, from its first training to the verdicts."""

import csv

import pytest

CLASSES = {
    "autoencoders": '''

class Tiny(CAE):
    """A CAE whose decoder starts from bounded features."""

    def restore(self, code: Tensor) -> Tensor:
        """Between -1 and 1."""
        return torch.tanh(super().restore(code))
''',
    "readouts": '''

class Linear(FullyConnectedReadout):
    """An FC under another name."""
''',
}
LINES = {
    '    "vq-vae": "daenr.models.autoencoders:VQVAE",\n': '    "tiny": "daenr.models.autoencoders:Tiny",\n',
    '    "fm": "daenr.models.readouts:FixedMaskReadout",\n': '    "linear": "daenr.models.readouts:Linear",\n',
}
MODELS = ["cae", "cnn-fr", "cae-fr", "tiny", "tiny-fr", "cnn-linear", "cae-linear"]


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def extended(project):
    """A run of Tables 5 and 6 in a project to which two classes and two lines were added."""
    for module, text in CLASSES.items():
        with (project.folder / f"daenr/models/{module}.py").open("a", encoding="utf-8") as file:
            file.write(text)
    names = project.folder / "daenr/registry.py"
    text = names.read_text(encoding="utf-8")
    for above, line in LINES.items():
        assert above in text
        text = text.replace(above, above + line)
    names.write_text(text, encoding="utf-8")
    size = {"train_images": 60, "test_images": 10, "repeats": 4, "neurons": 12}
    config = project.config(
        dataset={"name": "more", "layout": "simulated", "simulation": {"sizes": {"v1": size}}},
        weights={"alpha": 1, "beta": 1},
        models=MODELS,
        tables=["table5", "table6"],
        figures=[],
    )
    project.snakemake(*config)
    return project.folder / "results/more"


def test_it_stands_in_the_tables_without_published_numbers(extended):
    table5, table6 = (
        [row for row in rows(extended / f"tables/{name}.csv") if row["metric"] != "leverage"]
        for name in ("table5", "table6")
    )
    assert list(dict.fromkeys(row["model"] for row in table5)) == [
        "pca",
        "cae",
        "cae-fr",
        "cae-linear",
        "tiny",
        "tiny-fr",
    ]
    assert list(dict.fromkeys(row["model"] for row in table6)) == [
        *("cnn-fr", "cae-fr", "tiny-fr", "cnn-linear", "cae-linear")
    ]
    for row in table5 + table6:
        assert float(row["value"])
        assert not row["paper"]  # the region is none of the paper's
    values = {row["model"]: row["value"] for row in table5 if row["metric"] == "mse"}
    assert values["tiny"] != values["cae"]
    html = (extended / "tables/table5.html").read_text(encoding="utf-8")
    assert "TINY-FR" in html
    assert "CAE-LINEAR" in html


def test_its_weights_are_one_and_no_row_is_invented(extended, project):
    weights = {folder.name.split("_", 2)[2] for folder in (extended / "runs").iterdir()}
    assert {"tiny_none_a1_b0_all_s0", "tiny-fr_h2_a1_b1_all_s0", "cae-linear_h2_a1_b1_all_s0"} <= weights
    for path in (project.folder / "config/paper").iterdir():
        assert "tiny" not in path.read_text(encoding="utf-8")


def test_it_is_judged_under_its_own_name(extended):
    judged = {row["claim"] for row in rows(extended / "verdicts.csv")}
    models = ("others", "cae-fr", "cae-linear", "tiny-fr")
    assert judged == {f"{half}-{name}" for half in ("mse", "pcc") for name in models}
