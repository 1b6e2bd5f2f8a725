"""The config: defaults filled in, and every mistake in it reported with the path of its key.

The schema says what single keys may hold; ``check`` says what keys, paper and recording must agree on.
Imported while the workflow's files are parsed, so it stays light.
"""

import copy
import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema
import yaml

from daenr.data import archive, download
from daenr.paper.published import region_sizes, weights

PUBLISHED_IMAGE_BYTES = 31 * 31 * 8

VARIED = ("model", "training", "loss", "evaluation")
"""Sections of the config that a variant can change."""

PRESETS: Mapping[str, Mapping[str, int | float]] = {
    "protocol": {},
    "fast": {
        "learning_rate": 0.002,
        "batch_size": 32,
        "patience": 150,
        "rounds": 3,
        "learning_rate_factor": 0.3,
    },
}
"""Schedules by the name that ``training.preset`` takes: the keys in which they differ from the paper's protocol."""


class ConfigError(ValueError):
    """A mistake in the config; the message starts with the path of the key."""


def resolve(config: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """The config with every default filled in, checked.

    Args:
        config: what the user wrote.
        root: the project's folder, with the schema, the paper's numbers and the manifest that comes with it.

    Raises:
        ConfigError: if a key is unknown, a value not allowed, or keys contradict each other or the recording.
    """
    paper = root / "config/paper"
    with (root / "workflow/schemas/config.schema.yaml").open() as file:
        schema = yaml.safe_load(file)
    resolved = _validated(config, schema)
    resolved["focus_region"] = resolved["focus_region"] or resolved["regions"][-1]
    dataset = resolved["dataset"]
    for key in ("manifest", "published"):
        if dataset[key] and not Path(dataset[key]).exists():
            dataset[key] = str(root / dataset[key])
    if dataset["published"] and not Path(dataset["published"]).is_file():
        raise ConfigError(f"dataset.published: there is no file {dataset['published']}")
    if dataset["layout"] == "simulated" and dataset["simulation"]["sizes"] is None:
        dataset["simulation"]["sizes"] = {
            size.region: {
                "train_images": size.train_images,
                "test_images": size.test_images,
                "repeats": size.repeats,
                "neurons": size.neurons,
            }
            for size in region_sizes(paper)
        }
    check(resolved, paper)
    resolved["variants"] = {
        name: _variant(resolved, name, settings, schema, paper)
        for name, settings in resolved["variants"].items()
    }
    return resolved


def _validated(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with the defaults of the preset and of the schema filled in; the preset's name is then done with.

    Raises:
        ConfigError: the first thing that the schema does not allow, or a key that contradicts the preset.
    """
    filled = copy.deepcopy(dict(config))
    error = jsonschema.exceptions.best_match(_Filling(schema).iter_errors(filled))
    if error is not None:
        raise ConfigError(_explain(error))
    name = filled["training"].pop("preset")
    written = config.get("training", {})
    for key, value in PRESETS[name].items():
        if written.get(key, value) != value:
            raise ConfigError(
                f"training.{key}: {written[key]} contradicts training.preset: {name}, which takes {value}; "
                "remove one of the two"
            )
        filled["training"][key] = value
    return filled


def _variant(
    config: Mapping[str, Any],
    name: str,
    settings: Mapping[str, Mapping[str, Any]],
    schema: Mapping[str, Any],
    paper: Path,
) -> dict[str, Any]:
    """The variant's sections in full: the config's own, with the keys that differ put in their place.

    One that names a preset has the whole training section from there.
    """
    sections = {section: {**config[section], **settings.get(section, {})} for section in VARIED}
    if "preset" in settings.get("training", {}):
        sections["training"] = dict(settings["training"])
    try:
        varied = _validated({**config, **sections}, schema)
        check(varied, paper)
    except ConfigError as error:
        raise ConfigError(f"variants.{name}.{error}") from error
    return {section: varied[section] for section in VARIED}


def check(config: Mapping[str, Any], paper: Path) -> None:
    """Refuse keys that contradict each other, the paper's weights, or the recording as far as it is at hand."""
    if config["focus_region"] not in config["regions"]:
        raise ConfigError(
            f"focus_region: {config['focus_region']!r} is not one of regions {config['regions']}"
        )
    printed = sorted({weight.region for weight in weights(paper)})
    if config["weights_of_region"] not in printed:
        raise ConfigError(
            f"weights_of_region: the paper has weights for {printed}, not for {config['weights_of_region']!r}"
        )
    training = config["training"]
    if training["patience"] < training["validate_every"]:
        raise ConfigError(
            f"training.patience: {training['patience']} steps end before the first look at the validation set, "
            f"after training.validate_every = {training['validate_every']}"
        )
    low, high = config["dataset"]["intensity_range"]
    if not low < high:
        raise ConfigError(
            f"dataset.intensity_range: the first value must be below the second, got {[low, high]}"
        )
    counts = training_counts(config["dataset"], config["regions"])
    if counts is None:
        return
    for index, region in enumerate(config["regions"]):
        if region not in counts:
            raise ConfigError(
                f"regions[{index}]: {region!r} is not in {_where(config['dataset'])}, which has {sorted(counts)}"
            )
        trained_on = counts[region] - round(config["split"]["validation_fraction"] * counts[region])
        if config["training"]["batch_size"] > trained_on:
            raise ConfigError(
                f"training.batch_size: {config['training']['batch_size']} images a batch, but the training split "
                f"of {region} has {trained_on}"
            )


def training_counts(dataset: Mapping[str, Any], regions: Sequence[str]) -> dict[str, int] | None:
    """Training images of the regions that there are, as far as known before anything is downloaded; else None."""
    if dataset["layout"] == "simulated":
        return {region: size["train_images"] for region, size in dataset["simulation"]["sizes"].items()}
    if dataset["source"] is None:
        raise ConfigError("dataset.source: the layout antolik2016 needs the archive's DOI, address or path")
    if download.is_local(dataset["source"]):
        return _counts_in_archive(Path(dataset["source"]), regions)
    if dataset["manifest"] is not None:
        return _counts_in_manifest(Path(dataset["manifest"]))
    return None


def _counts_in_manifest(path: Path) -> dict[str, int]:
    """Training images as the size of the stimulus file tells, for stimuli as published (31x31, float64)."""
    if not path.is_file():
        raise ConfigError(f"dataset.manifest: there is no file {path}")
    try:
        files = archive.read_manifest(path).files
    except ValueError as error:
        raise ConfigError(f"dataset.manifest: {error}") from error
    stimuli = {PurePosixPath(name): entry.size for name, entry in files.items() if "training_inputs" in name}
    return {name.parent.name: size // PUBLISHED_IMAGE_BYTES for name, size in stimuli.items()}


def _counts_in_archive(path: Path, regions: Sequence[str]) -> dict[str, int]:
    """Counts of the regions that are asked for; of the others only that they are there (as 0 images)."""
    if not path.is_file():
        raise ConfigError(f"dataset.source: there is no file {path}")
    try:
        return {
            region: archive.shapes(path, region)["training_inputs"][0] if region in regions else 0
            for region in archive.regions(path)
        }
    except ValueError as error:
        raise ConfigError(f"dataset.source: {error}") from error


def _where(dataset: Mapping[str, Any]) -> str:
    return "dataset.simulation.sizes" if dataset["layout"] == "simulated" else str(dataset["source"])


def _fill(
    validator: Any, properties: Mapping[str, Any], instance: Any, schema: Mapping[str, Any]
) -> Iterator[jsonschema.ValidationError]:
    """Set missing keys to their defaults before they are validated, as in jsonschema's own FAQ."""
    if isinstance(instance, dict):
        for key, rule in properties.items():
            if "default" in rule:
                instance.setdefault(key, copy.deepcopy(rule["default"]))
    yield from jsonschema.Draft202012Validator.VALIDATORS["properties"](
        validator, properties, instance, schema
    )


_NUMBERS = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        # JSON Schema counts 64.0 as an integer and YAML knows .nan; neither is a number of steps.
        "integer": lambda _, value: type(value) is int,
        "number": lambda _, value: type(value) in (int, float) and math.isfinite(value),
    }
)
_Filling: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"properties": _fill}, type_checker=_NUMBERS
)


def _explain(error: jsonschema.ValidationError) -> str:
    """One line: the path of the key, what is wrong, and what is allowed."""
    path = _spell([*error.absolute_path])
    schema: Any = error.schema
    instance: Any = error.instance
    if error.validator == "additionalProperties":
        known = sorted(schema["properties"])
        unknown = sorted(set(instance) - set(known))[0]
        guess = difflib.get_close_matches(unknown, known, n=1)
        hint = f"did you mean {guess[0]!r}?" if guess else f"known keys are {known}"
        return f"{_spell([*error.absolute_path, unknown])}: unknown key; {hint}"
    described = schema.get("description")
    return f"{path}: {error.message}" + (f" ({described})" if described else "")


def _spell(path: list[str | int]) -> str:
    """``training.batch_size``, ``models[2]``."""
    spelled = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return spelled.removeprefix(".") or "config"
