"""The data engine: a trained model answers images in place of the animal, trial by trial.

Rates are the model's; noise is drawn for each neuron and trial alone, so that of two neurons no noise is shared.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Float64

import daenr
from daenr.data.recording import Recording
from daenr.data.region import RegionData
from daenr.use.trained import TrainedModel

BINS = 20
"""Groups of neurons and images of about the same rate, from which variance is read as a function of it."""

POWERS = (1.05, 1.95)
"""Powers between which noise is fitted: at 1 responses come in steps of one size, at 2 there are no zeros."""

SMALLEST_DISPERSION = 1e-3


@dataclass(frozen=True, eq=False)
class TrialNoise:
    """Responses of mean m and variance dispersion * m^power, not negative, some of them zero: Tweedie's distribution.

    A response is a sum of a Poisson number of gamma distributed events (Jorgensen 1987).

    Attributes:
        power: between 1, a multiple of Poisson's counts, and 2, the gamma distribution.
        dispersion: of each neuron.
    """

    power: float
    dispersion: Float64[np.ndarray, " neurons"]

    def draw(
        self, rates: Float[np.ndarray, "trials images neurons"], generator: np.random.Generator
    ) -> Float64[np.ndarray, "trials images neurons"]:
        """A response for each rate."""
        mean, power = rates.astype(np.float64), self.power
        dispersion = np.maximum(self.dispersion, SMALLEST_DISPERSION)
        events = generator.poisson(mean ** (2 - power) / (dispersion * (2 - power)))
        shape, scale = (2 - power) / (power - 1), dispersion * (power - 1) * mean ** (power - 1)
        return generator.gamma(events * shape, scale)


def fit_noise(
    trials: Float[np.ndarray, "repeats images neurons"], rates: Float[np.ndarray, "images neurons"]
) -> TrialNoise:
    """Noise whose variance follows the rate as the recording's does.

    The power is the slope of log variance over log mean, of all neurons: images are sorted by half of the repeats
    and both are measured in the other half, since by one and the same trials they would seem to grow together.
    The dispersion gives each neuron the variance between repeats that it has, averaged over the images.

    Args:
        trials: of the recording's test images, four repeats at least.
        rates: of the model for these images.

    Raises:
        ValueError: there are too few repeats, or no responses.
    """
    if len(trials) < 4:
        raise ValueError(
            f"trials: {len(trials)} repeats, matched noise needs 4; choose the noise poisson or none"
        )
    halves = [trials[::2].astype(np.float64), trials[1::2].astype(np.float64)]
    means: list[float] = []
    variances: list[float] = []
    for sorting, measured in (halves, halves[::-1]):
        for chosen in np.array_split(np.argsort(sorting.mean(0).ravel(), kind="stable"), BINS):
            if len(chosen):
                means.append(measured.mean(0).ravel()[chosen].mean())
                variances.append(measured.var(0, ddof=1).ravel()[chosen].mean())
    positive = (np.array(means) > 0) & (np.array(variances) > 0)
    if positive.sum() < 2:
        raise ValueError("trials: too few responses to measure their noise; choose the noise poisson or none")
    slope = np.polyfit(np.log(np.array(means)[positive]), np.log(np.array(variances)[positive]), 1)[0]
    power = float(np.clip(slope, *POWERS))
    expected = (rates.astype(np.float64) ** power).mean(0)
    measured_variance = trials.astype(np.float64).var(0, ddof=1).mean(0)
    return TrialNoise(power, measured_variance / np.maximum(expected, np.finfo(np.float64).tiny))


def noise_like(model: TrainedModel, data: RegionData) -> TrialNoise:
    """The noise of the model's recording, see `fit_noise`."""
    return fit_noise(whole_repeats(data)[..., model.neurons], model.rates(data.test_images))


def whole_repeats(data: RegionData) -> Float32[np.ndarray, "repeats test neurons"]:
    """Test trials of those repeats in which every test image was shown."""
    return data.test_trials[: data.attributes["counts"]["fewest_repeats"]]


def respond(
    rates: Float[np.ndarray, "images neurons"],
    trials: int,
    noise: TrialNoise | str,
    generator: np.random.Generator,
) -> Float64[np.ndarray, "trials images neurons"]:
    """Trials of neurons that answer with these rates.

    Args:
        rates: in the recording's unit.
        trials: repeats of each image.
        noise: as fitted, or ``poisson`` (variance equal to the rate), or ``none``.
        generator: of the noise.
    """
    repeated = np.repeat(rates.astype(np.float64)[None], trials, axis=0)
    if isinstance(noise, TrialNoise):
        return noise.draw(repeated, generator)
    return generator.poisson(repeated).astype(np.float64) if noise == "poisson" else repeated


def synthesise(
    model: TrainedModel,
    training_images: Float[np.ndarray, "train height width"],
    test_images: Float[np.ndarray, "test height width"],
    *,
    trials: int,
    noise: TrialNoise | str,
    seed: int,
) -> tuple[Recording, dict[str, Any]]:
    """A synthetic recording, single trials of training images and several of test images, and where it comes from.

    Args:
        model: answers the images.
        training_images: in the intensities and the size of the model's recording.
        test_images: the same; other images.
        trials: of each test image.
        noise: see `respond`.
        seed: of the noise.
    """
    generator = np.random.default_rng(seed)
    training, test = (
        respond(model.predict(images), count, noise, generator)
        for images, count in ((training_images, 1), (test_images, trials))
    )
    recording = Recording.of_sets(
        model.run.region,
        training_images=training_images.astype(np.float64),
        training_responses=training[0],
        test_images=test_images.astype(np.float64),
        test_trials=test,
        responsive=None,
        sha256={},
    )
    told = (
        {"power": noise.power, "dispersion": noise.dispersion.tolist()}
        if isinstance(noise, TrialNoise)
        else noise
    )
    return recording, {
        "synthetic": True,
        "what": f"responses of the model {model.run.name}, not of an animal",
        "noise": told,
        "seed": seed,
        "trials_of_a_test_image": trials,
        "intensity_range": list(model.preprocessing.intensity_range),
        "neurons": model.neurons.tolist(),
        "daenr": daenr.__version__,
        "commit_of_training": model.record["commit"],
    }
