"""Labels of regions, layers and models as the paper prints them, for tables and figures alike."""

# ruff: noqa: RUF001 - the symbols are those of the paper

import re

from daenr.registry import split_model

SUBSCRIPTS = str.maketrans("1234i", "₁₂₃₄ᵢ")
NEURON_LABELS = {"all": "all", "significant": "✓", "insignificant": "×"}


LINEAR_CODE = "pca"
"""Stands among the models of a table: principal components, as many as the latent has numbers."""


LAYER_COLOURS = {"": "#000000", "h1": "#0072B2", "h2": "#E69F00", "h3": "#009E73", "h4": "#CC79A7"}
"""Of Okabe & Ito (2008); no layer is black."""

LAYER_DASHES = {"": (), "h1": (), "h2": (4, 1), "h3": (2, 1), "h4": (1, 1)}
"""So that layers are told apart in gray."""


NEGLIGIBLE = 1e-3
"""A model whose responses supply less of the gradient is, as a reconstruction, the model without them."""


def region_label(region: str) -> str:
    """A region as the paper prints it: ``region1`` -> Region 1; other names stay as they are."""
    return re.sub(r"^region(\d+)$", r"Region \1", region)


def layer_label(layer: str) -> str:
    """A layer as the paper prints it: ``h1`` -> h₁."""
    return layer.translate(SUBSCRIPTS)


def label_words(text: str) -> str:
    """A sentence with its regions and layers as the paper prints them; names of claims (``pcc-region1``) stay."""
    text = re.sub(r"(?<![\w-])region\d+\b", lambda name: region_label(name[0]), text)
    return re.sub(r"(?<![\w-])h[1-4]\b", lambda name: layer_label(name[0]), text)


def model_label(model: str, layer: str | None = None) -> str:
    """A model as the paper prints it: ``cae-fr`` read out at ``h1`` -> CAE-FR₁, ``hi`` standing for any layer."""
    if model == LINEAR_CODE:
        return "Linear code (PCA)"
    if model == "klindt":
        return "Klindt"
    return model.upper() + layer_label(layer or "").removeprefix("h")


def family_label(model: str) -> str:
    """A model at all its layers, as the rows of Tables 5 and 6: CAE, CAE-FRᵢ."""
    readout = model != LINEAR_CODE and split_model(model)[1]
    return model_label(model, "hi" if readout else None)
