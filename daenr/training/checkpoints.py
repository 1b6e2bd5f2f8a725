"""Checkpoints: an interrupted training goes on where it stood, to the bit.

A checkpoint is one file: a line of JSON that says what training it belongs to and the hash of the rest, then
the states of the training's parts as ``torch.save`` writes them. It is used only for the training that wrote
it, under the same spec, code and data; any other, and a damaged one, is ignored.
"""

import hashlib
import io
import json
import pickle
import signal
from collections.abc import Iterable, Mapping
from glob import escape
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int64
from torch import nn

from daenr.files import atomic

SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""What a cluster sends before it takes a machine away, and Ctrl-C."""


@runtime_checkable
class Stateful(Protocol):
    """A part of a training that can say in what state it is, and be put back into it."""

    def state_dict(self) -> dict[str, Any]:
        """The state: tensors, numbers and text in dictionaries and lists."""

    def load_state_dict(self, state: dict[str, Any], /) -> object:
        """Take on a state that ``state_dict`` returned."""


class NoiseState:
    """The generators that the modules of a model hold as attributes, which the model's own state leaves out."""

    def __init__(self, model: nn.Module) -> None:
        self.generators = {
            f"{name}.{attribute}": value
            for name, module in model.named_modules()
            for attribute, value in vars(module).items()
            if isinstance(value, torch.Generator)
        }

    def state_dict(self) -> dict[str, Any]:
        """The state of each generator."""
        return {name: generator.get_state() for name, generator in self.generators.items()}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Put every generator back."""
        for name, generator in self.generators.items():
            generator.set_state(state[name])


def identity(
    run: str,
    spec: Mapping[str, Any],
    code: Iterable[Path],
    data: Iterable[Path],
    neurons: Int64[np.ndarray, " neurons"],
    device: torch.device,
    precision: torch.dtype,
) -> dict[str, str]:
    """What a training is a function of, hashed by parts; a checkpoint of another identity is of no use to it.

    Args:
        run: name of the run.
        spec: the config's part, as JSON can hold it.
        code: the package's modules that compute it.
        data: the region file, and the trained encoder that a frozen readout stands on.
        neurons: numbers of the neurons that are trained on.
        device: where it computes; like PyTorch's versions, kinds of devices round and draw in their own way.
        precision: what it multiplies in there, which ``auto`` in the config does not tell.
    """
    return {
        "run": run,
        "spec": _sha256(json.dumps(spec, sort_keys=True).encode()),
        "code": _sha256(*(path.read_bytes() for path in code)),
        "data": _sha256(*(path.read_bytes() for path in data), neurons.tobytes()),
        "platform": f"torch {torch.__version__}, {device.type}, {precision}",
    }


def _sha256(*contents: bytes) -> str:
    """Hash of the contents' hashes, so that it matters where one ends and the next begins."""
    digests = (hashlib.sha256(content).digest() for content in contents)
    return hashlib.sha256(b"".join(digests)).hexdigest()


class Keeper:
    """Keeps a training's state in a file, every so many steps and before the process ends at a signal.

    As a context manager it listens for the signals ``SIGNALS``; the training then ends after its current step.

    Args:
        path: the checkpoint.
        key: what the training is a function of, see `identity`.
        every: steps from one checkpoint to the next; None for one at a signal alone.
    """

    def __init__(self, path: Path, key: Mapping[str, str], every: int | None) -> None:
        self.path = path
        self.key = key
        self.every = every
        self.parts: Mapping[str, Stateful] = {}
        self.signal: int | None = None

    def __enter__(self) -> "Keeper":
        self.handlers = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        if self.signal is not None and error is None:
            signal.raise_signal(self.signal)  # it came after the last step: as if nobody had listened

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number

    def restore(self, parts: Mapping[str, Stateful]) -> None:
        """Put the parts into the state of the checkpoint if there is one of this training; keep them from now on."""
        self.parts = parts
        try:
            step, states = self._read()
        except FileNotFoundError:
            return
        except ValueError as error:
            print(f"{self.path}: {error}; ignored, the training starts anew")
            return
        for name, part in parts.items():
            part.load_state_dict(states[name])
        print(f"{self.path}: the training goes on after step {step}")

    def after_step(self, step: int) -> None:
        """Write a checkpoint if it is time.

        Raises:
            SystemExit: after a signal, once the checkpoint is written; the status is the shell's, 128 + signal.
        """
        if self.signal is not None or (self.every is not None and step % self.every == 0):
            self._write(step)
        if self.signal is not None:
            name = signal.Signals(self.signal).name
            print(f"{name}: state of step {step} kept in {self.path}; started again, the training goes on")
            raise SystemExit(128 + self.signal)

    def discard(self) -> None:
        """Remove the checkpoint, and what a process left that was killed while it wrote one."""
        self.path.unlink(missing_ok=True)
        for leftover in self.path.parent.glob(f".{escape(self.path.stem)}.*{self.path.suffix}"):
            leftover.unlink()

    def _write(self, step: int) -> None:
        content = io.BytesIO()
        torch.save({name: part.state_dict() for name, part in self.parts.items()}, content)
        header = {"key": self.key, "step": step, "sha256": _sha256(content.getvalue())}
        with atomic(self.path) as path:
            path.write_bytes(json.dumps(header).encode() + b"\n" + content.getvalue())

    def _read(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """The step and the states in the file; tensors on the CPU, from where each part takes them to its device.

        Raises:
            FileNotFoundError: there is no file.
            ValueError: it is damaged or not of this training; the message says which.
        """
        with self.path.open("rb") as file:
            try:
                header = json.loads(file.readline())
                other = [name for name, value in self.key.items() if header["key"][name] != value]
                step, digest = header["step"], header["sha256"]
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError("the checkpoint is damaged") from error
            if other:
                raise ValueError(f"the checkpoint is one of other {', '.join(other)}")
            content = file.read()
        if _sha256(content) != digest:
            raise ValueError("the checkpoint is damaged")
        try:
            states: dict[str, dict[str, Any]] = torch.load(
                io.BytesIO(content), map_location="cpu", weights_only=True
            )
        except pickle.UnpicklingError as error:
            raise ValueError("the checkpoint holds more than plain values") from error
        return step, states
