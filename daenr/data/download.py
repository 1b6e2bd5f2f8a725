"""Where the published archive is and how it gets here: download, verify, and only then put it in its place.

The recording of Antolik et al. 2016 is the reason for this module and gives it its name; any archive in
the same layout comes the same way, from a DOI, an http(s) address or a local path.
"""

import logging
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pooch
import requests
from urllib3.exceptions import ReadTimeoutError

from daenr.data.archive import ArchiveError, Manifest, verify
from daenr.files import atomic

_LOG = logging.getLogger(__name__)
_CHUNK_BYTES = 2**16
_BUSY = (408, 425, 429)  # client errors that a later attempt may not meet


def is_local(source: str) -> bool:
    """Whether a source is a path on this machine, rather than a DOI or an address."""
    return not source.lower().startswith("doi:") and "://" not in source


def locate(source: str, mirrors: Sequence[str] = ()) -> list[str]:
    """Addresses of a source in the order in which they are tried; a local path stands for itself.

    Args:
        source: ``doi:10.<registrant>/<name>``, an http(s) address, or a local path.
        mirrors: http(s) addresses of the same file, tried after the source itself.

    Raises:
        ValueError: the source is none of the three, or a mirror is no http(s) address.
    """
    if is_local(source) and source:
        return [source]
    doi = re.fullmatch(r"doi:(10\.\d{4,9}/\S+)", source, flags=re.IGNORECASE)
    addresses = [f"https://doi.org/{doi[1]}" if doi else source, *mirrors]
    for address in addresses:
        if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", address, flags=re.IGNORECASE):
            forms = "doi:10.xxxx/name, an http(s) address or a local path"
            raise ValueError(f"source must be {forms}, got {address!r}; correct the config")
    return addresses


def fetch(
    source: str,
    destination: Path,
    manifest: Manifest | None,
    mirrors: Sequence[str] = (),
    *,
    retries: int = 3,
    backoff: float = 1.0,
    timeout: float = 30.0,
) -> Path:
    """Put the archive at ``destination``, whole and verified, or leave nothing there.

    A whole archive that is already there stays, and no network is asked. A damaged one is moved aside to
    ``<name>.damaged`` with a warning. A local source is copied.

    Args:
        source: see `locate`.
        destination: path of the archive on this machine.
        manifest: what the archive must hold; None takes any sound archive in the layout.
        mirrors: further addresses of the same file.
        retries: further attempts an address after a failure that may pass (a 5xx answer, a lost connection).
        backoff: seconds before the first further attempt; doubled for each one after it.
        timeout: seconds for a connection to be made, and between two pieces of the answer.

    Raises:
        ArchiveError: no address gave a whole archive; says why for each, and what to do by hand.
        ValueError: the source or a mirror is malformed.
    """
    addresses = locate(source, mirrors)
    try:
        itself = is_local(source) and Path(source).resolve() == destination.resolve()
        if _kept(destination, manifest, movable=not itself):
            return destination
        failures = []
        for address in addresses:
            try:
                with atomic(destination) as temporary:
                    _obtain(address, temporary, retries, backoff, timeout)
                    _check(temporary, manifest)
                return destination
            except _FailureError as failure:
                failures.append(f"{address}: {failure}")
    except OSError as error:
        raise ArchiveError(destination, f"cannot be written ({error}); choose another folder") from error
    raise ArchiveError(
        destination,
        f"could not be fetched ({'; '.join(failures)}); put the file there by hand, from {addresses[0]}, "
        "or run the demo, which needs no download: --configfile config/demo.yaml",
    )


class _FailureError(Exception):
    """One address did not give a whole archive; the text says why."""


def _kept(destination: Path, manifest: Manifest | None, *, movable: bool) -> bool:
    """Whether a whole archive is there already; a damaged one is moved aside."""
    if not destination.exists():
        return False
    try:
        verify(destination, manifest)
    except ArchiveError as error:
        if not movable:
            raise
        aside = destination.with_name(f"{destination.name}.damaged")
        destination.replace(aside)
        _LOG.warning("%s; moved aside to %s, the archive is fetched again", error, aside)
        return False
    return True


def _obtain(address: str, target: Path, retries: int, backoff: float, timeout: float) -> None:
    """Copy or download one address to ``target``; a failure that may pass is tried again."""
    if is_local(address):
        try:
            shutil.copyfile(address, target)
        except OSError as error:
            raise _FailureError(f"cannot be copied ({error.strerror})") from error
        return
    downloader = pooch.HTTPDownloader(progressbar=True, chunk_size=_CHUNK_BYTES, timeout=timeout)
    for attempt in range(retries + 1):
        try:
            downloader(address, str(target), None)
            return
        except requests.RequestException as error:
            if attempt == retries or not _may_pass(error):
                raise _FailureError(_reason(error)) from error
            _LOG.warning("%s: %s; trying again", address, _reason(error))
            time.sleep(backoff * 2**attempt)
        except ValueError as error:
            raise _FailureError(f"the answer is malformed ({error})") from error


def _check(downloaded: Path, manifest: Manifest | None) -> None:
    """Refuse what came unless it is a whole archive; a web page is named as such."""
    with downloaded.open("rb") as stream:
        start = stream.read(512).lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        raise _FailureError("a web page came instead of a zip file")
    try:
        verify(downloaded, manifest)
    except ArchiveError as error:
        raise _FailureError(error.what) from error


def _may_pass(error: requests.RequestException) -> bool:
    """Whether a later attempt may succeed: the server was busy or broken, or the connection was lost."""
    if isinstance(error, requests.HTTPError):
        status = error.response.status_code if error.response is not None else 0
        return status >= 500 or status in _BUSY
    return isinstance(
        error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError
    )


def _reason(error: requests.RequestException) -> str:
    """The failure in a few words; what requests says of it spans lines and names its own objects."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code} {error.response.reason}"
    stalled = any(
        isinstance(cause, ReadTimeoutError) for cause in error.args
    )  # within the body of the answer
    if stalled or isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection dropped before the end of the file"
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy refused"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__
