import math
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from daenr import IMAGE_SIZE
from daenr.config import ModelSettings
from daenr.models.autoencoders import Encoder, Generators
from daenr.models.randomness import generator
from daenr.models.readouts import Neurons, Readout, to_grid
from daenr.registry import READOUTS

BATCH, CHANNELS, NEURONS = 3, 4, 6
SPEC = ModelSettings(channels=CHANNELS)
SIZES = {1: 16, 2: 16, 3: 8, 4: 8}


def _neurons(count: int = NEURONS, seed: int = 0) -> Neurons:
    rng = np.random.default_rng(seed)
    return Neurons(
        torch.from_numpy(rng.gamma(1.0, 0.6, count)), torch.from_numpy(rng.integers(0, 32, (count, 2)))
    )


def _readout(
    name: str, depth: int, neurons: Neurons | None = None, seed: int = 0, spec: ModelSettings = SPEC
) -> Readout:
    names = ("encoder", "latent", "decoder", "readout", "latent_noise", "dropout")
    generators = Generators(**{component: generator(seed, component) for component in names})
    return resolve_name(READOUTS[name])(spec, SIZES[depth], neurons or _neurons(), generators).double()


def _features(depth: int, batch: int = BATCH, seed: int = 2) -> torch.Tensor:
    shape = (batch, CHANNELS, SIZES[depth], SIZES[depth])
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 1, shape))


def _spread(readout: Readout) -> Readout:
    """Weights of order one, so that a mistake in a small term shows."""
    with torch.no_grad():
        for name, weight in readout.named_parameters():
            if name != "bias":
                weight.div_(weight.std())
    return readout.eval()


def _numpy(readout: Readout) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in readout.state_dict().items()}


def _softplus(drive: float) -> float:
    """log(1 + e^drive); torch leaves out the 1 beyond a drive of 20, which changes 1e-10 of the rate."""
    return max(drive, 0.0) + math.log1p(math.exp(-abs(drive)))


def _grid(centre: int, depth: int) -> int:
    """Position of the map whose pixel j * 32 / size is nearest; of two equally near ones the later."""
    size = SIZES[depth]
    distance = [abs(j * 32 / size - centre) for j in range(size)]
    return max(j for j in range(size) if distance[j] == min(distance))


# ---- forward, against loops ---------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_factorized_is_equation_5(depth):
    readout, features = _spread(_readout("fr", depth)), _features(depth)
    weights, h = _numpy(readout), features.numpy()
    mask = weights["mask"].reshape(NEURONS, SIZES[depth], SIZES[depth])
    expected = np.empty((BATCH, NEURONS))
    for image, neuron in np.ndindex(BATCH, NEURONS):
        drive = float(weights["bias"][neuron])
        for channel, row, column in np.ndindex(h.shape[1:]):
            product = mask[neuron, row, column] * h[image, channel, row, column]
            drive += weights["features"][neuron, channel] * product
        expected[image, neuron] = _softplus(drive)
    np.testing.assert_allclose(readout(features).detach().numpy(), expected, rtol=1e-9, atol=1e-12)


def test_positive_masks_are_absolute_values_and_start_and_weigh_like_free_ones():
    spec = ModelSettings(channels=CHANNELS, mask_sign="positive")
    free, positive = _spread(_readout("fr", 2)), _spread(_readout("fr", 2, spec=spec))
    weights, h = _numpy(positive), _features(2).flatten(2).numpy()
    assert (weights["mask"] < 0).any()
    drive = np.einsum("nc,np,icp->in", weights["features"], np.sqrt(weights["mask"] ** 2), h)
    expected = np.log1p(np.exp(drive + weights["bias"]))
    np.testing.assert_allclose(positive(_features(2)).detach().numpy(), expected, rtol=1e-9)
    assert not np.allclose(free(_features(2)).detach().numpy(), expected, rtol=0.01)
    assert all(np.array_equal(value, weights[name]) for name, value in _numpy(free).items())
    assert positive.penalty().item() == free.penalty().item()


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_fully_connected_sums_over_every_feature_at_every_position(depth):
    readout, features = _spread(_readout("fc", depth)), _features(depth)
    weights, h = _numpy(readout), features.numpy()
    weight = weights["linear.weight"].reshape(NEURONS, *h.shape[1:])
    expected = np.empty((BATCH, NEURONS))
    for image, neuron in np.ndindex(BATCH, NEURONS):
        drive = float(weights["bias"][neuron])
        for channel, row, column in np.ndindex(h.shape[1:]):
            drive += weight[neuron, channel, row, column] * h[image, channel, row, column]
        expected[image, neuron] = _softplus(drive)
    np.testing.assert_allclose(readout(features).detach().numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_fixed_mask_takes_the_features_at_the_receptive_field_centre(depth):
    centres = [[0, 31], [31, 0], [15, 16], [16, 15], [5, 22], [30, 29]]
    known = Neurons(torch.ones(NEURONS, dtype=torch.float64), torch.tensor(centres))
    readout, features = _spread(_readout("fm", depth, known)), _features(depth)
    weights, h = _numpy(readout), features.numpy()
    expected = np.empty((BATCH, NEURONS))
    for image, neuron in np.ndindex(BATCH, NEURONS):
        row, column = (_grid(centre, depth) for centre in centres[neuron])
        drive = float(weights["bias"][neuron])
        for channel in range(CHANNELS):
            drive += weights["features"][neuron, channel] * h[image, channel, row, column]
        expected[image, neuron] = _softplus(drive)
    np.testing.assert_allclose(readout(features).detach().numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_what_a_fixed_mask_neuron_sees_lies_around_its_receptive_field_centre(depth):
    """The pixels that move the prediction form a square; the centre is its middle to within half a stride."""
    centres = torch.tensor([[12, 19], [17, 14], [15, 20]])
    known = Neurons(torch.ones(3, dtype=torch.float64), centres)
    encoder = Encoder(depth, CHANNELS, generator(0, "encoder")).double().eval()
    readout = _readout("fm", depth, known)
    images = torch.zeros(1, 1, 32, 32, dtype=torch.float64, requires_grad=True)
    rates = readout(encoder(images)[-1])[0]
    for rate, centre in zip(rates, centres, strict=True):
        (gradient,) = torch.autograd.grad(rate, images, retain_graph=True)
        seen = gradient[0, 0].nonzero()
        middle = (seen.min(0).values + seen.max(0).values) / 2
        assert (middle - centre).abs().max() <= 32 / SIZES[depth] / 2
        assert len(seen) < 1024


# ---- the Gaussian readout, against PyTorch's own sampling ------------------------------------------------


def _gaussian(neurons: int = NEURONS) -> Readout:
    """Places all over the map of h_2 and some beyond its edge."""
    readout = _spread(_readout("gauss", 2, _neurons(neurons)))
    with torch.no_grad():
        readout.mean.copy_(torch.from_numpy(np.random.default_rng(3).uniform(-1.2, 1.2, (neurons, 2))))
    return readout


def test_gaussian_interpolates_the_features_at_its_mean():
    readout, features = _gaussian(), _features(2)
    places = readout.mean.flip(1).expand(BATCH, -1, -1)[:, :, None]
    sampled = nn.functional.grid_sample(features, places, padding_mode="border", align_corners=False)[..., 0]
    expected = torch.einsum("bcn,nc->bn", sampled, readout.features)
    np.testing.assert_allclose(readout.drive(features).detach(), expected.detach(), rtol=1e-10, atol=1e-12)


def test_gaussian_starts_at_the_receptive_field_centre_like_the_fixed_mask():
    known, features = _neurons(), _features(3)
    gauss, fixed = _readout("gauss", 3, known).eval(), _readout("fm", 3, known).eval()
    with torch.no_grad():
        fixed.features.copy_(gauss.features)
    np.testing.assert_allclose(gauss(features).detach(), fixed(features).detach(), rtol=1e-10)


def test_gaussian_draws_places_with_its_covariance_in_training_alone():
    """On features that are their own row and column the drive is the place."""
    readout = _readout("gauss", 2, _neurons(2), spec=ModelSettings(channels=2))
    position = (2 * torch.arange(16, dtype=torch.float64) + 1) / 16 - 1
    ramp = torch.stack(torch.meshgrid(position, position, indexing="ij"))
    spread = torch.tensor([[0.1, 0.0], [0.05, 0.02]], dtype=torch.float64)
    with torch.no_grad():
        readout.mean.copy_(torch.tensor([[0.2, -0.1]]))
        readout.spread.copy_(spread)
        readout.features.copy_(torch.eye(2))
    drawn = readout.train().drive(ramp.expand(4000, -1, -1, -1)).detach()
    np.testing.assert_allclose(drawn.mean(0), [0.2, -0.1], atol=0.01)
    covariance = spread @ spread.T
    np.testing.assert_allclose(drawn.var(0), covariance.diagonal(), rtol=0.1)
    fixed = readout.eval().drive(ramp.expand(2, -1, -1, -1)).detach()
    np.testing.assert_allclose(fixed, [[0.2, -0.1]] * 2, rtol=1e-6)


def test_gaussian_penalty_is_the_l1_norm_of_the_features():
    readout = _spread(_readout("gauss", 3, spec=ModelSettings(channels=CHANNELS, gauss_penalty=0.5)))
    expected = 0.5 * np.abs(_numpy(readout)["features"]).sum()
    assert readout.penalty().item() == pytest.approx(expected, rel=1e-12)


# ---- bias and rate ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(READOUTS))
def test_bias_starts_at_the_inverse_softplus_of_the_mean_response(name):
    mean = torch.tensor([1e-3, 0.05, 0.6, 3.0, 40.0], dtype=torch.float64)
    known = Neurons(mean, torch.zeros(5, 2, dtype=torch.int64))
    readout = _readout(name, 1, known).eval()
    np.testing.assert_allclose(readout.bias.detach(), np.log(np.expm1(mean.numpy())), rtol=1e-10)
    no_features = torch.zeros(1, CHANNELS, 16, 16, dtype=torch.float64)
    np.testing.assert_allclose(readout(no_features)[0].detach(), mean, rtol=1e-10)


def test_bias_of_a_silent_neuron_is_finite():
    known = Neurons(torch.zeros(2), torch.zeros(2, 2, dtype=torch.int64))
    bias = _readout("fr", 1, known).bias
    np.testing.assert_allclose(bias.detach(), math.log(math.expm1(1e-4)), rtol=1e-4)


@pytest.mark.parametrize("name", sorted(READOUTS))
def test_rates_are_positive_whatever_the_features(name):
    readout = _spread(_readout(name, 3))
    rate = readout(_features(3, batch=50))
    assert (rate > 0).all()
    assert rate.min() < 1e-3
    assert rate.max() > 3


@pytest.mark.parametrize("name", ["fr", "fm"])
def test_masks_and_features_start_normal_with_the_given_deviation(name):
    known = _neurons(2000)
    for deviation in (0.01, 0.3):
        readout = _readout(name, 3, known, spec=ModelSettings(channels=8, readout_deviation=deviation))
        for weight in (weight for key, weight in readout.named_parameters() if key != "bias"):
            values = weight.detach().numpy().ravel()
            assert values.mean() == pytest.approx(0, abs=0.03 * deviation)
            assert values.std() == pytest.approx(deviation, rel=0.03)
            assert np.mean(values**4) / np.mean(values**2) ** 2 == pytest.approx(3, abs=0.2)


# ---- penalties ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", [0.02, 0.5])
def test_factorized_penalty_is_the_product_of_both_l1_norms(strength):
    readout = _spread(_readout("fr", 3, spec=ModelSettings(channels=CHANNELS, fr_penalty=strength)))
    weights = _numpy(readout)
    expected = 0.0
    for neuron in range(NEURONS):
        mask = sum(abs(value) for value in weights["mask"][neuron])
        features = sum(abs(value) for value in weights["features"][neuron])
        expected += strength * mask * features
    assert readout.penalty().item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("strength", [0.01, 0.5])
def test_fully_connected_penalty_is_half_the_squared_l2_norm(strength):
    readout = _spread(_readout("fc", 3, spec=ModelSettings(channels=CHANNELS, fc_penalty=strength)))
    expected = strength * sum(value**2 for value in _numpy(readout)["linear.weight"].ravel()) / 2
    assert readout.penalty().item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("strength", [0.02, 0.5])
def test_fixed_mask_penalty_is_the_l1_norm_of_the_features(strength):
    readout = _spread(_readout("fm", 3, spec=ModelSettings(channels=CHANNELS, fm_penalty=strength)))
    expected = strength * sum(abs(value) for value in _numpy(readout)["features"].ravel())
    assert readout.penalty().item() == pytest.approx(expected, rel=1e-12)


def test_fixed_mask_has_no_penalty_unless_asked():
    assert _spread(_readout("fm", 3)).penalty().item() == 0


def test_penalty_of_two_populations_is_the_sum_of_theirs():
    """It is summed over neurons, like the response loss that it stands beside."""
    for name in READOUTS:
        readout = _spread(_readout(name, 3))
        whole = readout.penalty().item()
        with torch.no_grad():
            for weight in readout.parameters():
                weight[: NEURONS // 2] = 0
        second = readout.penalty().item()
        readout = _spread(_readout(name, 3))
        with torch.no_grad():
            for weight in readout.parameters():
                weight[NEURONS // 2 :] = 0
        assert readout.penalty().item() + second == pytest.approx(whole, rel=1e-12)


# ---- dropout ------------------------------------------------------------------------------------------


def _transparent_fc(dropout: float, seed: int = 0) -> Readout:
    """A fully connected readout with one neuron a feature, whose drive is what dropout left."""
    inputs = CHANNELS * 64
    readout = _readout(
        "fc", 4, _neurons(inputs), seed, ModelSettings(channels=CHANNELS, fc_dropout=dropout)
    ).train()
    with torch.no_grad():
        readout.linear.weight.copy_(torch.eye(inputs))
    return readout


@pytest.mark.parametrize("dropout", [0.5, 0.2])
def test_dropout_drops_its_share_and_scales_up_the_rest(dropout):
    drive = _transparent_fc(dropout).drive(torch.ones(100, CHANNELS, 8, 8, dtype=torch.float64)).detach()
    dropped = drive == 0
    share = dropout * (1 - dropout) / drive.numel()
    assert dropped.double().mean().item() == pytest.approx(dropout, abs=4 * math.sqrt(share))
    np.testing.assert_allclose(drive[~dropped], 1 / (1 - dropout), rtol=1e-12)


@pytest.mark.parametrize("dropout", [0.5, 0.3])
def test_dropout_multiplies_by_the_mask_and_divides_by_what_is_kept_to_the_bit(dropout):
    features = _features(4)
    uniform = torch.rand(features.flatten(1).shape, generator=generator(0, "dropout"))
    expected = features.flatten(1).numpy() * (uniform.numpy() < 1 - dropout) / (1 - dropout)
    assert np.array_equal(_transparent_fc(dropout).drive(features).detach().numpy(), expected)


def test_dropout_is_new_at_every_step_and_comes_from_the_seed():
    ones = torch.ones(2, CHANNELS, 8, 8, dtype=torch.float64)
    readout, again, other = _transparent_fc(0.5), _transparent_fc(0.5), _transparent_fc(0.5, seed=1)
    first, second = readout.drive(ones), readout.drive(ones)
    assert not torch.equal(first, second)
    assert not torch.equal(first[0], first[1])
    assert torch.equal(again.drive(ones), first)
    assert not torch.equal(other.drive(ones), first)


def test_evaluation_drops_nothing_and_draws_nothing():
    readout = _transparent_fc(0.5).eval()
    before = readout.noise.get_state()
    features = _features(4)
    np.testing.assert_allclose(readout.drive(features).detach(), features.flatten(1), rtol=1e-12)
    assert torch.equal(readout.noise.get_state(), before)


# ---- sizes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "positions"), [(1, 256), (2, 256), (3, 64), (4, 64)])
def test_parameters_counted_by_hand(depth, positions):
    expected = {
        "fr": 10 * (positions + 48 + 1),
        "fc": 10 * (48 * positions + 1),
        "fm": 10 * (48 + 1),
        "gauss": 10 * (48 + 2 + 4 + 1),
    }
    known = _neurons(10)
    for name, count in expected.items():
        readout = _readout(name, depth, known, spec=ModelSettings())
        assert sum(weight.numel() for weight in readout.parameters()) == count


class _LargestTensor(TorchDispatchMode):
    """Records the largest memory, in numbers, that any operation's result takes."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.numbers = max(self.numbers, tensor.untyped_storage().nbytes() // tensor.element_size())
        return result


@pytest.mark.parametrize("depth", SIZES)
def test_factorized_is_contracted_with_the_fewest_products(depth):
    """Over space first: 2 FLOPs for each image, channel, position and neuron; what is left has no positions."""
    features, readout = _features(depth), _readout("fr", depth)
    with FlopCounterMode(display=False) as counter:
        readout.drive(features)
    assert counter.get_total_flops() == 2 * BATCH * CHANNELS * SIZES[depth] ** 2 * NEURONS


def test_factorized_never_holds_a_number_for_each_image_neuron_and_position():
    batch, neurons, positions = 8, 50, 256
    known = _neurons(neurons)
    features = _features(1, batch=batch).requires_grad_()

    readout = _readout("fr", 1, known)
    with _LargestTensor() as factorized:
        (readout(features).sum() + readout.penalty()).backward()
    with _LargestTensor() as naive:
        masked = features[:, None] * readout.mask.reshape(neurons, 1, 16, 16)
        (masked.sum((3, 4)) * readout.features).sum(2)
    assert naive.numbers >= batch * neurons * positions  # the recorder does see what must not be there
    allowed = max(batch * CHANNELS * positions, batch * CHANNELS * neurons, neurons * positions)
    assert factorized.numbers <= allowed < batch * neurons * positions


@pytest.mark.parametrize("name", sorted(READOUTS))
def test_the_order_of_neurons_changes_the_order_of_rates_alone(name):
    """Rates of permuted weights are the permuted rates, and the penalty stays what it was."""
    known, order = _neurons(), [3, 0, 5, 1, 4, 2]
    shuffled = Neurons(known.mean_response[order], known.receptive_field[order])
    one, other = _spread(_readout(name, 2, known)), _readout(name, 2, shuffled).eval()
    other.load_state_dict({key: value[order] for key, value in one.state_dict().items()})
    features = _features(2)
    np.testing.assert_allclose(other(features).detach(), one(features)[:, order].detach(), rtol=1e-10)
    assert other.penalty().item() == pytest.approx(one.penalty().item(), rel=1e-12)


# ---- receptive fields on the grid ---------------------------------------------------------------------


@pytest.mark.parametrize("size", [8, 16, 32])
def test_grid_position_is_the_nearest_one(size):
    pixels = np.arange(IMAGE_SIZE)
    found = to_grid(torch.from_numpy(np.stack([pixels, pixels[::-1]], axis=1)), size).numpy()
    positions = np.arange(size) * IMAGE_SIZE / size
    for pixel, position in zip(pixels, found[:, 0], strict=True):
        assert abs(positions[position] - pixel) == np.abs(positions - pixel).min()
    np.testing.assert_array_equal(found[::-1, 1], found[:, 0])
    assert found.dtype == np.int64


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_grid_matches_where_the_convolutions_of_the_encoder_look(stride):
    """A pixel at a grid position's own centre reaches that position with the centre tap of each kernel."""
    size = IMAGE_SIZE // stride
    layers = [2] * int(np.log2(stride))
    centre_tap = torch.zeros(1, 1, 3, 3)
    centre_tap[0, 0, 1, 1] = 1
    for position in (0, 1, size - 1):
        image = torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE)
        image[0, 0, position * stride, 0] = 1
        for step in layers:
            image = torch.nn.functional.conv2d(image, centre_tap, stride=step, padding=1)
        row, column = to_grid(torch.tensor([[position * stride, 0]]), size)[0].tolist()
        assert image[0, 0, row, column] == 1
