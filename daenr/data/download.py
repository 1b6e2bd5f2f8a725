"""How an archive gets here from a DOI or an http(s) address: download, verify, and only then put it in its place.

What was downloaded is remembered with the address it came from, so that it is never taken for something else.
"""

import logging
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pooch
import requests
from urllib3.exceptions import ReadTimeoutError

from daenr.data.archive import ArchiveError, Manifest, sha256, verify, what_it_is
from daenr.files import atomic

_LOG = logging.getLogger(__name__)
_CHUNK_BYTES = 2**16
_BUSY = (408, 425, 429)  # client errors that a later attempt may not meet
_REASONS = {  # the first that fits: those above the last are kinds of it
    requests.exceptions.ChunkedEncodingError: "the connection dropped before the end of the file",
    requests.exceptions.SSLError: "no secure connection",
    requests.exceptions.ProxyError: "the proxy refused",
    requests.ConnectionError: "no connection",
}


def is_local(source: str) -> bool:
    """Whether a source is a path on this machine, rather than a DOI or an address."""
    return not source.lower().startswith("doi:") and "://" not in source


def locate(source: str, mirrors: Sequence[str] = ()) -> list[str]:
    """Addresses of a source in the order in which they are tried.

    Args:
        source: ``doi:10.<registrant>/<name>`` or an http(s) address.
        mirrors: http(s) addresses of the same file, tried after the source itself.

    Raises:
        ValueError: the source is neither, or a mirror is no http(s) address.
    """
    doi = re.fullmatch(r"doi:(10\.\d{4,9}/\S+)", source, flags=re.IGNORECASE)
    addresses = [f"https://doi.org/{doi[1]}" if doi else source, *mirrors]
    for address in addresses:
        if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", address, flags=re.IGNORECASE):
            forms = "doi:10.xxxx/name or an http(s) address"
            raise ValueError(f"source must be {forms}, got {address!r}; correct the config")
    return addresses


def fetch(
    source: str,
    destination: Path,
    manifest: Manifest | None,
    mirrors: Sequence[str] = (),
    *,
    by_hand: str = "data/NAME.zip",
    retries: int = 3,
    backoff: float = 1.0,
    timeout: float = 30.0,
) -> dict[str, str | int]:
    """Put the archive at ``destination``, whole and verified, or leave what stands there.

    Args:
        source: a DOI or an address, see `locate`.
        destination: path of the archive on this machine.
        manifest: what the archive must hold; None takes any whole zip.
        mirrors: further addresses of the same file.
        by_hand: where a person would put the file.
        retries: further attempts an address after a failure that may pass (a 5xx answer, a lost connection).
        backoff: seconds before the first further attempt; doubled for each one after it.
        timeout: seconds for a connection to be made, and between two pieces of the answer.

    Returns:
        The record of what came, and from which of the addresses.

    Raises:
        ArchiveError: no address gave a whole archive; says why for each, and what to do by hand.
        ValueError: the source or a mirror is malformed.
    """
    addresses = locate(source, mirrors)
    failures = []
    for address in addresses:
        try:
            with atomic(destination) as temporary:
                _obtain(address, temporary, retries, backoff, timeout)
                _check(temporary, manifest)
                return {
                    "source": source,
                    "address": address,
                    "sha256": sha256(temporary),
                    "bytes": temporary.stat().st_size,
                    "time": datetime.now(UTC).isoformat(timespec="seconds"),
                }
        except _FailureError as failure:
            failures.append(f"{address}: {failure}")
        except OSError as error:
            raise ArchiveError(destination, f"cannot be written ({error}); choose another folder") from error
    raise ArchiveError(
        destination,
        f"could not be fetched ({'; '.join(failures)}); put the file from {addresses[0]} at {by_hand} by hand, "
        "or run the demo, which needs no download: --configfile config/demo.yaml",
    )


def fetched_from(record: Mapping[str, str | int], archive: Path, source: str) -> str:
    """The address that a downloaded archive came from.

    Raises:
        ArchiveError: the archive came from another source than the config's, or is no longer what came.
    """
    remedy = "delete the archive and run again, which fetches it anew"
    if record["source"] != source:
        raise ArchiveError(
            archive, f"was fetched for dataset.source {record['source']}, not {source}; {remedy}"
        )
    if sha256(archive) != record["sha256"]:
        raise ArchiveError(archive, f"is damaged: not the file that came from {record['address']}; {remedy}")
    return str(record["address"])


class _FailureError(Exception):
    """One address did not give a whole archive; the text says why."""


def _obtain(address: str, target: Path, retries: int, backoff: float, timeout: float) -> None:
    """Download one address to ``target``; a failure that may pass is tried again."""
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
    if what_it_is(downloaded) == "a web page":
        raise _FailureError(
            "a web page came instead of a zip file, perhaps one to log in; open it in a browser"
        )
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
    # The second within the body of the answer.
    if isinstance(error, requests.Timeout) or any(
        isinstance(cause, ReadTimeoutError) for cause in error.args
    ):
        return "no answer in time"
    return next((text for kind, text in _REASONS.items() if isinstance(error, kind)), type(error).__name__)
