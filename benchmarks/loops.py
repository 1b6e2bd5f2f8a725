"""Four ways to train the same model on the same data: ours, plain PyTorch, PyTorch Lightning, neuralpredictors.

Each takes the steps of a job and one validation after them, and gives back what they took.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from daenr.config import TrainingSettings
from daenr.models.joint import DAENR, build
from daenr.models.losses import joint_loss
from daenr.models.randomness import generator
from daenr.registry import AUTOENCODERS, baseline_names
from daenr.run import Run
from daenr.training import devices
from daenr.training.fit import Batches, Objective, Split, fit

LEARNING_RATE = 0.001
VALIDATE_EVERY = 50
"""Steps from one validation to the next in the paper's config."""


@dataclass(frozen=True)
class Job:
    """A model, the size of its data, and how long to train it.

    Attributes:
        model: one of the fifteen.
        layer: that is read out; None for a plain auto-encoder.
        batch: images a step.
        steps: that are timed.
        images: in the training split.
        neurons: in the region.
    """

    model: str
    layer: str | None
    batch: int
    steps: int
    images: int
    neurons: int

    @property
    def run(self) -> Run:
        """As in the paper's plan, but for the weights, which do not change the time."""
        alpha, beta = float(self.model not in baseline_names()), float(self.model not in AUTOENCODERS)
        return Run("benchmark", "region3", self.model, self.layer, alpha, beta, "all", 0)


@dataclass(frozen=True)
class Timed:
    """What a job took.

    Attributes:
        rate: images a second in training steps, validations at their share.
        loss: validation objective after the last step.
    """

    rate: float
    loss: float


def data(job: Job) -> tuple[Split, Split]:
    """Gratings and gamma responses. The validation split is the share of one that ``steps`` are of 50 steps."""
    rng = np.random.default_rng(0)
    validation = max(1, round(job.images / 4 * job.steps / VALIDATE_EVERY))

    def split(count: int) -> Split:
        row, column = np.mgrid[:32, :32]
        across, down, phase = rng.uniform(0.1, 0.9, (3, count, 1, 1, 1))
        images = np.sin(across * row + down * column + 6 * phase).astype(np.float32)
        responses = rng.gamma(1.0, 0.6, (count, job.neurons)).astype(np.float32)
        return Split(torch.from_numpy(images), torch.from_numpy(responses))

    return split(job.images), split(validation)


def model_of(run: Run, training: Split) -> DAENR:
    """The run's model, drawn as in a training."""
    return build(run.model, run.layer, training.responses.shape[1], seed=run.seed)


def ours(job: Job, precision: torch.dtype = torch.float32) -> Timed:
    """``daenr.training.fit.fit`` as `daenr.training.train` calls it: one thread, repeatable bits."""
    devices.make_repeatable()
    training, validation = data(job)
    model = model_of(job.run, training)
    objective = Objective(job.run.alpha, job.run.beta, precision=precision)
    protocol = TrainingSettings(
        learning_rate=LEARNING_RATE,
        batch_size=job.batch,
        validate_every=job.steps,
        patience=job.steps,
        rounds=1,
        max_steps=job.steps,
    )
    start = time.perf_counter()
    with devices.laid_out(model, model.encoder.blocks, precision):
        result = fit(model, training, validation, objective, protocol, generator(0, "batch order"))
    seconds = time.perf_counter() - start
    return Timed(job.steps * job.batch / seconds, result.best.validation["total"])


def ours_in_bf16(job: Job) -> Timed:
    """The same with ``precision: bf16``."""
    return ours(job, torch.bfloat16)


def plain(job: Job, *, our_order: bool = False) -> Timed:
    """What one writes first: a DataLoader, the full model for the baselines too, and as many threads as there are.

    Args:
        job: what to train.
        our_order: draw the batches that ``ours`` draws, to compare the losses; else ``shuffle=True``.
    """
    run = job.run
    if job.model in baseline_names():
        run = replace(run, model=job.model.replace("cnn", "cae"))
    training, validation = data(job)
    model = model_of(run, training)
    loader = _in_our_order(training, job) if our_order else _shuffled(training, job.batch)
    held_out = DataLoader(TensorDataset(validation.images, validation.responses), batch_size=256)
    adam = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    start = time.perf_counter()
    model.train()
    for _, (images, responses) in zip(range(job.steps), _endless(loader), strict=False):
        loss = joint_loss(model(images), images, responses, run.alpha, run.beta).total
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        loss.item()  # for the progress that every such loop prints
    total = _validate(model, held_out, run)
    seconds = time.perf_counter() - start
    return Timed(job.steps * job.batch / seconds, total)


def _shuffled(training: Split, batch: int) -> DataLoader[tuple[Tensor, ...]]:
    dataset = TensorDataset(training.images, training.responses)
    return DataLoader(dataset, batch_size=batch, shuffle=True, drop_last=True)


def _in_our_order(training: Split, job: Job) -> DataLoader[tuple[Tensor, ...]]:
    batches = Batches(len(training), job.batch, generator(0, "batch order"))
    order = [batches.draw().tolist() for _ in range(job.steps)]
    return DataLoader(TensorDataset(training.images, training.responses), batch_sampler=order)


def _endless(loader: DataLoader[tuple[Tensor, ...]]) -> Iterator[tuple[Tensor, ...]]:
    while True:
        yield from loader


@torch.no_grad()
def _validate(model: DAENR, held_out: DataLoader[tuple[Tensor, ...]], run: Run) -> float:
    """Validation objective, weighted by the size of the batches."""
    model.eval()
    total = count = 0.0
    for images, responses in held_out:
        loss = joint_loss(model(images), images, responses, run.alpha, run.beta).total
        total += loss.item() * len(images)
        count += len(images)
    return total / count


def lightning(job: Job) -> Timed:
    """PyTorch Lightning's Trainer around the same module, without its logger, checkpoints and progress bar."""
    import pytorch_lightning as pl  # here, since the other loops run without it

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: list[Tensor], _index: int) -> Tensor:
            images, responses = batch
            return joint_loss(self.model(images), images, responses, job.run.alpha, job.run.beta).total

        def validation_step(self, batch: list[Tensor], _index: int) -> None:
            images, responses = batch
            loss = joint_loss(self.model(images), images, responses, job.run.alpha, job.run.beta).total
            self.log("validation", loss, batch_size=len(images))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.model.parameters(), lr=LEARNING_RATE)

        def on_train_start(self) -> None:
            stamps.append(time.perf_counter())

        def on_train_end(self) -> None:
            stamps.append(time.perf_counter())

    stamps: list[float] = []
    training, validation = data(job)
    model = model_of(job.run, training)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_steps=job.steps,
        val_check_interval=job.steps,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    held_out = DataLoader(TensorDataset(validation.images, validation.responses), batch_size=256)
    trainer.fit(Module(), _shuffled(training, job.batch), held_out)
    loss = trainer.callback_metrics["validation"].item()
    return Timed(job.steps * job.batch / (stamps[1] - stamps[0]), loss)


def neuralpredictors(job: Job) -> Timed:
    """The early-stopping loop of neuralpredictors around the same module, one of its epochs a job's steps."""
    from neuralpredictors.training import early_stopping  # here, since the other loops run without it

    run = job.run
    training, validation = data(job)
    model = model_of(run, training)
    held_out = DataLoader(TensorDataset(validation.images, validation.responses), batch_size=256)
    adam = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    batches, stamps = _endless(_shuffled(training, job.batch)), []
    model.train()
    # It validates before its first epoch and again at its end, so time runs from the start of one epoch to the next.
    epochs = early_stopping(
        model, lambda model: _validate(model, held_out, run), interval=1, maximize=False, max_iter=2
    )
    for _, objective in epochs:
        stamps.append(time.perf_counter())
        if len(stamps) == 2:
            return Timed(job.steps * job.batch / (stamps[1] - stamps[0]), objective)
        for _, (images, responses) in zip(range(job.steps), batches, strict=False):
            loss = joint_loss(model(images), images, responses, run.alpha, run.beta).total
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
            adam.zero_grad()
    raise AssertionError("neuralpredictors ended before its second epoch")
