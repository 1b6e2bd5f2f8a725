import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from daenr.config import Config, LossSettings, ModelSettings, TrainingSettings
from daenr.models.joint import DAENR, build
from daenr.models.randomness import generator
from daenr.paper.resolved import resolve
from daenr.registry import AUTOENCODERS, baseline_names, joint_names, model_names
from daenr.run import Run
from daenr.training import fit as training
from daenr.training.fit import Batches, NotFiniteError, Objective, Split, fit
from daenr.training.train import Trained, train

NEURONS = np.arange(5)
SMALL = ModelSettings(channels=4, latent=5, codes=6, code_dimension=3)
SHORT = TrainingSettings(batch_size=8, validate_every=2, patience=100, max_steps=3)


@pytest.fixture(autouse=True)
def torch_settings() -> Iterator[None]:
    """Put back what ``train`` sets for the whole process."""
    before = torch.are_deterministic_algorithms_enabled()
    yield
    torch.use_deterministic_algorithms(before)


def _run(
    model: str,
    layer: str | None = "h2",
    alpha: float | None = None,
    beta: float | None = None,
    seed: int = 0,
) -> Run:
    return Run(
        "synthetic",
        "region1",
        model,
        None if model in AUTOENCODERS else layer,
        float(model not in baseline_names()) if alpha is None else alpha,
        float(model not in AUTOENCODERS) if beta is None else beta,
        "all",
        seed,
    )


def _train(
    run: Run, region: Any, protocol: TrainingSettings = SHORT, neurons: np.ndarray = NEURONS
) -> Trained:
    return train(run, region, neurons, Config(model=SMALL, training=protocol, device="cpu"))


def _state(module: nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(module.state_dict())


def _equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _model(model: str = "cae-fr", spec: ModelSettings = SMALL) -> DAENR:
    return build(model, None if model in AUTOENCODERS else "h2", 5, settings=spec)


def _splits(region: Any) -> tuple[Split, Split]:
    return (
        Split(torch.from_numpy(region.train_images), torch.from_numpy(region.train_responses)),
        Split(torch.from_numpy(region.validation_images), torch.from_numpy(region.validation_responses)),
    )


def _fit(model: DAENR, region: Any, protocol: TrainingSettings, alpha: float = 1.0, beta: float = 1.0):
    return fit(model, *_splits(region), Objective(alpha, beta), protocol, generator(0, "batch order"))


@pytest.fixture(scope="module")
def trained(make_region) -> Callable[[Run], Trained]:
    """Trainings that several tests hold against others, each made once."""
    return cache(lambda run: _train(run, make_region()))


@pytest.fixture
def script(monkeypatch) -> Callable[[list[float]], list[dict[str, torch.Tensor]]]:
    """Let the validation set say given totals one after the other (the last one for ever).

    Gives back a list that fills with the parameters at each validation.
    """

    def set_up(totals: list[float]) -> list[dict[str, torch.Tensor]]:
        seen: list[dict[str, torch.Tensor]] = []

        def validate(model: DAENR, *_: Any) -> dict[str, float]:
            seen.append(_state(model))
            return {"total": totals[min(len(seen), len(totals)) - 1]}

        monkeypatch.setattr(training, "validate", validate)
        return seen

    return set_up


# ---- the two tasks against one ------------------------------------------------------------------------


SOME_AT_LAYERS = [
    *((model, "h2") for model in joint_names()),
    *((model, layer) for model in ("cae-fr", "vae-fc", "vq-vae-fm") for layer in ("h1", "h3", "h4")),
]
"""Every joint model at one layer, and every part of one at the others."""


@pytest.mark.parametrize(("model", "layer"), SOME_AT_LAYERS)
def test_without_beta_a_joint_model_trains_like_its_auto_encoder_bit_for_bit(model, layer, trained):
    plain = trained(_run(model.rpartition("-")[0]))
    joint = trained(_run(model, layer, alpha=1.0, beta=0.0))
    assert np.array_equal(joint.predictions["reconstruction"], plain.predictions["reconstruction"])
    assert _equal(_state(joint.model.encoder), _state(plain.model.encoder))
    assert _equal(_state(joint.model.autoencoder), _state(plain.model.autoencoder))
    assert [check.validation["total"] for check in joint.fit.history] == [
        check.validation["total"] for check in plain.fit.history
    ]


@pytest.mark.parametrize(("model", "layer"), SOME_AT_LAYERS)
def test_without_alpha_a_joint_model_predicts_exactly_like_its_baseline(model, layer, trained):
    baseline = trained(_run(f"cnn-{model.rpartition('-')[2]}", layer))
    joint = trained(_run(model, layer, alpha=0.0, beta=1.0))
    assert np.array_equal(joint.predictions["response"], baseline.predictions["response"])
    assert _equal(_state(joint.model.readout), _state(baseline.model.readout))


@pytest.mark.parametrize("model", ["cae-fr", "vae-fc", "vq-vae-fm"])
def test_each_task_changes_the_other_when_both_count(model, trained):
    """The control of the two tests above: they do not hold because one side never counts."""
    autoencoder, _, readout = model.rpartition("-")
    joint = trained(_run(model))
    assert not np.array_equal(
        joint.predictions["reconstruction"], trained(_run(autoencoder)).predictions["reconstruction"]
    )
    assert not np.array_equal(
        joint.predictions["response"], trained(_run(f"cnn-{readout}")).predictions["response"]
    )


# ---- repeatability ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["cnn-fm", "cae-fr", "vae-fc", "vq-vae"])
def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(model, trained, make_region):
    again, other = (_train(_run(model, seed=seed), make_region()) for seed in (0, 1))
    one = trained(_run(model))
    assert _equal(_state(one.model), _state(again.model))
    assert one.fit == again.fit
    for part in {"reconstruction", "response"} & one.predictions.keys():
        assert np.array_equal(one.predictions[part], again.predictions[part])
        assert not np.array_equal(one.predictions[part], other.predictions[part])


def test_torchs_own_generator_plays_no_part(make_region):
    torch.manual_seed(1)
    one = _train(_run("vae-fc"), make_region())
    torch.manual_seed(2)
    assert _equal(_state(one.model), _state(_train(_run("vae-fc"), make_region()).model))


@pytest.mark.parametrize("model", ["cae-fr", "vae-fc", "vq-vae-fm"])
def test_how_often_one_validates_does_not_change_the_training(model, make_region, script):
    """Noise, dropout and batch norm of the training do not notice a validation."""
    states = []
    for every in (1, 6):
        seen = script([1.0])
        _fit(
            _model(model),
            make_region(),
            SHORT.model_copy(update={"validate_every": every, "max_steps": 6, "rounds": 1}),
        )
        states.append(seen[-1])
    assert _equal(*states)


# ---- what the result depends on -----------------------------------------------------------------------


@pytest.mark.parametrize("model", ["cae", "cnn-fr", "cae-fm"])
def test_the_test_set_does_not_reach_the_weights(model, trained, make_region):
    region = make_region()
    touched = replace(
        region,
        test_images=-region.test_images,
        test_trials=region.test_trials + 5,
        test_responses=region.test_responses + 5,
    )
    one, other = trained(_run(model)), _train(_run(model), touched)
    assert _equal(_state(one.model), _state(other.model))
    assert one.fit == other.fit


def test_validation_responses_do_not_reach_the_gradient(make_region, script):
    script([1.0])
    region = make_region()
    states = []
    for responses in (region.validation_responses, region.validation_responses + 3):
        model = _model()
        _fit(model, replace(region, validation_responses=responses), SHORT)
        states.append(_state(model))
    assert _equal(*states)


@pytest.mark.parametrize("model", ["cnn-fr", "cae-fc", "vae-fm"])
def test_training_on_some_neurons_is_training_on_a_recording_of_them(model, make_region):
    region, chosen = make_region(neurons=5), np.array([1, 4])
    recording_of_them = replace(
        region,
        train_responses=region.train_responses[:, [1, 4]],
        validation_responses=region.validation_responses[:, [1, 4]],
        test_trials=region.test_trials[:, :, [1, 4]],
        test_responses=region.test_responses[:, [1, 4]],
        receptive_field=region.receptive_field[[1, 4]],
        response_scale=region.response_scale[[1, 4]],
    )
    some = _train(_run(model), region, neurons=chosen)
    alone = _train(_run(model), recording_of_them, neurons=np.arange(2))
    assert some.predictions["response"].shape == (7, 2)
    assert np.array_equal(some.predictions["response"], alone.predictions["response"])
    assert _equal(_state(some.model), _state(alone.model))


@pytest.mark.parametrize("model", model_names())
def test_a_trained_run_predicts_what_its_model_has(model, trained):
    run = trained(_run(model))
    if model in baseline_names():
        assert "reconstruction" not in run.predictions
    else:
        assert run.predictions["reconstruction"].shape == (7, 1, 32, 32)
        assert run.predictions["reconstruction"].dtype == np.float32
        assert np.abs(run.predictions["reconstruction"]).max() <= 1
    if model in AUTOENCODERS:
        assert "response" not in run.predictions
    else:
        assert run.predictions["response"].shape == (7, 5)
        assert (run.predictions["response"] > 0).all()
    assert run.seconds > 0


def test_predictions_stand_in_the_order_of_the_images(monkeypatch, make_region):
    """Seven images in batches of three: each row is what the model says of that image alone."""
    region = make_region(test=7)
    monkeypatch.setattr(training, "EVALUATION_BATCH", 3)
    trained = _train(_run("cae-fr"), region)
    for index in range(7):
        image = torch.from_numpy(region.test_images[index : index + 1])
        with torch.no_grad():
            alone = trained.model(image)
        np.testing.assert_allclose(
            trained.predictions["reconstruction"][index],
            alone.reconstruction[0],
            rtol=0,
            atol=1e-5,
        )
        np.testing.assert_allclose(trained.predictions["response"][index], alone.rate[0], rtol=1e-4)


def test_a_readout_starts_from_the_training_split_alone(make_region):
    """With a learning rate of next to nothing the bias still is what the training responses say."""
    region = make_region()
    trained = _train(_run("cae-fr"), region, SHORT.model_copy(update={"learning_rate": 1e-12}))
    expected = np.log(np.expm1(region.train_responses.astype(np.float64).mean(0)))
    np.testing.assert_allclose(trained.model.readout.bias.detach(), expected, rtol=1e-4)


# ---- the protocol -------------------------------------------------------------------------------------


def test_two_rounds_of_adam_written_out_once_more(make_region):
    """The whole protocol as a plain loop in float64 with the losses in numpy's terms.

    Biases that batch norm takes away again stand still: their gradient is rounding, which Adam blows up.
    """
    region = make_region(train=12)
    protocol = TrainingSettings(
        learning_rate=0.02, batch_size=5, validate_every=2, patience=4, rounds=2, max_steps=20
    )
    alpha, beta = 0.8, 0.3

    def frozen() -> DAENR:
        model = _model("cae-fr").double()
        for part in (*model.encoder.blocks, model.autoencoder.decoder):
            for layer, following in zip(part, list(part)[1:], strict=False):
                if isinstance(following, nn.BatchNorm2d) and layer.bias is not None:
                    layer.bias.requires_grad_(False)
        return model

    splits = [Split(split.images.double(), split.responses.double()) for split in _splits(region)]

    def total(model: DAENR, images: torch.Tensor, responses: torch.Tensor) -> torch.Tensor:
        output = model(images)
        image_side = ((output.reconstruction - images) ** 2).sum() / len(images)
        poisson = output.rate - responses * torch.log(output.rate + 1e-5)
        mask, features = model.readout.mask, model.readout.features
        penalty = 0.02 * sum(mask[n].abs().sum() * features[n].abs().sum() for n in range(responses.shape[1]))
        return alpha * image_side + beta * (poisson.sum() / len(images) + penalty)

    expected, order, queue = frozen(), generator(0, "batch order"), []
    best, best_state, history, step = math.inf, _state(expected), [], 0
    for rate in (0.02, 0.01):
        adam = torch.optim.Adam([p for p in expected.parameters() if p.requires_grad], lr=rate)
        start = since = step
        while step - since < 4 and step - start < 20:
            while len(queue) < 5:
                queue += torch.randperm(12, generator=order).tolist()
            batch, queue = queue[:5], queue[5:]
            expected.train()
            loss = total(expected, splits[0].images[batch], splits[0].responses[batch])
            adam.zero_grad()
            loss.backward()
            adam.step()
            step += 1
            if step % 2 == 0:
                expected.eval()
                with torch.no_grad():
                    value = total(expected, splits[1].images, splits[1].responses).item()
                history.append((step, rate, value))
                if value < best:
                    best, best_state, since = value, _state(expected), step
        expected.load_state_dict(best_state)

    model = frozen()
    result = fit(model, *splits, Objective(alpha, beta), protocol, generator(0, "batch order"))
    found = [(check.step, check.learning_rate, check.validation["total"]) for check in result.history]
    assert {rate for _, rate, _ in found} == {0.02, 0.01}
    np.testing.assert_allclose(found, history, rtol=1e-6)
    assert result.best.validation["total"] == pytest.approx(best, rel=1e-6)
    for name, value in model.state_dict().items():
        np.testing.assert_allclose(value, best_state[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_the_best_parameters_are_kept_when_validation_gets_worse(make_region):
    """Twelve images with random responses are learned by heart within a few steps."""
    region = make_region(train=12)
    protocol = TrainingSettings(
        learning_rate=0.03, batch_size=12, validate_every=1, patience=30, max_steps=60
    )
    model = _model("cnn-fm")
    result = _fit(model, region, protocol, alpha=0.0)
    totals = [check.validation["total"] for check in result.history]
    assert totals[-1] > result.best.validation["total"]  # it did get worse
    assert result.best.validation["total"] == min(totals)
    assert result.best in result.history
    again = training.validate(model, _splits(region)[1], Objective(0.0, 1.0), 0)
    assert again["total"] == result.best.validation["total"]


def test_parameters_are_those_of_the_validation_with_the_lowest_total(make_region, script):
    seen = script([5.0, 3.0, 4.0, 2.0, 2.0, 6.0])
    model = _model()
    protocol = TrainingSettings(batch_size=8, validate_every=2, patience=6, rounds=1)
    result = _fit(model, make_region(), protocol)
    assert result.best == result.history[3]  # the first of two equally good ones
    assert _equal(_state(model), seen[3])
    assert not _equal(seen[3], seen[4])


@pytest.mark.parametrize(
    ("model", "wanted", "term"),
    [
        ("cae-fr", "total", "total"),
        ("cae-fr", "response", "response"),
        ("cae-fr", "reconstruction", "reconstruction"),
        ("cae", "response", "total"),
        ("cae", "reconstruction", "reconstruction"),
        ("cnn-fr", "reconstruction", "total"),
        ("cnn-fr", "response", "response"),
    ],
)
def test_early_stopping_goes_by_the_term_that_is_asked_for_or_the_total(
    make_region, monkeypatch, model, wanted, term
):
    """The three terms have their lowest values at another validation each."""
    lowest = {"total": 1, "response": 2, "reconstruction": 3}
    said, terms = training.validate, iter(range(1, 100))

    def validate(*arguments: Any) -> dict[str, float]:
        number = next(terms)
        return said(*arguments) | {name: float(number != best) for name, best in lowest.items()}

    monkeypatch.setattr(training, "validate", validate)
    protocol = TrainingSettings(batch_size=8, validate_every=1, patience=5, rounds=1, stop_on=wanted)
    weights = {"alpha": float(model != "cnn-fr"), "beta": float(model != "cae")}
    result = _fit(_model(model), make_region(), protocol, **weights)
    assert result.best.step == lowest[term]
    assert result.history[-1].step == lowest[term] + 5  # patience counts from that validation


def test_what_a_training_does_not_learn_does_not_stop_it():
    """An auto-encoder that is held fixed, and sides that are weighed 0, never improve."""
    model, both = _model(), Objective(1.0, 1.0)
    assert training.stopping_term("reconstruction", model, both) == "reconstruction"
    assert training.stopping_term("reconstruction", model, Objective(0.0, 1.0)) == "total"
    assert training.stopping_term("response", model, Objective(1.0, 0.0)) == "total"
    model.freeze()
    assert training.stopping_term("reconstruction", model, both) == "total"
    assert training.stopping_term("response", model, both) == "response"


@pytest.mark.parametrize("keep", [False, True])
def test_adam_goes_on_into_the_second_round_only_where_it_is_kept(make_region, keep):
    """Against torch's own: parameters put back to the best, moments kept or new, half the rate."""
    region = make_region(train=8)
    protocol = TrainingSettings(
        learning_rate=0.01, batch_size=8, validate_every=3, patience=100, max_steps=3, keep_optimizer=keep
    )
    expected, (data, _) = _model("cnn-fm"), _splits(region)
    adam = torch.optim.Adam(expected.parameters(), lr=0.01)
    order = Batches(8, 8, generator(0, "batch order"))
    for rate in (0.01, 0.005):
        if not keep:
            adam = torch.optim.Adam(expected.parameters(), lr=rate)
        adam.param_groups[0]["lr"] = rate
        for _ in range(3):
            expected.train()
            adam.zero_grad()
            Objective(0.0, 1.0).of(expected, data.batch(order.draw())).total.backward()
            adam.step()
    model = _model("cnn-fm")
    result = _fit(model, region, protocol, alpha=0.0)
    assert result.best.step == 6  # each round's last step is its best, so nothing was put back
    assert _equal(_state(model), _state(expected))


def test_a_later_round_can_win_and_can_lose(make_region, script):
    protocol = TrainingSettings(batch_size=8, validate_every=1, patience=2, rounds=2)
    seen = script([5.0, 6.0, 6.0, 4.0, 6.0])
    model = _model()
    assert _fit(model, make_region(), protocol).best.round == 2
    assert _equal(_state(model), seen[3])
    seen = script([5.0, 6.0])
    model = _model()
    assert _fit(model, make_region(), protocol).best.round == 1
    assert _equal(_state(model), seen[0])


def test_a_round_starts_from_the_best_parameters_of_the_one_before(make_region, script):
    """With a learning rate of zero in round 2, which no config can have, its weights stay where they started."""
    seen = script([5.0, 3.0, 4.0])
    protocol = TrainingSettings(batch_size=8, validate_every=1, patience=3, rounds=2)
    protocol = protocol.model_copy(update={"learning_rate_factor": 0.0})
    model = _model()
    names = [name for name, _ in model.named_parameters()]
    result = _fit(model, make_region(), protocol)
    first_of_round_2 = next(i for i, check in enumerate(result.history) if check.round == 2)
    for later in seen[first_of_round_2:]:
        assert all(torch.equal(later[name], seen[1][name]) for name in names)
    last_of_round_1 = seen[first_of_round_2 - 1]
    assert not all(torch.equal(last_of_round_1[name], seen[1][name]) for name in names)


@pytest.mark.parametrize(
    ("totals", "steps"),
    [
        ([1.0], [10, 6]),  # only the first validation, at step 4, improves
        ([3.0, 2.0, 1.0], [18, 6]),  # those at steps 4, 8 and 12 improve
        ([3.0, 4.0, 2.0], [10, 8]),  # the one at 8 does not, and before the one at 12 round 1 is over
    ],
)
def test_patience_counts_steps_since_the_last_improvement(make_region, script, totals, steps):
    script(totals)
    model, counted = _model(), []
    model.register_forward_hook(lambda module, *_: counted.extend([1] * module.training))
    result = _fit(
        model, make_region(), TrainingSettings(batch_size=8, validate_every=4, patience=6, rounds=2)
    )
    assert len(counted) == sum(steps)
    assert [check.step for check in result.history] == list(range(4, sum(steps) + 1, 4))
    assert [check.round for check in result.history] == [
        1 if check.step <= steps[0] else 2 for check in result.history
    ]


def test_rounds_and_their_learning_rates(make_region, script):
    script([1.0])
    protocol = TrainingSettings(
        learning_rate=0.008, batch_size=8, validate_every=1, patience=3, rounds=3, learning_rate_factor=0.5
    )
    history = _fit(_model(), make_region(), protocol).history
    assert [(check.step, check.round, check.learning_rate) for check in history] == [
        (1, 1, 0.008),
        (2, 1, 0.008),
        (3, 1, 0.008),
        (4, 1, 0.008),  # three steps after the only improvement
        (5, 2, 0.004),
        (6, 2, 0.004),
        (7, 2, 0.004),
        (8, 3, 0.002),
        (9, 3, 0.002),
        (10, 3, 0.002),
    ]


@pytest.mark.parametrize(("cap", "steps"), [(5, [2, 4, 5, 6, 8, 10]), (4, [2, 4, 6, 8]), (1, [1, 2])])
def test_a_cap_ends_each_round_with_a_validation(make_region, cap, steps):
    protocol = TrainingSettings(batch_size=8, validate_every=2, patience=1000, rounds=2, max_steps=cap)
    history = _fit(_model(), make_region(), protocol).history
    assert [check.step for check in history] == steps
    assert [check.round for check in history] == [1 if step <= cap else 2 for step in steps]


def test_training_terms_are_averages_over_the_steps_since_the_last_validation(make_region, script):
    script([1.0])
    protocol = TrainingSettings(batch_size=8, validate_every=1, max_steps=6, rounds=1)
    single = _fit(_model(), make_region(), protocol).history
    script([1.0])
    triple = _fit(_model(), make_region(), protocol.model_copy(update={"validate_every": 3})).history
    assert [check.step for check in triple] == [3, 6]
    for third, check in enumerate(triple):
        for term, value in check.train.items():
            expected = np.mean([single[3 * third + i].train[term] for i in range(3)])
            assert value == pytest.approx(expected, rel=1e-12)


def test_a_row_of_the_history_names_every_term(make_region):
    check = _fit(_model(), make_region(), SHORT).history[0]
    terms = ("total", "reconstruction", "regularisation", "response", "penalty")
    assert list(check.row()) == [
        *("step", "round", "learning_rate"),
        *(f"train_{term}" for term in terms),
        *(f"validation_{term}" for term in terms),
        "leverage",
    ]
    assert check.row()["validation_response"] == check.validation["response"]
    assert check.row()["train_penalty"] == check.train["penalty"]


@pytest.mark.parametrize("model", ["cae-fr", "vae-fc", "vq-vae-fm"])
def test_validation_weighs_batches_by_their_size(monkeypatch, make_region, model):
    """Ten images in batches of 4, 4 and 2 give what the ten give at once, computed by numpy."""
    built, (_, validation) = _model(model), _splits(make_region(validation=10))
    built.train()(validation.images)  # batch norm has seen something
    monkeypatch.setattr(training, "EVALUATION_BATCH", 4)
    terms = training.validate(built, validation, Objective(0.5, 2.0), 0)
    with torch.no_grad():
        output = built.eval()(validation.images)
    images, responses = validation.images.numpy(), validation.responses.numpy()
    rate = output.rate.numpy().astype(np.float64)
    expected = {
        "reconstruction": ((output.reconstruction.numpy() - images) ** 2).sum((1, 2, 3)).mean(),
        "regularisation": output.regularisation.mean().item(),
        "response": (rate - responses * np.log(rate + 1e-5)).sum(1).mean(),
        "penalty": output.penalty.item(),
    }
    image_side = expected["reconstruction"] + expected["regularisation"]
    expected["total"] = 0.5 * image_side + 2 * (expected["response"] + expected["penalty"])
    assert terms == {term: pytest.approx(value, rel=1e-4) for term, value in expected.items()}


@pytest.mark.parametrize("model", ["vae-fc", "cae-fc"])
def test_validation_has_no_noise_and_changes_nothing(make_region, model):
    built, (_, validation) = _model(model), _splits(make_region())
    before = _state(built)
    one = training.validate(built, validation, Objective(1.0, 1.0), 0)
    assert training.validate(built, validation, Objective(1.0, 1.0), 0) == one
    assert _equal(_state(built), before)


# ---- precision ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["cnn-fr", "vae-fc", "vq-vae-fm", "cae"])
def test_bf16_trains_to_nearly_the_same_loss(model, make_region):
    """Near, since it is the same training; not equal, since it would not be bf16 then."""
    protocol = TrainingSettings(batch_size=8, validate_every=5, max_steps=20, rounds=1)
    exact, rough = (
        train(
            _run(model),
            make_region(),
            NEURONS,
            Config(model=SMALL, training=protocol, device="cpu", precision=precision),
        ).fit.best
        for precision in ("float32", "bf16")
    )
    assert rough.validation["total"] == pytest.approx(exact.validation["total"], rel=0.02)
    assert rough.validation["total"] != exact.validation["total"]


@pytest.mark.parametrize("model", ["cae-fr", "vae-fc", "vq-vae-fm"])
def test_in_bf16_losses_gradients_parameters_and_statistics_stay_in_float32(model, make_region):
    built, (data, _) = _model(model), _splits(make_region())
    loss = Objective(1.0, 1.0, precision=torch.bfloat16).of(built, data)
    loss.total.backward()
    kept = [loss.stacked(), *built.state_dict().values(), *(p.grad for p in built.parameters())]
    assert {tensor.dtype for tensor in kept if tensor.is_floating_point()} == {torch.float32}


@pytest.mark.parametrize("model", ["cae-fc", "vae-fc", "vq-vae-fc"])
def test_in_bf16_every_convolution_and_linear_layer_multiplies_in_it(model, make_region):
    built, (data, _) = _model(model), _splits(make_region())
    layers = {
        name
        for name, module in built.named_modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
    }
    found: dict[str, torch.dtype] = {}
    for name in layers:
        built.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: found.update({name: output.dtype})
        )
    Objective(1.0, 1.0, precision=torch.bfloat16).of(built, data)
    assert found == dict.fromkeys(layers, torch.bfloat16)


@pytest.mark.parametrize("model", ["vae", "vq-vae"])
def test_in_bf16_the_regularisation_is_computed_in_float32_from_what_the_layer_put_out(model, make_region):
    """In bf16 a sum over the latent would be off by up to 1 in 256."""
    built, (data, _) = _model(model), _splits(make_region())
    autoencoder, put_out = built.autoencoder, []
    layer = autoencoder.to_latent if model == "vae" else autoencoder.to_code
    layer.register_forward_hook(
        lambda _module, _inputs, output: put_out.append(output.detach().double().numpy())
    )
    found = Objective(1.0, 0.0, precision=torch.bfloat16).of(built, data).regularisation.item()
    if model == "vae":
        mean, log_variance = np.split(put_out[0], 2, axis=1)
        expected = (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(1)  # twice the KL
    else:
        codes = autoencoder.codebook.detach().double().numpy()
        distances = ((np.moveaxis(put_out[0], 1, -1)[..., None, :] - codes) ** 2).sum(-1).min(-1)
        expected = (1 + SMALL.commitment) * distances.sum((1, 2))
    assert found == pytest.approx(expected.mean(), rel=1e-5)


def test_predictions_are_made_in_float32_whatever_the_training_was(make_region):
    region = make_region()
    config = Config(model=SMALL, training=SHORT, device="cpu", precision="bf16")
    trained = train(_run("cae-fr"), region, NEURONS, config)
    assert trained.precision == torch.bfloat16
    with torch.no_grad():
        exact = trained.model.eval()(torch.from_numpy(region.test_images))
    np.testing.assert_allclose(trained.predictions["reconstruction"], exact.reconstruction, rtol=0, atol=1e-6)
    np.testing.assert_allclose(trained.predictions["response"], exact.rate, rtol=1e-5)


@pytest.mark.parametrize("model", ["cae-fr", "vae-fc", "vq-vae-fm"])
def test_in_bf16_too_a_joint_model_without_beta_trains_like_its_auto_encoder(model, make_region):
    region = make_region()
    plain, joint = (
        train(run, region, NEURONS, Config(model=SMALL, training=SHORT, device="cpu", precision="bf16"))
        for run in (_run(model.rpartition("-")[0]), _run(model, "h2", alpha=1.0, beta=0.0))
    )
    assert np.array_equal(joint.predictions["reconstruction"], plain.predictions["reconstruction"])


# ---- batches ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("images", "size"), [(10, 5), (10, 4), (10, 10), (7, 3), (1, 1), (64, 64)])
def test_batches_are_full_and_cover_every_image_once_a_pass(images, size):
    batches = Batches(images, size, generator(0, "batch order"))
    drawn = [batches.draw() for _ in range(3 * images)]
    assert {tuple(batch.shape) for batch in drawn} == {(size,)}
    joined = torch.cat(drawn).reshape(-1, images)
    assert all(sorted(one_pass.tolist()) == list(range(images)) for one_pass in joined)


def test_every_pass_has_another_order_that_comes_from_the_seed():
    first, again, other = (Batches(20, 20, generator(seed, "batch order")) for seed in (0, 0, 1))
    one, two = first.draw(), first.draw()
    assert not torch.equal(one, two)
    assert torch.equal(again.draw(), one)
    assert not torch.equal(other.draw(), one)


def test_a_batch_larger_than_the_data_names_the_key():
    with pytest.raises(ValueError, match=r"training\.batch_size: 65 .* has 64; make it smaller"):
        Batches(64, 65, generator(0, "batch order"))


def test_a_batch_larger_than_the_training_split_stops_a_run(make_region):
    with pytest.raises(ValueError, match=r"training\.batch_size"):
        _train(_run("cae"), make_region(train=7))


# ---- losses that are not finite -----------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("array", "model", "message"),
    [
        ("train_responses", "cnn-fr", r"step 1: the training loss is not finite \(term: response\)"),
        ("validation_responses", "cae-fc", r"step 2: the validation loss is not finite \(term: response\)"),
        ("validation_images", "cae", r"step 2: the validation loss is not finite \(term: reconstruction\)"),
    ],
)
def test_a_loss_that_is_not_finite_names_run_step_and_term(make_region, array, model, message, value):
    region = make_region(train=8)
    broken = getattr(region, array).copy()
    broken[3] = value
    run = _run(model)
    with pytest.raises(NotFiniteError, match=message) as caught:
        _train(run, replace(region, **{array: broken}))
    assert f"run {run.name}, " in str(caught.value)


def test_a_training_that_diverges_stops(make_region):
    with pytest.raises(NotFiniteError, match=r"step \d+: the (training|validation) loss is not finite"):
        _train(_run("vae-fr"), make_region(), SHORT.model_copy(update={"learning_rate": 1e30}))


@pytest.mark.parametrize(("every", "message"), [(5, "step 4: "), (3, "step 4: "), (100, "step 4: ")])
def test_the_first_step_that_is_not_finite_is_named_whenever_the_terms_are_read(
    make_region, monkeypatch, every, message
):
    """At a validation, or at the end of a round that has none after it."""
    taken, steps = training.training_step, []

    def breaking(*arguments: Any) -> torch.Tensor:
        steps.append(1)
        terms = taken(*arguments)
        return terms * (math.inf if len(steps) in (4, 5) else 1)

    monkeypatch.setattr(training, "training_step", breaking)
    protocol = TrainingSettings(batch_size=8, validate_every=1, patience=7, rounds=1)
    protocol = protocol.model_copy(update={"validate_every": every})  # 100 is more than a config can have
    with pytest.raises(NotFiniteError, match=message):
        _fit(_model(), make_region(), protocol)
    assert len(steps) == {5: 5, 3: 6, 100: 7}[every]


@pytest.mark.parametrize("model", ["cae-fr", "vq-vae-fm"])
def test_a_step_asks_the_device_for_no_value(model, monkeypatch):
    """On PyTorch's meta device there are none: whatever waited for one would fail."""
    autocast = torch.autocast  # it knows no such device
    monkeypatch.setattr(torch, "autocast", lambda _, *rest, **named: autocast("cpu", *rest, **named))
    data = Split(torch.empty(8, 1, 32, 32, device="meta"), torch.empty(8, 5, device="meta"))
    built = _model(model).to("meta")
    adam = training.Adam(built.parameters(), 0.001)
    batches = Batches(8, 4, generator(0, "batch order"), "meta")
    terms = training.training_step(built, data.batch(batches.draw()), Objective(1.0, 1.0), adam)
    assert terms.is_meta
    with pytest.raises(RuntimeError):
        terms.isfinite().all().item()


def test_not_finite_is_an_error_that_a_log_shows_in_one_line():
    assert issubclass(NotFiniteError, ArithmeticError)


# ---- the config's sections ----------------------------------------------------------------------------


@pytest.fixture
def config() -> dict[str, Any]:
    root = Path(__file__).parents[3]
    return resolve(yaml.safe_load((root / "config/config.yaml").read_text()), root)


def test_defaults_are_those_of_the_papers_config(config):
    own = Config(**config)
    assert (own.model, own.training, own.loss) == (ModelSettings(), TrainingSettings(), LossSettings())
    assert (own.device, own.precision) == ("auto", "float32")


def test_every_section_of_the_config_reaches_the_training(config, make_region):
    config["model"] |= {"channels": 4, "latent": 7}
    config["training"] |= {"batch_size": 5, "validate_every": 3, "patience": 3, "max_steps": 3, "rounds": 1}
    config |= {"device": "cpu", "precision": "bf16"}
    trained = train(_run("cae-fr"), make_region(), NEURONS, Config(**config))
    assert trained.model.autoencoder.to_latent.weight.shape == (7, 4 * 8 * 8)
    assert trained.settings == Config(**config).model
    assert [check.step for check in trained.fit.history] == [3]
    assert trained.precision == torch.bfloat16


@pytest.mark.parametrize("section", ["model", "training", "loss"])
def test_an_unknown_key_fails(config, section):
    config[section]["laten"] = 1
    with pytest.raises(ValueError, match="laten"):
        Config(**config)


@pytest.mark.parametrize(
    ("model", "side", "count"), [("cae", "reconstruction", 1024), ("cnn-fr", "response", len(NEURONS))]
)
def test_the_mean_of_a_side_reaches_the_objective_of_that_side_alone(make_region, model, side, count):
    region, one_step = make_region(), SHORT.model_copy(update={"max_steps": 1})
    losses = (LossSettings(), *(LossSettings(**{key: "mean"}) for key in ("reconstruction", "response")))
    summed, *means = (
        train(_run(model), region, NEURONS, Config(model=SMALL, training=one_step, loss=loss, device="cpu"))
        .fit.history[0]
        .train["total"]
        for loss in losses
    )
    own, other = means if side == "reconstruction" else reversed(means)
    assert summed == pytest.approx(count * own, rel=1e-5)
    assert summed == other
