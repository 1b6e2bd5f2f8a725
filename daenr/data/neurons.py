"""Which neurons of a recording are modelled (``dataset.neurons``)."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from daenr.config import NeuronSettings
from daenr.data.recording import Recording


def choose(recording: Recording, settings: NeuronSettings) -> Recording:
    """The recording with the neurons that pass every key that is set, in the order of the recording.

    First those of the list, then those that reach the thresholds, of which then a number is drawn.

    Raises:
        ValueError: a number in the list is no neuron's, fewer neurons are left than drawn, or none.
    """
    neurons = recording.responses.shape[1]
    unit_id = np.arange(neurons) if recording.unit_id is None else recording.unit_id
    kept = np.ones(neurons, dtype=bool)
    if settings.ids is not None:
        if unknown := sorted(set(settings.ids) - set(unit_id.tolist())):
            raise ValueError(
                f"{recording.region}: dataset.neurons.ids: {unknown} are no neurons of the recording, which has "
                f"{neurons}, from {unit_id.min()} to {unit_id.max()}"
            )
        kept &= np.isin(unit_id, settings.ids)
    if settings.oracle is not None:
        # Here, as below: only then the rule depends on this folder.
        from daenr.statistics.ceilings import oracle_correlation

        kept &= oracle_correlation(recording.test_trials) >= settings.oracle
    if settings.signal_to_noise is not None:
        kept &= signal_to_noise(recording.test_trials) >= settings.signal_to_noise
    if settings.number is not None:
        candidates = np.flatnonzero(kept)
        if settings.number > len(candidates):
            raise ValueError(
                f"{recording.region}: dataset.neurons.number: {settings.number} neurons, but there are "
                f"{len(candidates)} to draw from"
            )
        drawn = np.random.default_rng(settings.seed).choice(candidates, settings.number, replace=False)
        kept = np.isin(np.arange(neurons), drawn)
    if not kept.any():
        raise ValueError(
            f"{recording.region}: dataset.neurons leaves none of {neurons} neurons; ask for less"
        )
    if not kept.all():
        print(f"{recording.region}: {kept.sum()} of {neurons} neurons by dataset.neurons")
    return replace(
        recording,
        responses=recording.responses[:, kept],
        responsive=None if recording.responsive is None else recording.responsive[kept],
        unit_id=recording.unit_id if kept.all() else unit_id[kept],
    )


def signal_to_noise(trials: Float64[np.ndarray, "repeats images neurons"]) -> Float64[np.ndarray, " neurons"]:
    """Variance over images that the image explains, over that of single trials that it does not: EV / (1 - EV)."""
    from daenr.statistics.ceilings import explainable_variance

    share = explainable_variance(trials)
    return share / np.maximum(1 - share, np.finfo(float).tiny)
