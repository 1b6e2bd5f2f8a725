"""The file tree of Sensorium: trials are grouped by image, tiers are kept apart; what is unsound is refused by name."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from daenr.config import NeuronSettings
from daenr.data.archive import ArchiveError
from daenr.data.layouts import sensorium
from daenr.data.neurons import choose, signal_to_noise
from daenr.data.preprocessing import preprocess
from daenr.statistics.ceilings import oracle_correlation

HEIGHT, WIDTH, NEURONS = 6, 9, 5
TIERS = ["train"] * 8 + ["validation"] * 3 + ["test"] * 9 + ["final_test"] * 2
IMAGE_IDS = [*range(100, 106), 100, 101, *range(200, 203), *[7, 3, 5] * 3, 900, 901]
"""Of the trials in their order: images 100 and 101 were shown twice for training, 3, 5 and 7 thrice for testing."""

Trees = dict[str, np.ndarray]


def arrays(seed: int = 0) -> Trees:
    """A sound tree, trials in a random order."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(TIERS))
    pictures = {image: rng.uniform(0, 255, (1, HEIGHT, WIDTH)).astype("f4") for image in IMAGE_IDS}
    tree: Trees = {
        "meta/trials/tiers.npy": np.array(TIERS)[order],
        "meta/trials/frame_image_id.npy": np.array(IMAGE_IDS)[order],
        "meta/neurons/unit_ids.npy": np.arange(NEURONS) * 10 + 3,
    }
    for trial, position in enumerate(order):
        tree[f"data/images/{trial}.npy"] = pictures[IMAGE_IDS[position]]
        tree[f"data/responses/{trial}.npy"] = rng.gamma(1.0, size=NEURONS).astype("f4")
    return tree


def write(folder: Path, tree: Trees) -> Path:
    for name, values in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / name, values)
    return folder


def read(source: Path, region: str = "v1", **keys: bool):
    return sensorium.read(source, region, **{"alone": True, "gray": False, **keys})


def refused(source: Path, region: str = "v1", **keys: bool) -> str:
    with pytest.raises(ArchiveError) as caught:
        read(source, region, **keys)
    return str(caught.value)


def test_trials_are_grouped_by_their_image(tmp_path: Path) -> None:
    tree = arrays()
    recording = read(write(tmp_path, tree))
    tier, ids = tree["meta/trials/tiers.npy"], tree["meta/trials/frame_image_id.npy"]
    assert recording.test_trials.shape == (3, 3, NEURONS)
    for position, image in enumerate([3, 5, 7]):
        trials = [trial for trial in range(len(ids)) if ids[trial] == image]
        np.testing.assert_array_equal(
            recording.test_trials[:, position], [tree[f"data/responses/{trial}.npy"] for trial in trials]
        )
        np.testing.assert_array_equal(
            recording.test_images[position], tree[f"data/images/{trials[0]}.npy"][0]
        )
    trained = [trial for trial in range(len(ids)) if tier[trial] in ("train", "validation")]
    np.testing.assert_array_equal(
        recording.training_responses, [tree[f"data/responses/{trial}.npy"] for trial in trained]
    )
    np.testing.assert_array_equal(
        recording.training_images, [tree[f"data/images/{trial}.npy"][0] for trial in trained]
    )
    np.testing.assert_array_equal(recording.is_validation[~recording.is_test], tier[trained] == "validation")
    np.testing.assert_array_equal(recording.unit_id, [3, 13, 23, 33, 43])


def test_tiers_that_are_none_of_ours_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = arrays()
    hidden = np.flatnonzero(tree["meta/trials/tiers.npy"] == "final_test")[0]
    del tree[f"data/responses/{hidden}.npy"]
    assert len(read(write(tmp_path, tree)).responses) == 20
    assert "v1: left out 2 of 22 trials" in capsys.readouterr().out


def test_a_zip_a_folder_and_a_tree_further_down_are_one_recording(tmp_path: Path) -> None:
    folder = write(tmp_path / "tree", arrays())
    expected = read(folder)
    shutil.make_archive(str(tmp_path / "flat"), "zip", folder)
    shutil.make_archive(str(tmp_path / "several/v1"), "zip", tmp_path, "tree")
    for source in (tmp_path / "flat.zip", tmp_path / "several/v1.zip", tmp_path / "several"):
        found = read(source, alone=source.is_file())
        np.testing.assert_array_equal(found.responses, expected.responses)
        assert found.sha256 == expected.sha256


def test_a_damaged_region_is_refused_only_where_it_is_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "both"
    expected = read(write(folder / "left", arrays())).responses
    for file in write(folder / "right", arrays()).rglob("*.npy"):
        file.write_bytes(b"damaged")
    shutil.make_archive(str(folder), "zip", folder)
    (folder / "bad.zip").write_bytes(b"damaged")
    for source in (folder, tmp_path / "both.zip"):
        np.testing.assert_array_equal(read(source, "left", alone=False).responses, expected)
        assert "tiers.npy: is not an npy array" in refused(source, "right", alone=False)
    assert "bad.zip: is no zip file" in refused(folder, "bad", alone=False)


def test_regions_are_the_folders_that_bear_their_names(tmp_path: Path) -> None:
    write(tmp_path / "left", arrays(1))
    write(tmp_path / "right", arrays(2))
    shutil.make_archive(str(tmp_path / "both"), "zip", tmp_path)
    for source in (tmp_path, tmp_path / "both.zip"):
        for region in ("left", "right"):
            expected = read(tmp_path / region)
            np.testing.assert_array_equal(read(source, region, alone=False).responses, expected.responses)
    assert "['left/', 'right/'], of which none or several are region 'v1'" in refused(tmp_path)
    assert "name each region after the folder" in refused(tmp_path / "left", "v1", alone=False)


def test_its_validation_trials_are_the_validation_set_unless_told_otherwise(tmp_path: Path) -> None:
    recording = read(write(tmp_path, arrays()))

    def prepared(own_validation: bool):
        return preprocess(
            recording,
            dataset="x",
            source="x",
            intensity_range=(0.0, 255.0),
            validation_fraction=0.5,
            split_seed=0,
            blur=2.0,
            fit="stretch",
            own_validation=own_validation,
        )

    own = prepared(True)
    kept = recording.is_validation[~recording.is_test]
    np.testing.assert_array_equal(
        own.validation_responses, recording.training_responses[kept].astype(np.float32)
    )
    assert own.attributes["own_validation"]
    assert own.attributes["counts"]["train_distinct"] == 6
    assert prepared(False).attributes["counts"]["validation_distinct"] == round((6 + 3) / 2)


def test_colours_become_gray_where_that_is_wanted(tmp_path: Path) -> None:
    tree, rng = arrays(), np.random.default_rng(0)
    pictures = {image: rng.integers(0, 256, (3, HEIGHT, WIDTH)).astype("u1") for image in IMAGE_IDS}
    for trial, image in enumerate(tree["meta/trials/frame_image_id.npy"]):
        tree[f"data/images/{trial}.npy"] = pictures[image]
    source = write(tmp_path, tree)
    assert "dataset.gray: true" in refused(source)
    red, green, blue = pictures[3].astype(float)
    np.testing.assert_allclose(
        read(source, gray=True).test_images[0], 0.2125 * red + 0.7154 * green + 0.0721 * blue, rtol=1e-12
    )


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("meta/trials/tiers.npy", None, "tiers.npy below [], of which none"),
        ("meta/trials/frame_image_id.npy", None, "lacks meta/trials/frame_image_id.npy"),
        ("meta/trials/tiers.npy", lambda tier: tier[:-1], "tiers.npy has 21 trials, meta/trials/frame"),
        ("meta/trials/tiers.npy", lambda tier: np.arange(len(tier)), "tiers.npy: int64 of shape (22,), needs text"),
        ("meta/trials/tiers.npy", lambda tier: np.full(len(tier), "train"), "0 of 22 trials are for testing"),
        ("meta/trials/frame_image_id.npy", lambda ids: ids * 0, "show different images, but have the number 0"),
        ("meta/neurons/unit_ids.npy", lambda ids: ids[:-1], "has 4 neurons, data/responses/N.npy 5"),
        ("data/responses/*.npy", lambda values: values * 0, "every response to a test image is 0"),
        ("data/responses/*.npy", lambda values: values * np.inf, "no finite number in float32 in trial 0"),
        ("data/images/*.npy", lambda values: np.concatenate([values, values]), "(20, 2, 6, 9), of which not one"),
    ],
)  # fmt: skip
def test_what_is_unsound_is_refused_by_name(tmp_path: Path, name: str, change, told: str) -> None:
    tree = arrays()
    pattern = re.compile(name.replace("*", r"\d+"))
    for each in [each for each in tree if pattern.fullmatch(each)]:
        values = tree.pop(each)
        if change is not None:
            tree[each] = change(values)
    message = refused(write(tmp_path / "tree", tree))
    assert message.startswith(f"{tmp_path / 'tree'}: ")
    assert told in message


# ---- which neurons ------------------------------------------------------------------------------------


def test_neurons_are_chosen_by_list_score_and_number(tmp_path: Path) -> None:
    recording = read(write(tmp_path, arrays()))
    assert choose(recording, NeuronSettings()).responses.shape == recording.responses.shape
    listed = choose(recording, NeuronSettings(ids=(33, 13)))
    np.testing.assert_array_equal(listed.unit_id, [13, 33])
    np.testing.assert_array_equal(listed.responses, recording.responses[:, [1, 3]])
    oracle = oracle_correlation(recording.test_trials)
    lowest = float(np.sort(oracle)[2])
    np.testing.assert_array_equal(
        choose(recording, NeuronSettings(oracle=lowest)).unit_id, recording.unit_id[oracle >= lowest]
    )
    drawn = choose(recording, NeuronSettings(oracle=lowest, number=2, seed=4))
    assert set(drawn.unit_id) < set(recording.unit_id[oracle >= lowest])
    assert len({tuple(choose(recording, NeuronSettings(number=2, seed=s)).unit_id) for s in range(9)}) > 2


def test_signal_to_noise_is_that_of_the_cells() -> None:
    rng = np.random.default_rng(0)
    ratios = np.array([0.25, 1.0, 4.0])
    trials = rng.normal(size=(2000, 3)) * np.sqrt(ratios) + rng.normal(size=(20, 2000, 3))
    np.testing.assert_allclose(signal_to_noise(trials), ratios, rtol=0.15)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"ids": (13, 14)},
            r"neurons.ids: \[14\] are no neurons of the recording, which has 5, from 3 to 43",
        ),
        ({"number": 6}, "number: 6 neurons, but there are 5"),
        ({"oracle": 2.0}, "leaves none of 5 neurons"),
    ],
)
def test_a_choice_that_leaves_nothing_is_refused(tmp_path: Path, settings, told: str) -> None:
    recording = read(write(tmp_path, arrays()))
    with pytest.raises(ValueError, match=told):
        choose(recording, NeuronSettings(**settings))
