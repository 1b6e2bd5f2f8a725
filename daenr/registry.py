"""The auto-encoders, readouts and reference models that there are: a further one is one class, and one line here.

A name leads to its class by text, so that the workflow, which reads its files without PyTorch, knows the names. The
names of models follow from them: ``cae`` alone, ``cnn-fr`` for a readout that is trained end to end, ``cae-fr`` for the
two joined.
"""

from typing import Literal, get_args

AUTOENCODERS: dict[str, str] = {
    "cae": "daenr.models.autoencoders:CAE",
    "vae": "daenr.models.autoencoders:VAE",
    "vq-vae": "daenr.models.autoencoders:VQVAE",
}

READOUTS: dict[str, str] = {
    "fr": "daenr.models.readouts:FactorizedReadout",
    "fc": "daenr.models.readouts:FullyConnectedReadout",
    "fm": "daenr.models.readouts:FixedMaskReadout",
    "gauss": "daenr.models.readouts:GaussianReadout",
}

UNPRINTED = ("gauss",)
"""Readouts that the paper lacks: a config has models with them if it names them."""

REFERENCES: dict[str, str] = {
    "ln": "daenr.models.references:LinearNonlinear",
    "klindt": "daenr.models.references:Klindt",
}
"""Models of other papers that predict responses: whole, neither joined with an auto-encoder nor read out by layer."""

END_TO_END = "cnn"
"""Stands for the auto-encoder in the name of a model that has none."""

Layer = Literal["h1", "h2", "h3", "h4"]
LAYERS: tuple[Layer, ...] = get_args(Layer)
"""Layers of the encoder that a readout can stand on."""

Control = Literal["shuffled", "frozen", "random"]
CONTROLS: tuple[Control, ...] = get_args(Control)
"""Trainings of a joint model that lack one ingredient each, see `daenr.run.Run`."""


def baseline_names() -> tuple[str, ...]:
    """Readouts that are trained end to end, without an auto-encoder."""
    return tuple(f"{END_TO_END}-{readout}" for readout in READOUTS)


def joint_names() -> tuple[str, ...]:
    """Every auto-encoder joined with every readout, by readout."""
    return tuple(f"{autoencoder}-{readout}" for readout in READOUTS for autoencoder in AUTOENCODERS)


def model_names() -> tuple[str, ...]:
    """Every model: auto-encoders, end-to-end baselines, joint models."""
    return (*AUTOENCODERS, *baseline_names(), *joint_names())


def printed_names() -> tuple[str, ...]:
    """What a config has unless told: every model but those with readouts in ``UNPRINTED``."""
    return tuple(model for model in model_names() if split_model(model)[1] not in UNPRINTED)


def split_model(model: str) -> tuple[str | None, str | None]:
    """The auto-encoder and the readout of a model: ``vq-vae-fr`` -> (``vq-vae``, ``fr``), ``cnn-fr`` -> (None, ``fr``).

    A reference model is all readout: ``klindt`` -> (None, ``klindt``).

    Raises:
        ValueError: if there is no such model; the message lists those there are.
    """
    if model in REFERENCES:
        return None, model
    if model in AUTOENCODERS:
        return model, None
    autoencoder, _, readout = model.rpartition("-")
    if readout not in READOUTS or autoencoder not in (END_TO_END, *AUTOENCODERS):
        raise ValueError(f"model must be one of {[*model_names(), *REFERENCES]}, got {model!r}")
    return (None if autoencoder == END_TO_END else autoencoder), readout


def layer_depth(model: str, layer: str | None) -> int:
    """Number of the encoder layer that a model is read out at, 1 to 4; 4 for a model that takes no layer.

    Raises:
        ValueError: if there is no such model, or if it takes another layer.
    """
    without_layer = split_model(model)[1] is None or model in REFERENCES
    if (layer is None) != without_layer or layer not in (None, *LAYERS):
        needs = "no layer" if without_layer else f"a layer out of {list(LAYERS)}"
        raise ValueError(f"{model} takes {needs}, got {layer!r}")
    return LAYERS.index(layer) + 1 if layer else len(LAYERS)
