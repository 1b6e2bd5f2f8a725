"""The ascent finds what is known to be best, and images stay what can be shown."""

import pytest
import torch

from daenr.config import ModelSettings, OptimalImages
from daenr.models.joint import build
from daenr.optimal.ascent import (
    Codes,
    Shown,
    as_shown,
    ascend_latent,
    ascend_pixels,
    best_start,
    blurred,
    objective,
    see,
    standardised,
)

SHOWN = Shown((31, 31), mean=-0.02, contrast=0.2)
AS_DRAWN = OptimalImages().model_copy(update={"steps": 0})
SMALL = ModelSettings(channels=4, latent=6, codes=8)


@pytest.fixture(scope="module")
def stimuli():
    return torch.randn(40, 1, 32, 32, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)


@pytest.fixture(scope="module")
def model():
    return build("cae-fr", "h2", 5, settings=SMALL).eval().requires_grad_(False)


def contrasts(images):
    return images.mean((1, 2, 3)), images.std((1, 2, 3), correction=0)


def test_a_linear_neuron_gets_its_filter():
    generator = torch.Generator().manual_seed(1)
    filters = blurred(torch.randn(2, 1, 32, 32, generator=generator), 2.0)

    def rates(images):
        return images.flatten(1) @ filters.flatten(1).T

    neurons = torch.tensor([0, 1])
    images = ascend_pixels(rates, neurons, SHOWN, generator, OptimalImages(steps=60, step=0.3))
    for image, wanted in zip(see(images), filters, strict=True):
        assert torch.corrcoef(torch.stack([image.flatten(), wanted.flatten()]))[0, 1] > 0.97


def test_pixels_are_where_the_model_is():
    """PyTorch's device without memory stands for a GPU: it takes no tensor of the CPU."""
    neurons, draw = torch.zeros(2, dtype=torch.int64, device="meta"), torch.Generator().manual_seed(0)
    rates = standardised(
        [build("cae-fr", "h2", 5, settings=SMALL).to("meta")], torch.zeros(4, 1, 32, 32, device="meta")
    )
    assert ascend_pixels(rates, neurons, SHOWN, draw, OptimalImages(steps=2), blur=1.0).is_meta


@pytest.mark.parametrize("blur", [0.0, 1.0])
def test_images_have_the_mean_and_the_contrast_and_drive_more_than_noise(model, stimuli, blur):
    rates = standardised([model], stimuli)
    neurons = torch.tensor([0, 3])
    images, start = (
        ascend_pixels(rates, neurons, SHOWN, torch.Generator().manual_seed(2), settings, blur=blur)
        for settings in (OptimalImages(steps=15, step=0.1), AS_DRAWN)
    )
    assert images.shape == (2, 1, 31, 31)
    mean, contrast = contrasts(images)
    torch.testing.assert_close(mean, torch.full((2,), -0.02), atol=1e-3, rtol=0)
    torch.testing.assert_close(contrast, torch.full((2,), 0.2), atol=2e-3, rtol=0)
    assert images.abs().max() <= 1
    assert (objective(rates(see(images)), neurons) > objective(rates(see(start)), neurons)).all()


@pytest.mark.parametrize("name", ["cae-fr", "vae-fr"])
def test_codes_stay_within_those_of_the_stimuli_and_drive_more_than_their_start(name, stimuli):
    model = build(name, "h2", 5, settings=SMALL).eval().requires_grad_(False)
    codes, rates, neurons = Codes.of(model, stimuli), standardised([model], stimuli), torch.tensor([1, 4])
    torch.testing.assert_close(
        codes.centre + codes.coordinates @ codes.axes.T,
        model.autoencoder.encode(model.encoder(stimuli)[-1]),
        atol=1e-4,
        rtol=1e-4,
    )
    torch.testing.assert_close(codes.coordinates.square().mean(0), torch.ones(codes.coordinates.shape[1]))
    far = torch.full((1, codes.coordinates.shape[1]), 100.0)
    torch.testing.assert_close(codes.decode(far), codes.decode(10 * far))
    found = [
        ascend_latent(codes, rates, neurons, SHOWN, torch.Generator().manual_seed(3), settings)
        for settings in (OptimalImages(steps=20, step=0.05), AS_DRAWN)
    ]
    after, before = (objective(rates(see(images)), neurons) for images in found)
    assert (after > before).all()


def test_control_holds_the_others(model, stimuli):
    rates, neurons = standardised([model], stimuli), torch.tensor([2])

    def others(control):
        start, settings = torch.Generator().manual_seed(4), OptimalImages(steps=30, step=0.05)
        images = ascend_pixels(rates, neurons, SHOWN, start, settings, control=control)
        return (rates(see(images)).square().sum() - rates(see(images))[0, 2] ** 2).item()

    assert others(10.0) < others(0.0)


def test_the_objective_is_the_own_rate_less_the_mean_square_of_the_others():
    rates = torch.tensor([[1.0, 2.0, 3.0]])
    assert objective(rates, torch.tensor([1]), 0.5).item() == 2 - 0.5 * (1 + 9) / 2


def test_the_best_of_each_neurons_starts_is_kept():
    images = torch.arange(4.0)[:, None, None, None].expand(4, 1, 2, 2)
    kept = best_start(torch.tensor([1.0, 2.0, 5.0, 4.0]), images, 2)
    assert kept[:, 0, 0, 0].tolist() == [1.0, 2.0]


def test_what_was_seen_comes_back_exactly():
    native = torch.rand(3, 1, 31, 31, generator=torch.Generator().manual_seed(5)) * 2 - 1
    torch.testing.assert_close(as_shown(see(native), (31, 31)), native, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("name", "why"), [("vq-vae-fr", "discrete"), ("cnn-fr", "no decoder")])
def test_a_model_without_a_continuous_code_is_refused(name, why, stimuli):
    with pytest.raises(ValueError, match=why):
        Codes.of(build(name, "h2", 5, settings=SMALL), stimuli)


def test_a_blur_keeps_the_sum_of_what_lies_inside():
    point = torch.zeros(1, 1, 31, 31)
    point[0, 0, 15, 15] = 1
    assert blurred(point, 1.5).sum().item() == pytest.approx(1, abs=1e-5)
