"""Mistakes in a config are reported with the path of their key; the shipped configs say what they mean."""

import math
import zipfile
from pathlib import Path

import pytest
import yaml

from daenr.config import PRESETS, ConfigError, resolve

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
PAPER = ROOT / "config/paper"
SIMULATED = {"name": "x", "layout": "simulated"}


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_the_papers_config_is_the_defaults():
    written = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    defaults = resolve({}, ROOT)
    assert resolve(written, ROOT) == defaults
    assert set(written) == set(defaults)


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configs_resolve(path):
    assert resolve(yaml.safe_load(path.read_text()), ROOT)["dataset"]["name"]


def test_every_key_is_described_and_has_a_default():
    def walk(schema, path):
        for key, rule in schema.get("properties", {}).items():
            assert rule.get("description"), f"{path}{key} has no description"
            assert "default" in rule or key in schema.get("required", []), f"{path}{key} has no default"
            assert schema["additionalProperties"] is False, path
            walk(rule, f"{path}{key}.")

    walk(yaml.safe_load(SCHEMA.read_text()), "")


def test_every_key_is_explained_in_the_readme():
    page = (ROOT / "config/README.md").read_text()

    def walk(schema, path):
        for key, rule in schema.get("properties", {}).items():
            if "properties" in rule:
                walk(rule, f"{path}{key}.")
            else:
                assert f"`{path}{key}`" in page, f"config/README.md does not explain {path}{key}"

    walk(yaml.safe_load(SCHEMA.read_text()), "")


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"trainnig": {}}, r"^trainnig: unknown key; did you mean 'training'"),
        ({"training": {"batchsize": 3}}, r"^training\.batchsize: unknown key; did you mean 'batch_size'"),
        ({"training": {"batch_size": "64"}}, r"^training\.batch_size: '64' is not of type 'integer'"),
        ({"training": {"learning_rate": -1}}, r"^training\.learning_rate: -1 is less than or equal to"),
        ({"model": {"fr_penalty": -0.1}}, r"^model\.fr_penalty: -0\.1 is less than the minimum of 0"),
        ({"models": ["cae", "cea-fr"]}, r"^models\[1\]: 'cea-fr' is not one of"),
        ({"regions": ["region9"], "dataset": SIMULATED}, r"^regions\[0\]: 'region9' is not in dataset\.sim"),
        ({"regions": ["region9"]}, r"^regions\[0\]: 'region9' is not in"),
        ({"focus_region": "region9"}, r"^focus_region: 'region9' is not one of regions"),
        ({"weights_of_region": "region9"}, r"^weights_of_region: the paper has weights for"),
        ({"layers": ["h5"]}, r"^layers\[0\]: 'h5' is not one of"),
        ({"seeds": [1, 1]}, r"^seeds: \[1, 1\] has non-unique elements"),
        ({"seeds": [-1]}, r"^seeds\[0\]: -1 is less than the minimum"),
        ({"device": "gpu"}, r"^device: 'gpu' is not one of \['auto', 'cpu', 'cuda'\]"),
        ({"precision": "fp16"}, r"^precision: 'fp16' is not one of \['float32', 'bf16', 'auto'\]"),
        ({"dataset": {"name": "a; touch x"}}, r"^dataset\.name: 'a; touch x' does not match"),
        ({"dataset": {"name": "../up"}}, r"^dataset\.name: "),
        ({"dataset": {"layout": "simulated"}}, r"^dataset: 'name' is a required property"),
        ({"dataset": {"name": "x"}}, r"^dataset\.source: the layout antolik2016 needs"),
        ({"dataset": {"name": "x", "source": "no/such.zip"}}, r"^dataset\.source: there is no file no/such"),
        ({"dataset": {"name": "x", "source": "README.md"}}, r"^dataset\.source: .*README\.md"),
        ({"dataset": {"name": "x", "source": "a{b}.zip"}}, r"^dataset\.source: .*without braces"),
        ({"dataset": {"name": "x", "source": "a\tb.zip"}}, r"^dataset\.source: .*does not match"),
        ({"dataset": SIMULATED | {"intensity_range": [1, 0]}}, r"^dataset\.intensity_range: "),
        (
            {"dataset": SIMULATED, "training": {"batch_size": 4096}},
            r"^training\.batch_size: 4096 images a ba",
        ),
        (
            {"training": {"batch_size": 4096}},
            r"^training\.batch_size: 4096 images a batch, but the training spl",
        ),
        ({"training": {"batch_size": 64.0}}, r"^training\.batch_size: 64\.0 is not of type 'integer'"),
        ({"training": {"learning_rate": math.nan}}, r"^training\.learning_rate: nan is not of type 'number'"),
        ({"seeds": [1.0]}, r"^seeds\[0\]: 1\.0 is not of type 'integer'"),
        (
            {"regions": ["V1_left"]},
            r"^regions\[0\]: 'V1_left' does not match .*letters, digits, points and dashes",
        ),
        ({"training": {"patience": 20}}, r"^training\.patience: 20 steps end before the first look"),
        ({"training": {"preset": "slow"}}, r"^training\.preset: 'slow' is not one of \['protocol', 'fast'\]"),
        (
            {"training": {"preset": "fast", "patience": 1000}},
            r"^training\.patience: 1000 contradicts training\.preset: fast, which takes \d+; remove one",
        ),
        ({"split": {"validation_fraction": 1}}, r"^split\.validation_fraction: "),
        ({"controls": ["shuffle"]}, r"^controls\[0\]: 'shuffle' is not one of"),
        ({"variants": {"a b": {"loss": {}}}}, r"^variants: 'a b' does not match"),
        ({"variants": {"x": {"split": {"seed": 1}}}}, r"^variants\.x\.split: unknown key"),
        ({"variants": {"x": {"loss": {"reduction": "max"}}}}, r"^variants\.x\.loss\.reduction: 'max' is not"),
        ({"variants": {"x": {"training": {"batchsize": 8}}}}, r"^variants\.x\.training\.batchsize: unknown"),
        (
            {"variants": {"x": {"training": {"batch_size": 4096}}}},
            r"^variants\.x\.training\.batch_size: 4096",
        ),
        ({"dataset": SIMULATED | {"published": "no.csv"}}, r"^dataset\.published: there is no file"),
    ],
)
def test_a_mistake_is_named_with_its_path(config, complaint):
    with pytest.raises(ConfigError, match=complaint) as error:
        resolve(config, ROOT)
    assert "\n" not in str(error.value)


def test_a_damaged_local_archive_is_named(tmp_path):
    damaged = tmp_path / "damaged.zip"
    with zipfile.ZipFile(damaged, "w") as file:
        file.writestr("Data/region1/training_inputs.npy", b"not an array")
    with pytest.raises(ConfigError, match=r"^dataset\.source: .*damaged\.zip"):
        resolve({"dataset": {"name": "x", "source": str(damaged)}}, ROOT)


def test_a_preset_sets_its_keys_and_leaves_the_others():
    protocol = resolve({}, ROOT)["training"]
    fast = resolve({"training": {"preset": "fast", "max_steps": 40}}, ROOT)["training"]
    assert fast == {**protocol, **PRESETS["fast"], "max_steps": 40}
    assert fast != {**protocol, "max_steps": 40}
    assert resolve({"training": {"preset": "protocol"}}, ROOT)["training"] == protocol


@pytest.mark.parametrize("preset", PRESETS)
def test_a_resolved_preset_resolves_to_itself(preset):
    config = resolve({"training": {"preset": preset}}, ROOT)
    assert resolve(config, ROOT) == config


def test_a_key_may_repeat_what_the_preset_says():
    training = {"preset": "fast", **PRESETS["fast"]}
    assert resolve({"training": training}, ROOT) == resolve({"training": {"preset": "fast"}}, ROOT)


def test_every_preset_is_in_the_schema():
    schema = yaml.safe_load(SCHEMA.read_text())["properties"]["training"]["properties"]
    assert set(schema["preset"]["enum"]) == set(PRESETS)
    assert all(set(keys) <= set(schema) for keys in PRESETS.values())


@pytest.mark.parametrize(("own", "varied"), [("protocol", "fast"), ("fast", "protocol")])
def test_a_variant_can_take_the_other_preset(own, varied):
    config = {"training": {"preset": own}, "variants": {"other": {"training": {"preset": varied}}}}
    resolved = resolve(config, ROOT)
    other = resolve({"training": {"preset": varied}}, ROOT)
    assert resolved["variants"]["other"]["training"] == other["training"] != resolved["training"]


def test_the_users_config_is_left_alone():
    config = {"training": {"batch_size": 32}}
    resolve(config, ROOT)
    assert config == {"training": {"batch_size": 32}}


def test_a_variant_changes_its_keys_and_keeps_the_configs_others():
    config = {
        "training": {"batch_size": 32, "patience": 77},
        "variants": {"wide": {"training": {"batch_size": 128}}},
    }
    variant = resolve(config, ROOT)["variants"]["wide"]
    assert variant["training"]["batch_size"] == 128
    assert variant["training"]["patience"] == 77
    assert variant["loss"] == {"reduction": "sum"}
