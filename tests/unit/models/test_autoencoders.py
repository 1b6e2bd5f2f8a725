import math
from pkgutil import resolve_name

import numpy as np
import pytest
import torch
from torch import nn

from daenr.config import ModelSettings
from daenr.models.autoencoders import (
    CAE,
    VAE,
    VQVAE,
    Decoder,
    Encoder,
    Generators,
    kl_divergence,
    layer_size,
    nearest,
)
from daenr.models.randomness import generator
from daenr.registry import AUTOENCODERS

SMALL = ModelSettings(channels=4, latent=5, codes=6, code_dimension=3)


def _generators(seed: int = 0) -> Generators:
    names = ("encoder", "latent", "decoder", "readout", "latent_noise", "dropout")
    return Generators(**{name: generator(seed, name) for name in names})


def _features(batch: int = 3, channels: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 1, (batch, channels, 8, 8)))


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# ---- encoder and decoder ------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_encoder_gives_every_layer_up_to_its_depth(depth):
    features = Encoder(depth, 7, generator(0, "encoder"))(torch.zeros(2, 1, 32, 32))
    assert [tuple(h.shape) for h in features] == [
        (2, 7, 16, 16),
        (2, 7, 16, 16),
        (2, 7, 8, 8),
        (2, 7, 8, 8),
    ][:depth]
    assert [layer_size(i + 1) for i in range(depth)] == [h.shape[-1] for h in features]


def _convolve(image: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    """3x3 cross-correlation with a border of one zero, by loops."""
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    size = image.shape[1] // stride
    out = np.empty((len(weight), size, size))
    for row in range(size):
        for column in range(size):
            patch = padded[:, row * stride : row * stride + 3, column * stride : column * stride + 3]
            out[:, row, column] = (weight * patch).sum((1, 2, 3))
    return out


def test_a_block_is_convolution_batch_norm_and_elu():
    encoder = Encoder(2, 3, generator(0, "encoder")).double().train()
    images = np.random.default_rng(0).uniform(-1, 1, (4, 1, 32, 32))
    expected = images
    for block, stride in zip(encoder.blocks, (2, 1), strict=True):
        weight = block[0].weight.detach().numpy()
        # without the convolution's bias, which the batch norm would take away again
        convolved = np.stack([_convolve(image, weight, stride) for image in expected])
        mean = convolved.mean((0, 2, 3), keepdims=True)
        variance = ((convolved - mean) ** 2).mean((0, 2, 3), keepdims=True)
        normed = (convolved - mean) / np.sqrt(variance + 1e-5)
        expected = np.where(normed > 0, normed, np.exp(np.minimum(normed, 0)) - 1)
    found = encoder(torch.from_numpy(images))[1]
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=0, atol=1e-10)


def test_decoder_goes_back_from_8_to_32():
    decoder = Decoder(4, generator(0, "decoder")).double()
    shapes = []
    for layer in decoder:
        if isinstance(layer, nn.ConvTranspose2d):
            layer.register_forward_hook(
                lambda _layer, _inputs, output: shapes.append(tuple(output.shape[1:]))
            )
    decoder(_features())
    assert shapes == [(4, 8, 8), (4, 16, 16), (4, 16, 16), (1, 32, 32)]


def test_decoder_is_batch_normed_and_elu_but_ends_in_tanh():
    kinds = [type(layer) for layer in Decoder(4, generator(0, "decoder"))]
    block = [nn.ConvTranspose2d, nn.BatchNorm2d, nn.ELU]
    assert kinds == [*block * 3, nn.ConvTranspose2d, nn.Tanh]


@pytest.mark.parametrize("name", sorted(AUTOENCODERS))
@pytest.mark.parametrize("training", [True, False])
def test_reconstruction_has_the_images_shape_and_stays_within_its_range(name, training):
    autoencoder = resolve_name(AUTOENCODERS[name])(SMALL, _generators()).double().train(training)
    with torch.no_grad():
        for parameter in autoencoder.decoder.parameters():
            parameter.mul_(20)  # far from the start, where everything is near zero
        decoded = autoencoder(_features())
    assert decoded.image.shape == (3, 1, 32, 32)
    assert decoded.regularisation.shape == (3,)
    assert decoded.image.abs().max() <= 1
    assert decoded.image.abs().max() > 0.9


# ---- sizes, counted by hand ---------------------------------------------------------------------------

CONVOLUTION = 48 * 48 * 9
BATCH_NORM = 48 + 48
DECODER = 3 * (CONVOLUTION + BATCH_NORM) + (48 * 9 + 1)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_parameters_of_the_encoder(depth):
    expected = (48 * 9 + BATCH_NORM) + (depth - 1) * (CONVOLUTION + BATCH_NORM)
    assert _parameters(Encoder(depth, 48, generator(0, "encoder"))) == expected


@pytest.mark.parametrize(
    ("name", "latent"),
    [
        ("cae", (3072 * 100 + 100) + (100 * 3072 + 3072)),
        ("vae", (3072 * 200 + 200) + (100 * 3072 + 3072)),
        ("vq-vae", (48 * 32 + 32) + (32 * 48 + 48) + 256 * 32),
    ],
)
def test_parameters_of_the_auto_encoders(name, latent):
    autoencoder = resolve_name(AUTOENCODERS[name])(ModelSettings(), _generators())
    assert _parameters(autoencoder.decoder) == DECODER
    assert _parameters(autoencoder) == DECODER + latent


# ---- CAE ----------------------------------------------------------------------------------------------


def test_cae_latent_is_linear_down_and_up():
    cae = CAE(SMALL, _generators()).double()
    features = _features()
    flat = features.numpy().reshape(3, 256)
    state = {name: value.numpy() for name, value in cae.state_dict().items()}
    code = flat @ state["to_latent.weight"].T + state["to_latent.bias"]
    expected = (code @ state["from_latent.weight"].T + state["from_latent.bias"]).reshape(3, 4, 8, 8)
    restored, regularisation = cae.latent(features)
    assert code.shape == (3, 5)
    np.testing.assert_allclose(restored.detach().numpy(), expected, rtol=0, atol=1e-12)
    assert regularisation.tolist() == [0, 0, 0]


# ---- VAE ----------------------------------------------------------------------------------------------


def test_kl_is_that_of_torch_distributions():
    rng = np.random.default_rng(3)
    mean, log_variance = torch.from_numpy(rng.normal(0, 2, (2, 6, 5)))
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    prior = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    expected = torch.distributions.kl_divergence(posterior, prior).sum(1)
    np.testing.assert_allclose(kl_divergence(mean, log_variance), expected, rtol=1e-12)


def test_kl_is_zero_for_the_prior_and_positive_elsewhere():
    zeros = torch.zeros(2, 3, dtype=torch.float64)
    assert kl_divergence(zeros, zeros).tolist() == [0, 0]
    assert (kl_divergence(zeros + 0.1, zeros) > 0).all()
    assert (kl_divergence(zeros, zeros - 0.1) > 0).all()


def _transparent_vae(mean: float, log_variance: float, seed: int = 0) -> VAE:
    """A VAE whose latent stands in its output unchanged, with the same posterior for every image and number."""
    vae = VAE(ModelSettings(channels=1, latent=64), _generators(seed)).double()
    with torch.no_grad():
        vae.to_latent.weight.zero_()
        vae.to_latent.bias[:64] = mean
        vae.to_latent.bias[64:] = log_variance
        vae.from_latent.weight.copy_(torch.eye(64))
        vae.from_latent.bias.zero_()
    return vae


def test_training_samples_the_posterior():
    vae = _transparent_vae(mean=0.7, log_variance=2 * math.log(0.3)).train()
    code, regularisation = vae.latent(torch.zeros(1000, 1, 8, 8, dtype=torch.float64))
    draws = 64_000
    assert code.mean().item() == pytest.approx(0.7, abs=4 * 0.3 / math.sqrt(draws))
    assert code.std().item() == pytest.approx(0.3, abs=4 * 0.3 / math.sqrt(2 * draws))
    kl = 64 * (0.7**2 + 0.3**2 - 1 - 2 * math.log(0.3)) / 2
    np.testing.assert_allclose(regularisation.detach(), 2 * kl, rtol=1e-12)


def test_squared_error_and_weighted_kl_are_twice_the_negative_elbo_but_for_a_constant():
    """-ELBO = E[-log N(x; x_hat, 1)] + KL(q || N(0, 1)), in the terms of torch's own distributions."""
    rng = np.random.default_rng(8)
    images, copies = torch.from_numpy(rng.uniform(-1, 1, (2, 3, 1, 32, 32)))
    vae = _transparent_vae(mean=0.4, log_variance=-1.1).eval()
    _, regularisation = vae.latent(torch.zeros(3, 1, 8, 8, dtype=torch.float64))
    normal = torch.distributions.Normal
    posterior = normal(torch.full((64,), 0.4, dtype=torch.float64), math.exp(-0.55))
    kl = torch.distributions.kl_divergence(posterior, normal(torch.zeros(64).double(), 1.0)).sum()
    negative_elbo = -normal(copies, 1.0).log_prob(images).sum((1, 2, 3)) + kl
    objective = (images - copies).square().sum((1, 2, 3)) + regularisation
    constant = 1024 * math.log(2 * math.pi)
    np.testing.assert_allclose(objective.detach(), 2 * negative_elbo - constant, rtol=1e-12)


@pytest.mark.parametrize("weight", [0.0, 1.0, 3.5])
def test_the_weight_of_the_kl_multiplies_it_and_nothing_else(weight):
    spec = SMALL.model_copy(update={"kl_weight": weight})
    one, other = (VAE(each, _generators()).double().eval() for each in (SMALL, spec))
    (code, regularisation), (same_code, weighed) = one.latent(_features()), other.latent(_features())
    assert torch.equal(code, same_code)
    np.testing.assert_allclose(weighed.detach(), weight * regularisation.detach() / 2, rtol=1e-12)


def test_noise_is_new_for_every_step_image_and_number_and_comes_from_the_seed():
    features = torch.zeros(2, 1, 8, 8, dtype=torch.float64)
    vae = _transparent_vae(0.0, 0.0).train()
    draws = torch.cat([vae.latent(features)[0] for _ in range(3)])
    assert len(draws.unique()) == draws.numel()
    again = _transparent_vae(0.0, 0.0).train()
    assert torch.equal(torch.cat([again.latent(features)[0] for _ in range(3)]), draws)
    other = _transparent_vae(0.0, 0.0, seed=1).train()
    assert not torch.equal(other.latent(features)[0], draws[:2])


def test_evaluation_uses_the_mean_and_draws_nothing():
    vae = _transparent_vae(mean=0.7, log_variance=1.0).eval()
    before = vae.noise.get_state()
    code, regularisation = vae.latent(torch.zeros(2, 1, 8, 8, dtype=torch.float64))
    assert (code == 0.7).all()
    assert (regularisation > 0).all()
    assert torch.equal(vae.noise.get_state(), before)


def test_the_sample_passes_the_gradient_to_mean_and_deviation():
    vae = _transparent_vae(mean=0.2, log_variance=2 * math.log(0.5)).train()
    code, _ = vae.latent(torch.zeros(1, 1, 8, 8, dtype=torch.float64))
    code.sum().backward()
    gradient = vae.to_latent.bias.grad
    np.testing.assert_allclose(gradient[:64], 1.0)
    noise = (code.detach().flatten() - 0.2) / 0.5
    np.testing.assert_allclose(gradient[64:], 0.5 * noise / 2, rtol=1e-10)


# ---- VQ-VAE -------------------------------------------------------------------------------------------


def test_nearest_code_by_brute_force():
    rng = np.random.default_rng(1)
    vectors, codebook = rng.normal(0, 1, (3, 5, 4, 6)), rng.normal(0, 1, (17, 5))
    found = nearest(torch.from_numpy(vectors), torch.from_numpy(codebook))
    expected = np.empty((3, 4, 6), dtype=int)
    for image, row, column in np.ndindex(3, 4, 6):
        distance = [np.linalg.norm(vectors[image, :, row, column] - code) for code in codebook]
        expected[image, row, column] = int(np.argmin(distance))
    assert len(np.unique(expected)) > 8
    np.testing.assert_array_equal(found.numpy(), expected)


def _transparent_vqvae(commitment: float = 0.25) -> VQVAE:
    """A VQ-VAE whose 1x1 convolutions change nothing: features are the vectors that are quantised."""
    spec = ModelSettings(channels=4, codes=6, code_dimension=4, commitment=commitment)
    vqvae = VQVAE(spec, _generators()).double()
    with torch.no_grad():
        for layer in (vqvae.to_code, vqvae.from_code):
            layer.weight.copy_(torch.eye(4)[:, :, None, None])
            layer.bias.zero_()
    return vqvae


def _quantised(vqvae: VQVAE, features: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The code of each position and its number, by brute force."""
    vectors = np.moveaxis(features.detach().numpy(), 1, -1)
    codebook = vqvae.codebook.detach().numpy()
    index = np.linalg.norm(vectors[..., None, :] - codebook, axis=-1).argmin(-1)
    return np.moveaxis(codebook[index], -1, 1), index


def test_every_position_takes_the_value_of_its_nearest_code():
    vqvae, features = _transparent_vqvae(), _features()
    codes, index = _quantised(vqvae, features)
    assert len(np.unique(index)) > 3
    np.testing.assert_allclose(vqvae.latent(features)[0].detach().numpy(), codes, rtol=0, atol=1e-12)


@pytest.mark.parametrize("commitment", [0.25, 2.0])
def test_regularisation_is_codebook_term_and_weighted_commitment(commitment):
    vqvae, features = _transparent_vqvae(commitment), _features()
    squares = ((_quantised(vqvae, features)[0] - features.numpy()) ** 2).sum((1, 2, 3))
    found = vqvae.latent(features)[1].detach().numpy()
    np.testing.assert_allclose(found, (1 + commitment) * squares, rtol=1e-12)


def test_reconstruction_gradient_passes_quantisation_as_if_it_were_not_there():
    vqvae, features = _transparent_vqvae(), _features().requires_grad_()
    weight = _features(seed=9)
    (vqvae.latent(features)[0] * weight).sum().backward()
    np.testing.assert_allclose(features.grad, weight, rtol=1e-12)
    assert vqvae.codebook.grad is None


@pytest.mark.parametrize("commitment", [0.25, 2.0])
def test_codes_move_by_the_codebook_term_and_the_encoder_by_the_commitment(commitment):
    vqvae, features = _transparent_vqvae(commitment), _features().requires_grad_()
    codes, index = _quantised(vqvae, features)
    vqvae.latent(features)[1].sum().backward()
    away = features.detach().numpy() - codes
    np.testing.assert_allclose(features.grad, commitment * 2 * away, rtol=1e-10, atol=1e-12)
    expected = np.zeros((6, 4))
    for image, row, column in np.ndindex(index.shape):
        expected[index[image, row, column]] -= 2 * away[image, :, row, column]
    np.testing.assert_allclose(vqvae.codebook.grad, expected, rtol=1e-10, atol=1e-12)


def test_quantisation_happens_in_the_space_of_the_codes():
    """1x1 convolutions on either side, by numpy."""
    vqvae, features = VQVAE(SMALL, _generators()).double(), _features()
    state = {name: value.numpy() for name, value in vqvae.state_dict().items()}
    vectors = np.einsum("oi,bihw->bohw", state["to_code.weight"][:, :, 0, 0], features.numpy())
    vectors += state["to_code.bias"][:, None, None]
    codes = _quantised(vqvae, torch.from_numpy(vectors))[0]
    assert codes.shape == (3, 3, 8, 8)
    expected = np.einsum("oi,bihw->bohw", state["from_code.weight"][:, :, 0, 0], codes)
    expected += state["from_code.bias"][:, None, None]
    np.testing.assert_allclose(vqvae.latent(features)[0].detach().numpy(), expected, rtol=0, atol=1e-12)


def test_the_codebook_starts_with_vectors_of_length_one_on_average():
    codebook = VQVAE(ModelSettings(), _generators()).codebook.detach().double().numpy()
    assert codebook.shape == (256, 32)
    assert (codebook**2).sum(1).mean() == pytest.approx(1, abs=0.05)
    assert len(np.unique(codebook, axis=0)) == 256


# ---- codes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [CAE, VAE])
def test_the_decoder_makes_the_reconstruction_of_the_code(kind):
    model = kind(SMALL, _generators()).double().eval()
    code = model.code(_features())
    torch.testing.assert_close(model.decoder(model.restore(code["code"])), model(_features()).image)
    assert code["code"].shape == (3, SMALL.latent)


def test_the_decoder_makes_the_reconstruction_of_the_quantised_code():
    model = VQVAE(SMALL, _generators()).double().eval()
    codes = model.code(_features())["codes"]
    assert codes.shape == (3, 8, 8)
    looked_up = model.codebook[codes].permute(0, 3, 1, 2)
    torch.testing.assert_close(model.decoder(model.from_code(looked_up)), model(_features()).image)


def test_the_kl_of_a_vaes_code_is_its_regularisation():
    model = VAE(SMALL, _generators()).double().eval()
    regularisation = model.kl_weight * kl_divergence(*model.code(_features()).values())
    torch.testing.assert_close(regularisation, model(_features()).regularisation)
