"""Where the archive comes from: downloaded (from the loopback), put in place by hand, or a file of one's own."""

import hashlib
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import h5py
import pytest
import yaml

REGION = "results/mylab/data/v1.h5"
DOWNLOADED = "results/mylab/data/downloaded.zip"
BY_HAND = "data/mylab.zip"


class Site:
    """A web server that gives the files it holds, by path; ``missing`` requests are answered with 404 first."""

    def __init__(self):
        self.files, self.missing = {}, 0
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                found = site.files.get(self.path) if site.missing == 0 else None
                site.missing = max(0, site.missing - 1)
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Length", str(len(found or b"")))
                self.end_headers()
                self.wfile.write(found or b"")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def serve(self, path, content):
        self.files[path] = content
        return f"http://127.0.0.1:{self.server.server_port}{path}"


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    site.server.shutdown()
    thread.join()
    site.server.server_close()


@pytest.fixture(scope="session")
def versions(tmp_path_factory):
    """Two versions of one recording, as bytes."""
    from daenr.data.simulated import simulate_archive

    def version(seed):
        path = tmp_path_factory.mktemp("versions") / "archive.zip"
        simulate_archive(
            path, {"v1": {"train_images": 30, "test_images": 4, "repeats": 2, "neurons": 3}}, seed
        )
        return path.read_bytes()

    return version(1), version(2)


@pytest.fixture
def project(copy, copy_project, tmp_path):
    """A copy of the project of one's own; ``make(source, target)`` runs Snakemake on a dataset called mylab."""
    folder = tmp_path / "project"
    folder.mkdir()
    project = type(copy)(folder, copy_project(folder))

    def make(source, *arguments, check=True, **dataset):
        config = {"dataset": {"name": "mylab", "source": str(source), **dataset}, "regions": ["v1"]}
        config |= {"weights": {"alpha": 1, "beta": 0.1}}
        (project.folder / "own.yaml").write_text(
            yaml.safe_dump(config | {"training": {"batch_size": 4, "validate_every": 1}})
        )
        return project.snakemake(*(arguments or [REGION]), "--configfile", "own.yaml", check=check)

    project.make = make
    return project


def told(project):
    """What the region file says of the archive: its source, and the hash of the training responses."""
    with h5py.File(project.folder / REGION) as file:
        return file.attrs["source"], json.loads(file.attrs["sha256"])["Data/v1/training_set.npy"]


def responses(folder, content):
    """Hash of the training responses in an archive."""
    (folder / "looked-at.zip").write_bytes(content)
    with zipfile.ZipFile(folder / "looked-at.zip") as archive:
        return hashlib.sha256(archive.read("Data/v1/training_set.npy")).hexdigest()


def test_another_address_means_another_file(project, site, versions):
    first, second = site.serve("/a/recording.zip", versions[0]), site.serve("/b/recording.zip", versions[1])
    project.make(first)
    assert told(project) == (first, responses(project.folder, versions[0]))
    project.make(second)
    assert told(project) == (second, responses(project.folder, versions[1]))
    record = json.loads((project.folder / "results/mylab/data/downloaded.json").read_text(encoding="utf-8"))
    assert record["address"] == second
    assert record["sha256"] == hashlib.sha256(versions[1]).hexdigest()


def test_without_snakemakes_memory_an_archive_from_another_address_is_refused(project, site, versions):
    first, second = site.serve("/a.zip", versions[0]), site.serve("/b.zip", versions[1])
    project.make(first, DOWNLOADED)
    output = project.make(second, REGION, "--rerun-triggers", "mtime", check=False)
    assert f"{DOWNLOADED}: was fetched for dataset.source {first}, not {second}; delete the archive" in output
    assert not (project.folder / REGION).exists()


def test_a_downloaded_archive_that_is_damaged_is_named_and_fetched_anew_once_deleted(project, site, versions):
    address = site.serve("/a.zip", versions[0])
    project.make(address, DOWNLOADED)
    archive = project.folder / DOWNLOADED
    archive.write_bytes(versions[0][:-10] + bytes(10))
    output = project.make(address, check=False)
    assert f"error: {DOWNLOADED}: is damaged: not the file that came from {address}" in output
    assert "Traceback" not in output.split("Logfile")[-1]
    assert not (project.folder / REGION).exists()
    archive.unlink()
    project.make(address)
    assert archive.read_bytes() == versions[0]


def test_an_archive_put_in_place_by_hand_is_used_and_never_removed(project, versions):
    placed = project.folder / BY_HAND
    placed.parent.mkdir()
    placed.write_bytes(versions[0])
    source = "http://127.0.0.1:9/away.zip"
    assert "download" not in project.make(source, REGION, "-n")
    project.make(source)
    assert told(project) == (f"{BY_HAND}, put there by hand", responses(project.folder, versions[0]))
    for arguments in (("--delete-all-output",), ("--forceall",)):
        project.make(source, REGION, *arguments)
        assert placed.read_bytes() == versions[0]
        assert (project.folder / REGION).exists() == (arguments == ("--forceall",))


def test_a_damaged_archive_put_in_place_by_hand_is_named_and_left_alone(project, versions):
    placed = project.folder / BY_HAND
    placed.parent.mkdir()
    placed.write_bytes(versions[0][:-10])
    output = project.make("http://127.0.0.1:9/away.zip", check=False)
    assert f"error: {BY_HAND}: is no zip file, cannot be read as a zip file" in output
    assert placed.read_bytes() == versions[0][:-10]
    assert [path.name for path in placed.parent.iterdir()] == ["mylab.zip"]


def test_a_damaged_file_of_ones_own_is_named_and_never_used(project, versions):
    own = project.folder / "own.zip"
    own.write_bytes(versions[0])
    with zipfile.ZipFile(own) as good, zipfile.ZipFile(project.folder / "damaged.zip", "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            bad.writestr(name, content.replace(content[-16:], b"\xff" * 16) if "raw" in name else content)
    output = project.make("damaged.zip", check=False)
    assert "damaged.zip: Data/v1/raw_validation_set.npy: no finite number" in output
    assert "Traceback" not in output.split("Logfile")[-1]
    assert not (project.folder / REGION).exists()


def test_an_impossible_download_says_what_to_do(project, site):
    site.missing = 1
    address = site.serve("/away.zip", b"")
    output = project.make(address, DOWNLOADED, "--retries", "0", check=False)
    assert f"put the file from {address} at {BY_HAND} by hand" in output
    assert "config/demo.yaml" in output
    assert not (project.folder / DOWNLOADED).exists()


def test_a_download_that_is_not_there_at_first_is_tried_again(project, site, versions):
    site.missing = 2
    project.make(site.serve("/a.zip", versions[0]), DOWNLOADED)
    assert (project.folder / DOWNLOADED).read_bytes() == versions[0]
