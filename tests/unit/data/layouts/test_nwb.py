"""Files that pynwb writes and its validator accepts: presentations as IndexSeries or table, spikes or fluorescence."""

import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daenr.config import NwbSettings
from daenr.data.archive import ArchiveError
from daenr.data.layouts import nwb
from daenr.data.recording import Recording

pynwb = pytest.importorskip("pynwb")
# hdmf says so of a table region that is yet to be added to the file.
pytestmark = pytest.mark.filterwarnings("ignore:The linked table:UserWarning")

HEIGHT, WIDTH, NEURONS, RATE = 5, 8, 3, 20.0
SHOWN = np.array([*range(6), 8, 6, 7, 8, 6, 7])
ONSET = 0.5 + 0.75 * np.arange(len(SHOWN))
LONG = 0.5
PICTURES = np.random.default_rng(0).integers(0, 256, (9, HEIGHT, WIDTH)).astype("u1")
SPIKES = [np.sort(np.random.default_rng(unit).uniform(0, 10, 90)) for unit in range(NEURONS)]
TIMES = 0.1 + np.arange(200) / RATE
FLUORESCENCE = np.random.default_rng(7).gamma(1.0, size=(200, NEURONS))
TIERS = ["train"] * 5 + ["validation"] + ["test"] * 6


def empty() -> Any:
    return pynwb.NWBFile(
        session_description="a recording", identifier="x", session_start_time=datetime(2026, 1, 1, tzinfo=UTC)
    )


def with_images(file: Any, colour: bool = False, order: bool = True) -> Any:
    """The pictures, under names whose order is not theirs."""
    from pynwb.base import ImageReferences, Images
    from pynwb.image import GrayscaleImage, RGBImage

    kind = RGBImage if colour else GrayscaleImage
    data = np.stack([PICTURES, PICTURES[::-1], PICTURES // 2], axis=-1) if colour else PICTURES
    images = [kind(name=f"picture{8 - number}", data=picture) for number, picture in enumerate(data)]
    references = ImageReferences(name="order_of_images", data=images) if order else None
    container = Images(name="natural", images=images, description="pictures", order_of_images=references)
    file.add_stimulus_template(container)
    return container


def with_series(file: Any, container: Any) -> None:
    from pynwb.image import IndexSeries

    file.add_stimulus(
        IndexSeries(
            name="shown", data=SHOWN.astype("u4"), indexed_images=container, unit="N/A", timestamps=ONSET
        )
    )


def with_trials(file: Any, names: bool = False) -> None:
    file.add_trial_column(name="image", description="what was shown")
    file.add_trial_column(name="purpose", description="what for")
    for onset, image, tier in zip(ONSET, SHOWN, TIERS, strict=True):
        shown = f"picture{8 - image}" if names else int(image)
        file.add_trial(start_time=onset, stop_time=onset + LONG, image=shown, purpose=tier)


def with_units(file: Any) -> None:
    for unit, spikes in enumerate(SPIKES):
        file.add_unit(spike_times=spikes, id=unit + 40)


def with_fluorescence(file: Any) -> None:
    from pynwb.ophys import Fluorescence, ImageSegmentation, OpticalChannel, RoiResponseSeries

    plane = file.create_imaging_plane(
        name="plane",
        optical_channel=OpticalChannel(name="channel", description="green", emission_lambda=500.0),
        description="layer 2/3",
        device=file.create_device(name="microscope"),
        excitation_lambda=900.0,
        indicator="GCaMP",
        location="V1",
    )
    segmentation = ImageSegmentation()
    module = file.create_processing_module(name="ophys", description="calcium imaging")
    module.add(segmentation)
    cells = segmentation.create_plane_segmentation(name="cells", imaging_plane=plane, description="cells")
    for cell in range(NEURONS):
        cells.add_roi(pixel_mask=[(cell, cell, 1.0)], id=cell + 70)
    rois = cells.create_roi_table_region(description="all", region=[2, 0, 1])
    series = RoiResponseSeries(
        name="deconvolved", data=FLUORESCENCE, rois=rois, unit="a.u.", rate=RATE, starting_time=TIMES[0]
    )
    module.add(Fluorescence(roi_response_series=series))


def write(folder: Path, file: Any) -> Path:
    """Write, and see that the validator has nothing to say."""
    path = folder / "recording.nwb"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pynwb.NWBHDF5IO(path, "w") as target:
            target.write(file)
        errors = pynwb.validate(path=str(path))
    assert not errors, errors
    return path


def read(
    source: Path, region: str = "v1", *, alone: bool = True, gray: bool = False, **keys: Any
) -> Recording:
    return nwb.read(source, region, alone=alone, nwb=NwbSettings(**keys).model_dump(mode="json"), gray=gray)


def counted(begin: float, end: float) -> np.ndarray:
    return np.array(
        [[((t + begin <= spikes) & (spikes < t + end)).sum() for spikes in SPIKES] for t in ONSET]
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording with an index series and units."""
    file = empty()
    with_series(file, with_images(file))
    with_units(file)
    return write(tmp_path_factory.mktemp("shown"), file)


def test_an_index_series_and_units_need_no_key(shown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = read(shown)
    np.testing.assert_array_equal(recording.images, PICTURES)
    np.testing.assert_array_equal(recording.image_of_trial, SHOWN)
    np.testing.assert_array_equal(recording.is_test, SHOWN >= 6)
    np.testing.assert_array_equal(recording.responses, counted(0.0, 0.75))
    np.testing.assert_array_equal(recording.unit_id, [40, 41, 42])
    assert recording.test_trials.shape == (2, 3, NEURONS)
    assert (
        "9 images of 5 x 8, 12 presentations, 6 for testing; responses from 0 to 0.75 s"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize("names", [False, True])
def test_a_table_of_trials_and_fluorescence(tmp_path: Path, names: bool) -> None:
    file = empty()
    with_images(file, order=not names)
    with_trials(file, names)
    with_fluorescence(file)
    source = write(tmp_path, file)
    recording = read(source, tier="purpose")
    np.testing.assert_array_equal(recording.images[recording.image_of_trial], PICTURES[SHOWN])
    np.testing.assert_array_equal(recording.is_test, np.array(TIERS) == "test")
    np.testing.assert_array_equal(recording.is_validation, np.array(TIERS) == "validation")
    np.testing.assert_array_equal(recording.unit_id, [72, 70, 71])
    for window in ((0.0, LONG), (0.1, 0.3)):
        means = [FLUORESCENCE[(t + window[0] <= TIMES) & (t + window[1] > TIMES)].mean(0) for t in ONSET]
        np.testing.assert_allclose(read(source, tier="purpose", window=window).responses, means, rtol=1e-12)
    np.testing.assert_allclose(
        recording.responses, read(source, tier="purpose", window=(0.0, LONG)).responses
    )


def test_of_several_the_config_names_one(tmp_path: Path) -> None:
    file = empty()
    with_series(file, with_images(file))
    with_trials(file)
    with_units(file)
    with_fluorescence(file)
    source = write(tmp_path, file)
    with pytest.raises(
        ArchiveError, match=r"\['deconvolved', 'units'\]; name one of them in dataset.nwb.responses"
    ):
        read(source)
    counts = read(source, responses="units", presentations="trials", window=(0.0, LONG)).responses
    np.testing.assert_array_equal(counts, counted(0.0, LONG))
    with pytest.raises(ArchiveError, match=r"columns .*'purpose'.*, none 'picture'; set dataset.nwb.image"):
        read(source, responses="units", presentations="trials", image="picture")
    with pytest.raises(ArchiveError, match=r"\['shown', 'trials'\]; name one .* 'films'"):
        read(source, responses="units", presentations="films")


def test_colours_and_axes_are_as_the_config_says(tmp_path: Path) -> None:
    file = empty()
    with_series(file, with_images(file, colour=True))
    with_units(file)
    source = write(tmp_path, file)
    with pytest.raises(ArchiveError, match=r"natural: .* in colour; set dataset.gray: true"):
        read(source)
    expected = np.tensordot([0.2125, 0.7154, 0.0721], [PICTURES, PICTURES[::-1], PICTURES // 2], 1)
    np.testing.assert_allclose(read(source, gray=True).images, expected, rtol=1e-12)
    turned = read(source, gray=True, image_axes="width-height").images
    np.testing.assert_allclose(turned, expected.transpose(0, 2, 1), rtol=1e-12)


def test_numbers_without_an_order_are_refused(tmp_path: Path) -> None:
    file = empty()
    with_images(file, order=False)
    with_trials(file)
    with_units(file)
    with pytest.raises(ArchiveError, match="natural: lacks order_of_images"):
        read(write(tmp_path, file))


def test_regions_are_files_of_a_folder(shown: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="more than one region is asked for"):
        read(shown, alone=False)
    (tmp_path / "bad.nwb").write_bytes(b"damaged")
    (tmp_path / "recording.nwb").symlink_to(shown)
    assert read(tmp_path, "recording", alone=False).region == "recording"
    with pytest.raises(ArchiveError, match=r"bad.nwb: is no zip file, needs an NWB file"):
        read(tmp_path, "bad", alone=False)
    with pytest.raises(ArchiveError, match=r"is a folder, needs an NWB file v1.nwb"):
        read(tmp_path)


def test_without_pynwb_it_says_what_to_install(shown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynwb", None)
    with pytest.raises(ArchiveError, match=r"pip install -e '.\[nwb\]'"):
        read(shown)
