import json

import pytest

from daenr.paper.plan import Cell
from daenr.reporting import latents
from daenr.run import Run

USE = {
    "cae": {"effective_dimensions": 9.25},
    "vae": {"effective_dimensions": 9.25, "active_dimensions": 40.0, "kl": 61.5},
    "vq-vae": {"codes_used": 100.0, "perplexity": 50.5},
}


@pytest.fixture
def found():
    """Two seeds of each plain and joint auto-encoder at two layers; the second seed's numbers are larger by 2."""
    cells, documents = [], {}
    for seed in (0, 1):
        for autoencoder, use in USE.items():
            for model in (autoencoder, f"{autoencoder}-fr"):
                for layer in ("h1", "h2"):
                    joint = model != autoencoder
                    run = Run("fake", "r", model, layer if joint else None, 1.0, float(joint), "all", seed)
                    cells.append(Cell("table5", "r", model, layer, "all", run))
                    shifted = {name: value + 2 * seed for name, value in use.items()}
                    documents[run.name] = {"latent": shifted, "reason": None}
    return cells, documents


def test_each_auto_encoder_has_what_its_latent_has(found):
    frame = latents.tidy(*found)
    assert list(frame.columns) == latents.COLUMNS
    rows = frame.set_index(["model", "layer", "metric"])
    assert rows.loc[("vae-fr", "h2", "kl"), ["value", "sd", "n"]].tolist() == [62.5, pytest.approx(2**0.5), 2]
    assert set(frame.loc[frame["model"] == "vq-vae", "metric"]) == {"codes_used", "perplexity"}
    assert len(frame) == 4 * (1 + 3 + 2)


def test_there_is_a_table_for_each_auto_encoder(found):
    made = latents.render(latents.tidy(*found))
    grids = json.loads(made.json)
    assert [grid["title"] for grid in grids] == [
        "Latent of the CAE",
        "Latent of the VAE",
        "Latent of the VQ-VAE",
    ]
    assert [len(grid["columns"]) for grid in grids] == [2, 6, 4]
    assert "Perplexity: how many codes" in grids[0]["caption"]  # what the report shows
    assert "101.0 ± 1.4" in made.md
    assert "Mean ± standard deviation over 2 seeds." in made.md
