"""The paper's training protocol: early stopping on a validation set, in two rounds."""

import copy
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from daenr.config import TrainingSettings
from daenr.models.joint import DAENR, joined
from daenr.models.losses import TERMS, JointLoss, Reduction, joint_loss
from daenr.training import devices
from daenr.training.adam import Adam, FusedAdam
from daenr.training.checkpoints import Keeper, Noise

EVALUATION_BATCH = 256

LOOK_PART = 64
"""Images that a look at the validation set computes at once: few enough for their feature maps to stay in the cache."""


@dataclass(frozen=True)
class Split:
    """Images and responses of one split, on the device."""

    images: Float[Tensor, "images 1 32 32"]
    responses: Float[Tensor, "images neurons"]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Objective:
    """What is minimised: weights of Eq. 7, whether its two sides are sums or means, and what the model multiplies in.

    Whatever the precision, the losses themselves are computed in float32.
    """

    alpha: float
    beta: float
    reduction: Reduction = "sum"
    precision: torch.dtype = torch.float32

    def of(self, model: DAENR, data: Split, part: int | None = None) -> JointLoss:
        """Every loss term of ``model`` on ``data``; the model computes ``part`` images at once, None for all."""
        with devices.multiplying_in(self.precision, data.images.device):
            output = joined([model(images) for images in torch.split(data.images, part or len(data))])
        return joint_loss(output, data.images, data.responses, self.alpha, self.beta, self.reduction)


class Batches:
    """Endless batches of image numbers: shuffled passes joined end to end, so that every batch is full.

    Args:
        images: number of images to draw from.
        size: images a batch.
        order: generator of the shuffles.

    Raises:
        ValueError: if a batch would be larger than the data.
    """

    def __init__(self, images: int, size: int, order: torch.Generator) -> None:
        if size > images:
            raise ValueError(f"training.batch_size is {size}, but the training split has {images} images")
        self.images = images
        self.size = size
        self.order = order
        self.queue = torch.empty(0, dtype=torch.int64)

    def draw(self) -> Int[Tensor, " size"]:
        """The next batch."""
        if len(self.queue) < self.size:
            self.queue = torch.cat([self.queue, torch.randperm(self.images, generator=self.order)])
        batch, self.queue = self.queue[: self.size], self.queue[self.size :]
        return batch

    def state_dict(self) -> dict[str, Any]:
        """What is left of the current pass, and the generator of the next ones."""
        return {"queue": self.queue, "order": self.order.get_state()}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Go on with the batches from there."""
        self.queue = state["queue"]
        self.order.set_state(state["order"])


@dataclass(frozen=True)
class Check:
    """One look at the validation set: a row of ``history.csv``.

    Attributes:
        step: training steps so far, over both rounds.
        round: 1 or 2.
        learning_rate: in this round.
        train: each loss term, averaged over the steps since the last look.
        validation: each loss term on the whole validation set.
    """

    step: int
    round: int
    learning_rate: float
    train: Mapping[str, float]
    validation: Mapping[str, float]

    def row(self) -> dict[str, int | float]:
        """The check as columns: step, round, learning_rate, train_total, ..., validation_total, ..."""
        return {
            "step": self.step,
            "round": self.round,
            "learning_rate": self.learning_rate,
            **{f"train_{term}": value for term, value in self.train.items()},
            **{f"validation_{term}": value for term, value in self.validation.items()},
        }


@dataclass(frozen=True)
class Fit:
    """How a training went: every look at the validation set, and which parameters were kept."""

    history: list[Check]
    best: Check


@dataclass
class Progress:
    """How far a training is between two steps: all of ``fit`` that model, noise and batches do not hold.

    Attributes:
        best_parameters: those of ``best``, or the initial ones.
        best: the look with the lowest validation objective so far.
        history: every look so far.
        terms: loss terms of each step since the last look.
        step: training steps so far, over both rounds.
        round: 1 or 2.
        round_start: step that this round began after.
        last_improvement: step of the last improvement in this round, or its start.
        optimizer: of this round; None before the first.
        resumed: state of the optimizer in the checkpoint that was just loaded.
    """

    best_parameters: dict[str, Any]
    best: Check | None = None
    history: list[Check] = field(default_factory=list)
    terms: list[Tensor] = field(default_factory=list)
    step: int = 0
    round: int = 1
    round_start: int = 0
    last_improvement: int = 0
    optimizer: Adam | None = None
    resumed: dict[str, Any] | None = None

    def begin(self, round_number: int, optimizer: Adam) -> None:
        """Begin a round with a new optimizer, or go on in the one that a checkpoint was written in."""
        self.optimizer = optimizer
        if self.resumed is not None:
            optimizer.load_state_dict(self.resumed)
            self.resumed = None
        else:
            self.round = round_number
            self.round_start = self.last_improvement = self.step
            self.terms = []

    def look(self, check: Check, model: DAENR) -> None:
        """Note a look at the validation set, and the parameters if they are the best so far."""
        self.history.append(check)
        self.terms = []
        if self.best is None or check.validation["total"] < self.best.validation["total"]:
            self.best, self.last_improvement = check, self.step
            self.best_parameters = copy.deepcopy(model.state_dict())

    def state_dict(self) -> dict[str, Any]:
        """All of it as plain values and tensors."""
        assert self.optimizer is not None
        plain = ("best_parameters", "terms", "step", "round", "round_start", "last_improvement")
        return {
            **{name: getattr(self, name) for name in plain},
            "best": asdict(self.best) if self.best else None,
            "history": [asdict(check) for check in self.history],
            "resumed": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Stand where a training stood; the round's new optimizer goes on from there in ``begin``."""
        for name, value in state.items():
            setattr(self, name, value)
        self.best = Check(**state["best"]) if state["best"] else None
        self.history = [Check(**check) for check in state["history"]]


class NotFiniteError(ArithmeticError):
    """A loss became infinite or not a number: the training has no result."""


def fit(
    model: DAENR,
    training: Split,
    validation: Split,
    objective: Objective,
    protocol: TrainingSettings,
    order: torch.Generator,
    keeper: Keeper | None = None,
) -> Fit:
    """Train ``model`` in place and leave the parameters with the lowest validation objective in it.

    Each round takes Adam steps until ``patience`` steps have brought no improvement (or ``max_steps`` are
    done), then restores the best parameters; the next round goes on from them with a smaller learning rate
    and a new Adam, whose moments would otherwise belong to parameters that were given up.

    Args:
        model: trained in place, on the device of the data.
        training: split that the steps draw from.
        validation: split that early stopping looks at.
        objective: weights of the two tasks.
        protocol: the settings above.
        order: generator of the batch order.
        keeper: keeps checkpoints, and has the training go on from the one it finds; None for none.

    Raises:
        ValueError: if a batch is larger than the training split.
        NotFiniteError: if a loss term is not finite; the message names step and term.
        SystemExit: from the keeper, after a signal and once the checkpoint is written.
    """
    batches = Batches(len(training), protocol.batch_size, order)
    now = Progress(best_parameters=copy.deepcopy(model.state_dict()))
    if keeper is not None:
        keeper.restore({"model": model, "noise": Noise(model), "batches": batches, "progress": now})
    for round_number in range(now.round, protocol.rounds + 1):
        learning_rate = protocol.learning_rate * protocol.learning_rate_factor ** (round_number - 1)
        optimizer = _optimizer(model, learning_rate, objective.precision)
        now.begin(round_number, optimizer)
        while now.step - now.last_improvement < protocol.patience and not _capped(now, protocol):
            now.step += 1
            now.terms.append(_training_step(model, training, batches.draw(), objective, optimizer, now.step))
            if now.step % protocol.validate_every == 0 or _capped(now, protocol):
                loss = validate(model, validation, objective, now.step)
                now.look(Check(now.step, round_number, learning_rate, _average(now.terms), loss), model)
            if keeper is not None:
                keeper.after_step(now.step)
        model.load_state_dict(now.best_parameters)
    assert now.best is not None
    return Fit(now.history, now.best)


def _optimizer(model: DAENR, learning_rate: float, precision: torch.dtype) -> Adam:
    kind = FusedAdam if precision == torch.bfloat16 else Adam
    return kind(model.parameters(), learning_rate)


def _capped(now: Progress, protocol: TrainingSettings) -> bool:
    return protocol.max_steps is not None and now.step - now.round_start >= protocol.max_steps


def _training_step(
    model: DAENR,
    data: Split,
    batch: Int[Tensor, " size"],
    objective: Objective,
    optimizer: Adam,
    step: int,
) -> Float[Tensor, " terms"]:
    """One Adam step on one batch; the loss terms before it."""
    model.train()
    chosen = batch.to(data.images.device)
    loss = objective.of(model, Split(data.images[chosen], data.responses[chosen]))
    _require_finite(loss, step, "training")
    optimizer.zero_grad()
    loss.total.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.stacked()


@torch.no_grad()
def validate(model: DAENR, data: Split, objective: Objective, step: int) -> dict[str, float]:
    """Every loss term on the whole split, without dropout or sampling, weighted by the size of its batches."""
    model.eval()
    sums = torch.zeros(len(TERMS), dtype=torch.float64)
    for images, responses in zip(
        torch.split(data.images, EVALUATION_BATCH), torch.split(data.responses, EVALUATION_BATCH), strict=True
    ):
        loss = objective.of(model, Split(images, responses), LOOK_PART)
        _require_finite(loss, step, "validation")
        sums += loss.stacked().double().cpu() * len(images)
    return dict(zip(TERMS, (sums / len(data)).tolist(), strict=True))


def _average(terms: list[Tensor]) -> dict[str, float]:
    # those from a checkpoint are on the CPU, the others where the model computes
    stacked = torch.stack([step.cpu() for step in terms])
    return dict(zip(TERMS, stacked.double().mean(0).tolist(), strict=True))


def _require_finite(loss: JointLoss, step: int, split: str) -> None:
    if not math.isfinite(loss.total.item()):
        broken = [term for term in TERMS if not math.isfinite(getattr(loss, term).item())]
        cause = [term for term in broken if term != "total"] or broken
        raise NotFiniteError(f"step {step}: the {split} loss is not finite (term: {', '.join(cause)})")
