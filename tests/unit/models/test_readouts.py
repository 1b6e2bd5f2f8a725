import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from daenr.config import ModelSettings
from daenr.models.autoencoders import Encoder, Generators
from daenr.models.randomness import generator
from daenr.models.readouts import READOUTS, Population, Readout, SquaredNorm, kept

torch.set_num_threads(1)

BATCH, CHANNELS, NEURONS = 3, 4, 6
SPEC = ModelSettings(channels=CHANNELS)
SIZES = {1: 16, 2: 16, 3: 8, 4: 8}


def _population(neurons: int = NEURONS, seed: int = 0) -> Population:
    rng = np.random.default_rng(seed)
    return Population(
        torch.from_numpy(rng.gamma(1.0, 0.6, neurons)), torch.from_numpy(rng.integers(0, 32, (neurons, 2)))
    )


def _readout(
    name: str, depth: int, population: Population | None = None, seed: int = 0, spec: ModelSettings = SPEC
) -> Readout:
    names = ("encoder", "latent", "decoder", "readout", "latent_noise", "dropout")
    generators = Generators(**{component: generator(seed, component) for component in names})
    return READOUTS[name](spec, depth, population or _population(), generators).double()


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
    population = Population(torch.ones(NEURONS, dtype=torch.float64), torch.tensor(centres))
    readout, features = _spread(_readout("fm", depth, population)), _features(depth)
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
    population = Population(torch.ones(3, dtype=torch.float64), centres)
    encoder = Encoder(depth, CHANNELS, generator(0, "encoder")).double().eval()
    readout = _readout("fm", depth, population)
    images = torch.zeros(1, 1, 32, 32, dtype=torch.float64, requires_grad=True)
    rates = readout(encoder(images)[-1])[0]
    for rate, centre in zip(rates, centres, strict=True):
        (gradient,) = torch.autograd.grad(rate, images, retain_graph=True)
        seen = gradient[0, 0].nonzero()
        middle = (seen.min(0).values + seen.max(0).values) / 2
        assert (middle - centre).abs().max() <= 32 / SIZES[depth] / 2
        assert len(seen) < 1024


# ---- bias and rate ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(READOUTS))
def test_bias_starts_at_the_inverse_softplus_of_the_mean_response(name):
    mean = torch.tensor([1e-3, 0.05, 0.6, 3.0, 40.0], dtype=torch.float64)
    population = Population(mean, torch.zeros(5, 2, dtype=torch.int64))
    readout = _readout(name, 1, population).eval()
    np.testing.assert_allclose(readout.bias.detach(), np.log(np.expm1(mean.numpy())), rtol=1e-10)
    no_features = torch.zeros(1, CHANNELS, 16, 16, dtype=torch.float64)
    np.testing.assert_allclose(readout(no_features)[0].detach(), mean, rtol=1e-10)


def test_bias_of_a_silent_neuron_is_finite():
    population = Population(torch.zeros(2), torch.zeros(2, 2, dtype=torch.int64))
    bias = _readout("fr", 1, population).bias
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
    population = _population(neurons=2000)
    for deviation in (0.01, 0.3):
        readout = _readout(name, 3, population, spec=ModelSettings(channels=8, readout_deviation=deviation))
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
def test_fully_connected_penalty_is_the_squared_l2_norm(strength):
    readout = _spread(_readout("fc", 3, spec=ModelSettings(channels=CHANNELS, fc_penalty=strength)))
    expected = strength * sum(value**2 for value in _numpy(readout)["linear.weight"].ravel())
    assert readout.penalty().item() == pytest.approx(expected, rel=1e-12)


def test_fixed_mask_has_no_penalty():
    assert _readout("fm", 3).penalty().item() == 0


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


def test_the_squared_norm_has_the_value_and_gradient_of_its_formula_and_the_bits_of_pytorchs_own():
    weights = torch.from_numpy(np.random.default_rng(0).normal(0, 1, (5, 7))).requires_grad_()
    assert torch.autograd.gradcheck(SquaredNorm.apply, weights)
    mine, theirs = (weights.detach().float().requires_grad_() for _ in range(2))
    one, other = 0.01 * SquaredNorm.apply(mine), 0.01 * theirs.square().sum()
    for norm in (one, other):
        (0.3 * norm).backward()
    assert torch.equal(one, other)
    assert torch.equal(mine.grad, theirs.grad)


# ---- dropout ------------------------------------------------------------------------------------------


def _transparent_fc(dropout: float, seed: int = 0) -> Readout:
    """A fully connected readout with one neuron a feature, whose drive is what dropout left."""
    inputs = CHANNELS * 64
    readout = _readout(
        "fc", 4, _population(inputs), seed, ModelSettings(channels=CHANNELS, fc_dropout=dropout)
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
    uniform = torch.rand(features.flatten(1).shape, generator=generator(0, "dropout"), dtype=torch.float64)
    expected = features.flatten(1).numpy() * (uniform.numpy() < 1 - dropout) / (1 - dropout)
    assert np.array_equal(_transparent_fc(dropout).drive(features).detach().numpy(), expected)


@pytest.mark.parametrize("share", [0.5, 0.3, 1.0, 0.001])
def test_in_bf16_dropout_takes_16_bits_a_feature(share):
    """Four features a word, the lowest bits first; 10 x 101 features leave a word half used."""
    features = torch.ones(10, 101, dtype=torch.bfloat16)
    words = (
        torch.empty(253, dtype=torch.int64).random_(-(2**63), None, generator=generator(0, "dropout")).numpy()
    )
    bits = np.stack([words >> shift & 0xFFFF for shift in (0, 16, 32, 48)], axis=1).reshape(-1)[:1010]
    as_signed = np.where(bits >= 2**15, bits - 2**16, bits)
    found = kept(features, share, generator(0, "dropout"))
    assert found.dtype == torch.bfloat16
    assert np.array_equal(found.float().numpy().reshape(-1), (as_signed + 2**15) / 2**16 < round(share, 4))


def test_in_bf16_dropout_keeps_its_share_and_repeats_itself():
    features = torch.ones(1000, 1000, dtype=torch.bfloat16)
    found = kept(features, 0.3, generator(0, "dropout"))
    assert found.double().mean().item() == pytest.approx(0.3, abs=4 * math.sqrt(0.3 * 0.7 / 1e6))
    assert torch.equal(found, kept(features, 0.3, generator(0, "dropout")))
    assert not torch.equal(found, kept(features, 0.3, generator(1, "dropout")))
    by_row, by_column = (
        np.corrcoef(found[:-1].float().flatten(), other.flatten())[0, 1]
        for other in (found[1:].float(), found.roll(1, 1)[:-1].float())
    )
    assert max(abs(by_row), abs(by_column)) < 4 / 1000


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
    }
    population = _population(neurons=10)
    for name, count in expected.items():
        readout = _readout(name, depth, population, spec=ModelSettings())
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
    population = _population(neurons)
    features = _features(1, batch=batch).requires_grad_()

    readout = _readout("fr", 1, population)
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
    population, order = _population(), [3, 0, 5, 1, 4, 2]
    shuffled = Population(population.mean_response[order], population.receptive_field[order])
    one, other = _spread(_readout(name, 2, population)), _readout(name, 2, shuffled).eval()
    other.load_state_dict({key: value[order] for key, value in one.state_dict().items()})
    features = _features(2)
    np.testing.assert_allclose(other(features).detach(), one(features)[:, order].detach(), rtol=1e-10)
    assert other.penalty().item() == pytest.approx(one.penalty().item(), rel=1e-12)
