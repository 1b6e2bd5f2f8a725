"""One region of a recording, whatever layout it comes in."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped

TIERS = ("train", "validation", "test")
"""What a trial is for, in the words of the Sensorium recordings."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One region's stimuli, and the responses of its neurons trial by trial.

    Attributes:
        region: name of the region.
        images: stimuli, raw intensities.
        responses: of one trial each, in the recording's own unit; NaN where none was recorded.
        image_of_trial: which of the images each trial showed.
        is_test: whether a trial is for testing.
        responsive: True where a neuron responds to the image at all; None where the truth is not known.
        sha256: name of each file that was read -> SHA-256 of its bytes.
        is_validation: whether a trial is one that the recording itself keeps for validation; None where it keeps none.
        unit_id: number of each neuron in the recording; None where it gives none.
    """

    region: str
    images: Float64[np.ndarray, "images height width"]
    responses: Float64[np.ndarray, "trials neurons"]
    image_of_trial: Int64[np.ndarray, " trials"]
    is_test: Bool[np.ndarray, " trials"]
    responsive: Bool[np.ndarray, " neurons"] | None
    sha256: dict[str, str]
    is_validation: Bool[np.ndarray, " trials"] | None = None
    unit_id: Int64[np.ndarray, " neurons"] | None = None

    @classmethod
    def of_sets(
        cls,
        region: str,
        *,
        training_images: Float64[np.ndarray, "train height width"],
        training_responses: Float64[np.ndarray, "train neurons"],
        test_images: Float64[np.ndarray, "test height width"],
        test_trials: Float64[np.ndarray, "repeats test neurons"],
        responsive: Bool[np.ndarray, " neurons"] | None,
        sha256: dict[str, str],
    ) -> "Recording":
        """A recording that was kept as training images of one trial each, and test images of several.

        A repeat of a test image in which no neuron has a response was not made: it is no trial.
        """
        train, (repeats, test, neurons) = len(training_images), test_trials.shape
        trials = test_trials.reshape(-1, neurons)
        made = ~np.isnan(trials).all(axis=1)
        shown = np.tile(np.arange(train, train + test), repeats)[made]
        return cls(
            region=region,
            images=np.concatenate([training_images, test_images]),
            responses=np.concatenate([training_responses, trials[made]]),
            image_of_trial=np.concatenate([np.arange(train), shown]),
            is_test=np.arange(train + len(shown)) >= train,
            responsive=responsive,
            sha256=sha256,
        )

    @classmethod
    def of_trials(
        cls,
        region: str,
        *,
        images: Float64[np.ndarray, "images height width"],
        responses: Float64[np.ndarray, "trials neurons"],
        image_of_trial: Int64[np.ndarray, " trials"],
        tier: Shaped[np.ndarray, " trials"],
        sha256: dict[str, str],
        unit_id: Int64[np.ndarray, " neurons"] | None = None,
    ) -> "Recording":
        """A recording that was kept trial by trial, each of which belongs to a tier.

        Trials of other tiers than `TIERS` are left out; the log counts them.

        Raises:
            ValueError: images or responses are no finite numbers, or a tier is too small.
        """
        kept = of_known_tiers(region, tier)
        responses, image_of_trial, tier = responses[kept], image_of_trial[kept], tier[kept]
        _check_numbers(region, images[image_of_trial], responses, tier)
        return cls(
            region=region,
            images=images,
            responses=responses,
            image_of_trial=image_of_trial,
            is_test=tier == "test",
            responsive=None,
            sha256=sha256,
            is_validation=tier == "validation" if (tier == "validation").any() else None,
            unit_id=unit_id,
        )

    @property
    def training_images(self) -> Float64[np.ndarray, "train height width"]:
        """Stimuli of the training trials, those for validation too, one a trial."""
        return self.images[self.image_of_trial[~self.is_test]]

    @property
    def training_responses(self) -> Float64[np.ndarray, "train neurons"]:
        """Responses of the training trials."""
        return self.responses[~self.is_test]

    @property
    def test_images(self) -> Float64[np.ndarray, "test height width"]:
        """Stimuli of the test trials, each once, in the order of ``images``."""
        return self.images[np.unique(self.image_of_trial[self.is_test])]

    @property
    def test_trials(self) -> Float64[np.ndarray, "repeats test neurons"]:
        """Responses of the test trials by repeat; NaN in the last repeats of an image that was shown less often."""
        shown, responses = self.image_of_trial[self.is_test], self.responses[self.is_test]
        ids, counts = np.unique(shown, return_counts=True)
        trials = np.full((counts.max(), len(ids), responses.shape[1]), np.nan)
        for index, image in enumerate(ids):
            trials[: counts[index], index] = responses[shown == image]
        return trials


def of_known_tiers(region: str, tier: Shaped[np.ndarray, " trials"]) -> Bool[np.ndarray, " trials"]:
    """Which trials are of one of `TIERS`; the log counts the others."""
    kept = np.isin(tier, TIERS)
    if not kept.all():
        others = ", ".join(np.unique(tier[~kept]))
        print(f"{region}: left out {np.sum(~kept)} of {len(tier)} trials, of the tiers {others}")
    return kept


def _check_numbers(
    region: str,
    shown: Float64[np.ndarray, "trials height width"],
    responses: Float64[np.ndarray, "trials neurons"],
    tier: Shaped[np.ndarray, " trials"],
) -> None:
    """Refuse what no recording is: numbers that are none, a tier with too few trials; NaN is a missing response."""
    largest = np.finfo(np.float32).max  # the models compute in it; the negation also finds NaN
    for what, wrong in (
        ("images: no finite number in float32", ~(np.abs(shown) <= largest).all(axis=(1, 2))),
        ("responses: no finite number in float32", (np.abs(responses) > largest).any(axis=1)),
    ):
        if wrong.any():
            raise ValueError(
                f"{region}, {what} in trial {wrong.argmax()} ({wrong.sum()} trials in all); correct it, or leave the "
                "trial or the neuron out"
            )
    test = int((tier == "test").sum())
    if test == 0 or test == len(tier):
        raise ValueError(
            f"{region}: {test} of {len(tier)} trials are for testing; both training and testing need some"
        )
    if not np.nan_to_num(responses[tier == "test"]).any():
        raise ValueError(
            f"{region}: every response to a test image is 0, as where a competition keeps them back; take a "
            "recording with responses to test images"
        )
