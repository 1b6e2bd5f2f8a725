import pytest

from daenr.reporting import labels


@pytest.mark.parametrize(
    ("model", "layer", "label"),
    [("cae", None, "CAE"), ("cae-fr", "h1", "CAE-FR₁"), ("vq-vae-fm", "h4", "VQ-VAE-FM₄")],
)
def test_model_labels(model, layer, label):
    assert labels.model_label(model, layer) == label


@pytest.mark.parametrize(("model", "label"), [("vae", "VAE"), ("vae-fc", "VAE-FCᵢ"), ("cnn-fm", "CNN-FMᵢ")])
def test_a_model_at_all_its_layers(model, label):
    assert labels.family_label(model) == label


@pytest.mark.parametrize(
    ("region", "label"), [("region12", "Region 12"), ("left", "left"), ("region", "region")]
)
def test_region_labels(region, label):
    assert labels.region_label(region) == label


def test_a_sentence_has_labels_but_the_names_of_claims_stay():
    said = labels.label_words("In region1 by h2, not left; rests on pcc-region1-h2, h5, region.")
    assert said == "In Region 1 by h₂, not left; rests on pcc-region1-h2, h5, region."
