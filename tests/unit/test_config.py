"""Mistakes in a config are reported with the path of their key; what follows from the models is what there is."""

import json
import math
from itertools import product
from pathlib import Path

import pytest
import yaml

from daenr import config, registry
from daenr.config import Config, ConfigError, Section, TrainingSettings, validate
from daenr.run import NEURONS, Run

ROOT = Path(__file__).parents[2]
SIMULATED = {"name": "x", "layout": "simulated"}


def sections(model=Config, path=""):
    """Every section of the config with the path of its keys."""
    yield path, model
    for key, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from sections(field.annotation, f"{path}{key}.")


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configs_are_valid(path):
    assert validate(yaml.safe_load(path.read_text(encoding="utf-8"))).dataset.name


def test_the_papers_config_is_the_defaults():
    assert validate(yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))) == validate({})


def test_a_recording_of_ones_own_inherits_nothing_from_the_published_one():
    dataset = validate({"dataset": {"name": "mylab", "source": "mylab.zip"}}).dataset
    assert (dataset.manifest, dataset.published, dataset.mirrors) == (None, None, ())


def test_every_key_is_described_and_has_a_default():
    for path, section in sections():
        assert section.__doc__, path
        for key, field in section.model_fields.items():
            described = field.description or issubclass(field.annotation, Section)
            assert described, f"{path}{key} has no description"
            assert not field.is_required() or f"{path}{key}" == "dataset.name", path


def test_the_schema_and_the_tables_of_keys_are_those_of_the_models():
    again = "python -m daenr.config schema; python -m daenr.config tables"
    page = config.README.read_text(encoding="utf-8")
    assert config.SCHEMA.read_text(encoding="utf-8") == config.schema(), again
    assert page == config.tables(page), again


def test_the_tables_show_every_key_once():
    page = config.README.read_text(encoding="utf-8")
    shown = [
        line.split("`")[1] for line in page.splitlines() if line.startswith("| `") and "." not in line[:1]
    ]
    for path, section in sections():
        for key, field in section.model_fields.items():
            if not (isinstance(field.annotation, type) and issubclass(field.annotation, Section)):
                assert shown.count(f"{path}{key}") == 1, f"{path}{key}"


def test_the_schema_knows_the_models_of_the_registry():
    models = json.loads(config.schema())["properties"]["models"]
    assert models["items"]["enum"] == list(registry.model_names())
    assert models["uniqueItems"] is True


def test_a_readout_that_is_registered_later_can_be_asked_for(monkeypatch):
    with pytest.raises(ConfigError, match="'cae-new' is not one of"):
        validate({"models": ["cae-new"]})
    monkeypatch.setitem(registry.READOUTS, "new", "somewhere:New")
    assert validate({"models": ["cae-new"]}).models == ("cae-new",)
    assert "cae-new" in validate({}).models


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"trainnig": {}}, r"^trainnig: unknown key; did you mean 'training'"),
        ({"training": {"batchsize": 3}}, r"^training\.batchsize: unknown key; did you mean 'batch_size'"),
        ({"training": {"preset": "fast"}}, r"^training\.preset: unknown key"),
        ({"nothing-like-it": 3}, r"^nothing-like-it: unknown key; known keys are \['checkpoint_every', "),
        ({"training": {1: 2}}, r"^training\.1: unknown key"),
        ({"training": 5}, r"^training: 5 is not a section with keys"),
        ({"training": {"batch_size": "64"}}, r"^training\.batch_size: '64' is not a whole number"),
        ({"training": {"batch_size": 64.0}}, r"^training\.batch_size: 64\.0 is not a whole number"),
        ({"training": {"batch_size": True}}, r"^training\.batch_size: True is not a whole number"),
        ({"training": {"learning_rate": "1e-5"}}, r"^training\.learning_rate: '1e-5' is not a number"),
        ({"training": {"learning_rate": True}}, r"^training\.learning_rate: True is not a number"),
        ({"training": {"learning_rate": math.nan}}, r"^training\.learning_rate: nan should be a finite"),
        ({"training": {"learning_rate": math.inf}}, r"^training\.learning_rate: inf should be a finite"),
        ({"training": {"learning_rate": -1}}, r"^training\.learning_rate: -1 should be greater than 0"),
        ({"training": {"patience": 20}}, r"^training\.patience: 20 steps end before the first validation"),
        ({"training": {"validate_every": 2000}}, r"^training\.patience: 1000 steps end before the first val"),
        ({"model": {"fr_penalty": -0.1}}, r"^model\.fr_penalty: -0\.1 should be greater than or equal to 0"),
        ({"models": ["cae", "cea-fr"]}, r"^models\[1\]: 'cea-fr' is not one of \['cae', 'vae', "),
        ({"models": []}, r"^models: \[\] should have at least 1 item"),
        ({"focus_region": "region9"}, r"^focus_region: 'region9' is not one of regions"),
        ({"layers": ["h5"]}, r"^layers\[0\]: 'h5' is not one of \['h1', 'h2', 'h3', 'h4'\]"),
        ({"seeds": [1, 1]}, r"^seeds: \[1, 1\] has 1 more than once"),
        ({"seeds": [-1]}, r"^seeds\[0\]: -1 should be greater than or equal to 0"),
        ({"seeds": [1.0]}, r"^seeds\[0\]: 1\.0 is not a whole number"),
        ({"seeds": "[0, 1]"}, r"^seeds: '\[0, 1\]' is not a list"),
        ({"device": "gpu"}, r"^device: 'gpu' is not one of \['auto', 'cpu', 'cuda'\]"),
        ({"precision": "fp16"}, r"^precision: 'fp16' is not one of \['float32', 'bf16', 'auto'\]"),
        ({"split": {"validation_fraction": 1}}, r"^split\.validation_fraction: 1 should be less than 1"),
        ({"controls": ["capacity"]}, r"^controls\[0\]: 'capacity' is not one of \['shuffled', "),
        ({"regions": ["V1_left"]}, r"^regions\[0\]: 'V1_left' must be letters, digits, points and dashes"),
        ({"regions": [1]}, r"^regions\[0\]: 1 is not text; write it in quotes"),
        ({"dataset": {"layout": "simulated"}}, r"^dataset\.name: this key is required"),
        ({"dataset": {"name": "a; touch x"}}, r"^dataset\.name: 'a; touch x' must be letters, digits, "),
        ({"dataset": {"name": "x\n"}}, r"^dataset\.name: 'x\\n' must be letters"),
        ({"dataset": {"name": "../up"}}, r"^dataset\.name: "),
        ({"dataset": {"name": "x" * 65}}, r"^dataset\.name: 'x+' should have at most 64 characters"),
        ({"dataset": {"name": "x"}}, r"^dataset\.source: the layout antolik2016 needs"),
        ({"dataset": {"name": "x", "source": "a{b}.zip"}}, r"^dataset\.source: .*without braces"),
        ({"dataset": {"name": "x", "source": "a\tb.zip"}}, r"^dataset\.source: .*control characters"),
        ({"dataset": SIMULATED | {"mirrors": ["ftp://x"]}}, r"^dataset\.mirrors\[0\]: .*http"),
        ({"dataset": SIMULATED | {"intensity_range": [1, 0]}}, r"^dataset\.intensity_range: the first value"),
        ({"dataset": SIMULATED | {"simulation": {"sizes": {}}}}, r"^dataset\.simulation\.sizes: \{\} should"),
        (
            {"dataset": SIMULATED | {"simulation": {"sizes": {"a b": {}}}}},
            r"^dataset\.simulation\.sizes: 'a b' must be",
        ),
        ({"variants": {"a b": {"loss": {}}}}, r"^variants: 'a b' must be letters"),
        ({"weights": 5}, r"^weights: 5 is not a section with keys"),
        ({"weights": {"alpha": 1}}, r"^weights\.beta: this key is required"),
        ({"weights": {"alpha": 1, "beta": 0}}, r"^weights\.beta: 0 should be greater than 0"),
        ({"variants": {"weight-search": {"split": {"seed": 1}}}}, r"^variants: 'weight-search' is what"),
        ({"variants": {"x": {}}}, r"^variants: 'x' names no key that differs"),
        ({"variants": {"x": {"dataset": {}}}}, r"^variants\.x\.dataset: unknown key"),
        ({"variants": {"x": {"split": {"by_seed": 1}}}}, r"^variants\.x\.split\.by_seed: 1 "),
        ({"variants": {"x": {"loss": {"response": "max"}}}}, r"^variants\.x\.loss\.response: 'max' is not"),
        ({"loss": {"reduction": "mean"}}, r"^loss\.reduction: unknown key; did you mean 'reconstruction'"),
        ({"training": {"stop_on": "penalty"}}, r"^training\.stop_on: 'penalty' is not one of"),
        ({"model": {"mask_sign": "negative"}}, r"^model\.mask_sign: 'negative' is not one of"),
        ({"variants": {"x": {"training": {"batchsize": 8}}}}, r"^variants\.x\.training\.batchsize: unknown"),
    ],
)
def test_a_mistake_is_named_with_its_path(written, complaint):
    with pytest.raises(ConfigError, match=complaint) as error:
        validate(written)
    assert "\n" not in str(error.value)


def test_a_variant_changes_its_keys_and_keeps_the_configs_others():
    written = {
        "training": {"batch_size": 32, "patience": 77},
        "variants": {"wide": {"training": {"batch_size": 128}}},
    }
    found = validate(written)
    assert found.variants["wide"].training == TrainingSettings(batch_size=128, patience=77)
    assert found.variants["wide"].loss == found.loss


def test_a_variants_settings_are_checked_together_with_the_configs():
    variant = {"training": {"patience": 60}}
    assert validate({"variants": {"x": variant}})
    with pytest.raises(ConfigError, match=r"^variants\.x\.training\.patience: 60 steps end before"):
        validate({"training": {"validate_every": 80}, "variants": {"x": variant}})


def longest(name):
    """The longest text that a kind of name in the config allows."""
    (limit,) = (found.max_length for found in name.__metadata__[0].metadata if hasattr(found, "max_length"))
    return "x" * limit


def test_the_longest_names_make_files_that_every_file_system_takes():
    weight = 1.2345678901234567e-100
    runs = [
        Run(
            longest(config.DatasetName),
            longest(config.RegionName),
            model,
            "h4",
            weight,
            weight,
            neurons,
            2**32 - 1,
            control,
            longest(config.VariantName),
        )
        for model, neurons, control in product(registry.joint_names(), NEURONS, registry.CONTROLS)
    ]
    temporary = len(".") + len(".12345678")
    assert max(len(f"{run.name}.log".encode()) for run in runs) + temporary <= 255
