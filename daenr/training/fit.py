"""The paper's training protocol: early stopping on a validation set, in two rounds."""

import copy
import math
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from daenr.config import LossSettings, TrainingSettings
from daenr.models.joint import DAENR, EVALUATION_BATCH
from daenr.models.losses import TERMS, JointLoss, joint_loss
from daenr.training import devices
from daenr.training.adam import Adam
from daenr.training.checkpoints import Keeper, NoiseState
from daenr.training.leverage import leverage


@dataclass(frozen=True)
class Split:
    """Images and responses of one split, on the device."""

    images: Float[Tensor, "images 1 32 32"]
    responses: Float[Tensor, "images neurons"]

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, chosen: Int[Tensor, " size"]) -> "Split":
        """Some of the images with their responses, by their numbers."""
        return Split(self.images[chosen], self.responses[chosen])


@dataclass(frozen=True)
class Objective:
    """What is minimised: weights of Eq. 7, whether its two sides are sums or means, and what the model multiplies in.

    Whatever the precision, the losses themselves are computed in float32.
    """

    alpha: float
    beta: float
    loss: LossSettings = field(default_factory=LossSettings)
    precision: torch.dtype = torch.float32

    def of(self, model: DAENR, data: Split) -> JointLoss:
        """Every loss term of ``model`` on ``data``."""
        with devices.multiplying_in(self.precision, data.images.device):
            output = model(data.images)
        return joint_loss(
            output,
            data.images,
            data.responses,
            self.alpha,
            self.beta,
            over_pixels=self.loss.reconstruction,
            over_neurons=self.loss.response,
        )


class Batches:
    """Endless batches of image numbers: shuffled passes joined end to end, so that every batch is full.

    Args:
        images: number of images to draw from.
        size: images a batch.
        order: generator of the shuffles, on the CPU.
        device: of the numbers; a whole pass goes there at once.

    Raises:
        ValueError: if a batch would be larger than the data.
    """

    def __init__(
        self, images: int, size: int, order: torch.Generator, device: torch.device | str = "cpu"
    ) -> None:
        if size > images:
            raise ValueError(
                f"training.batch_size: {size} images a batch, but the training split has {images}; make it smaller"
            )
        self.images = images
        self.size = size
        self.order = order
        self.queue = torch.empty(0, dtype=torch.int64, device=device)

    def draw(self) -> Int[Tensor, " size"]:
        """The next batch."""
        if len(self.queue) < self.size:
            shuffled = torch.randperm(self.images, generator=self.order).to(self.queue.device)
            self.queue = torch.cat([self.queue, shuffled])
        batch, self.queue = self.queue[: self.size], self.queue[self.size :]
        return batch

    def state_dict(self) -> dict[str, Any]:
        """What is left of the current pass, and the generator of the next ones."""
        return {"queue": self.queue, "order": self.order.get_state()}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Go on with the batches from there."""
        self.queue = state["queue"].to(self.queue.device)
        self.order.set_state(state["order"])


@dataclass(frozen=True)
class Validation:
    """One validation: a row of ``history.csv``.

    Attributes:
        step: training steps so far, over all rounds.
        round: 1, 2, ...
        learning_rate: in this round.
        train: each loss term, averaged over the steps since the validation before.
        validation: each loss term on the whole validation set.
        leverage: share of the shared layers' gradient that the responses supply, see `training.leverage`.
    """

    step: int
    round: int
    learning_rate: float
    train: Mapping[str, float]
    validation: Mapping[str, float]
    leverage: float

    def row(self) -> dict[str, int | float]:
        """As columns: step, round, learning_rate, train_total, ..., validation_total, ..."""
        return {
            "step": self.step,
            "round": self.round,
            "learning_rate": self.learning_rate,
            **{f"train_{term}": value for term, value in self.train.items()},
            **{f"validation_{term}": value for term, value in self.validation.items()},
            "leverage": self.leverage,
        }


@dataclass(frozen=True)
class Fit:
    """How a training went: every validation, and the one whose parameters were kept."""

    history: list[Validation]
    best: Validation

    @property
    def leverage(self) -> float | None:
        """Median over all validations; None where the shared layers learn nothing."""
        known = [each.leverage for each in self.history if math.isfinite(each.leverage)]
        return statistics.median(known) if known else None


@dataclass
class EarlyStopping:
    """How far a training is, and whether its round is over: all that model, noise, batches and Adam do not hold.

    Attributes:
        protocol: the settings.
        stop_on: the validation term that has to improve, see `stopping_term`.
        best_parameters: those of ``best``, or the initial ones.
        best: the validation with the lowest such term so far.
        history: every validation so far.
        terms: loss terms of each step since the last validation, where the model computes.
        step: training steps so far, over all rounds.
        round: 1, 2, ...
        round_start: step that this round began after.
        last_improvement: step of the last improvement in this round, or its start.
    """

    protocol: TrainingSettings
    stop_on: str
    best_parameters: dict[str, Tensor]
    best: Validation | None = None
    history: list[Validation] = field(default_factory=list)
    terms: list[Tensor] = field(default_factory=list)
    step: int = 0
    round: int = 1
    round_start: int = 0
    last_improvement: int = 0

    @property
    def learning_rate(self) -> float:
        """Of this round."""
        return self.protocol.learning_rate * self.protocol.learning_rate_factor ** (self.round - 1)

    @property
    def capped(self) -> bool:
        """Whether this round has done all the steps that it may."""
        return self.protocol.max_steps is not None and self.step - self.round_start >= self.protocol.max_steps

    @property
    def round_over(self) -> bool:
        """Whether patience has run out in this round, or its steps."""
        return self.capped or self.step - self.last_improvement >= self.protocol.patience

    def averaged(self) -> dict[str, float]:
        """Each loss term, averaged over the steps since the last validation, which are then done with.

        Raises:
            NotFiniteError: if a term was not finite; the message names the first such step, and the term.
        """
        steps, self.terms = torch.stack(self.terms).double().cpu(), []
        for number, terms in enumerate(steps, start=self.step - len(steps) + 1):
            require_finite(dict(zip(TERMS, terms.tolist(), strict=True)), number, "training")
        return dict(zip(TERMS, steps.mean(0).tolist(), strict=True))

    def note(
        self, train: Mapping[str, float], validation: Mapping[str, float], leverage: float, model: DAENR
    ) -> None:
        """Keep what a validation says, and the parameters if they are the best so far."""
        made = Validation(self.step, self.round, self.learning_rate, train, validation, leverage)
        self.history.append(made)
        if self.best is None or validation[self.stop_on] < self.best.validation[self.stop_on]:
            self.best, self.last_improvement = made, self.step
            self.best_parameters = copy.deepcopy(model.state_dict())

    def next_round(self) -> None:
        """Begin another round."""
        self.round += 1
        self.round_start = self.last_improvement = self.step

    def state_dict(self) -> dict[str, Any]:
        """All of it but what follows from the settings, as plain values and tensors."""
        kept = {name: value for name, value in vars(self).items() if name not in ("protocol", "stop_on")}
        return kept | {
            "best": asdict(self.best) if self.best else None,
            "history": [asdict(validation) for validation in self.history],
        }

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Stand where a training stood; its tensors may come from another device."""
        device = next(iter(self.best_parameters.values())).device
        vars(self).update(state)
        self.best = Validation(**state["best"]) if state["best"] else None
        self.history = [Validation(**validation) for validation in state["history"]]
        self.terms = [terms.to(device) for terms in state["terms"]]


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
    done), then restores the best parameters; the next round goes on from them with a smaller learning rate and,
    unless ``keep_optimizer``, Adam anew, whose moments would otherwise belong to parameters that were given up.

    Args:
        model: trained in place, on the device of the data.
        training: split that the steps draw from.
        validation: split that early stopping goes by.
        objective: weights of the two tasks.
        protocol: the settings above.
        order: generator of the batch order.
        keeper: keeps checkpoints, and has the training go on from the one it finds; None for none.

    Raises:
        ValueError: if a batch is larger than the training split.
        NotFiniteError: if a loss term is not finite, told at the next validation or the end of the round;
            the message names step and term.
        SystemExit: from the keeper, after a signal and once the checkpoint is written.
    """
    batches = Batches(len(training), protocol.batch_size, order, training.images.device)
    first_batch = Split(validation.images[: protocol.batch_size], validation.responses[: protocol.batch_size])
    stop_on = stopping_term(protocol.stop_on, model, objective)
    now = EarlyStopping(protocol, stop_on, best_parameters=copy.deepcopy(model.state_dict()))
    adam = Adam(model.parameters(), now.learning_rate)
    if keeper is not None:
        keeper.restore(
            {"model": model, "noise": NoiseState(model), "batches": batches, "adam": adam, "progress": now}
        )
    while now.round <= protocol.rounds:
        now.step += 1
        now.terms.append(training_step(model, training.batch(batches.draw()), objective, adam))
        if now.step % protocol.validate_every == 0 or now.capped:
            train = now.averaged()  # first, so that a step that was not finite is told before what came of it
            loss = validate(model, validation, objective, now.step)
            share = leverage_on(model, first_batch, objective)
            now.note(train, loss, share, model)
        if now.round_over:
            if now.terms:
                now.averaged()
            model.load_state_dict(now.best_parameters)
            now.next_round()
            adam.learning_rate = now.learning_rate
            if not protocol.keep_optimizer:
                adam.restart()
        if keeper is not None:
            keeper.after_step(now.step)
    assert now.best is not None
    return Fit(now.history, now.best)


def stopping_term(wanted: str, model: DAENR, objective: Objective) -> str:
    """The validation term that early stopping goes by.

    One term for all models of a table would leave those that do not learn it without a criterion: they lack the
    part, hold it fixed, or weigh it 0. They go by the total.

    Args:
        wanted: ``total``, ``response`` or ``reconstruction``.
        model: whose parts learn the term, or not.
        objective: with the weights of both sides.
    """
    learned = {
        "total": True,
        "response": model.readout is not None and objective.beta > 0,
        "reconstruction": model.autoencoder is not None and not model.frozen and objective.alpha > 0,
    }
    return wanted if learned[wanted] else "total"


def training_step(model: DAENR, data: Split, objective: Objective, adam: Adam) -> Float[Tensor, " terms"]:
    """One Adam step on one batch; the loss terms before it, which nothing here reads: a GPU need not wait."""
    model.train()
    loss = objective.of(model, data)
    adam.zero_grad()
    loss.total.backward()  # type: ignore[no-untyped-call]
    adam.step()
    return loss.stacked()


@torch.no_grad()
def validate(model: DAENR, data: Split, objective: Objective, step: int) -> dict[str, float]:
    """Every loss term on the whole split, without dropout or sampling, weighted by the size of its batches.

    Raises:
        NotFiniteError: if a term is not finite; the message names ``step`` and the term.
    """
    model.eval()
    sums = torch.zeros(len(TERMS), dtype=torch.float64, device=data.images.device)
    for images, responses in zip(
        torch.split(data.images, EVALUATION_BATCH), torch.split(data.responses, EVALUATION_BATCH), strict=True
    ):
        sums += objective.of(model, Split(images, responses)).stacked().double() * len(images)
    terms = dict(zip(TERMS, (sums / len(data)).tolist(), strict=True))
    require_finite(terms, step, "validation")
    return terms


def leverage_on(model: DAENR, data: Split, objective: Objective) -> float:
    """The `leverage` of the responses on a batch, without dropout or sampling; training draws and learns as without."""
    model.eval()
    return leverage(model, objective.of(model, data), objective.alpha, objective.beta)


def require_finite(terms: Mapping[str, float], step: int, split: str) -> None:
    """Stop a training that has no result.

    Raises:
        NotFiniteError: if a term is not finite; the total is named only if it is the first to break.
    """
    broken = [term for term, value in terms.items() if not math.isfinite(value)]
    if broken:
        cause = [term for term in broken if term != "total"] or broken
        raise NotFiniteError(f"step {step}: the {split} loss is not finite (term: {', '.join(cause)})")
