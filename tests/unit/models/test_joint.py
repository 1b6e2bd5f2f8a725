import numpy as np
import pytest
import torch
from torch import nn

from daenr.config import ModelSettings
from daenr.models.joint import DAENR, build
from daenr.models.losses import joint_loss
from daenr.models.readouts import Neurons
from daenr.registry import AUTOENCODERS, LAYERS, READOUTS, baseline_names, joint_names, model_names

NEURONS, BATCH = 6, 8
SMALL = ModelSettings(channels=4, latent=5, codes=6, code_dimension=3)
PLACED = ("readout.position", "readout.mean", "readout.spread")
"""What a readout starts with and does not draw."""
DEPTHS = list(enumerate(LAYERS, start=1))
JOINT_AT_LAYERS = [(model, layer) for model in joint_names() for layer in LAYERS]


def _build(model: str, layer: str | None = "h2", seed: int = 0, spec: ModelSettings = SMALL) -> DAENR:
    rng = np.random.default_rng(4)
    neurons = Neurons(
        torch.from_numpy(rng.gamma(1.0, 0.6, NEURONS)).float(),
        torch.from_numpy(rng.integers(0, 32, (NEURONS, 2))),
    )
    return build(model, None if model in AUTOENCODERS else layer, neurons, seed=seed, settings=spec)


def _batch() -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(6)
    images = torch.from_numpy(rng.uniform(-1, 1, (BATCH, 1, 32, 32))).float()
    return images, torch.from_numpy(rng.gamma(1.0, 0.6, (BATCH, NEURONS))).float()


def _gradients(model: DAENR, alpha: float, beta: float) -> dict[str, torch.Tensor | None]:
    images, responses = _batch()
    joint_loss(model.train()(images), images, responses, alpha, beta).total.backward()
    return {name: parameter.grad for name, parameter in model.named_parameters()}


def _before_batch_norm(model: DAENR) -> set[str]:
    """Biases that the batch norm behind them takes away again: their true gradient is zero."""
    names = set()
    for name, module in model.named_modules():
        if isinstance(module, nn.Sequential):
            for index, (layer, following) in enumerate(zip(module, list(module)[1:], strict=False)):
                if isinstance(following, nn.BatchNorm2d) and getattr(layer, "bias", None) is not None:
                    names.add(f"{name}.{index}.bias")
    return names


def _equal(one: nn.Module, other: nn.Module) -> bool:
    states = one.state_dict(), other.state_dict()
    return states[0].keys() == states[1].keys() and all(
        torch.equal(value, states[1][name]) for name, value in states[0].items()
    )


# ---- the penalty of the activities --------------------------------------------------------------------


@pytest.mark.parametrize(("model", "layer"), [("cae-fr", "h1"), ("cnn-fm", "h2"), ("vq-vae-fc", "h4")])
def test_the_activity_penalty_is_the_l1_norm_of_the_layer_that_is_read_out(model, layer):
    spec = SMALL.model_copy(update={"activity_penalty": 0.3})
    plain, sparse = _build(model, layer).eval(), _build(model, layer, spec=spec).eval()
    images, _ = _batch()
    activity = images
    for block in plain.encoder.blocks[: int(layer[1])]:
        activity = block(activity)
    expected = 0.3 * sum(np.abs(image).sum() for image in activity.detach().double().numpy()) / BATCH
    added = sparse(images).penalty - plain(images).penalty
    assert added.item() == pytest.approx(expected, rel=1e-5)


def test_the_activity_penalty_belongs_to_the_response_side():
    """It moves the layers up to the one that is read out, with beta, and the readout not at all."""
    spec = SMALL.model_copy(update={"activity_penalty": 0.3})
    plain, sparse = (_gradients(_build("cae-fr", "h2", spec=each), 1.0, 1.0) for each in (SMALL, spec))
    moved = {name for name, gradient in plain.items() if not torch.equal(gradient, sparse[name])}
    assert moved
    assert all(name.startswith(("encoder.blocks.0.", "encoder.blocks.1.")) for name in moved)
    without, with_it = (_gradients(_build("cae-fr", "h2", spec=each), 1.0, 0.0) for each in (SMALL, spec))
    assert all(torch.equal(with_it[name], gradient) for name, gradient in without.items())


# ---- what is built ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", model_names())
def test_output_has_the_parts_of_the_model_and_no_others(model):
    images, _ = _batch()
    output = _build(model)(images)
    reconstructs, predicts = model not in baseline_names(), model not in AUTOENCODERS
    assert (output.reconstruction is not None, output.regularisation is not None) == (reconstructs,) * 2
    assert (output.rate is not None, output.penalty is not None) == (predicts,) * 2
    if reconstructs:
        assert output.reconstruction.shape == images.shape
    if predicts:
        assert output.rate.shape == (BATCH, NEURONS)


@pytest.mark.parametrize(("depth", "layer"), DEPTHS)
@pytest.mark.parametrize("model", baseline_names())
def test_a_baseline_has_nothing_above_the_layer_it_reads(model, depth, layer):
    baseline = _build(model, layer)
    convolutions = [module for module in baseline.modules() if isinstance(module, nn.Conv2d)]
    assert len(baseline.encoder.blocks) == len(convolutions) == depth
    assert baseline.autoencoder is None
    assert not any(isinstance(module, nn.ConvTranspose2d) for module in baseline.modules())


@pytest.mark.parametrize(("model", "layer"), JOINT_AT_LAYERS)
def test_the_readout_sees_the_layer_of_the_run_and_the_auto_encoder_the_last(model, layer):
    joint = _build(model, layer).eval()
    seen = {}
    joint.readout.register_forward_hook(lambda _m, inputs, _o: seen.update(readout=inputs[0]))
    joint.autoencoder.register_forward_hook(lambda _m, inputs, _o: seen.update(autoencoder=inputs[0]))
    images, _ = _batch()
    joint(images)
    features = joint.encoder(images)
    assert torch.equal(seen["readout"], features[LAYERS.index(layer)])
    assert torch.equal(seen["autoencoder"], features[3])


BATCH_NORM = 2 * 48
CONVOLUTION = 48 * 48 * 9
ENCODER = [(48 * 9 + BATCH_NORM) + blocks * (CONVOLUTION + BATCH_NORM) for blocks in range(4)]
DECODER = 3 * (CONVOLUTION + BATCH_NORM) + 48 * 9 + 1
CAE_LATENT = (3072 * 100 + 100) + (100 * 3072 + 3072)


@pytest.mark.parametrize(
    ("model", "layer", "expected"),
    [
        ("cae", None, ENCODER[3] + CAE_LATENT + DECODER),
        ("cnn-fr", "h1", ENCODER[0] + NEURONS * (256 + 48 + 1)),
        ("cnn-fm", "h4", ENCODER[3] + NEURONS * (48 + 1)),
        ("cae-fr", "h3", ENCODER[3] + CAE_LATENT + DECODER + NEURONS * (64 + 48 + 1)),
        ("cae-fc", "h2", ENCODER[3] + CAE_LATENT + DECODER + NEURONS * (48 * 256 + 1)),
    ],
)
def test_parameters_counted_by_hand(model, layer, expected):
    built = _build(model, layer, spec=ModelSettings())
    assert sum(parameter.numel() for parameter in built.parameters()) == expected


# ---- gradients ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "layer"), JOINT_AT_LAYERS)
def test_every_parameter_gets_a_gradient(model, layer):
    joint = _build(model, layer)
    gradients = _gradients(joint, alpha=1.0, beta=1.0)
    for name, gradient in gradients.items():
        assert gradient is not None, name
        assert gradient.isfinite().all(), name
        if name not in _before_batch_norm(joint):
            assert gradient.any(), name


@pytest.mark.parametrize("model", [*AUTOENCODERS, *baseline_names()])
def test_every_parameter_of_a_model_with_one_task_gets_a_gradient(model):
    single = _build(model)
    gradients = _gradients(single, float(model in AUTOENCODERS), float(model in baseline_names()))
    for name, gradient in gradients.items():
        assert gradient is not None, name
        if name not in _before_batch_norm(single):
            assert gradient.any(), name


@pytest.mark.parametrize(("model", "layer"), JOINT_AT_LAYERS)
def test_without_alpha_nothing_above_the_layer_that_is_read_learns(model, layer):
    depth = LAYERS.index(layer) + 1
    joint = _build(model, layer)
    gradients = _gradients(joint, alpha=0.0, beta=1.0)
    shared = tuple(f"encoder.blocks.{index}." for index in range(depth))
    for name, gradient in gradients.items():
        learns = gradient is not None and bool(gradient.any())
        if name.startswith((*shared, "readout.")):
            assert learns or name in _before_batch_norm(joint), name
        else:
            assert not learns, name


@pytest.mark.parametrize(("model", "layer"), JOINT_AT_LAYERS)
def test_without_beta_the_readout_does_not_learn_and_all_else_does(model, layer):
    joint = _build(model, layer)
    gradients = _gradients(joint, alpha=1.0, beta=0.0)
    for name, gradient in gradients.items():
        learns = gradient is not None and bool(gradient.any())
        if name.startswith("readout."):
            assert not learns, name
        else:
            assert learns or name in _before_batch_norm(joint), name


# ---- models that share a component start it alike -----------------------------------------------------


@pytest.mark.parametrize(("depth", "layer"), DEPTHS)
@pytest.mark.parametrize("model", baseline_names())
def test_a_baseline_starts_with_the_first_blocks_of_an_auto_encoder(model, depth, layer):
    baseline, autoencoder = _build(model, layer), _build("cae")
    for short, long in zip(baseline.encoder.blocks, autoencoder.encoder.blocks[:depth], strict=True):
        assert _equal(short, long)


def test_all_auto_encoders_start_with_the_same_encoder_and_decoder():
    reference = _build("cae")
    for model in [*AUTOENCODERS, *joint_names()]:
        other = _build(model)
        assert _equal(other.encoder, reference.encoder), model
        assert _equal(other.autoencoder.decoder, reference.autoencoder.decoder), model


def test_cae_and_vae_restore_alike_from_the_latent():
    assert _equal(_build("cae").autoencoder.from_latent, _build("vae").autoencoder.from_latent)


@pytest.mark.parametrize("model", joint_names())
def test_a_joint_model_starts_like_its_two_parts(model):
    autoencoder, _, readout = model.rpartition("-")
    joint = _build(model, "h3")
    assert _equal(joint.autoencoder, _build(autoencoder).autoencoder)
    assert _equal(joint.readout, _build(f"cnn-{readout}", "h3").readout)


def test_components_do_not_share_their_draws():
    joint = _build("cae-fr", spec=ModelSettings())
    first, second = joint.encoder.blocks[1][0].weight, joint.autoencoder.decoder[0].weight
    assert first.shape == second.shape
    assert not torch.equal(first, second)


@pytest.mark.parametrize("model", model_names())
def test_same_seed_same_weights_and_another_seed_other_weights(model):
    one, again, other = _build(model).state_dict(), _build(model).state_dict(), _build(model, seed=1)
    assert all(torch.equal(value, again[name]) for name, value in one.items())
    drawn = {name for name, value in one.items() if value.ndim > 1 and name not in PLACED}
    different = {name for name, value in other.named_parameters() if not torch.equal(value, one[name])}
    assert drawn <= different


def test_building_leaves_torchs_own_generator_alone():
    before = torch.get_rng_state()
    torch.manual_seed(1)
    _build("vae-fc")
    first = _build("cae-fr").state_dict()
    torch.manual_seed(2)
    second = _build("cae-fr").state_dict()
    torch.set_rng_state(before)
    assert all(torch.equal(value, second[name]) for name, value in first.items())


# ---- evaluation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", model_names())
def test_evaluation_is_deterministic_and_an_image_does_not_depend_on_its_batch(model):
    images, _ = _batch()
    built = _build(model)
    built.train()(images)  # batch norm has seen something
    built.eval()
    with torch.no_grad():
        one, again, alone = built(images), built(images), built(images[:1])
    for part in ("reconstruction", "rate"):
        if getattr(one, part) is not None:
            assert torch.equal(getattr(one, part), getattr(again, part))
            np.testing.assert_allclose(
                getattr(alone, part)[0], getattr(one, part)[0], rtol=1e-3, atol=1e-5, err_msg=part
            )


def test_every_readout_and_auto_encoder_of_a_runs_name_can_be_built():
    assert {model.rpartition("-")[2] for model in joint_names()} == set(READOUTS)
    for model, layer in JOINT_AT_LAYERS:
        assert _build(model, layer).depth == LAYERS.index(layer) + 1


# ---- one line of a notebook ---------------------------------------------------------------------------


def test_a_model_is_one_line_without_a_run_or_a_recording():
    model = build("cae-fr", "h2", neurons=3, seed=0)
    images, _ = _batch()
    output = model.eval()(images)
    assert output.reconstruction.shape == images.shape
    assert output.rate.shape == (BATCH, 3)
    # an untrained readout predicts the mean response, which is taken to be 1
    np.testing.assert_allclose(output.rate.detach(), 1, atol=0.1)
    assert _equal(model.autoencoder, build("cae").autoencoder)


def test_neurons_of_which_nothing_is_known_are_read_at_the_images_centre():
    readout = build("cnn-fm", "h4", neurons=2).readout
    assert readout.position.tolist() == [4 * 8 + 4] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cae-fx", "h2", 3), "model must be one of"),
        (("cae-fr", None, 3), r"cae-fr takes a layer out of \['h1', 'h2', 'h3', 'h4'\], got None"),
        (("cnn-fr", "h5", 3), "got 'h5'"),
        (("cae", "h2"), "cae takes no layer, got 'h2'"),
        (("cae-fr", "h2"), "cae-fr predicts neurons"),
    ],
)
def test_what_is_missing_or_too_much_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(*arguments)
