"""Fetching: a whole archive or nothing, and one line that says why; all servers are on the loopback."""

import hashlib
import io
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from daenr.data import download
from daenr.data.archive import ArchiveError, Fingerprint, Manifest, git_blob_sha1
from daenr.data.download import fetch, fetched_from, is_local, locate

REPOSITORY = Path(__file__).parents[3]
HTML = b"\n<!DOCTYPE html><html>Please accept our cookies</html>"


def contents() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    trials = rng.random((2, 3, 4))
    region = {
        "training_inputs": rng.random((5, 9)),
        "training_set": rng.random((5, 4)),
        "validation_inputs": rng.random((3, 9)),
        "validation_set": (trials[0] + trials[1]) / 2,
        "raw_validation_set": trials,
    }
    members = {}
    for stem, array in region.items():
        stream = io.BytesIO()
        np.save(stream, array)
        members[f"Data/region1/{stem}.npy"] = stream.getvalue()
    return members


def pack(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        for name, content in members.items():
            target.writestr(name, content)
    return stream.getvalue()


GOOD = pack(contents())
MANIFEST = {name: Fingerprint(len(data), git_blob_sha1(data)) for name, data in contents().items()}
FLIPPED = bytearray(GOOD)
FLIPPED[300] ^= 1

Answer = tuple[int, bytes] | tuple[int, bytes, dict[str, str]]


class Site:
    """A web server on the loopback that gives each path's answers in turn, the last one for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.requests.append(self.path)
                answers = site.answers[self.path]
                status, body, *headers = answers.pop(0) if len(answers) > 1 else answers[0]
                if status == 0:
                    return  # the connection is closed without a word
                self.send_response(status)
                for name, value in (
                    {"Content-Length": str(len(body))} | (headers[0] if headers else {})
                ).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    def serve(self, path: str, *answers: Answer) -> str:
        """Give these answers at a path; returns its address."""
        self.answers[path] = list(answers)
        return f"http://127.0.0.1:{self.server.server_port}{path}"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    site = Site()
    site.thread.start()
    yield site
    site.server.shutdown()
    site.thread.join()
    site.server.server_close()


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "data" / "recording.zip"


def failure(
    destination: Path, *addresses: str, manifest: Manifest | None = MANIFEST, retries: int = 2
) -> str:
    """Why fetching failed: one line, which leaves nothing behind and says what to do."""
    with pytest.raises(ArchiveError) as caught:
        fetch(addresses[0], destination, manifest, addresses[1:], retries=retries, backoff=0.001, timeout=5.0)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{destination}: could not be fetched")
    assert f"put the file from {addresses[0]} at data/NAME.zip by hand" in message
    assert "--configfile config/demo.yaml" in message
    assert not list(destination.parent.glob("*"))
    return message


# ---- where it is --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "local"),
    [
        ("doi:10.1371/journal.pcbi.1004927.s001", False),
        ("DOI:10.1371/x", False),
        ("https://example.org/x.zip", False),
        ("HTTP://example.org/x.zip", False),
        ("data/x.zip", True),
        ("/data/x.zip", True),
        ("doi.zip", True),
    ],
)
def test_a_path_is_told_from_an_address(source: str, local: bool) -> None:
    assert is_local(source) is local


def test_a_doi_becomes_an_address_and_mirrors_follow() -> None:
    assert locate("doi:10.1371/journal.pcbi.1004927.s001", ["https://example.org/a?type=x&id=1"]) == [
        "https://doi.org/10.1371/journal.pcbi.1004927.s001",
        "https://example.org/a?type=x&id=1",
    ]
    assert locate("http://example.org/x.zip") == ["http://example.org/x.zip"]


@pytest.mark.parametrize(
    "source", ["", "lab/x.zip", "doi:", "doi:11.1/x", "doi:10.1371", "ftp://example.org/x", "https://"]
)
def test_a_malformed_source_is_refused_with_the_forms_there_are(source: str) -> None:
    with pytest.raises(ValueError, match=r"must be doi:10\.xxxx/name or an http") as caught:
        locate(source)
    assert repr(source) in str(caught.value)


def test_a_malformed_mirror_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got 'mirror\.zip'"):
        locate("https://example.org/x.zip", ["mirror.zip"])


# ---- how it gets here ---------------------------------------------------------------------------------


@pytest.mark.parametrize("manifest", [MANIFEST, None])
def test_an_archive_takes_the_place_of_what_was_there(
    site: Site, destination: Path, manifest: Manifest | None
) -> None:
    destination.parent.mkdir()
    destination.write_bytes(FLIPPED)
    fetch(site.serve("/a.zip", (200, GOOD)), destination, manifest)
    assert destination.read_bytes() == GOOD
    assert site.requests == ["/a.zip"]
    assert list(destination.parent.iterdir()) == [destination]


def test_redirections_are_followed(site: Site, destination: Path) -> None:
    there = site.serve("/a.zip", (200, GOOD))
    address = site.serve("/doi", (302, b"", {"Location": there}))
    fetch(address, destination, MANIFEST)
    assert destination.read_bytes() == GOOD


def test_progress_goes_to_standard_error(
    site: Site, destination: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(site.serve("/a.zip", (200, GOOD)), destination, MANIFEST)
    printed = capsys.readouterr()
    assert "100%" in printed.err
    assert printed.out == ""


def test_not_found_is_final(site: Site, destination: Path) -> None:
    address = site.serve("/a.zip", (404, HTML))
    assert f"{address}: HTTP 404 Not Found" in failure(destination, address)
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    "trouble",
    [(500, b"oops"), (503, b""), (429, b""), (0, b""), (200, GOOD[:200], {"Content-Length": str(len(GOOD))})],
    ids=["500", "503", "429", "dropped", "truncated"],
)
def test_a_failure_that_passes_is_tried_again(site: Site, destination: Path, trouble: Answer) -> None:
    address = site.serve("/a.zip", trouble, trouble, (200, GOOD))
    fetch(address, destination, MANIFEST, retries=2, backoff=0.001)
    assert destination.read_bytes() == GOOD
    assert len(site.requests) == 3


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ((500, b"oops"), "HTTP 500 Internal Server Error"),
        ((0, b""), "no connection"),
        ((200, GOOD[:200], {"Content-Length": str(len(GOOD))}), "dropped before the end"),
    ],
)
def test_a_failure_that_stays_ends_after_the_retries(
    site: Site, destination: Path, trouble: Answer, reason: str
) -> None:
    address = site.serve("/a.zip", trouble)
    assert reason in failure(destination, address, retries=2)
    assert len(site.requests) == 3


def test_waiting_doubles(site: Site, destination: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(download.time, "sleep", waits.append)
    with pytest.raises(ArchiveError):
        fetch(site.serve("/a.zip", (500, b"")), destination, MANIFEST, retries=3, backoff=0.5)
    assert waits == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (HTML, "a web page came instead of a zip file"),
        (b"", "cannot be read as a zip file"),
        (GOOD[:-100], "cannot be read as a zip file"),
        (bytes(FLIPPED), "cannot be read"),
    ],
    ids=["html", "empty", "cut", "flipped"],
)
@pytest.mark.parametrize("manifest", [MANIFEST, None])
def test_what_is_no_whole_archive_is_never_put_in_place(
    site: Site, destination: Path, body: bytes, reason: str, manifest: Manifest | None
) -> None:
    address = site.serve("/a.zip", (200, body))
    assert reason in failure(destination, address, manifest=manifest)


@pytest.mark.parametrize("start", [b"\x89HDF\r\n\x1a\n", b"MATLAB 7.3 MAT-file", b"MATLAB 5.0 MAT-file"])
def test_a_single_file_of_another_layout_is_taken_unless_a_manifest_wants_a_zip(
    site: Site, destination: Path, start: bytes
) -> None:
    address = site.serve("/a", (200, start + bytes(600)))
    assert "cannot be read as a zip file" in failure(destination, address)
    fetch(address, destination, None)
    assert destination.read_bytes().startswith(start)


def test_another_archive_than_the_manifests_is_refused(site: Site, destination: Path) -> None:
    members = contents()
    name = "Data/region1/training_set.npy"
    members[name] = members[name][:-1] + b"\x01"
    address = site.serve("/a.zip", (200, pack(members)))
    assert f"{name} has hash" in failure(destination, address)


@pytest.mark.parametrize(
    "answer",
    [
        (200, GOOD, {"Content-Length": "many"}),
        (200, GOOD, {"Content-Encoding": "gzip"}),
        (302, b"", {"Location": "http://["}),
        (302, b"", {"Location": "ftp://example.org/a.zip"}),
        (302, b"", {"Location": "/a.zip"}),
    ],
    ids=["length", "encoding", "bad address", "other protocol", "circle"],
)
def test_an_answer_that_breaks_the_protocol_is_one_line_too(
    site: Site, destination: Path, answer: Answer
) -> None:
    address = site.serve("/a.zip", answer)
    assert f"({address}: " in failure(destination, address)


def test_no_network_is_one_line_too(destination: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    address = f"http://127.0.0.1:{port}/a.zip"
    assert f"{address}: no connection" in failure(destination, address)


def test_a_silent_server_is_given_up(destination: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/a.zip"
        begun = time.monotonic()
        with pytest.raises(ArchiveError, match="no answer in time"):
            fetch(address, destination, MANIFEST, retries=0, timeout=0.1)
        assert time.monotonic() - begun < 5


def test_no_name_server_is_one_line_too(destination: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unresolved(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    monkeypatch.setenv("NO_PROXY", "*")
    assert "https://doi.org/10.1371/x: no connection" in failure(destination, "https://doi.org/10.1371/x")


@contextmanager
def dripping(pieces: Sequence[bytes], pause: float, length: int = len(GOOD)) -> Iterator[str]:
    """Address of a server that promises so many bytes, and waits after each piece that it sends."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()

    def serve() -> None:
        with suppress(OSError):  # of the client that went away, or of the closed server
            while True:
                client, _ = server.accept()
                with client:
                    client.recv(4096)
                    for piece in (head, *pieces):
                        client.sendall(piece)
                        time.sleep(pause)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/a.zip"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_slow_server_is_waited_for(destination: Path) -> None:
    """Longer in all than the timeout, which is between two pieces."""
    size = len(GOOD) // 8
    pieces = [GOOD[first : first + size] for first in range(0, len(GOOD), size)]
    begun = time.monotonic()
    with dripping(pieces, pause=0.2) as address:
        fetch(address, destination, MANIFEST, retries=0, timeout=1.5)
    assert time.monotonic() - begun > 1.5
    assert destination.read_bytes() == GOOD


def test_a_server_that_stalls_halfway_is_given_up(destination: Path) -> None:
    with dripping([GOOD[:300]], pause=0.5) as address, pytest.raises(ArchiveError, match="no answer in time"):
        fetch(address, destination, MANIFEST, retries=0, timeout=0.1)
    assert not list(destination.parent.iterdir())


def test_a_later_attempt_succeeds_where_the_file_was_not_there_before(site: Site, destination: Path) -> None:
    """Not found is final for one attempt; the rule download makes three, and the user may make more."""
    address = site.serve("/a.zip", (404, HTML), (404, HTML), (200, GOOD))
    failure(destination, address)
    failure(destination, address)
    fetch(address, destination, MANIFEST)
    assert destination.read_bytes() == GOOD


def test_a_killed_download_leaves_nothing_in_place(destination: Path) -> None:
    program = "import sys; from pathlib import Path; from daenr.data.download import fetch; "
    program += "fetch(sys.argv[1], Path(sys.argv[2]), None)"
    with dripping([bytes(100_000)], pause=1.0, length=200_000) as address:
        process = subprocess.Popen(
            [sys.executable, "-c", program, address, destination], cwd=REPOSITORY, stderr=subprocess.DEVNULL
        )
        while not any(part.stat().st_size for part in destination.parent.glob(".recording.*")):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.wait()
    assert not destination.exists()


def test_mirrors_are_tried_in_turn_and_each_failure_is_named(site: Site, destination: Path) -> None:
    gone, page = site.serve("/gone", (404, b"")), site.serve("/page", (200, HTML))
    message = failure(destination, gone, page)
    assert f"{gone}: HTTP 404" in message
    assert f"{page}: a web page" in message
    fetch(
        gone,
        destination,
        MANIFEST,
        [page, site.serve("/a.zip", (200, GOOD)), site.serve("/b.zip", (200, b""))],
    )
    assert destination.read_bytes() == GOOD
    assert site.requests == ["/gone", "/page", "/gone", "/page", "/a.zip"]


# ---- what came is remembered --------------------------------------------------------------------------


def test_the_record_says_from_which_address_what_came(site: Site, destination: Path) -> None:
    gone, there = site.serve("/gone", (404, b"")), site.serve("/a.zip", (200, GOOD))
    begun = datetime.now(UTC).replace(microsecond=0)
    record = fetch(gone, destination, MANIFEST, [there])
    assert begun <= datetime.fromisoformat(str(record.pop("time"))) <= datetime.now(UTC)
    assert record == {
        "source": gone,
        "address": there,
        "sha256": hashlib.sha256(GOOD).hexdigest(),
        "bytes": len(GOOD),
    }
    assert fetched_from(record, destination, gone) == there


def test_an_archive_from_another_source_is_refused(site: Site, destination: Path) -> None:
    address = site.serve("/a.zip", (200, GOOD))
    record = fetch(address, destination, None)
    with pytest.raises(
        ArchiveError, match=rf"was fetched for dataset\.source {address}, not doi:10\.1/x; delete"
    ):
        fetched_from(record, destination, "doi:10.1/x")


def test_an_archive_that_was_damaged_later_is_refused(site: Site, destination: Path) -> None:
    address = site.serve("/a.zip", (200, GOOD))
    record = fetch(address, destination, None)
    destination.write_bytes(FLIPPED)
    with pytest.raises(ArchiveError, match=rf"is damaged: not the file that came from {address}; delete"):
        fetched_from(record, destination, address)


def test_a_place_that_cannot_be_written_is_one_line(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArchiveError, match="cannot be written"):
        fetch(site.serve("/a.zip", (200, GOOD)), tmp_path / "file" / "recording.zip", MANIFEST)
