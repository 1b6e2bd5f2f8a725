import copy
import hashlib
import io
import json
import os
import shutil
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from daenr.config import ModelSettings, TrainingSettings
from daenr.models.joint import DAENR, build
from daenr.models.randomness import generator
from daenr.registry import AUTOENCODERS
from daenr.training import devices
from daenr.training import fit as training
from daenr.training.checkpoints import Keeper, NoiseState, identity
from daenr.training.fit import Fit, Objective, Split, fit

CPU = torch.device("cpu")
SMALL = ModelSettings(channels=4, latent=5, codes=6, code_dimension=3)
PROTOCOL = TrainingSettings(learning_rate=0.02, batch_size=5, validate_every=3, patience=4, max_steps=7)
"""Two rounds of at most seven steps, which end between two validations and within a pass over the images."""

KEY = {name: name for name in ("run", "spec", "code", "data", "platform")}


def _model(name: str) -> DAENR:
    return build(name, None if name in AUTOENCODERS else "h2", 5, settings=SMALL)


def _fit(
    model: DAENR,
    region: Any,
    keeper: Keeper | None = None,
    protocol: TrainingSettings = PROTOCOL,
    precision: torch.dtype = torch.float32,
) -> tuple[Fit, dict[str, torch.Tensor]]:
    """Fit a model; how it went, and its parameters."""
    with devices.laid_out(model, model.encoder.blocks, precision):
        result = fit(
            model,
            Split(torch.from_numpy(region.train_images), torch.from_numpy(region.train_responses)),
            Split(torch.from_numpy(region.validation_images), torch.from_numpy(region.validation_responses)),
            Objective(0.8, 0.3, precision=precision),
            protocol,
            generator(0, "batch order"),
            keeper,
        )
    return result, copy.deepcopy(model.state_dict())


def _require_same(one: tuple[Fit, dict[str, torch.Tensor]], other: tuple[Fit, dict[str, torch.Tensor]]):
    assert one[0] == other[0]
    assert one[1].keys() == other[1].keys()
    assert all(torch.equal(one[1][name], other[1][name]) for name in one[1])


class EveryStep(Keeper):
    """Leaves the checkpoint of every step beside it."""

    def after_step(self, step: int) -> None:
        super().after_step(step)
        shutil.copy(self.path, self.path.with_name(f"step{step}.pt"))


@pytest.fixture(scope="module")
def whole(make_region) -> Callable[..., tuple[Fit, dict[str, torch.Tensor]]]:
    """How trainings go that nothing interrupts, each made once."""
    return cache(lambda name, precision=torch.float32: _fit(_model(name), make_region(), precision=precision))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, make_region) -> bytes:
    """That of a training that died in step 3."""
    taken, steps = training.training_step, iter(range(1, 4))

    def die(*arguments: Any) -> torch.Tensor:
        if next(steps) == 3:
            raise MemoryError
        return taken(*arguments)

    path = tmp_path_factory.mktemp("died") / "run.pt"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training, "training_step", die)
        with pytest.raises(MemoryError):
            _fit(_model("vae-fc"), make_region(), Keeper(path, KEY, 1))
    return path.read_bytes()


@pytest.fixture
def interrupted(tmp_path, checkpoint) -> Path:
    """A copy of it."""
    path = tmp_path / "run.pt"
    path.write_bytes(checkpoint)
    return path


def _resumed(path: Path, region: Any, key: dict[str, str] = KEY) -> tuple[Fit, dict[str, torch.Tensor]]:
    return _fit(_model("vae-fc"), region, Keeper(path, key, None))


# ---- going on ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "every", "precision"),
    [
        ("vae-fc", 1, torch.float32),
        ("vq-vae-fr", 5, torch.float32),
        ("cnn-fm", 5, torch.float32),
        ("vae-fc", 5, torch.bfloat16),
    ],
)
def test_interrupted_after_any_step_it_ends_bit_for_bit_as_if_it_had_not_been(
    name, every, precision, tmp_path, make_region, whole
):
    region, expected = make_region(), whole(name, precision)
    every_step = EveryStep(tmp_path / "run.pt", KEY, 1)
    _require_same(_fit(_model(name), region, every_step, precision=precision), expected)
    steps = len(list(tmp_path.glob("step*.pt")))
    assert expected[0].history[-1].round == 2
    assert steps >= expected[0].history[-1].step
    for step in range(1, steps + 1, every):
        keeper = Keeper(tmp_path / f"step{step}.pt", KEY, None)
        _require_same(_fit(_model(name), region, keeper, precision=precision), expected)


def test_it_does_only_the_steps_that_are_missing(interrupted, make_region, capsys):
    model, passes = _model("vae-fc"), []
    model.register_forward_hook(lambda module, *_: passes.append(module.training))
    capped = PROTOCOL.model_copy(update={"max_steps": 8, "patience": 100, "rounds": 1})
    _fit(model, make_region(), Keeper(interrupted, KEY, None), capped)
    assert sum(passes) == 6
    assert capsys.readouterr().out == f"{interrupted}: the training goes on after step 2\n"


def test_it_can_be_interrupted_again_and_again(tmp_path, make_region, whole):
    """Every process does four steps and is told to stop."""
    region, ends = make_region(), []

    class Impatient(Keeper):
        def after_step(self, step: int) -> None:
            self.steps = getattr(self, "steps", 0) + 1
            if self.steps == 4:
                os.kill(os.getpid(), signal.SIGTERM)
            super().after_step(step)

    while True:
        try:
            with Impatient(tmp_path / "run.pt", KEY, None) as keeper:
                last = _fit(_model("vae-fc"), region, keeper)
            break
        except SystemExit as error:
            ends.append(error.code)
    assert len(ends) >= 2
    assert set(ends) == {128 + signal.SIGTERM}
    _require_same(last, whole("vae-fc"))


def test_noise_finds_every_generator_of_a_model():
    assert sorted(NoiseState(_model("vae-fc")).generators) == ["autoencoder.noise", "readout.noise"]
    assert NoiseState(_model("cae-fr")).generators == {}


# ---- when a checkpoint is written ----------------------------------------------------------------------


def _steps_kept(tmp_path: Path, region: Any, every: int | None, monkeypatch) -> list[int]:
    kept: list[int] = []
    monkeypatch.setattr(Keeper, "_write", lambda _, step: kept.append(step))
    _fit(
        _model("cnn-fm"),
        region,
        Keeper(tmp_path / "run.pt", KEY, every),
        PROTOCOL.model_copy(update={"max_steps": 8, "patience": 100, "rounds": 1}),
    )
    return kept


@pytest.mark.parametrize(("every", "expected"), [(1, [*range(1, 9)]), (3, [3, 6]), (100, []), (None, [])])
def test_the_period_counts_steps(tmp_path, make_region, monkeypatch, every, expected):
    assert _steps_kept(tmp_path, make_region(), every, monkeypatch) == expected


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_has_the_state_kept_and_ends_with_a_failure(tmp_path, make_region, whole, number, capsys):
    before = signal.getsignal(number)
    model = _model("cae-fr")
    model.register_forward_hook(lambda *_: os.kill(os.getpid(), number))
    path = tmp_path / "run.pt"
    with pytest.raises(SystemExit) as caught, Keeper(path, KEY, None) as keeper:
        _fit(model, make_region(), keeper)
    assert caught.value.code == 128 + number
    assert f"{number.name}: state of step 1 kept in {path}" in capsys.readouterr().out
    assert signal.getsignal(number) is before
    _require_same(_fit(_model("cae-fr"), make_region(), Keeper(path, KEY, None)), whole("cae-fr"))


@pytest.fixture
def listening():
    """Python's own answer to Ctrl-C, which a process started in the background is without."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening")
def test_a_signal_after_the_last_step_is_not_lost(tmp_path):
    def late() -> None:
        with Keeper(tmp_path / "run.pt", KEY, None):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        late()


def test_discard_leaves_nothing_of_this_run_and_all_of_another(tmp_path, interrupted):
    (tmp_path / ".run.abc123.pt").write_bytes(b"of a process that was killed while it wrote")
    others = [tmp_path / "run2.pt", tmp_path / ".run2.abc123.pt"]
    for other in others:
        other.touch()
    Keeper(interrupted, KEY, None).discard()
    assert sorted(tmp_path.iterdir()) == sorted(others)
    Keeper(interrupted, KEY, None).discard()


# ---- what is not used ----------------------------------------------------------------------------------


@pytest.fixture
def region_file(tmp_path) -> Path:
    path = tmp_path / "region.h5"
    path.write_bytes(b"images")
    return path


@pytest.mark.parametrize("changed", ["run", "spec", "code", "data", "platform"])
def test_a_checkpoint_of_another_key_is_ignored_and_the_log_says_why(
    interrupted, make_region, whole, changed, capsys
):
    key = {**KEY, changed: "other"}
    found = _resumed(interrupted, make_region(), key)
    expected = f"{interrupted}: the checkpoint is one of other {changed}; ignored, the training starts anew\n"
    assert capsys.readouterr().out == expected
    _require_same(found, whole("vae-fc"))


@pytest.mark.parametrize(
    ("argument", "other", "part"),
    [
        ("run", "b", "run"),
        ("spec", {"protocol": {"batch_size": 65, "max_steps": None}}, "spec"),
        ("neurons", np.array([0, 2]), "data"),
        ("device", torch.device("cuda"), "platform"),
        ("precision", torch.bfloat16, "platform"),
    ],
)
def test_the_key_follows_from_what_a_training_depends_on(tmp_path, region_file, argument, other, part):
    code = tmp_path / "losses.py"
    code.write_text("1")
    arguments = {
        "run": "a",
        "spec": {"protocol": {"max_steps": None, "batch_size": 64}},
        "code": [code],
        "data": [region_file],
        "neurons": np.arange(2),
        "device": CPU,
        "precision": torch.float32,
    }
    key = identity(**arguments)
    assert identity(**arguments) == key
    changed = identity(**arguments | {argument: other})
    assert changed == {**key, part: changed[part]}
    assert changed != key


@pytest.mark.parametrize(("name", "part"), [("region.h5", "data"), ("a.py", "code"), ("b.py", "code")])
def test_the_key_follows_the_content_of_files_and_not_their_time(tmp_path, region_file, name, part):
    code = [tmp_path / "a.py", tmp_path / "b.py"]
    for file in code:
        file.write_text("1")

    def key() -> dict[str, str]:
        return identity("a", {}, code, [region_file], np.arange(2), CPU, torch.float32)

    first = key()
    os.utime(tmp_path / name, (0, 0))
    assert key() == first
    (tmp_path / name).write_text("12")
    assert key() != first
    assert {**key(), part: first[part]} == first


def _flipped(content: bytes) -> bytes:
    return content[:-2000] + bytes([content[-2000] ^ 1]) + content[-1999:]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:30],
        lambda content: content[:-1],
        lambda content: b"",
        lambda content: bytes(range(256)) * 20,
        lambda content: b"[]\n" + content,
        lambda content: b"{}\n" + content,
        _flipped,
    ],
    ids=["half", "thirty bytes", "a byte less", "empty", "garbage", "list", "no key", "one bit"],
)
def test_a_damaged_checkpoint_is_ignored(interrupted, make_region, whole, damage, capsys):
    interrupted.write_bytes(damage(interrupted.read_bytes()))
    found = _resumed(interrupted, make_region())
    expected = f"{interrupted}: the checkpoint is damaged; ignored, the training starts anew\n"
    assert capsys.readouterr().out == expected
    _require_same(found, whole("vae-fc"))


class Malicious:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def test_a_checkpoint_with_code_in_it_is_not_executed(interrupted, tmp_path, make_region, whole, capsys):
    """Even with the right key and hash."""
    header = json.loads(interrupted.read_bytes().split(b"\n", 1)[0])
    content = io.BytesIO()
    torch.save({"model": Malicious(tmp_path / "executed")}, content)
    content.seek(0)
    torch.load(content, weights_only=False)
    (tmp_path / "executed").rmdir()  # it does what it is meant to, where one lets it
    header["sha256"] = hashlib.sha256(hashlib.sha256(content.getvalue()).digest()).hexdigest()
    interrupted.write_bytes(json.dumps(header).encode() + b"\n" + content.getvalue())
    found = _resumed(interrupted, make_region())
    assert "holds more than plain values; ignored" in capsys.readouterr().out
    assert not (tmp_path / "executed").exists()
    _require_same(found, whole("vae-fc"))
