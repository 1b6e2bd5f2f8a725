"""Images that drive a neuron most: gradient ascent on pixels, or in the latent space of a model's own decoder.

An image is *shown* in the recording's size, with a mean and a contrast that are the same for all (Walker 2019,
doi:10.1038/s41593-019-0517-x), and *seen* by the model in 32 x 32 pixels. The ascent goes through both steps, so what
it finds is what can be shown. Intensities run from -1 to 1, as in a region file.

Pixels
    Steps of one length along the gradient, blurred or as it is, from noise.

Latent
    The image is what the decoder makes of a code. Codes stay within the ellipsoid of those of the training images,
    so that the image stays among those that the decoder has learnt to draw. Auto-encoders with a continuous code, CAE
    and VAE, can do so.

Both maximise the neuron's rate, or, to *control* it (Bashivan 2019, doi:10.1126/science.aav9436), the rate less the
squared change of all other neurons, in standard deviations over the training images.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from daenr import IMAGE_SIZE
from daenr.config import OptimalImages
from daenr.models.autoencoders import CAE
from daenr.models.joint import DAENR, in_batches

Rates = Callable[[Float[Tensor, "images 1 32 32"]], Float[Tensor, "images neurons"]]
"""Rates of all neurons for images that the model sees, in standard deviations from the mean over training images."""

PASSES = 5
"""Times that mean and contrast are restored and intensities clipped in turn; one more changes less than a level."""


@dataclass(frozen=True)
class Shown:
    """What an image must be like to be shown.

    Attributes:
        shape: height and width in pixels of the recording.
        mean: of an image's intensities.
        contrast: standard deviation of an image's intensities; with the mean it fixes the norm.
    """

    shape: tuple[int, int]
    mean: float
    contrast: float

    def restore(
        self, images: Float[Tensor, "images 1 height width"]
    ) -> Float[Tensor, "images 1 height width"]:
        """Images with this mean and contrast, intensities from -1 to 1: clipped, which costs some contrast."""
        for _ in range(PASSES):
            centred = images - images.mean((-2, -1), keepdim=True)
            scale = self.contrast / centred.std((-2, -1), keepdim=True, correction=0).clamp(min=1e-6)
            images = (self.mean + scale * centred).clamp(-1, 1)
        return images


def resize(
    images: Float[Tensor, "images 1 _ _"], shape: tuple[int, int]
) -> Float[Tensor, "images 1 height width"]:
    """Images in another size, bilinearly and smoothed first where they shrink, as preprocessing does."""
    rows, columns = (_along(old, new).to(images) for old, new in zip(images.shape[-2:], shape, strict=True))
    return rows @ images @ columns.T


@cache
def _along(old: int, new: int) -> Float[Tensor, "new old"]:
    """What resizing does along an axis. As a matrix, since the gradient of PyTorch's own is not repeatable on a GPU."""
    eye = torch.eye(old)[None, None]
    return functional.interpolate(eye, (new, old), mode="bilinear", align_corners=False, antialias=True)[0, 0]


def see(images: Float[Tensor, "images 1 height width"]) -> Float[Tensor, "images 1 32 32"]:
    """What the model sees of images that are shown."""
    return resize(images, (IMAGE_SIZE, IMAGE_SIZE))


def as_shown(
    images: Float[Tensor, "images 1 32 32"], shape: tuple[int, int]
) -> Float[Tensor, "images 1 height width"]:
    """The images that a model sees as these.

    Seeing enlarges what has no more than 32 x 32 pixels, a linear map that is undone exactly; larger images have lost
    what cannot come back.
    """
    if max(shape) > IMAGE_SIZE:
        return resize(images, shape)
    rows, across = (torch.linalg.pinv(_along(side, IMAGE_SIZE).double()).to(images.device) for side in shape)
    return (rows @ images.double() @ across.T).clamp(-1, 1).to(images)


def standardised(models: Sequence[DAENR], stimuli: Float[Tensor, "stimuli 1 32 32"]) -> Rates:
    """Rates of the neurons that models share, standardised over stimuli, mean over the models.

    Args:
        models: with a readout of the same neurons each, as in a training of several seeds.
        stimuli: the training images.
    """
    moments = []
    for model in models:
        model.eval()
        rates = in_batches(model.rates, stimuli)
        moments.append((rates.mean(0), rates.std(0).clamp(min=1e-6)))

    def mean_rates(images: Float[Tensor, "images 1 32 32"]) -> Float[Tensor, "images neurons"]:
        scores = [
            (model.rates(images) - mean) / deviation
            for model, (mean, deviation) in zip(models, moments, strict=True)
        ]
        return torch.stack(scores).mean(0)

    return mean_rates


def objective(
    rates: Float[Tensor, "images neurons"], neurons: Int[Tensor, " images"], control: float = 0.0
) -> Float[Tensor, " images"]:
    """The rate of each image's own neuron, less ``control`` times the mean square of all others."""
    own = rates.gather(1, neurons[:, None])[:, 0]
    if not control:
        return own
    others = (rates.square().sum(1) - own.square()) / max(rates.shape[1] - 1, 1)
    return own - control * others


def ascend_pixels(
    rates: Rates,
    neurons: Int[Tensor, " images"],
    shown: Shown,
    generator: torch.Generator,
    settings: OptimalImages,
    *,
    blur: float = 0.0,
    control: float = 0.0,
) -> Float[Tensor, "images 1 height width"]:
    """Gradient ascent on the pixels of images that are shown, from noise.

    Args:
        rates: of the neurons.
        neurons: the neuron that each image is to drive; one that stands there twice gets two starts.
        shown: what images must be like.
        generator: draws the starts.
        settings: number of steps and length of the first, as a share of the contrast; they shrink linearly to none.
        blur: standard deviation in pixels of the Gaussian that smooths start and gradient; 0 for none.
        control: weight of the other neurons' change.
    """
    noise = torch.randn((len(neurons), 1, *shown.shape), generator=generator).to(neurons.device)
    images = shown.restore(blurred(noise, blur))
    for index in range(settings.steps):
        images.requires_grad_()
        value = objective(rates(see(images)), neurons, control).sum()
        gradient = blurred(torch.autograd.grad(value, images)[0], blur)
        length = gradient.std((-2, -1), keepdim=True, correction=0).clamp(min=1e-12)
        change = settings.step * (1 - index / settings.steps) * shown.contrast * gradient / length
        images = shown.restore(images.detach() + change)
    return images


def blurred(
    images: Float[Tensor, "images 1 height width"], deviation: float
) -> Float[Tensor, "images 1 height width"]:
    """Images smoothed by a Gaussian; as they are for a deviation of 0. What lies beyond the border is 0."""
    if not deviation:
        return images
    reach = round(3 * deviation)
    kernel = torch.exp(-torch.arange(-reach, reach + 1).to(images).square() / (2 * deviation**2))
    kernel = kernel / kernel.sum()
    rows = functional.conv2d(images, kernel[None, None, :, None], padding=(reach, 0))
    return functional.conv2d(rows, kernel[None, None, None, :], padding=(0, reach))


@dataclass(frozen=True)
class Codes:
    """Codes of the training images as an ellipsoid: centre + axes u with |u| up to ``radius``.

    Attributes:
        autoencoder: whose codes they are.
        centre: mean code.
        axes: principal axes of the codes, each as long as their standard deviation along it.
        radius: median of |u| over the training images.
        coordinates: u of each training image.
    """

    autoencoder: CAE
    centre: Float[Tensor, " latent"]
    axes: Float[Tensor, "latent axes"]
    radius: float
    coordinates: Float[Tensor, "stimuli axes"]

    @classmethod
    def of(cls, model: DAENR, stimuli: Float[Tensor, "stimuli 1 32 32"]) -> "Codes":
        """Those of a model's training images.

        Raises:
            ValueError: the model has no auto-encoder, or one of discrete codes, along which there is no gradient.
        """
        autoencoder = model.autoencoder
        if not isinstance(autoencoder, CAE):
            what = "draws from discrete codes, which have no gradient" if autoencoder else "has no decoder"
            raise ValueError(f"the model {what}: ascend on pixels, or take a CAE or VAE with a readout")
        model.eval()
        codes = in_batches(lambda images: autoencoder.encode(model.encoder(images)[-1]), stimuli)
        centre = codes.mean(0)
        left, lengths, right = torch.linalg.svd(codes - centre, full_matrices=False)
        kept = lengths > 1e-5 * lengths[0]
        coordinates = left[:, kept] * len(codes) ** 0.5
        axes = right[kept].T * lengths[kept] / len(codes) ** 0.5
        return cls(autoencoder, centre, axes, float(coordinates.norm(dim=1).median()), coordinates)

    def decode(self, coordinates: Float[Tensor, "images axes"]) -> Float[Tensor, "images 1 32 32"]:
        """What the decoder draws of codes; those beyond the radius are drawn back to it."""
        length = coordinates.norm(dim=1, keepdim=True).clamp(min=1e-12)
        inside = coordinates * (self.radius / length).clamp(max=1)
        return self.autoencoder.decoder(self.autoencoder.restore(self.centre + inside @ self.axes.T))


def ascend_latent(
    codes: Codes,
    rates: Rates,
    neurons: Int[Tensor, " images"],
    shown: Shown,
    generator: torch.Generator,
    settings: OptimalImages,
    *,
    control: float = 0.0,
) -> Float[Tensor, "images 1 height width"]:
    """Gradient ascent on the codes of a model's own decoder, from codes of training images drawn at random.

    Arguments other than ``codes``, those of the training images, as for `ascend_pixels`; the first step is a share of
    the radius.
    """

    def draw(coordinates: Float[Tensor, "images axes"]) -> Float[Tensor, "images 1 height width"]:
        return shown.restore(resize(codes.decode(coordinates), shown.shape))

    start = torch.randint(len(codes.coordinates), (len(neurons),), generator=generator)
    position = codes.coordinates[start]
    for index in range(settings.steps):
        position.requires_grad_()
        value = objective(rates(see(draw(position))), neurons, control).sum()
        gradient = torch.autograd.grad(value, position)[0]
        length = gradient.norm(dim=1, keepdim=True).clamp(min=1e-12)
        change = settings.step * (1 - index / settings.steps) * codes.radius * gradient / length
        position = position.detach() + change
        position = position * (codes.radius / position.norm(dim=1, keepdim=True)).clamp(max=1)
    with torch.no_grad():
        return draw(position)


def best_start(
    values: Float[Tensor, " images"], images: Float[Tensor, "images 1 height width"], starts: int
) -> Float[Tensor, "neurons 1 height width"]:
    """Of each neuron's starts, which stand side by side, the image with the highest objective."""
    best = values.reshape(-1, starts).argmax(1)
    return images.reshape(-1, starts, *images.shape[1:])[torch.arange(len(best)), best]
