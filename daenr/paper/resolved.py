"""A config held against the paper's numbers and against the recording, as far as that is at hand before a download.

`daenr.config` says what a config may hold; here is what it takes more than the config to know. Imported while the
workflow's files are parsed, so it stays light.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from daenr.config import (
    Config,
    ConfigError,
    DatasetSettings,
    LossWeights,
    RegionSettings,
    Variant,
    published_recording,
    validate,
)
from daenr.data import archive, download
from daenr.paper.published import region_sizes, weights


def resolve(written: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """The config with every default filled in, checked, as plain values: ``Config(**resolved)`` reads them back.

    Args:
        written: what the user wrote.
        root: the project's folder, with the paper's numbers and the manifest that comes with it.

    Raises:
        ConfigError: if a key is unknown, a value not allowed, or keys contradict each other, the paper or the
            recording; the message starts with the path of the key.
    """
    config = validate(written)
    config = config.model_copy(update={"dataset": _completed(config.dataset, root)})
    config = config.model_copy(update={"weights": _weights(config, root)})
    try:
        _check_regions(config)
        _check_batches(config)
    except archive.ArchiveError as error:
        raise ConfigError(f"dataset.source: {error}") from error
    return config.model_dump(mode="json")


def of_the_paper(dataset: DatasetSettings, root: Path) -> bool:
    """Whether the paper's numbers are about it: the published recording, or the one simulated after it.

    Of a copy, wherever it lies, a manifest with no other files than the published ones vouches that it is one.

    Raises:
        ConfigError: the manifest cannot be read.
    """
    published = published_recording()
    if dataset.layout == "simulated" or dataset.source == published.source:
        return True
    if dataset.manifest is None:
        return False
    return _manifest(dataset.manifest).items() <= _manifest(str(root / str(published.manifest))).items()


def training_trials(dataset: DatasetSettings, regions: Sequence[str]) -> dict[str, int] | None:
    """Training trials of each region; None for a recording that is yet to be downloaded, or has no headers to ask.

    Raises:
        ArchiveError: a local archive is refused, or does not have a region.
    """
    if dataset.layout == "simulated":
        sizes = dataset.simulation.sizes or {}
        return {region: sizes[region].train_images for region in regions}
    if dataset.layout == "antolik2016" and download.is_local(_source(dataset)):
        path = Path(_source(dataset))
        return {region: archive.shapes(path, region)["training_inputs"][0] for region in regions}
    return None


def _completed(dataset: DatasetSettings, root: Path) -> DatasetSettings:
    """With paths of files that there are, here or else in the project's folder, a scale, and Table 7's counts."""
    changes: dict[str, Any] = {}
    if dataset.source and download.is_local(dataset.source):
        changes["source"] = str(Path(dataset.source).expanduser())
    for key in ("manifest", "published"):
        if path := getattr(dataset, key):
            changes[key] = path if Path(path).exists() else str(root / path)
            if not Path(changes[key]).is_file():
                raise ConfigError(f"dataset.{key}: there is no file {changes[key]}")
    if dataset.layout == "simulated" and dataset.simulation.sizes is None:
        sizes = {
            size.region: RegionSettings.model_validate(size, from_attributes=True)
            for size in region_sizes(root / "config/paper")
        }
        changes["simulation"] = dataset.simulation.model_copy(update={"sizes": sizes})
    completed = dataset.model_copy(update=changes)
    scale = completed.response_scale or ("none" if of_the_paper(completed, root) else "mean")
    return completed.model_copy(update={"response_scale": scale})


def _weights(config: Config, root: Path) -> str | LossWeights | None:
    """With the paper's as the default where the recording is the paper's, or simulated after it."""
    printed = sorted({weight.region for weight in weights(root / "config/paper/weights.csv")})
    missing = [region for region in config.regions if region not in printed]
    if config.weights == "paper" and missing:
        raise ConfigError(f"weights: the paper has weights for {printed}, not for {missing[0]!r}")
    ours = not missing and of_the_paper(config.dataset, root)
    return "paper" if config.weights is None and ours else config.weights


def _check_regions(config: Config) -> None:
    where, known = _known_regions(config.dataset)
    for index, region in enumerate(config.regions):
        if known is not None and region not in known:
            raise ConfigError(f"regions[{index}]: {region!r} is not in {where}, which has {known}")


def _known_regions(dataset: DatasetSettings) -> tuple[str, list[str] | None]:
    """Regions of the recording, and what says so; None where nothing does before a download."""
    if dataset.layout == "simulated":
        return "dataset.simulation.sizes", sorted(dataset.simulation.sizes or {})
    source = _source(dataset)
    if download.is_local(source):
        path = Path(source)
        archive.check_there(path)
        return source, archive.regions(path) if dataset.layout == "antolik2016" else None
    if dataset.manifest is None:
        return source, None
    return dataset.manifest, sorted({PurePosixPath(name).parent.name for name in _manifest(dataset.manifest)})


def _manifest(path: str) -> Mapping[str, archive.Fingerprint]:
    try:
        return archive.read_manifest(Path(path))
    except ValueError as error:
        raise ConfigError(f"dataset.manifest: {error}") from error


def _check_batches(config: Config) -> None:
    """Refuse a batch that is larger than a training split, the config's own or a variant's."""
    planned: dict[str, Config | Variant] = {"": config}
    planned |= {f"variants.{name}.": variant for name, variant in config.variants.items()}
    for region, trials in (training_trials(config.dataset, config.regions) or {}).items():
        for path, settings in planned.items():
            batch, split = settings.training.batch_size, settings.split
            # Every job of a cluster plans, so images are read only where the batch comes near; a training refuses
            # it too.
            if batch <= (1 - split.validation_fraction) * trials / 2:
                continue
            seeds = config.seeds if split.by_seed else (split.seed,)
            trained_on = _trained_on(config.dataset, split.validation_fraction, seeds, region, trials)
            if batch > trained_on:
                raise ConfigError(
                    f"{path}training.batch_size: {batch} images a batch, but the training split of {region} "
                    f"has {trained_on}; make it smaller"
                )


def _trained_on(
    dataset: DatasetSettings, fraction: float, seeds: Sequence[int], region: str, trials: int
) -> int:
    """Trials of the smallest training split, in which a recorded image may stand more than once."""
    if dataset.layout == "simulated":
        return trials - round(fraction * trials)
    from daenr.data.layouts import reader, reading
    from daenr.data.preprocessing import image_ids, split
    from daenr.data.responses import whole_trials

    keys = reading(dataset.model_dump(), alone=False)
    read = reader(dataset.layout)(Path(_source(dataset)), region, **keys)
    ids = image_ids(whole_trials(read)[0].training_images)
    try:
        return min(int((~split(ids, fraction, seed, region)).sum()) for seed in seeds)
    except ValueError as error:
        raise ConfigError(f"split.validation_fraction: {error}") from error


def _source(dataset: DatasetSettings) -> str:
    assert dataset.source is not None  # the model refuses a recorded dataset without
    return dataset.source
