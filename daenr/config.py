"""The config as typed models: type, default, bounds and meaning of every key stand here and nowhere else.

Everything that a key's reader needs comes out of them: the defaults, the errors, the JSON schema for editors and the
tables of ``config/README.md``. The last two are files, made anew by

    python -m daenr.config schema
    python -m daenr.config tables

What the paper's numbers or a recording say about a config is checked in `daenr.paper.resolved`. This module is
imported while the workflow's files are parsed, so it stays light.
"""

import argparse
import difflib
import json
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from daenr.registry import LAYERS, REFERENCES, Control, Layer, model_names, printed_names, split_model

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "workflow/schemas/config.schema.json"
README = ROOT / "config/README.md"

SEARCH = "weight-search"
"""The variant whose settings the trainings of `snakemake weights` take; no config's own has its name."""

_NAME = "^[A-Za-z0-9][A-Za-z0-9.-]*$"
_SOURCE = r"^[^{}\x00-\x1f]+$"  # Snakemake takes what stands in braces for a wildcard
_ADDRESS = "^https?://"
_SPELLED = {
    _NAME: "letters, digits, points and dashes, the first a letter or digit",
    _SOURCE: "text without braces and control characters",
    _ADDRESS: "an http(s) address",
}
_WORDS = {
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "string_type": "is not text; write it in quotes",
    "tuple_type": "is not a list",
    "dict_type": "is not a mapping of names",
    "model_type": "is not a section with keys",
}

Item = TypeVar("Item", bound=Hashable)


class ConfigError(ValueError):
    """A mistake in the config; the message starts with the path of the key."""


def _unique(items: tuple[Item, ...]) -> tuple[Item, ...]:
    doubled = [item for item in dict.fromkeys(items) if items.count(item) > 1]
    if doubled:
        raise ValueError(f"{list(items)} has {doubled[0]!r} more than once")
    return items


def _model(name: str) -> str:
    if name not in model_names():
        raise ValueError(f"{name!r} is not one of {list(model_names())}")
    return name


def _reference(name: str) -> str:
    if name not in REFERENCES:
        raise ValueError(f"{name!r} is not one of {list(REFERENCES)}")
    return name


def _ascending(interval: tuple[float, float]) -> tuple[float, float]:
    if not interval[0] < interval[1]:
        raise ValueError(f"the first value must be below the second, got {list(interval)}")
    return interval


# What YAML reads as another type is not converted: true is no number, 64.0 no count, "64" neither.
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Switch = Annotated[bool, Strict()]
Seed = Annotated[Whole, Field(ge=0)]
NotNegativeInt = Annotated[Whole, Field(ge=0)]
PositiveInt = Annotated[Whole, Field(ge=1)]
Positive = Annotated[Number, Field(gt=0)]
NotNegative = Annotated[Number, Field(ge=0)]
Share = Annotated[Number, Field(gt=0, lt=1)]
# A run's files have all three names in theirs, and a file's name has at most 255 bytes.
DatasetName = Annotated[str, Field(pattern=_NAME, max_length=64)]
RegionName = Annotated[str, Field(pattern=_NAME, max_length=32)]
VariantName = Annotated[str, Field(pattern=_NAME, max_length=32)]
# Whatever the registry holds when a config is read.
Model = Annotated[
    str, AfterValidator(_model), Field(json_schema_extra=lambda schema: schema.update(enum=[*model_names()]))
]
Reference = Annotated[
    str, AfterValidator(_reference), Field(json_schema_extra=lambda schema: schema.update(enum=[*REFERENCES]))
]
Unique = Annotated[tuple[Item, ...], AfterValidator(_unique), Field(json_schema_extra={"uniqueItems": True})]
Table = Literal["table2", "table3", "table4", "table5", "table6", "table7"]
Figure = Literal["figure2", "figure3", "figure4", "figure5", "figure6", "figure7", "figure8"]


class Section(BaseModel):
    """Keys that belong together; no others are allowed."""

    # Built at its first use: most jobs import this and need none or few of them.
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, keys: Any) -> Any:
        unknown = sorted(set(map(str, keys)) - set(cls.model_fields)) if isinstance(keys, Mapping) else []
        if unknown:
            known = sorted(cls.model_fields)
            guess = difflib.get_close_matches(unknown[0], known, n=1)
            hint = f"did you mean {guess[0]!r}?" if guess else f"known keys are {known}"
            raise PydanticCustomError("unknown_key", "{hint}", {"key": unknown[0], "hint": hint})
        return keys


class RegionSettings(Section):
    """Counts of one simulated region."""

    train_images: Whole = Field(ge=10, description="Training images, one trial each.")
    test_images: Whole = Field(ge=10, description="Test images.")
    repeats: Whole = Field(ge=2, description="Trials of each test image.")
    neurons: PositiveInt = Field(description="Neurons.")


class SimulationSettings(Section):
    """The simulated recording."""

    seed: Seed = Field(0, description="Seed of the simulated stimuli, population and noise.")
    sizes: Annotated[dict[RegionName, RegionSettings], Field(min_length=1)] | None = Field(
        None,
        description="Counts of each region, `{region: {train_images, test_images, repeats, neurons}}`. "
        "`null`: those of the paper's Table 7.",
    )


class NeuronSettings(Section):
    """Which neurons are modelled; without any key all of them."""

    ids: Unique[Whole] | None = Field(
        None,
        description="Neurons by their number in the recording (`unit_ids`), or counted from 0 where it has none.",
    )
    oracle: Number | None = Field(
        None,
        description="Least oracle correlation of a neuron: between a trial and the mean of the others of its image, "
        "over the test images. Neurons that are chosen so look better there than they are.",
    )
    signal_to_noise: Number | None = Field(
        None,
        description="Least ratio of the variance over test images that the image explains to the rest; likewise.",
    )
    number: PositiveInt | None = Field(
        None, description="How many neurons to draw at random from those that the keys above leave."
    )
    seed: Seed = Field(0, description="Seed of that draw.")


class ArraysSettings(Section):
    """Names and axes of the arrays in the layout `arrays`."""

    images: str = Field(
        "images", description="Name of the stimuli in the file; `a/b` is b in the group or struct a."
    )
    responses: str = Field("responses", description="Name of the responses, trials x neurons.")
    image_of_trial: str = Field("image_of_trial", description="Name of the image that each trial showed.")
    tier: str = Field("tier", description="Name of what each trial is for: text or whole numbers.")
    unit_id: str | None = Field(None, description="Name of each neuron's number, if there is such an array.")
    tiers: dict[Literal["train", "validation", "test"], str | Whole] = Field(
        {"train": "train", "validation": "validation", "test": "test"},
        description="What the file calls the three, like `{train: 0, test: 1}`; trials of any other are left out.",
    )
    first_image: Literal[0, 1] | None = Field(
        None,
        description="Number of the first image in `image_of_trial`. `null`: as the numbers show, if they do.",
    )
    image_axes: Unique[Literal["images", "channels", "height", "width", "pixels"]] | None = Field(
        None,
        description="Axes of the stimuli as Python, or MATLAB for its own files, shows them. `null`: as the count of "
        "images shows, if it does.",
    )
    response_axes: Unique[Literal["trials", "neurons"]] | None = Field(
        None, description="Axes of the responses, likewise by the count of trials."
    )
    pixels: Literal["rows", "columns"] | None = Field(
        None,
        description="Whether flattened stimuli run along rows or columns. `null`: rows; MATLAB's must say it.",
    )

    @field_validator("image_axes")
    @classmethod
    def _a_picture(cls, axes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        pictures = (
            {"images", "height", "width"},
            {"images", "channels", "height", "width"},
            {"images", "pixels"},
        )
        if axes is not None and set(axes) not in pictures:
            raise ValueError(
                f"{list(axes)} must be images with height and width, perhaps channels, or with pixels"
            )
        return axes

    @field_validator("response_axes")
    @classmethod
    def _both(cls, axes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if axes is not None and len(axes) != 2:
            raise ValueError(f"{list(axes)} must be trials and neurons in the file's order")
        return axes


class NwbSettings(Section):
    """What is what in the layout `nwb`."""

    images: str | None = Field(
        None, description="`Images` among the stimulus templates. `null`: the only one there is; so below."
    )
    presentations: str | None = Field(
        None, description="`IndexSeries` in the stimuli, or a table of intervals such as `trials`."
    )
    image: str = Field(
        "image", description="Column of that table with the image's number, from 0, or its name."
    )
    tier: str | None = Field(
        None,
        description="Column of that table that says `train`, `validation` or `test`. `null`: see the next key.",
    )
    test_repeats: Annotated[Whole, Field(ge=2)] = Field(
        2,
        description="Without `tier`, images that were shown at least so often are test images, others for training.",
    )
    responses: str | None = Field(
        None, description="`units`, whose spikes are counted, or a `RoiResponseSeries`, which is averaged."
    )
    window: Annotated[tuple[Number, Number], AfterValidator(_ascending)] | None = Field(
        None,
        description="Where from and where to, in seconds after each onset. `null`: from it as long as the shortest "
        "presentation: of a table from start to stop, of an `IndexSeries` to the next one.",
    )
    image_axes: Literal["height-width", "width-height"] = Field(
        "height-width",
        description="Axes of an image's array. The standard calls them x and y; arrays that Python saves are "
        "height x width.",
    )


class DatasetSettings(Section):
    """Which recording, in which layout, and where it is."""

    name: DatasetName = Field(
        description="Names the results: `results/NAME/`. Letters, digits, `.` and `-`, at most 64 of them."
    )
    layout: Literal["antolik2016", "simulated", "sensorium", "arrays", "nwb"] = Field(
        "antolik2016",
        description="`antolik2016`: a zip in the published layout. `simulated`: the embedded population; nothing is "
        "downloaded. `sensorium`: that competition's file tree, a zip or a folder. `arrays`: HDF5, .npz or MATLAB. "
        "`nwb`: NWB 2, which needs `pip install -e '.[nwb]'`. "
        "[docs/own-recording.md](../docs/own-recording.md) shows each.",
    )
    source: Annotated[str, Field(pattern=_SOURCE)] | None = Field(
        None,
        description="Where the file is: `doi:10...`, an `https://` address, or a path; without braces. What is "
        "downloaded goes to `results/NAME/data/`; a file that you put at `data/NAME.zip` is used in place of any "
        "download. Not used by `simulated`.",
    )
    mirrors: tuple[Annotated[str, Field(pattern=_ADDRESS)], ...] = Field(
        (), description="Further addresses of the same file, tried in order when the source fails."
    )
    manifest: str | None = Field(
        None,
        description="CSV with the columns `path,bytes,git_blob_sha1`; every file is verified before use. `null`: no "
        "verification (the default for a dataset of your own).",
    )
    published: str | None = Field(
        None,
        description="CSV of other models' published correlations with the same recording, with sources; shown beside "
        "ours. `null`: none (the default for a dataset of your own).",
    )
    intensity_range: Annotated[tuple[Number, Number], AfterValidator(_ascending)] = Field(
        (0, 0.000255),
        description="Stimulus intensities that become -1 and 1; the dataset's range, never an image's own. "
        '**Settled here**: the paper says "[-1, 1]" and no more.',
    )
    image_shape: tuple[PositiveInt, PositiveInt] | None = Field(
        None,
        description="Height and width of stimuli that are stored as rows of pixels. `null`: they are square, which is "
        "checked, or the file itself has height and width.",
    )
    fit: Literal["crop", "stretch", "pad"] | None = Field(
        None,
        description="How stimuli that are not square become 32 x 32: their middle, all of it squeezed, or all of it "
        "with grey beside it. `null`: such stimuli are refused.",
    )
    negative_responses: Literal["refuse", "clip"] = Field(
        "refuse",
        description="Responses below 0, which the models cannot predict: `clip` makes them 0, and the report tells how "
        "many there were.",
    )
    response_scale: Literal["none", "mean", "deviation"] | None = Field(
        None,
        description="What each neuron's responses are divided by in training: their mean or standard deviation over "
        "the training split, so that their unit decides nothing, or `none`. Predictions are stored in the recording's "
        "own unit. `null`: `none` for the published and the simulated recording, `mean` for any other.",
    )
    gray: Switch = Field(
        False,
        description="`true`: stimuli in colour become 0.2125 red + 0.7154 green + 0.0721 blue (scikit-image's "
        "`rgb2gray`). `false`: they are refused.",
    )
    own_validation: Switch = Field(
        True,
        description="Trials that the recording itself keeps for validation are the validation set, where it has such; "
        "`split` then does nothing. `false`: they are training trials like the others.",
    )
    neurons: NeuronSettings = Field(default_factory=NeuronSettings)
    arrays: ArraysSettings = Field(default_factory=ArraysSettings)
    nwb: NwbSettings = Field(default_factory=NwbSettings)
    simulation: SimulationSettings = Field(default_factory=SimulationSettings)

    @field_validator("source")
    @classmethod
    def _needed_for_a_recording(cls, source: str | None, info: Any) -> str | None:
        layout = info.data.get("layout", "simulated")
        if source is None and layout != "simulated":
            raise ValueError(f"the layout {layout} needs the archive's DOI, address or path")
        return source

    @field_validator("manifest")
    @classmethod
    def _of_a_zip_in_the_published_layout(cls, manifest: str | None, info: Any) -> str | None:
        layout = info.data.get("layout", "antolik2016")
        if manifest is not None and layout not in ("antolik2016", "simulated"):
            raise ValueError(f"the layout {layout} has no manifest; leave it out")
        return manifest


def published_recording() -> DatasetSettings:
    """The paper's recording. Another one inherits nothing from it, its manifest least of all."""
    return DatasetSettings(
        name="antolik2016",
        source="doi:10.1371/journal.pcbi.1004927.s001",
        mirrors=(
            "https://journals.plos.org/ploscompbiol/article/file"
            "?type=supplementary&id=10.1371/journal.pcbi.1004927.s001",
        ),
        manifest="config/antolik2016-manifest.csv",
        published="config/published/antolik2016.csv",
    )


class SplitSettings(Section):
    """Validation split of the training images."""

    validation_fraction: Share = Field(
        0.2,
        description="Share of the *distinct* training images that early stopping validates on; trials of one image "
        "never stand on both sides. **Settled here**.",
    )
    seed: Seed = Field(0, description="Seed of that split; the same for every training, unless `by_seed`.")
    by_seed: Switch = Field(
        False,
        description="`true`: the split's seed is the training's own, so that the spread over seeds has the split in it "
        "(Bouthillier 2021). Receptive fields are then those of the training's own split. **Settled here**.",
    )


class ReceptiveFieldSettings(Section):
    """Receptive-field centres of the fixed mask readout."""

    blur: Positive = Field(
        4.8,
        description="Standard deviation in pixels of the Gaussian that smooths the squared deviation of the "
        "spike-triggered average from its median; the maximum of that is the fixed mask. **Settled here**, after the "
        "published code of Klindt 2017.",
    )


class ModelSettings(Section):
    """Sizes and penalties of the models."""

    channels: PositiveInt = Field(
        48,
        description="Filters of each hidden convolution (paper). 3x3 kernels, encoder strides 2, 1, 2, 1: "
        "**settled here** from the paper's notation.",
    )
    latent: PositiveInt = Field(
        100,
        description="Numbers in the latent of CAE and VAE (paper); one linear layer on either side: **settled here**.",
    )
    codes: Annotated[Whole, Field(ge=2)] = Field(
        256,
        description='Codes of the VQ-VAE, on an 8x8 grid. **Settled here**: the paper\'s "32x256" is read as 256 '
        "codes of dimension 32.",
    )
    code_dimension: PositiveInt = Field(32, description="Dimension of a code, see above.")
    commitment: NotNegative = Field(
        0.25,
        description="Weight of the VQ-VAE's commitment term (van den Oord 2017, whom the paper follows).",
    )
    kl_weight: NotNegative = Field(
        2,
        description="Weight of the VAE's KL beside the squared error of Eq. 4, which lacks the half of a Gaussian "
        "likelihood: 2 is the ELBO that the paper names, 1 a beta-VAE with beta one half. **Settled here**.",
    )
    readout_deviation: Positive = Field(
        0.01,
        description="Standard deviation of the initial masks and features of FR and FM. **Settled here**.",
    )
    fr_penalty: NotNegative = Field(
        0.02,
        description="L1 penalty of the factorized readout: times the sum over neurons of the mask's norm times the "
        'features\' norm. **Settled here**; the paper says "sparse mask".',
    )
    mask_sign: Literal["free", "positive"] = Field(
        "free",
        description="Sign of the factorized readout's masks; `positive`: their absolute values are used, so that a "
        "mask says where a neuron looks and its features what it sees there. **Settled here**.",
    )
    fm_penalty: NotNegative = Field(
        0,
        description="L1 penalty of the fixed mask readout's features: FR's, whose mask has norm 1. **Settled here**.",
    )
    activity_penalty: NotNegative = Field(
        0,
        description="L1 penalty of the activities h_i that are read out, summed over an image; it goes with the "
        'readout\'s penalty. One way to read the "sparsity constraint" that the paper cites for artificial neurons. '
        "**Settled here**.",
    )
    fc_penalty: NotNegative = Field(
        0.01,
        description="L2 penalty of the fully connected readout's weights: times half their squared norm, as the L2 "
        "regulariser in the published code of Klindt 2017 counts. **Settled here**, after the comparison there.",
    )
    fc_dropout: Annotated[Number, Field(ge=0, le=0.999)] = Field(
        0.5, description="Dropout before the fully connected readout. **Settled here**, likewise."
    )

    gauss_deviation: Positive = Field(
        0.1,
        description="Initial deviation of the places that the Gaussian readout draws, of the map's half side. None in "
        "the paper.",
    )
    gauss_penalty: NotNegative = Field(
        0.02, description="L1 penalty of the Gaussian readout's features. None in the paper."
    )
    ln_ridge: Annotated[Unique[NotNegative], Field(min_length=1)] = Field(
        (0.01, 0.1, 1),
        description="Strengths of the squared norm of the reference `ln`'s filters; validation images choose.",
    )
    ln_smoothness: Annotated[Unique[NotNegative], Field(min_length=1)] = Field(
        (0.1, 1, 10),
        description="Strengths of the squared Laplacian of these filters; likewise.",
    )
    klindt_smoothness: NotNegative = Field(
        0.03, description="Of the reference `klindt`'s first filters (Klindt 2017, published code)."
    )
    klindt_sparsity: NotNegative = Field(
        0.05, description="Group sparsity of the filters of its other layers; likewise."
    )


class LossSettings(Section):
    """The training objective."""

    reconstruction: Literal["sum", "mean"] = Field(
        "sum",
        description="`sum`: Eq. 4 as printed, over the pixels of an image, mean over the batch. `mean` divides by the "
        "pixels, KL and codebook terms too: the printed weights then mean something else. **Settled here**.",
    )
    response: Literal["sum", "mean"] = Field(
        "sum",
        description="`sum`: Eq. 6 as printed, over neurons, mean over the batch. `mean` divides by the neurons, the "
        "readout's penalty too. **Settled here**.",
    )


class TrainingSettings(Section):
    """The training protocol."""

    learning_rate: Positive = Field(
        0.001, description="Of Adam, in the first round (paper; that it is Adam is **settled here**)."
    )
    batch_size: Annotated[Whole, Field(ge=2)] = Field(64, description="Images a step. **Settled here**.")
    validate_every: PositiveInt = Field(
        50, description="Steps between two validations, with the training objective. **Settled here**."
    )
    patience: PositiveInt = Field(1000, description="Steps without improvement that end a round (paper).")
    stop_on: Literal["total", "response", "reconstruction"] = Field(
        "total",
        description="Validation term that has to improve: the objective, or Eq. 6 or Eq. 4 alone. A training that does "
        "not learn that term (it lacks the part, holds it fixed or weighs it 0) goes by the total. **Settled here**.",
    )
    rounds: PositiveInt = Field(
        2,
        description="Rounds; each goes on from the best parameters of the one before: the paper's "
        '"train in the second time".',
    )
    keep_optimizer: Switch = Field(
        False,
        description="Whether Adam's moving averages go on from one round to the next; else each round has a new Adam. "
        "**Settled here**.",
    )
    learning_rate_factor: Annotated[Number, Field(gt=0, le=1)] = Field(
        0.5, description="What the learning rate is multiplied by from one round to the next (paper)."
    )
    max_steps: PositiveInt | None = Field(
        None, description="Cap on the steps of a round, `null` for none; the demo's way of being quick."
    )

    @field_validator("patience")
    @classmethod
    def _validated_before_it_ends(cls, patience: int, info: Any) -> int:
        first = info.data.get("validate_every", patience)
        if patience < first:
            raise ValueError(
                f"{patience} steps end before the first validation, after training.validate_every = {first}"
            )
        return patience


class EvaluationSettings(Section):
    """Metrics on the test images."""

    ssim_window: Literal["gaussian", "uniform"] = Field(
        "gaussian",
        description="Window of SSIM (Wang 2004), or `uniform` 7x7. PSNR and SSIM take a data range of 2; metrics are "
        "means of per-image values. **Settled here**.",
    )


class SignificanceSettings(Section):
    """Which neurons correlate significantly."""

    threshold: Share = Field(
        0.05,
        description="Largest two-sided p of Pearson r over the test images (paper; the test is **settled here**). A "
        "neuron that is predicted with the wrong sign can be significant too.",
    )
    figure4_task: Literal["ir", "nrs"] = Field(
        "nrs",
        description="`nrs`: Figure 4 uses the weights of Table 9, as the text discusses it; `ir`: those of Table 8, "
        "as its caption says. **Settled here**.",
    )
    groups_from: Literal["test", "validation"] = Field(
        "test",
        description="Images on which Table 3's two groups of neurons are chosen. `test` is the paper's way, which then "
        "reports on the same images; `validation` keeps the choice and the report apart. The validation images stop "
        "the trainings, but no result is reported on them; responses to them are single trials, so the groups differ. "
        "Trials of one image are averaged first.",
    )
    random_groups: Switch = Field(
        False,
        description="Whether Table 3 also has the neurons divided at random into groups of the two sizes: a smaller "
        "group is a smaller loss, whatever its neurons know. Two trainings more a layer and seed.",
    )
    permutations: Annotated[Whole, Field(ge=99)] = Field(
        1000,
        description="Permutations of the images for the null distribution of a neuron's r, and for how many neurons "
        "the threshold would find on shuffled data; the images of all neurons are permuted alike. The smallest p that "
        "they can show is 1 / (permutations + 1).",
    )


class MarginSettings(Section):
    """Differences that are practically none, in the metric's unit."""

    mse: Positive = Field(0.0005, description="Reconstruction: half of the last digit that the paper prints.")
    pcc: Positive = Field(
        0.012,
        description="Responses: the mean by which CNN-FR differs between the paper's Tables 4 and 6, where nothing "
        "in the settings does.",
    )
    significant: Positive = Field(
        5.0, description="Significant neurons (Figure 4): as many as chance calls significant of a hundred."
    )


class ComparisonSettings(Section):
    """Intervals of differences between models, and the verdicts on the paper's claims."""

    confidence: Share = Field(
        0.95,
        description="Of the intervals of differences between models; 1 minus it is the chance that any claim is "
        "called supported or contradicted wrongly. In "
        "Tables 2-6 what such an interval does not tell from the best is marked ≈.",
    )
    margins: MarginSettings = Field(default_factory=MarginSettings)


def _drawing(name: str) -> str:
    """A model that can climb in the codes of its own decoder."""
    autoencoder, readout = split_model(_model(name))
    if autoencoder == "vq-vae":
        raise ValueError(
            f"{name} draws from discrete codes, which have no gradient to climb; take a CAE or VAE"
        )
    if autoencoder is None or readout is None:
        raise ValueError(
            f"{name} needs a decoder to draw with and a readout to climb: take cae-fr, vae-fr ..."
        )
    return name


class OptimalImages(Section):
    """Images that drive a neuron."""

    neurons: NotNegativeInt | Annotated[Unique[Seed], Field(min_length=1)] = Field(
        0,
        description="Which neurons of each region get images: a list of them, or so many that are predicted best on "
        "the validation images. 0: none, and nothing is trained for it.",
    )
    models: Annotated[Unique[Annotated[str, AfterValidator(_drawing)]], Field(min_length=1)] = Field(
        ("cae-fr",), description="Models that draw them: a CAE or VAE with a readout."
    )
    layer: Layer = Field(
        "h2", description="Layer that they read out; their weights are those of Tables 9 and 11-13."
    )
    contrast: Share = Field(
        0.05,
        description="Contrast of the images, as the share of the stimuli that have less. A receptive field covers a "
        "small part of an image: at the stimuli's median contrast the rest has to be filled with something.",
    )
    starts: PositiveInt = Field(2, description="Starts of each ascent; the best image of them is kept.")
    steps: PositiveInt = Field(60, description="Steps of each ascent.")
    step: Positive = Field(
        0.1,
        description="First step, as a share of the contrast or of the code's radius; steps shrink to none.",
    )
    blur: Positive = Field(
        1, description="Deviation in pixels of the Gaussian that smooths the gradient, in `blurred`."
    )
    control: Positive = Field(
        1, description="Weight of the mean squared change of the other neurons where they are to stay put."
    )


def _predicting(name: str) -> str:
    if split_model(_model(name))[1] is None:
        raise ValueError(f"{name} predicts no neurons: take cae-fr, cnn-fr ...")
    return name


class Engine(Section):
    """A trained model that answers the images in place of the animal."""

    model: Annotated[str, AfterValidator(_predicting)] | None = Field(
        None,
        description="Model that answers: one with a readout. `null`: none, and nothing is trained for it.",
    )
    layer: Layer = Field(
        "h2", description="Layer that it reads out; its weights are those of Tables 9 and 11-13."
    )
    noise: Literal["matched", "poisson", "none"] = Field(
        "matched",
        description="Of its trials: variance that follows the rate as in the recording, that equals it, or none.",
    )


class Variant(Section):
    """Sections with the keys that differ from the config's own."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    model: ModelSettings = Field(default_factory=ModelSettings)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    loss: LossSettings = Field(default_factory=LossSettings)
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)
    split: SplitSettings = Field(default_factory=SplitSettings)
    receptive_field: ReceptiveFieldSettings = Field(default_factory=ReceptiveFieldSettings)
    significance: SignificanceSettings = Field(default_factory=SignificanceSettings)
    comparison: ComparisonSettings = Field(default_factory=ComparisonSettings)


VARIED = tuple(Variant.model_fields)
"""Sections of the config that a variant can change."""


class LossWeights(Section):
    """One pair of weights for every joint model."""

    alpha: Positive = Field(description="Weight of the reconstruction.")
    beta: Positive = Field(description="Weight of the responses.")


# Tagged, so that a mistake is told of the one kind that was meant; a tag is no part of the key's path.
_TEXT, _PAIR = "<text>", "<pair>"
Weighting = Annotated[
    Annotated[str, Field(min_length=1), Tag(_TEXT)] | Annotated[LossWeights, Tag(_PAIR)],
    Discriminator(lambda given: _TEXT if isinstance(given, str) else _PAIR),
]


class WeightSearchSettings(Section):
    """What `snakemake weights` tries."""

    ratios: Annotated[Unique[Positive], Field(min_length=1)] = Field(
        (0.0001, 0.001, 0.01, 0.1, 1, 10, 100, 1000),
        description="beta : alpha, the larger of the two being 1. The paper's lie in these decades, but for one row "
        "in thirteen just beyond them.",
    )
    schedule: str | None = Field(
        "config/fast.yaml",
        description="Config file whose `training` section the tries take, on top of the config's own. `null`: the "
        "config's own alone.",
    )
    baseline_tries: Switch = Field(
        True,
        description="Whether each model without weights (CAE, CNN-FR) is tried as often, with one seed after another, "
        "and the best is chosen on the validation images alike: what as many tries bring by themselves.",
    )


class Config(Section):
    """DAE-NR config. Every key is explained in config/README.md; the defaults are the paper."""

    dataset: DatasetSettings = Field(default_factory=published_recording)
    regions: Annotated[Unique[RegionName], Field(min_length=1)] = Field(
        ("region1", "region2", "region3"),
        description="Folders below `Data/` in the archive, in the order of the tables; names of letters, digits, `.` "
        "and `-`, at most 32 of them. In other layouts the folders, groups or files of the source that are so named; "
        "where it holds one recording without a name, one name that you choose.",
    )
    focus_region: str | None = Field(
        None,
        description="Region of Tables 3 and 5 and Figures 2, 3 and 4; `null` for the last of `regions`, as in the "
        "paper.",
    )
    weights: Weighting | None = Field(
        None,
        description="Weights of the joint loss, Eq. 7: `paper` (Tables 8-13; Table 10 has region 3 only, which serves "
        "for any focus), a CSV with the columns of `paper/weights.csv` such as the `results/NAME/weights.csv` that "
        "`snakemake weights` makes, or `{alpha: 1, beta: 0.1}` for all. `null`: `paper` for the published recording "
        "and for the simulated one; for another, one has to be chosen.",
    )
    weight_search: WeightSearchSettings = Field(default_factory=WeightSearchSettings)
    layers: Annotated[Unique[Layer], Field(min_length=1)] = Field(
        LAYERS, description="Layers of the encoder that are read out."
    )
    models: Annotated[Unique[Model], Field(min_length=1)] = Field(
        default_factory=printed_names,
        description="Models that tables and figures show; others are left out of them. All that there are unless told, "
        "but for those with the readout `gauss` (Lurz 2021), which the paper lacks.",
    )
    references: Unique[Reference] = Field(
        (),
        description="Models of other papers to train beside, for `table4-companion`: `ln`, a filter a neuron, and "
        "`klindt`, the three layers of Klindt 2017. Early stopping goes by the responses. None in the paper's plan.",
    )
    tables: Unique[Table] = Field(
        get_args(Table),
        description="Tables to make; only the trainings that they need are run. With any of them comes `ceilings`, "
        "with each of Tables 2 to 6 its companion: pixel correlations, or fractions of the ceiling and single "
        "trials; with Table 5 `latents`.",
    )
    figures: Unique[Figure] = Field(
        get_args(Figure),
        description="Figures to make.",
    )
    seeds: Annotated[Unique[Seed], Field(min_length=1)] = Field(
        (0,),
        description="Every training is run once a seed; tables show the mean and, with several, the standard "
        "deviation. The paper prints one number without spread.",
    )
    controls: Unique[Control] = Field(
        (),
        description="What else to train beside CAE-FR, per region and layer. `shuffled`: training responses permuted "
        "across images. `frozen`: the readout alone, on the encoder of the trained CAE. `random`: the readout alone, "
        "on an untrained encoder, which serves no claim. None in the paper.",
    )
    split: SplitSettings = Field(default_factory=SplitSettings)
    receptive_field: ReceptiveFieldSettings = Field(default_factory=ReceptiveFieldSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    loss: LossSettings = Field(default_factory=LossSettings)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)
    significance: SignificanceSettings = Field(default_factory=SignificanceSettings)
    comparison: ComparisonSettings = Field(default_factory=ComparisonSettings)
    optimal_images: OptimalImages = Field(default_factory=OptimalImages)
    engine: Engine = Field(default_factory=Engine)
    checkpoint_every: PositiveInt | None = Field(
        500,
        description="Steps after which a training saves where it stands, in `results/NAME/checkpoints/`, so that a "
        "killed one goes on from there and ends with the same numbers. `null`: only when it is interrupted by Ctrl-C "
        "or SIGTERM. Changing it trains nothing again.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto",
        description="`auto` takes a GPU where this machine has one; `cuda` insists, and is what a cluster's config "
        "should say.",
    )
    precision: Literal["float32", "bf16", "auto"] = Field(
        "float32",
        description="What convolutions and linear layers multiply in while training. `bf16` (bfloat16 by autocast) is "
        "up to twice as fast on processors and GPUs with units for it; `auto` takes it where this machine has them. "
        "Parameters, batch statistics, the VAE's sampling, the VQ-VAE's choice of codes and all loss terms stay in "
        "float32, and so do predictions and metrics of the test set. `training.json` says which one it was.",
    )
    trainings_per_gpu: PositiveInt = Field(
        1,
        description="Trainings that may share one GPU of this machine; start Snakemake with `--resources gpu=N`, "
        "N = GPUs x this number. In a Slurm job it counts for each GPU of that job.",
    )
    variants: dict[VariantName, Variant] = Field(
        {},
        description="Other settings under which the tables' trainings are repeated, by name: "
        "`{batch256: {training: {batch_size: 256}}}`. Sections `split`, `receptive_field`, `model`, `training`, "
        "`loss`, `evaluation`, `significance` and `comparison`; the sensitivity page compares the verdicts.",
    )

    @field_validator("focus_region")
    @classmethod
    def _one_of_the_regions(cls, focus: str | None, info: Any) -> str | None:
        regions = info.data.get("regions", ())
        if focus is not None and regions and focus not in regions:
            raise ValueError(f"{focus!r} is not one of regions {list(regions)}")
        return focus or (regions[-1] if regions else None)

    @field_validator("variants", mode="before")
    @classmethod
    def _completed(cls, variants: Any, info: Any) -> Any:
        """Each variant's sections in full: the config's own, with the keys that differ put in their place."""
        if not isinstance(variants, Mapping):
            return variants
        if SEARCH in variants:
            raise ValueError(f"{SEARCH!r} is what `snakemake weights` calls its own; take another name")
        own = {section: info.data[section].model_dump() for section in VARIED if section in info.data}
        return {name: _merged(own, name, sections) for name, sections in variants.items()}


def _merged(own: Mapping[str, Any], name: str, sections: Any) -> Any:
    if not isinstance(sections, Mapping):
        return sections
    if not sections:
        raise ValueError(f"{name!r} names no key that differs from the config's own")
    return {
        **own,
        **{
            section: {**own.get(section, {}), **keys} if isinstance(keys, Mapping) else keys
            for section, keys in sections.items()
        },
    }


def validate(written: Mapping[str, Any]) -> Config:
    """What a user wrote, with every default filled in.

    Raises:
        ConfigError: if a key is unknown, a value not allowed, or keys contradict each other; one line that starts
            with the path of the key.
    """
    try:
        return Config.model_validate(written)
    except ValidationError as error:
        raise ConfigError(_explain(error.errors()[0])) from error


def _explain(error: ErrorDetails) -> str:
    """One line: the path of the key, what is wrong, and what is allowed."""
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    path = [part for part in error["loc"] if part not in (_TEXT, _PAIR)]
    if path[-1:] == ["[key]"]:  # a name that is itself wrong
        path = path[:-2]
    if kind == "unknown_key":
        return f"{_spell([*path, context['key']])}: unknown key; {error['msg']}"
    if kind == "value_error":
        return f"{_spell(path)}: {context['error']}"
    if kind == "missing":
        return f"{_spell(path)}: this key is required"
    if kind == "literal_error":
        return f"{_spell(path)}: {given!r} is not one of [{context['expected'].replace(' or ', ', ')}]"
    if kind == "string_pattern_mismatch":
        return f"{_spell(path)}: {given!r} must be {_SPELLED[context['pattern']]}"
    # Pydantic says "Input should be ...", "String should have ...".
    return f"{_spell(path)}: {given!r} {_WORDS.get(kind) or error['msg'].partition(' ')[2]}"


def _spell(path: Sequence[str | int]) -> str:
    """``training.batch_size``, ``models[2]``."""
    spelled = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return spelled.removeprefix(".") or "config"


def schema() -> str:
    """The JSON schema, for editors."""
    return json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def tables(page: str) -> str:
    """The page with its tables of keys made anew, each after a line ``<!-- keys of SECTION KEY ... -->``."""
    head = "| key | default | meaning |\n| --- | --- | --- |\n"
    return re.sub(
        r"(<!-- keys of ([\w ]+) -->\n).*?(?=\n<!-- end of keys -->)",
        lambda found: found[1] + head + "\n".join(_rows(validate({}), found[2].split())),
        page,
        flags=re.DOTALL,
    )


def _rows(section: Section, keys: Iterable[str], path: str = "") -> Iterator[str]:
    """One row a key, those of sections in it included."""
    for key in keys:
        value = getattr(section, key)
        if isinstance(value, Section):
            yield from _rows(value, type(value).model_fields, f"{path}{key}.")
        else:
            shown = json.dumps(value).replace('"', "")
            yield f"| `{path}{key}` | `{shown}` | {type(section).model_fields[key].description} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make a file anew that follows from the config's models.")
    parser.add_argument("what", choices=("schema", "tables"))
    if parser.parse_args().what == "schema":
        SCHEMA.write_text(schema(), encoding="utf-8")
    else:
        README.write_text(tables(README.read_text(encoding="utf-8")), encoding="utf-8")
