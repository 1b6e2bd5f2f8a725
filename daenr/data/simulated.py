"""A simulated recording of mouse V1 in the published layout: photographs -> patches -> population -> trials.

It needs no download and keeps the truth about which neurons see the image at all. "The recording" below
is that of Antolik et al. 2016 (doi:10.1371/journal.pcbi.1004927), which the numbers are matched to.

Stimuli
    31x31 patches of photographs that ship inside scikit-image, in grey. Each photograph is shrunk to several
    sizes (``SHORT_SIDES``), so that a patch shows a piece of an object or a scene. The shrunken photograph,
    not the patch, is histogram-equalised to 256 levels from 0 to 0.000255, with 5% of its pixels black and
    3% white: patches differ in mean and contrast as the test images of regions 1 and 2 of the recording do
    (black 5.4%, white 2.9%; 59% of the variance within images; lowest contrast 0.10 of the range, here the
    limit below which a patch is drawn again). Photographs of test patches give no training patch, and test
    patches hardly overlap (``TEST_OVERLAP``), since tests over test images take these as independent. All
    regions show the same test images, as regions 1 and 2 of the recording do, where they have as many.

Population
    A neuron's drive is a rectified Gabor (simple cell) or the energy of a quadrature pair of Gabors (complex
    cell; Adelson and Bergen 1985), divided by the local contrast energy around its receptive field (Heeger
    1992; Carandini and Heeger 2012). Mouse V1 has both kinds (Niell and Stryker 2008,
    doi:10.1523/JNEUROSCI.0623-08.2008). Receptive fields are a few pixels wide and have few bars, in the range
    that Ringach 2002 describes; their number per kind and their sizes are choices, such that 1000 single trials
    suffice to learn much of the population. ``UNRESPONSIVE`` of the neurons do not see the image: their drive
    is that of another, random image in every trial, so that their responses are distributed like all others.

Noise
    Responses inferred from calcium signals are zero in half of the trials and skewed in the rest. Here, the
    number of events in a trial is Poisson; its rate is the drive, over a spontaneous floor, times a gain that
    varies from trial to trial (multiplicative noise; Goris et al. 2014, doi:10.1038/nn.3711); each event adds
    an exponential amplitude (additive noise). Hence exact zeros, and a mean response that follows the drive.

Calibration
    Per neuron on the training trials, in closed form: the spontaneous floor sets the variation of the rate,
    the scale of the rate is the quantile that makes a given share of the trials silent, and the scale of the
    amplitudes sets the mean response. What remains, the signal's share of a trial's variance, follows from
    ``RATE_VARIATION``, ``GAIN_VARIANCE`` and ``SIMPLE_EXPONENT``. They were chosen so that, at the paper's
    sizes, every region has a mean CC_max of 0.70-0.81 and a jackknife oracle correlation of 0.30-0.39
    (`statistics.ceilings`), as the recording's regions have. Seed 0 lies within both ranges in every region; seeds
    0 to 9 gave 0.682-0.779 and 0.285-0.372, so a draw of few neurons may fall just below.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import skimage.data
from jaxtyping import Bool, Float64
from scipy.stats import rankdata
from skimage.color import rgb2gray
from skimage.transform import resize

from daenr.data.layouts.antolik2016 import write
from daenr.data.recording import Recording

# ---- Stimuli

SIDE = 31
"""Side of an image, pixels, as in the recording."""

LEVELS, BRIGHTEST = 256, 0.000255
"""Number of intensities and the highest of them, as in the recording; the lowest is 0."""

TRAINING_PHOTOGRAPHS = (
    "astronaut",
    "brick",
    "clock",
    "coins",
    "grass",
    "gravel",
    "immunohistochemistry",
    "moon",
    "retina",
    "rocket",
    "stereo_motorcycle",
)
TEST_PHOTOGRAPHS = ("camera", "chelsea", "coffee")
"""Names in skimage.data; only photographs whose files are in the package, so nothing is downloaded."""

SHORT_SIDES = (96, 144, 216)
"""Shorter side of a photograph when patches are cut from it, pixels: a patch spans a third to a seventh."""

TEST_OVERLAP = 0.25
"""Largest share of a test patch that may lie within another one, of whatever size, in the photograph."""

BLACK, WHITE = 0.05, 0.03
"""Shares of a photograph's pixels at the lowest and the highest level (recording: 0.054 and 0.029)."""

LOWEST_CONTRAST = 0.10
"""Lowest standard deviation of a patch over the range of intensities (recording: 0.102)."""

# ---- Population

UNRESPONSIVE = 0.15
"""Share of neurons that do not see the image. In the recording, repeats show no signal power for 1-5%; here for
some 8%. More of them would pull a region of 55 neurons and 8 repeats below the recording's CC_max."""

SIMPLE = 0.7
"""Share of simple cells among all neurons."""

CENTRES = (8.0, 22.0)
"""Receptive-field centres lie between these rows and columns, pixels: most of each field is in the image."""

WIDTHS = (2.0, 3.5)
"""Standard deviation of the Gabor's envelope across its bars, pixels."""

ELONGATION = (1.0, 1.5)
"""Envelope along the bars over that across them."""

CYCLES = (0.15, 0.35)
"""Cycles in one standard deviation of the envelope: from blobs to two or three bars (n_x of Ringach 2002)."""

SIMPLE_EXPONENT = 1.3
"""Power of a simple cell's rectified response. With 2, as in the energy of complex cells, a handful of images
would make up most of its activity, and 50 test images would not tell how reliable it is."""

POOL = 2.0
"""Radius of the normalisation pool over that of the receptive field."""

SEMI_SATURATION = 0.1
"""Local contrast at which normalisation halves a drive, over the range of intensities: a third of an image's."""

# ---- Noise and calibration

RATE_VARIATION = (0.85, 1.0)
"""Standard deviation of a neuron's rate over images, over its mean: sets how reliable the neuron is."""

GAIN_VARIANCE = 0.1
"""Variance of the multiplicative gain, whose mean is 1: most of the noise is in the events themselves."""

LOWEST_FLOOR = 0.03
"""Lowest spontaneous rate over the mean rate."""

SILENT, SILENT_SPREAD = 0.515, 0.06
"""Share of zeros among training trials: mean over neurons (recording: 0.49, 0.51, 0.52), and half the range
of a uniform distribution around it (whose deviation is 0.035; recording: 0.032, 0.037, 0.040)."""

MEAN_RESPONSE, MEAN_SPREAD = 0.595, 0.2
"""Mean training response over neurons (recording: 0.56, 0.60, 0.69; test images drive the population by some
5% more), and the deviation of its logarithm among neurons (recording: 0.19, 0.16, 0.26)."""


@dataclass(frozen=True)
class Population:
    """Parameters of the neurons, each of shape (neurons,); lengths in pixels, angles in radians."""

    row: Float64[np.ndarray, " neurons"]
    column: Float64[np.ndarray, " neurons"]
    width: Float64[np.ndarray, " neurons"]
    elongation: Float64[np.ndarray, " neurons"]
    orientation: Float64[np.ndarray, " neurons"]
    cycles: Float64[np.ndarray, " neurons"]
    phase: Float64[np.ndarray, " neurons"]
    simple: Bool[np.ndarray, " neurons"]
    responsive: Bool[np.ndarray, " neurons"]


def simulate_archive(archive: Path, sizes: Mapping[str, Mapping[str, int]], seed: int) -> None:
    """Write a simulated recording as a zip in the published layout; the same seed makes the same bytes.

    ``sizes`` has for each region what `simulate` takes beside the seed; errors are as there.
    """
    write(archive, (simulate(region, **size, seed=seed) for region, size in sizes.items()))


def simulate(
    region: str, train_images: int, test_images: int, repeats: int, neurons: int, seed: int
) -> Recording:
    """One region's recording: see the module's docstring.

    Test images depend on the seed alone, so that all regions share them (one with fewer has the first of
    them); everything else differs from region to region.

    Raises:
        ValueError: more distinct images, or test images that lie apart, are asked for than the photographs
            hold.
    """
    training = patches(TRAINING_PHOTOGRAPHS, train_images, _generator(seed, f"{region}/training images"))
    test = patches(TEST_PHOTOGRAPHS, test_images, _generator(seed, "test images"), TEST_OVERLAP)
    population = true_population(region, neurons, seed)
    training_responses, test_trials = respond(
        drive(population, training),
        drive(population, test),
        population.responsive,
        repeats,
        _generator(seed, f"{region}/trials"),
    )
    return Recording.of_sets(
        region,
        training_images=(training / (LEVELS - 1) * BRIGHTEST).reshape(-1, SIDE, SIDE),
        training_responses=training_responses,
        test_images=(test / (LEVELS - 1) * BRIGHTEST).reshape(-1, SIDE, SIDE),
        test_trials=test_trials,
        responsive=population.responsive,
        sha256={},
    )


def _generator(seed: int, purpose: str) -> np.random.Generator:
    """A generator for one purpose, so that another number of neurons, say, leaves the images as they were."""
    return np.random.default_rng([seed, *purpose.encode()])


# ---- Stimuli


def patches(
    names: tuple[str, ...], count: int, rng: np.random.Generator, overlap: float = 1.0
) -> Float64[np.ndarray, "images pixels"]:
    """Distinct patches in random order, levels from 0 to 255, from photographs and sizes with equal chances.

    ``overlap`` is the largest share of a patch's area that may lie within another patch, at their places in the
    photograph. A limit below 1 favours small patches: there is more room for them.

    Raises:
        ValueError: the photographs do not hold so many such patches.
    """
    distinct: dict[bytes, Float64[np.ndarray, " pixels"]] = {}
    places: list[Float64[np.ndarray, "2 3"]] = []
    drawn = _draw_patches(photographs(names, SHORT_SIDES), rng)
    # At least one in ten draws is taken until there is no room; so many fail only at the end of it.
    for place, patch in islice(drawn, 100 * count):
        if patch.std() < LOWEST_CONTRAST * (LEVELS - 1):
            continue
        if overlap < 1 and places and _overlaps(place, np.stack(places)).max() > overlap:
            continue
        places.append(place)
        distinct.setdefault(patch.tobytes(), patch)
        if len(distinct) == count:
            return np.stack(list(distinct.values()))
    limit = f" that overlap by no more than {overlap:.0%}" if overlap < 1 else ""
    raise ValueError(
        f"{count} images: the photographs {', '.join(names)} gave {len(distinct)} distinct ones{limit}; "
        "ask for fewer"
    )


def _draw_patches(
    sources: Sequence[Float64[np.ndarray, "_ _"]], rng: np.random.Generator
) -> Iterator[tuple[Float64[np.ndarray, "2 3"], Float64[np.ndarray, " pixels"]]]:
    """Patches at random places of random photographs, without end, each after its place.

    A place is a patch's first and last corner: the photograph's number, which is one higher in the last
    corner, and the row and the column as shares of the photograph's height and width. ``sources`` are each photograph
    at every size, as from `photographs`.
    """
    while True:
        source = int(rng.integers(len(sources)))
        photograph = sources[source]
        row, column = (rng.integers(length - SIDE + 1) for length in photograph.shape)
        corners = np.array([[row, column], [row + SIDE, column + SIDE]]) / photograph.shape
        number = source // len(SHORT_SIDES)
        place = np.column_stack([[number, number + 1], corners])
        yield place, photograph[row : row + SIDE, column : column + SIDE].flatten()


def _overlaps(
    place: Float64[np.ndarray, "2 3"], others: Float64[np.ndarray, "others 2 3"]
) -> Float64[np.ndarray, " others"]:
    """Area that a patch shares with each other one, over that of the smaller one of the two."""
    first, last = np.maximum(place[0], others[:, 0]), np.minimum(place[1], others[:, 1])
    shared = (last - first).clip(min=0).prod(axis=1)
    smaller = np.minimum(np.diff(place, axis=0).prod(), np.diff(others, axis=1).prod(axis=(1, 2)))
    return shared / smaller


@cache
def photographs(
    names: tuple[str, ...], short_sides: tuple[int, ...]
) -> tuple[Float64[np.ndarray, "_ _"], ...]:
    """Every photograph at every size, equalised; all sizes of a photograph in a row. Every region's are the same."""
    sizes = []
    for name in names:
        loaded = getattr(skimage.data, name)()
        picture = loaded[0] if isinstance(loaded, tuple) else loaded  # the left one of a stereo pair
        grey = rgb2gray(picture) if picture.ndim == 3 else picture / 255
        for short_side in short_sides:
            shape = [round(length * short_side / min(grey.shape)) for length in grey.shape]
            # scikit-image is typed in part only
            sizes.append(equalise(resize(grey, shape, anti_aliasing=True)))  # type: ignore[no-untyped-call]
    return tuple(sizes)


def equalise(grey: Float64[np.ndarray, "height width"]) -> Float64[np.ndarray, "height width"]:
    """Histogram-equalise intensities from 0 to 1: a pixel's level is its rank; the lowest are black, the highest white.

    Levels are whole numbers from 0 to 255; ``BLACK`` and ``WHITE`` are the shares of 0 and 255 if no pixels tie.
    """
    # A uniform area differs by rounding alone after resizing; ranks would make a texture of that.
    rank = (rankdata(grey.round(3), method="min").reshape(grey.shape) - 1) / grey.size
    return (((rank - BLACK) / (1 - BLACK - WHITE)).clip(0, 1) * (LEVELS - 1)).round()


# ---- Population


def true_population(region: str, neurons: int, seed: int) -> Population:
    """The neurons that `simulate` records with this region, number of neurons and seed.

    Shares of simple and of responsive cells are exact, up to rounding. `drive` says what the neurons make of any
    image, and `filters` what a simple cell looks for.
    """
    rng = _generator(seed, f"{region}/population")
    return Population(
        row=rng.uniform(*CENTRES, neurons),
        column=rng.uniform(*CENTRES, neurons),
        width=rng.uniform(*WIDTHS, neurons),
        elongation=rng.uniform(*ELONGATION, neurons),
        orientation=rng.uniform(0, np.pi, neurons),
        cycles=rng.uniform(*CYCLES, neurons),
        phase=rng.uniform(0, 2 * np.pi, neurons),
        simple=rng.permutation(neurons) < round(SIMPLE * neurons),
        responsive=rng.permutation(neurons) >= round(UNRESPONSIVE * neurons),
    )


def drive(
    population: Population, images: Float64[np.ndarray, "images pixels"]
) -> Float64[np.ndarray, "images neurons"]:
    """What each neuron would make of each image, in levels from 0 to 255; noise-free and in arbitrary units.

    With L and L' the image's products with the Gabors of a quadrature pair, and N its squared contrast under
    the pool's Gaussian plus ``SEMI_SATURATION`` squared: (max(L, 0)^2 / N)^(``SIMPLE_EXPONENT`` / 2) for simple
    cells, (L^2 + L'^2) / N for complex cells.
    """
    contrast = images / (LEVELS - 1) - 0.5
    even, odd, pool = _receptive_fields(population)
    in_phase, quadrature = contrast @ even, contrast @ odd
    normalisation = contrast**2 @ pool + SEMI_SATURATION**2
    rectified = in_phase.clip(min=0) ** 2 / normalisation
    energy = (in_phase**2 + quadrature**2) / normalisation
    return np.where(population.simple, rectified ** (SIMPLE_EXPONENT / 2), energy)


def filters(population: Population) -> Float64[np.ndarray, "neurons height width"]:
    """The Gabor of each neuron, of unit norm: the filter of a simple cell, and one of a complex cell's two."""
    return _receptive_fields(population)[0].T.reshape(-1, SIDE, SIDE)


def _receptive_fields(population: Population) -> tuple[Float64[np.ndarray, "pixels neurons"], ...]:
    """Gabors of each neuron's phase and a quarter of a cycle later, of unit norm; pool weights of unit sum."""
    row, column = (axis.reshape(-1, 1) for axis in np.mgrid[:SIDE, :SIDE].astype(np.float64))
    down, right = row - population.row, column - population.column
    cosine, sine = np.cos(population.orientation), np.sin(population.orientation)
    across = (right * cosine + down * sine) / population.width
    along = (down * cosine - right * sine) / (population.width * population.elongation)
    envelope = np.exp(-(across**2 + along**2) / 2)
    angle = 2 * np.pi * population.cycles * across + population.phase
    even, odd = (
        gabor / np.linalg.norm(gabor, axis=0)
        for gabor in (envelope * np.cos(angle), envelope * np.sin(angle))
    )
    pool = np.exp(-(down**2 + right**2) / (2 * (POOL * population.width) ** 2))
    return even, odd, pool / pool.sum(axis=0)


# ---- Noise and calibration


def respond(
    training_drive: Float64[np.ndarray, "train neurons"],
    test_drive: Float64[np.ndarray, "test neurons"],
    responsive: Bool[np.ndarray, " neurons"],
    repeats: int,
    rng: np.random.Generator,
) -> tuple[Float64[np.ndarray, "train neurons"], Float64[np.ndarray, "repeats test neurons"]]:
    """Single trials of the training and of the test images, calibrated on the training trials.

    Drives are as from `drive`; that of a neuron that is not responsive comes from random training images instead.
    """
    neurons = len(responsive)
    floor, slope = _rate(training_drive, rng.uniform(*RATE_VARIATION, neurons))
    trained, tested = floor + slope * training_drive, floor + slope * test_drive
    trials = (repeats, *tested.shape)
    elsewhere = trained[rng.integers(len(trained), size=trials), np.arange(neurons)]
    tested = np.where(responsive, tested, elsewhere) * _gain(trials, rng)
    trained = np.where(responsive, trained, rng.permuted(trained, axis=0)) * _gain(trained.shape, rng)

    # The first event of a trial at rate r comes after an exponential time over r, in units of a trial.
    first, first_tested = rng.exponential(size=trained.shape), rng.exponential(size=trials)
    spread = rng.uniform(-SILENT_SPREAD, SILENT_SPREAD, neurons)
    silent = SILENT + (spread - spread.mean())
    scale = np.array([np.quantile(*each) for each in zip((first / trained).T, 1 - silent, strict=True)])
    responses = _amplitudes(scale * trained, first, rng)
    mean = np.exp(rng.normal(0, MEAN_SPREAD, neurons))
    amplitude = MEAN_RESPONSE * mean / mean.mean() / responses.mean(axis=0)
    return amplitude * responses, amplitude * _amplitudes(scale * tested, first_tested, rng)


def _rate(
    drive: Float64[np.ndarray, "images neurons"], variation: Float64[np.ndarray, " neurons"]
) -> tuple[Float64[np.ndarray, " neurons"], Float64[np.ndarray, " neurons"]]:
    """Spontaneous floor and slope over the drive of a rate with mean 1 and this standard deviation.

    The floor is at least ``LOWEST_FLOOR``, at the expense of the deviation where the drive varies little.
    """
    mean, deviation = drive.mean(axis=0), drive.std(axis=0)
    # Among few images there may be none that drives a cell: it is then spontaneously active alone.
    slope = np.divide(variation, deviation, out=np.zeros_like(mean), where=deviation > 0)
    slope = np.minimum(slope, np.divide(1 - LOWEST_FLOOR, mean, out=np.zeros_like(mean), where=mean > 0))
    return 1 - slope * mean, slope


def _gain(shape: tuple[int, ...], rng: np.random.Generator) -> Float64[np.ndarray, "..."]:
    """Multiplicative gain of single trials: gamma with mean 1 and variance ``GAIN_VARIANCE``."""
    return rng.gamma(1 / GAIN_VARIANCE, GAIN_VARIANCE, shape)


def _amplitudes(
    rate: Float64[np.ndarray, "*trials neurons"],
    first: Float64[np.ndarray, "*trials neurons"],
    rng: np.random.Generator,
) -> Float64[np.ndarray, "*trials neurons"]:
    """Summed amplitudes of a trial's events, each exponential with mean 1.

    Args:
        rate: expected number of events.
        first: exponential variate that the rate is compared with: there is an event if it is below the rate.
        rng: draws the other events, so that their number is Poisson with mean ``rate``, and the amplitudes.
    """
    events = (first < rate) * (1 + rng.poisson(np.maximum(rate - first, 0)))
    return rng.standard_gamma(events)
