"""One run from a region's data: set up, fitted, and the test set predicted."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pkgutil import resolve_name
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from daenr.config import Config, ModelSettings
from daenr.data.region import RegionData
from daenr.models.joint import DAENR, EVALUATION_BATCH, build, in_batches
from daenr.models.randomness import generator
from daenr.models.readouts import Neurons
from daenr.registry import REFERENCES
from daenr.run import Run
from daenr.training import controls, devices
from daenr.training.checkpoints import Keeper
from daenr.training.fit import Fit, NotFiniteError, Objective, Split, fit


@dataclass(frozen=True)
class Trained:
    """A trained run.

    Attributes:
        model: with its best parameters.
        fit: how the training went.
        seconds: wall time of the fit alone; of its last part if it was interrupted.
        precision: what the fit multiplied in; predictions are always made in float32.
        predictions: of the test images, see `predict`, but ``response`` in the recording's unit, and with it
            ``validation_response``, the same for the validation images.
        settings: of the model; where a reference model has several, those that the validation images chose.
    """

    model: DAENR
    fit: Fit
    seconds: float
    precision: torch.dtype
    predictions: dict[str, np.ndarray]
    settings: ModelSettings


def train(
    run: Run,
    data: RegionData,
    neurons: Int64[np.ndarray, " neurons"],
    config: Config,
    pretrained: Mapping[str, Tensor] | None = None,
    keeper: Keeper | None = None,
) -> Trained:
    """Train one run and predict the test set. The test set is used for nothing else here.

    Args:
        run: what to train.
        data: the region's images and responses.
        neurons: numbers of the neurons whose responses are trained on.
        config: how to train, in its sections ``model``, ``training`` and ``loss`` and the keys ``device`` and
            ``precision``; nothing else of it counts.
        pretrained: parameters of the run ``run.pretrained``; for the control ``frozen`` only.
        keeper: keeps checkpoints, see ``fit``.

    Raises:
        NotFiniteError: if a loss term is not finite; the message names run, step and term.
    """
    devices.make_repeatable()
    device = devices.resolve(config.device)
    precision = devices.resolve_precision(config.precision, device)
    scale = data.response_scale[neurons]
    known, training, validation = _material(run, data, neurons, device)
    protocol, kind = config.training, DAENR
    if run.model in REFERENCES:
        protocol = protocol.model_copy(update={"stop_on": "response"})
        kind = resolve_name(REFERENCES[run.model])
    candidates = kind.candidates(config.model)  # between them the validation responses choose
    fitted = []
    start = time.perf_counter()
    for settings in candidates:
        model = _untrained(run, known, settings, training, pretrained)
        try:
            with devices.laid_out(model, model.encoder.blocks, precision):
                result = fit(
                    model,
                    training,
                    validation,
                    Objective(run.alpha, run.beta, config.loss, precision),
                    protocol,
                    generator(run.seed, "batch order"),
                    keeper if len(candidates) == 1 else None,  # one state is kept, not several
                )
        except NotFiniteError as error:
            raise NotFiniteError(f"run {run.name}, {error}") from error
        fitted.append((model, result, settings))
    model, result, settings = min(fitted, key=lambda each: each[1].best.validation["response"])
    seconds = time.perf_counter() - start
    predictions = predict(model, data.test_images, device)
    if model.readout is not None:
        validation_response = in_batches(model.rates, validation.images).cpu().numpy()
        predictions |= {
            "response": predictions["response"] * scale,
            "validation_response": validation_response * scale,
        }
    return Trained(model, result, seconds, precision, predictions, settings)


def _material(
    run: Run, data: RegionData, neurons: Int64[np.ndarray, " neurons"], device: torch.device
) -> tuple[Neurons, Split, Split]:
    """What the readout knows of its neurons, and both splits; responses are in each neuron's own scale."""
    train_responses, validation_responses = (
        responses[:, neurons] / data.response_scale[neurons]
        for responses in (data.train_responses, data.validation_responses)
    )
    known = Neurons(
        torch.from_numpy(train_responses.mean(0)),
        torch.from_numpy(data.receptive_field[neurons]),
    )
    training, validation = (
        Split(torch.from_numpy(images).to(device), torch.from_numpy(responses).to(device))
        for images, responses in (
            (data.train_images, train_responses),
            (data.validation_images, validation_responses),
        )
    )
    if run.control == "shuffled":
        order = generator(run.seed, "shuffled responses")
        training, validation = (
            replace(split, responses=controls.shuffle(split.responses, order))
            for split in (training, validation)
        )
    return known, training, validation


def _untrained(
    run: Run,
    known: Neurons,
    settings: ModelSettings,
    training: Split,
    pretrained: Mapping[str, Tensor] | None,
) -> DAENR:
    """The model before its first step, on the images' device, with what a control holds fixed."""
    device = training.images.device
    model = build(run.model, run.layer, known, seed=run.seed, settings=settings, device=device)
    if run.control == "frozen":
        assert pretrained is not None
        controls.freeze_trained(model, pretrained)
    elif run.control == "random":
        controls.freeze_untrained(model, training.images)
    return model


@torch.no_grad()
def predict(
    model: DAENR, images: Float32[np.ndarray, "images 1 32 32"], device: torch.device
) -> dict[str, np.ndarray]:
    """What the model makes of images, as far as it has the parts.

    Returns:
        ``reconstruction``, images x 1 x 32 x 32 in [-1, 1]; ``response``, images x neurons in the scale that was
        trained on; and the codes of `Autoencoder.code`, under their names there.
    """
    model.eval()
    made: list[dict[str, Any]] = []
    for batch in torch.split(torch.from_numpy(images).to(device), EVALUATION_BATCH):
        features = model.encoder(batch)
        output = model.above(features)
        codes = model.autoencoder.code(features[-1]) if model.autoencoder is not None else {}
        made.append({"reconstruction": output.reconstruction, "response": output.rate, **codes})
    return {
        name: torch.cat([each[name] for each in made]).cpu().numpy()
        for name, part in made[0].items()
        if part is not None
    }
