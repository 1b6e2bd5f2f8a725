"""Hundreds of damaged and hostile archives: each is refused in our words or read as what it holds."""

import io
import pickle
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daenr.data import archive
from daenr.data.archive import ArchiveError
from daenr.data.layouts import antolik2016
from daenr.data.recording import Recording

REPEATS, TRAIN, TEST, PIXELS, NEURONS = 2, 5, 3, 9, 4
FIELDS = {
    "training_inputs": "training_images",
    "training_set": "training_responses",
    "validation_inputs": "test_images",
    "raw_validation_set": "test_trials",
}

# The same archives every time; the folder is shared, since each example overwrites the one before.
mutated = settings(
    derandomize=True,
    database=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

Arrays = dict[str, np.ndarray]
Edit = Callable[[Arrays, dict[str, bytes]], None]


class Exploding:
    """Were it unpickled, the test would fail."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return pytest.fail, ("was unpickled",)


def arrays() -> Arrays:
    rng = np.random.default_rng(0)
    trials = rng.gamma(1.0, size=(REPEATS, TEST, NEURONS))
    return {
        "training_inputs": rng.random((TRAIN, PIXELS)),
        "training_set": rng.gamma(1.0, size=(TRAIN, NEURONS)),
        "validation_inputs": rng.random((TEST, PIXELS)),
        "validation_set": (trials[0] + trials[1]) / 2,
        "raw_validation_set": trials,
    }


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def pack(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return stream.getvalue()


def member(stem: str) -> str:
    return f"Data/region1/{stem}.npy"


def read(path: Path, content: bytes) -> Recording | None:
    """What is read of an archive, or None if it is refused: in one line that begins with its name."""
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy warns of headers that it can hardly read
        try:
            recording = antolik2016.read(path, "region1")
            archive.verify(path, None)
        except ArchiveError as error:
            refusal = str(error)
        else:
            return recording
    assert re.fullmatch(rf"{re.escape(str(path))}: .+; .+", refusal), refusal  # what is wrong; what to do
    return None


# ---- damage to the file -------------------------------------------------------------------------------

SOUND = {member(stem): npy(array) for stem, array in arrays().items()}
ZIPS = [pack(SOUND, zipfile.ZIP_DEFLATED), pack(SOUND, zipfile.ZIP_STORED)]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sound zip in which up to three stretches are overwritten, cut out, doubled or moved to the end."""
    content = draw(st.sampled_from(ZIPS))
    for _ in range(draw(st.integers(1, 3))):
        # Half of the damage goes to the directory at the end, which says where and how long everything is.
        first = draw(st.integers(0, len(content)) | st.integers(max(0, len(content) - 500), len(content)))
        last = min(len(content), first + draw(st.integers(0, 8) | st.integers(0, 2000)))
        before, stretch, after = content[:first], content[first:last], content[last:]
        content = draw(
            st.sampled_from([before, before + after, before + 2 * stretch + after, before + after + stretch])
            | st.binary(min_size=1, max_size=8).map(lambda new, b=before, a=after: b + new + a)
        )
    return content


@mutated
@given(content=damaged())
def test_damage_is_refused_or_harmless(tmp_path: Path, content: bytes) -> None:
    recording = read(tmp_path / "damaged.zip", content)
    if recording is not None:
        for stem, field in FIELDS.items():
            expected = arrays()[stem]
            np.testing.assert_array_equal(getattr(recording, field).reshape(expected.shape), expected)


# ---- sound zips with other contents -------------------------------------------------------------------

STEMS = st.sampled_from(list(arrays()))
TYPES = [
    "<f8",
    ">f8",
    "<f4",
    "<f2",
    "<i8",
    ">i4",
    "|i1",
    "|u1",
    "<f16",
    "|b1",
    "<c16",
    "|S1",
    "<U3",
    "|O",
    "<m8[s]",
]
VALUES = [np.nan, np.inf, -np.inf, -1.0, -0.0, 0.0, 1e-320, 1e39, 1.0]


def set_value(stem: str, index: int, value: float) -> Edit:
    return lambda region, _: region[stem].flat.__setitem__(index % max(1, region[stem].size), value)


def set_type(stem: str, dtype: str) -> Edit:
    def edit(region: Arrays, _: dict[str, bytes]) -> None:
        with np.errstate(all="ignore"):
            region[stem] = region[stem].astype(dtype)

    return edit


def set_shape(stem: str, axis: int, size: int) -> Edit:
    """Cut or repeat an axis; beyond the axes, add one."""

    def edit(region: Arrays, _: dict[str, bytes]) -> None:
        array = region[stem]
        region[stem] = np.resize(array, (*array.shape[:axis], size, *array.shape[axis + 1 :]))

    return edit


def set_order(stem: str) -> Edit:
    return lambda region, _: region.update({stem: np.asfortranarray(region[stem])})


def set_content(stem: str, content: bytes) -> Edit:
    return lambda _, members: members.update({member(stem): content})


def set_header(stem: str, position: int, new: bytes) -> Edit:
    """Overwrite something in the header of an array; the zip's checksum is right."""

    def edit(region: Arrays, members: dict[str, bytes]) -> None:
        whole = npy(region[stem])
        members[member(stem)] = whole[:position] + new + whole[position + len(new) :]

    return edit


def rename(stem: str, name: str) -> Edit:
    return lambda region, members: members.update({name: npy(region.pop(stem)) if stem in region else b""})


FOREIGN = [
    b"",
    b"\x93NUMPY",
    npy(np.array([Exploding()], dtype=object)),
    pickle.dumps(Exploding()),
    b"PK\x03\x04",
    npy(np.ones((TRAIN, NEURONS)))[:-1],
]
NAMES = [
    "../x.npy",
    "/x.npy",
    "Data/region1/other.npy",
    "Data/region1/training_set.npy/",
    "C:\\x",
    "x\0y",
    "Data//",
]
HEADERS = [
    b"<f4",
    b">f8",
    b"|O8",
    b"True",
    b"-",
    b"9",
    b"(",
    b"}",
    b"\0",
    b"\n",
    b"\\",
    b"1e9",
    b"\xff",
    b"'",
    b"L",
]

EDITS = st.one_of(
    st.builds(set_value, STEMS, st.integers(0, 30), st.sampled_from(VALUES)),
    st.builds(set_type, STEMS, st.sampled_from(TYPES)),
    st.builds(set_shape, STEMS, st.integers(0, 3), st.integers(0, 6)),
    st.builds(set_order, STEMS),
    st.builds(set_content, STEMS, st.sampled_from(FOREIGN) | st.binary(max_size=200)),
    st.builds(set_header, STEMS, st.integers(0, 130), st.sampled_from(HEADERS) | st.binary(max_size=2)),
    st.builds(rename, STEMS, st.sampled_from(NAMES)),
)


@mutated
@given(edits=st.lists(EDITS, min_size=1, max_size=3))
def test_other_contents_are_refused_or_read_as_they_stand(tmp_path: Path, edits: list[Edit]) -> None:
    region, members = arrays(), {}
    for edit in edits:
        try:
            edit(region, members)
        except (
            KeyError,
            IndexError,
            ValueError,
            TypeError,
        ):  # an edit that does not go with the one before it
            return
    members = {member(stem): npy(array) for stem, array in region.items()} | members
    recording = read(tmp_path / "other.zip", pack(members))
    if recording is None:
        return
    for stem, field in FIELDS.items():
        values = getattr(recording, field)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            published = np.load(io.BytesIO(members[member(stem)]), allow_pickle=False)
        np.testing.assert_array_equal(values.reshape(published.shape), published.astype(np.float64))
        assert np.isfinite(values).all()
    assert recording.training_responses.min() >= 0
    assert recording.test_trials.min() >= 0
    assert len(recording.training_images) == len(recording.training_responses)
    assert recording.test_trials.shape[1:] == (
        len(recording.test_images),
        recording.training_responses.shape[1],
    )
