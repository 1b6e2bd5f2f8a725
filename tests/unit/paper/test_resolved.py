"""A config is held against the paper and the recording: what contradicts them is named with its key."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from daenr.config import Config, ConfigError
from daenr.data.layouts.antolik2016 import write
from daenr.data.recording import Recording
from daenr.paper.published import region_sizes
from daenr.paper.resolved import resolve, training_trials

ROOT = Path(__file__).parents[3]
SIMULATED = {"name": "x", "layout": "simulated"}
OWN = {"name": "x", "source": "doi:10.1/x"}


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


def recorded(path, shown, region="v1"):
    """An archive whose training trials showed images by their numbers."""
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 1, (max(shown) + 1, 4, 4))
    trials = rng.exponential(1, (2, 10, 3))
    write(
        path,
        [
            Recording.of_sets(
                region,
                training_images=images[list(shown)],
                training_responses=rng.exponential(1, (len(shown), 3)),
                test_images=rng.uniform(0, 1, (10, 4, 4)),
                test_trials=trials,
                responsive=None,
                sha256={},
            )
        ],
    )
    return {"name": "x", "source": str(path), "intensity_range": [0, 1]}


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configs_resolve_to_plain_values_that_resolve_to_themselves(path):
    resolved = resolve(yaml.safe_load(path.read_text(encoding="utf-8")), ROOT)
    assert resolve(resolved, ROOT) == resolved
    assert yaml.safe_load(yaml.safe_dump(resolved)) == resolved
    assert Config(**resolved).model_dump(mode="json") == resolved


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"trainnig": {}}, r"^trainnig: unknown key"),
        (
            {"dataset": OWN, "regions": ["v1"], "weights": "paper"},
            r"^weights: the paper has weights for \['region1', ",
        ),
        ({"regions": ["region9"], "dataset": SIMULATED}, r"^regions\[0\]: 'region9' is not in dataset\.sim"),
        ({"regions": ["region1", "region9"]}, r"^regions\[1\]: 'region9' is not in config.*manifest\.csv"),
        (
            {"dataset": {"name": "x", "source": "no/such.zip"}},
            r"^dataset\.source: no/such\.zip: no such file",
        ),
        ({"dataset": {"name": "x", "source": "README.md"}}, r"^dataset\.source: .*README\.md"),
        (
            {"dataset": SIMULATED | {"published": "no.csv"}},
            r"^dataset\.published: there is no file .*no\.csv",
        ),
        ({"dataset": SIMULATED | {"manifest": "no.csv"}}, r"^dataset\.manifest: there is no file .*no\.csv"),
        (
            {"dataset": {"name": "x", "source": "doi:10.1/x", "manifest": "README.md"}},
            r"^dataset\.manifest: .*columns must be",
        ),
        (
            {"dataset": SIMULATED, "training": {"batch_size": 4096}},
            r"^training\.batch_size: 4096 images a batch, but the training split of region1 has \d+; make it smaller$",
        ),
        (
            {"dataset": SIMULATED, "variants": {"x": {"training": {"batch_size": 4096}}}},
            r"^variants\.x\.training\.batch_size: 4096",
        ),
    ],
)
def test_a_mistake_is_named_with_its_path(written, complaint):
    with pytest.raises(ConfigError, match=complaint) as error:
        resolve(written, ROOT)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("written", "weights"),
    [
        ({}, "paper"),
        ({"dataset": SIMULATED}, "paper"),
        ({"dataset": OWN}, None),  # a laboratory's region1 is not the paper's
        ({"dataset": OWN, "weights": "paper"}, "paper"),
        ({"weights": "own.csv"}, "own.csv"),
    ],
)
def test_the_papers_weights_are_for_its_own_recording_unless_chosen(written, weights):
    assert resolve(written, ROOT)["weights"] == weights


@pytest.mark.parametrize(
    ("edit", "ours"),
    [
        (lambda lines: lines, True),
        (lambda lines: lines[:6], True),  # a copy of region 1 alone
        (lambda lines: [*lines[:-1], lines[-1][:-40] + 40 * "0"], False),
        (lambda lines: [*lines, f"Data/v1/training_set.npy,80,{40 * '0'}"], False),
    ],
    ids=["published", "part", "changed", "more"],
)
def test_a_copy_is_the_papers_by_what_its_manifest_lists_and_not_by_the_manifests_name(tmp_path, edit, ours):
    listed = edit((ROOT / "config/antolik2016-manifest.csv").read_text(encoding="utf-8").splitlines())
    manifest = tmp_path / ("copy.csv" if ours else "antolik2016-manifest.csv")
    manifest.write_text("\n".join(listed) + "\n", encoding="utf-8")
    dataset = OWN | {"source": "https://example.org/copy.zip", "manifest": str(manifest)}
    resolved = resolve({"dataset": dataset, "regions": ["region1"]}, ROOT)
    assert (resolved["weights"] == "paper") is ours
    assert resolved["dataset"]["response_scale"] == ("none" if ours else "mean")


def test_the_users_config_is_left_alone():
    written = {"training": {"batch_size": 32}}
    resolve(written, ROOT)
    assert written == {"training": {"batch_size": 32}}


def test_the_simulated_recording_has_the_sizes_of_table_7():
    sizes = resolve({"dataset": SIMULATED}, ROOT)["dataset"]["simulation"]["sizes"]
    for size in region_sizes(ROOT / "config/paper"):
        found = sizes[size.region]
        assert (found["train_images"], found["neurons"]) == (size.train_images, size.neurons)


def test_files_are_looked_for_in_the_working_folder_and_then_in_the_projects(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve({}, ROOT)["dataset"]["manifest"] == str(ROOT / "config/antolik2016-manifest.csv")
    (tmp_path / "mine.csv").write_text("")
    dataset = resolve({"dataset": SIMULATED | {"published": "mine.csv"}}, ROOT)["dataset"]
    assert dataset["published"] == "mine.csv"


def test_a_damaged_local_archive_is_named(tmp_path):
    damaged = tmp_path / "damaged.zip"
    with zipfile.ZipFile(damaged, "w") as file:
        file.writestr("Data/region1/training_inputs.npy", b"not an array")
    with pytest.raises(ConfigError, match=r"^dataset\.source: .*damaged\.zip"):
        resolve({"dataset": {"name": "x", "source": str(damaged)}, "regions": ["region1"]}, ROOT)


def test_a_region_that_is_not_asked_for_is_not_looked_at(tmp_path):
    path = tmp_path / "two.zip"
    dataset = recorded(path, range(100))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("Data/broken/training_inputs.npy", b"not an array")
    assert resolve({"dataset": dataset, "regions": ["v1"]}, ROOT)
    with pytest.raises(ConfigError, match="broken"):
        resolve({"dataset": dataset, "regions": ["broken"]}, ROOT)


@pytest.mark.parametrize(
    ("shown", "possible"),
    [
        (range(100), ["80"]),
        ([*range(20)] * 5, ["80"]),
        ([*range(10)] * 4 + [9] * 60, ["32", "92"]),  # one image has most of the trials, on either side
    ],
)
def test_a_batch_is_held_against_the_trials_that_the_training_split_really_has(tmp_path, shown, possible):
    written = {"dataset": recorded(tmp_path / "x.zip", shown), "regions": ["v1"]}
    with pytest.raises(ConfigError, match="but the training split of v1 has") as error:
        resolve(written | {"training": {"batch_size": 101}}, ROOT)
    trained_on = str(error.value).removesuffix("; make it smaller").split()[-1]
    assert trained_on in possible
    assert resolve(written | {"training": {"batch_size": int(trained_on)}}, ROOT)


def test_a_variants_batch_is_held_against_the_variants_split(tmp_path):
    written = {"dataset": recorded(tmp_path / "x.zip", range(100)), "regions": ["v1"]}
    variants = {"half": {"split": {"validation_fraction": 0.5}}}
    assert resolve(written | {"training": {"batch_size": 50}, "variants": variants}, ROOT)
    complaint = r"^variants\.half\.training\.batch_size: 51 images a batch, .* of v1 has 50"
    with pytest.raises(ConfigError, match=complaint):
        resolve(written | {"training": {"batch_size": 51}, "variants": variants}, ROOT)


def test_how_many_trials_there_are_is_not_known_before_a_download(tmp_path):
    def trials(written):
        config = Config(**resolve(written, ROOT))
        return training_trials(config.dataset, config.regions)

    assert trials({}) is None
    assert resolve({"training": {"batch_size": 4096}}, ROOT)  # the training itself refuses it
    sizes = {"v1": {"train_images": 30, "test_images": 10, "repeats": 2, "neurons": 3}}
    simulated = SIMULATED | {"simulation": {"sizes": sizes}}
    written = {"dataset": simulated, "regions": ["v1"], "training": {"batch_size": 8}}
    assert trials(written) == {"v1": 30}
    local = recorded(tmp_path / "x.zip", range(50))
    assert trials({"dataset": local, "regions": ["v1"], "training": {"batch_size": 8}}) == {"v1": 50}
