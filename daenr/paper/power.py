"""What a study can find, before it is run: the variances that its gains are expected to have."""

from collections.abc import Mapping
from dataclasses import dataclass

from daenr.paper.verdicts import Rules, smallest_effect
from daenr.statistics.inference import Difference, Term


@dataclass(frozen=True)
class Spread:
    """Of a primary claim's gain, the mean over twelve cells: four layers in each of three regions.

    Attributes:
        seeds: standard deviation over seeds of the mean over 50 images.
        images: standard error over 50 images of the mean over 5 seeds.
        source: where these come from, in words.
        rest: share of the variance over seeds that is a seed's interaction with the images.
    """

    seeds: float
    images: float
    source: str
    rest: float = 0.25

    @property
    def components(self) -> tuple[float, float, float]:
        """Deviations of a seed, of an image, and of a seed's interaction with an image."""
        interaction = self.rest * self.seeds**2 * 50
        seed, image = self.seeds**2 - interaction / 50, self.images**2 * 50 - interaction / 5
        return seed**0.5, image**0.5, interaction**0.5

    def expected(self, seeds: int, images: int) -> Difference:
        """The mean squares that a study of this size is expected to find, around a gain of 0.

        Args:
            seeds: at least two.
            images: at least two.
        """
        seed, image, interaction = (deviation**2 for deviation in self.components)
        rest = interaction / (seeds * images)
        freedom = seeds - 1, images - 1
        return Difference(
            0.0,
            seeds,
            images,
            Term(seed / seeds + rest, freedom[0]),
            Term(image / images + rest, freedom[1]),
            Term(rest, freedom[0] * freedom[1]),
        )


SPREADS: Mapping[str, Spread] = {
    "pcc": Spread(0.004, 0.0045, "as seen in trainings on a recording of the real one's size"),
    "mse": Spread(0.001, 0.0011, "assumed, so large that the printed digits decide nothing"),
}


def smallest_effects(metrics: list[str], seeds: int, images: int, rules: Rules) -> dict[str, float]:
    """The smallest gain of each primary claim that a study would find with a chance of .8.

    Args:
        metrics: those of the primary claims, which share the level of the tree.
        seeds: of the study, at least two.
        images: its test images, at least two.
        rules: what a verdict goes by.
    """
    level = rules.alpha / len(metrics)
    return {
        metric: smallest_effect(SPREADS[metric].expected(seeds, images), metric, level, rules)
        for metric in metrics
    }
