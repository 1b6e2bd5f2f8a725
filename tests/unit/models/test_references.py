import numpy as np
import pytest
import torch
from scipy import ndimage

from daenr.config import ModelSettings
from daenr.models.joint import build
from daenr.models.losses import joint_loss
from daenr.models.references import LinearNonlinear
from daenr.registry import REFERENCES

NEURONS, BATCH = 5, 6
SETTINGS = ModelSettings(channels=4, ln_ridge=(0.3,), ln_smoothness=(0.7,))
LAPLACIAN = np.array([[1, 2, 1], [2, -12, 2], [1, 2, 1]]) / 4


def _images() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (BATCH, 1, 32, 32))


def _rough(filters: np.ndarray) -> np.ndarray:
    """Squared norm of each filter's Laplacian."""
    return np.array([(ndimage.convolve(each, LAPLACIAN, mode="constant") ** 2).sum() for each in filters])


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_predicts_and_every_parameter_learns(name):
    model = build(name, neurons=NEURONS, settings=SETTINGS)
    images = torch.from_numpy(_images()).float()
    output = model(images)
    assert output.reconstruction is None
    assert output.rate.shape == (BATCH, NEURONS)
    joint_loss(output, images, torch.rand(BATCH, NEURONS), 0.0, 1.0).total.backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_is_not_read_out_by_layer(name):
    with pytest.raises(ValueError, match=f"{name} takes no layer, got 'h2'"):
        build(name, "h2", NEURONS, settings=SETTINGS)


def test_ln_is_softplus_of_a_scalar_product():
    model = build("ln", neurons=NEURONS, settings=SETTINGS).double()
    filters = np.random.default_rng(1).normal(0, 0.1, (NEURONS, 32, 32))
    with torch.no_grad():
        model.readout.filter.copy_(torch.from_numpy(filters))
        output = model(torch.from_numpy(_images()))
    bias = np.log(np.expm1(1))  # the mean response of neurons of which nothing is known
    drive = np.tensordot(_images()[:, 0], filters, ([1, 2], [1, 2])) + bias
    np.testing.assert_allclose(output.rate, np.log1p(np.exp(drive)), rtol=1e-6)
    penalty = 0.3 * (filters**2).sum() + 0.7 * _rough(filters).sum()
    assert output.penalty.item() == pytest.approx(penalty, rel=1e-10)


def test_ln_offers_every_pair_of_strengths_and_is_built_with_one():
    settings = ModelSettings(ln_ridge=(0, 1), ln_smoothness=(2, 3, 4))
    pairs = [(each.ln_ridge, each.ln_smoothness) for each in LinearNonlinear.candidates(settings)]
    assert pairs == [((ridge,), (smooth,)) for ridge in (0, 1) for smooth in (2, 3, 4)]
    with pytest.raises(ValueError, match=r"ln takes one strength each.*\[0.0, 1.0\]"):
        build("ln", neurons=NEURONS, settings=settings)


def test_klindt_has_the_published_layers():
    model = build("klindt", neurons=NEURONS, settings=ModelSettings())
    features = model.encoder(torch.from_numpy(_images()).float())
    assert [tuple(each.shape[1:]) for each in features] == [(48, 20, 20)] * 3
    assert (features[0] > 0).all()
    assert (features[2] < 0).any()  # the last layer ends with batch norm
    convolutions = 48 * (169 + 2 * 48 * 9)
    norms = 3 * 2 * 48
    assert sum(each.numel() for each in model.parameters()) == convolutions + norms + NEURONS * (400 + 48 + 1)


def test_klindt_penalises_rough_first_filters_groups_of_later_ones_and_the_readout():
    model = build("klindt", neurons=NEURONS, settings=SETTINGS).double()
    with torch.no_grad():
        found = model(torch.from_numpy(_images())).penalty.item()
    first, second, third = (block[0].weight.detach().numpy() for block in model.encoder.blocks)
    rough = (_rough(first[:, 0]) / (first**2).sum((1, 2, 3))).sum()
    groups = sum(np.linalg.norm(each.reshape(-1, 9), axis=1).sum() for each in (second, third))
    mask, features = (
        np.abs(each.detach().numpy()).sum(1) for each in (model.readout.mask, model.readout.features)
    )
    expected = 0.03 * rough + 0.05 * groups + 0.02 * (mask * features).sum()
    assert found == pytest.approx(expected, rel=1e-10)


def test_the_masks_of_klindt_are_positive():
    model = build("klindt", neurons=NEURONS, settings=SETTINGS).eval()
    images = torch.from_numpy(_images()).float()
    with torch.no_grad():
        before = model(images).rate
        model.readout.mask.neg_()
        assert torch.equal(model(images).rate, before)
