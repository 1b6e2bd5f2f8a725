"""A run: one training, identified by the values that define it; its name spells them.

This module is imported while the workflow's files are parsed, so it needs the standard library alone.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from daenr.registry import CONTROLS, layer_depth, split_model

RANDOM = "random-"
"""Before the name of a group of neurons: as many drawn at random."""

NEURONS = ("all", "significant", "insignificant", "random-significant", "random-insignificant")
"""Neurons that a model can be trained on: all, one of Table 3's two groups, or as many drawn at random."""

_NAME = re.compile(
    r"(?P<dataset>[^_]+)_(?P<region>[^_]+)_(?P<model>[^_]+)_(?P<layer>[^_]+)"
    r"_a(?P<alpha>[^_]+)_b(?P<beta>[^_]+)_(?P<neurons>[^_]+)_s(?P<seed>\d+)"
    rf"(?:_(?P<control>{'|'.join(CONTROLS)}))?(?:_v(?P<variant>[^_]+))?"
)


@dataclass(frozen=True)
class Run:
    """One training, identified by the values that define it.

    Attributes:
        dataset: name of the dataset in the config.
        region: region of the recording, ``region1`` ...
        model: one of `registry.model_names`, or a reference model, `registry.REFERENCES`.
        layer: the encoder layer that is read out, ``h1`` ... ``h4``; None for a plain auto-encoder
            and for a reference model.
        alpha: weight of the reconstruction loss (Eq. 3); 0 for models that do not reconstruct.
        beta: weight of the response loss (Eq. 3); 0 for a plain auto-encoder.
        neurons: the neurons whose responses are trained on, one of ``NEURONS``.
        seed: seed of everything random in the training.
        control: one of ``CONTROLS``, or None: ``shuffled`` trains on responses that are permuted across images,
            ``frozen`` trains nothing but the readout, on the encoder of the trained plain auto-encoder, and
            ``random`` the same on an untrained encoder.
        variant: name of the config's variant whose settings this training takes, or None for the config's own.
    """

    dataset: str
    region: str
    model: str
    layer: str | None
    alpha: float
    beta: float
    neurons: str
    seed: int
    control: str | None = None
    variant: str | None = None

    def __post_init__(self) -> None:
        autoencoder, readout = split_model(self.model)
        layer_depth(self.model, self.layer)
        if self.neurons not in NEURONS or (readout is None and self.neurons != "all"):
            choices = NEURONS if readout else ("all",)
            raise ValueError(f"neurons of {self.model} must be one of {list(choices)}, got {self.neurons!r}")
        if not (0 <= self.alpha < float("inf") and 0 <= self.beta < float("inf")):
            raise ValueError(f"alpha and beta must be finite and not negative, got {self.alpha}, {self.beta}")
        if (autoencoder is None and self.alpha != 0) or (readout is None and self.beta != 0):
            raise ValueError(f"{self.model} has one task, but alpha={self.alpha:g} and beta={self.beta:g}")
        if self.control not in (None, *CONTROLS):
            raise ValueError(f"control must be one of {list(CONTROLS)}, got {self.control!r}")
        if self.control and not (autoencoder and readout):
            raise ValueError(f"control {self.control} needs a joint model, got {self.model}")

    @property
    def name(self) -> str:
        """The run's values, spelled; unique, and safe as a folder's name."""
        return (
            f"{self.dataset}_{self.region}_{self.model}_{self.layer or 'none'}"
            f"_a{_spell(self.alpha)}_b{_spell(self.beta)}_{self.neurons}_s{self.seed}"
            + (f"_{self.control}" if self.control else "")
            + (f"_v{self.variant}" if self.variant else "")
        )

    @classmethod
    def parse(cls, name: str) -> "Run":
        """The run that a name spells, ``Run.parse(run.name) == run``.

        Raises:
            ValueError: if the name is not that of a run; the message says what is wrong with it.
        """
        match = _NAME.fullmatch(name)
        if not match:
            form = "dataset_region_model_layer_aALPHA_bBETA_neurons_sSEED[_control][_vVARIANT]"
            raise ValueError(f"{name!r} is not the name of a run ({form}, layer 'none' where there is none)")
        fields: dict[str, Any] = match.groupdict()
        try:
            fields |= {name: float(fields[name]) for name in ("alpha", "beta")}
            fields |= {
                "layer": None if fields["layer"] == "none" else fields["layer"],
                "seed": int(fields["seed"]),
            }
            run = cls(**fields)
        except ValueError as error:
            raise ValueError(f"{name!r} is not the name of a run: {error}") from error
        if run.name != name:
            raise ValueError(f"{name!r} is spelled {run.name!r}")
        return run

    @property
    def parent(self) -> "Run":
        """The training on all neurons whose significance test makes this run's group."""
        return replace(self, neurons="all")

    @property
    def pretrained(self) -> "Run | None":
        """The plain auto-encoder whose trained encoder a ``frozen`` readout stands on; None for other runs."""
        if self.control != "frozen":
            return None
        autoencoder, _ = split_model(self.model)
        assert autoencoder is not None
        return replace(self, model=autoencoder, layer=None, alpha=1.0, beta=0.0, control=None)


def _spell(weight: float) -> str:
    """The shortest spelling that float() reads back exactly: 1, 0.9, 1e-05."""
    return repr(float(weight)).removesuffix(".0")
