"""A trained run as a model that takes a recording's images and gives rates in the recording's unit."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from daenr.config import ModelSettings, SplitSettings
from daenr.data.preprocessing import Preprocessing, with_split
from daenr.data.region import RegionData
from daenr.models.joint import DAENR, build, in_batches
from daenr.run import Run
from daenr.training.train import predict
from daenr.training.weights import read_weights

Images = TypeVar("Images", np.ndarray, Tensor)
"""Numpy arrays or tensors: what is given decides what comes back."""


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A trained run with all that it needs to be used; `load` makes it.

    Its methods take images x height x width in the intensities and the size of the recording's stimuli, also
    flattened, or one image of height x width, which is a batch of one. They compute in batches as the evaluation
    does, so that the test images give the bits of the stored predictions on the device of the training. Gradients:
    through ``network``, which takes images x 1 x 32 x 32 in [-1, 1].

    Attributes:
        network: the model, in evaluation mode.
        run: what was trained.
        neurons: number in the recording of each neuron that it predicts, in the order of the rates.
        preprocessing: how images of the recording become the network's, and back.
        response_scale: factor a neuron from what the network predicts to the recording's unit.
        record: what ``training.json`` says: config, versions, device, steps.
    """

    network: DAENR
    run: Run
    neurons: Int64[np.ndarray, " neurons"]
    preprocessing: Preprocessing
    response_scale: Float32[np.ndarray, " neurons"]
    record: dict[str, Any]

    def predict(self, images: Images) -> Images:
        """Rates, images x neurons, in the recording's unit.

        Raises:
            ValueError: the run has no readout, or the images are not such as the recording's.
        """
        return _like(self.rates(self.prepared(images)), images)

    def rates(self, prepared: Float32[np.ndarray, "images 1 32 32"]) -> Float32[np.ndarray, "images neurons"]:
        """Rates to images as the network takes them, such as a region file's.

        Raises:
            ValueError: the run has no readout.
        """
        if self.network.readout is None:
            raise ValueError(f"{self.run.name} predicts no neurons: it is a plain auto-encoder")
        images = torch.from_numpy(prepared).to(self._device)
        return in_batches(self.network.eval().rates, images).cpu().numpy() * self.response_scale

    def reconstruct(self, images: Images) -> Images:
        """What the auto-encoder makes of the images, in the intensities and the size of the recording's.

        Raises:
            ValueError: the run has no auto-encoder, or the images are not such as the recording's.
        """
        made = predict(self.network, self.prepared(images), self._device)
        if "reconstruction" not in made:
            raise ValueError(f"{self.run.name} reconstructs nothing: it has no auto-encoder")
        return _like(self.preprocessing.to_recording(made["reconstruction"]), images)

    def features(self, images: Images, layer: str) -> Images:
        """Feature maps of an encoder layer, images x channels x rows x columns.

        Args:
            images: of the recording's kind.
            layer: ``h1`` to ``h4``; an end-to-end baseline has no layer above the one that it reads out.

        Raises:
            ValueError: there is no such layer, or the images are not such as the recording's.
        """
        layers = [f"h{depth}" for depth in range(1, len(self.network.encoder.blocks) + 1)]
        if layer not in layers:
            raise ValueError(f"layer of {self.run.name} must be one of {layers}, got {layer!r}")
        prepared = torch.from_numpy(self.prepared(images)).to(self._device)
        maps = in_batches(lambda batch: self.network.encoder(batch)[layers.index(layer)], prepared)
        return _like(maps.cpu().numpy(), images)

    def prepared(self, images: np.ndarray | Tensor) -> Float32[np.ndarray, "images 1 32 32"]:
        """Images as the network takes them.

        Raises:
            ValueError: they are not images x height x width of the recording's size and intensities.
        """
        raw = images.detach().cpu().numpy() if isinstance(images, Tensor) else np.asarray(images)
        height, width = self.preprocessing.image_shape
        if raw.shape == (height, width) or (raw.ndim == 2 and raw.shape[1] == height * width):
            raw = raw.reshape(-1, height, width)
        return self.preprocessing.to_model(raw)

    def split(self, region: RegionData) -> RegionData:
        """A region with the training and validation images that the training had."""
        return with_split(region, SplitSettings(**self.record["config"]["split"]), self.run.seed)

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters()).device


def load(run: str | Path, device: torch.device | str = "cpu") -> TrainedModel:
    """The model that a training left in its folder; nothing in the folder is executed.

    Args:
        run: folder of the run, ``results/NAME/runs/RUN``.
        device: where it computes.

    Raises:
        FileNotFoundError: the folder holds no training.
        ValueError: the training has no result, or its files do not fit together; the message says what to do.
    """
    folder = Path(run)
    record_path, weights_path = folder / "training.json", folder / "weights.safetensors"
    for path in (record_path, weights_path):
        if not path.exists():
            raise FileNotFoundError(
                f"{path}: no such file; give the folder of a trained run, results/NAME/runs/RUN, or train it"
            )
    record = json.loads(record_path.read_text(encoding="utf-8"))
    if record["reason"] is not None:
        raise ValueError(f"{folder}: the run has no model: {record['reason']}")
    if "preprocessing" not in record:
        raise ValueError(f"{record_path}: does not say how images were prepared; train the run again")
    trained, neurons = Run(**record["run"]), np.array(record["neurons"], np.int64)
    network = build(
        trained.model,
        trained.layer,
        len(neurons),
        settings=ModelSettings(**record["settings"]),
        device=device,
    )
    try:
        network.load_state_dict(read_weights(weights_path))
    except RuntimeError as error:
        raise ValueError(f"{weights_path}: are not the weights of {trained.name}: {error}") from error
    return TrainedModel(
        network.eval(),
        trained,
        neurons,
        Preprocessing(**record["preprocessing"]),
        np.array(record["response_scale"], np.float32),
        record,
    )


def _like(values: np.ndarray, images: Images) -> Images:
    """The values as an array or a tensor, as the images are; a tensor where they are."""
    return torch.from_numpy(values).to(images.device) if isinstance(images, Tensor) else values
