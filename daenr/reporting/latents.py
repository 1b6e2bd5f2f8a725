"""The table of latents: how much of them the auto-encoders of Table 5 use."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from daenr.paper.plan import Cell
from daenr.registry import split_model
from daenr.reporting import labels, tables
from daenr.reporting.arrangement import LAYER_AXIS, Arrangement, Axis, Row, grid, in_order, seeds
from daenr.reporting.rendering import Entry, Rendered, spell, value_entry
from daenr.statistics.latents import ACTIVE

_MEASURES = {
    "effective_dimensions": "Effective dim.",
    "active_dimensions": "Active dim.",
    "kl": "KL, nats",
    "codes_used": "Codes used",
    "perplexity": "Perplexity",
}
COLUMNS = [name for name in tables.COLUMNS if name not in ("paper", "standing")]
"""Columns of the frame; metrics are what `daenr.statistics.latents.latent_use` returns."""

_ARRANGEMENT = Arrangement(
    corner="Model",
    rows=Axis(("model",), labels.family_label),
    upper=LAYER_AXIS,
    lower=Axis(("metric",), _MEASURES.__getitem__),
)


def tidy(cells: Sequence[Cell], documents: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Means over seeds of what each auto-encoder's latent has, in the order of Table 5.

    Args:
        cells: of Table 5, one a seed.
        documents: for each run's name what its ``metrics.json`` holds.

    Returns:
        Columns ``COLUMNS``.
    """
    frames = []
    for autoencoder in dict.fromkeys(split_model(cell.model)[0] for cell in cells):
        own = [cell for cell in cells if split_model(cell.model)[0] == autoencoder]
        there = {name for cell in own for name in documents[cell.run.name]["latent"]}
        names = [name for name in _MEASURES if name in there]
        frames.append(in_order(tables.unpublished(own, documents, names, "latent"), _ARRANGEMENT))
    return pd.concat(frames, ignore_index=True).assign(table="latents")[COLUMNS]


def render(frame: pd.DataFrame) -> Rendered:
    """Spell what `tidy` made: a table for each auto-encoder."""
    autoencoders = frame["model"].map(lambda model: split_model(model)[0])
    where = ", ".join(labels.region_label(region) for region in frame["region"].unique())
    caption = (
        f"Over the test images of {where}. Effective dimensions: participation ratio of the code's covariance, from 1 "
        "to the latent's size or one less than there are images. Active dimensions: those whose posterior mean has a "
        f"variance of more than {ACTIVE:g}. KL: from the posterior to the prior, not weighted. Codes used: of the "
        "codebook, by any position of any image. Perplexity: how many codes they would be if all were used alike. The "
        f"plain auto-encoders have no readout: their values recur. {seeds(frame)}"
    )
    first, *others = (
        grid(
            _ARRANGEMENT, own, _entry, f"latents-{name}", f"Latent of the {labels.model_label(str(name))}", ""
        )
        for name, own in frame.groupby(autoencoders, sort=False)
    )
    return spell(replace(first, caption=caption), *others, title="Use of the latents")


def _entry(row: Row, note: str) -> Entry:
    return value_entry(row["value"], row["sd"], decimals=1, marker=note)
