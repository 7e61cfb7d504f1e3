"""Getting CHB-MIT from PhysioNet: resumable, verified, never half a file under its final name."""

from __future__ import annotations

import http.client
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eegdash.errors import DatasetError, RecordingError
from eegdash.io.hashing import hash_file

BASE_URL = "https://physionet.org/files/chbmit/1.0.0/"
CHECKSUMS = "SHA256SUMS.txt"
GENERAL_FILES = ("RECORDS", "RECORDS-WITH-SEIZURES", "SUBJECT-INFO")

_LINE = re.compile(r"([0-9a-fA-F]{64})[ *]+(\S.*)")
_CASE = re.compile(r"chb\d{2}")
_SAFE_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*(/[A-Za-z0-9][A-Za-z0-9._+-]*)?")
_CHUNK_BYTES = 1 << 18
_TIMEOUT_S = 30.0
_MAX_SUMS_BYTES = 4 << 20
_SPARE_BYTES = 64 << 20
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
# what a connection that breaks or stalls raises; HTTPError is told apart before
_BROKEN = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """Where a download stands.

    Parameters
    ----------
    file : str
        Path inside the data set.
    file_bytes, file_size : int
        Present and whole size; size 0 where the server does not state it.
    n_done, n_files : int
        Files that are complete.
    received_bytes : int
        Received in this run.
    remaining_s : float or None
        Estimate from the rate of this run and the size of the files so far; None at the start.
    """

    file: str
    file_bytes: int
    file_size: int
    n_done: int
    n_files: int
    received_bytes: int
    remaining_s: float | None


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What a download did: files fetched, files that were there and whole, bytes received."""

    fetched: tuple[str, ...]
    present: tuple[str, ...]
    received_bytes: int


@dataclass(frozen=True, slots=True)
class Patience:
    """How a broken connection is tried again.

    Parameters
    ----------
    attempts : int
        In a row without a single new byte.
    first_wait_s, longest_wait_s : float
        The wait doubles from the first to the longest.
    wait : callable
        Waits for that many seconds.
    """

    attempts: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    wait: Callable[[float], None] = time.sleep

    def pause_s(self, failures: int) -> float:
        """Return the wait after so many failures in a row, s."""
        return min(self.first_wait_s * 2.0 ** (failures - 1), self.longest_wait_s)


def download_chbmit(
    cases: list[str],
    out: Path,
    *,
    base_url: str = BASE_URL,
    progress: Callable[[DownloadProgress], None] | None = None,
    patience: Patience | None = None,
) -> Downloaded:
    """Download cases of CHB-MIT and the lists that belong to them.

    What is already there is verified and kept. A file arrives as ``<name>.part``, is continued
    from where it broke off if the server allows, and takes its name only when its SHA-256 is
    that of ``SHA256SUMS.txt``.

    Parameters
    ----------
    cases : list of str
        ``chb01`` to ``chb24``; empty for all.
    out : Path
        Folder of the data set; made if missing.
    base_url : str
        Where the data set lies.
    progress : callable, optional
    patience : Patience, optional

    Returns
    -------
    Downloaded

    Raises
    ------
    DatasetError
        If a case is unknown, the server refuses or does not answer, a checksum stays wrong, the
        disk is full, or another download into the folder is running.
    """
    from filelock import FileLock, Timeout

    for case in cases:
        if not _CASE.fullmatch(case):
            raise DatasetError(f"'{case[:40]}' is not a case of CHB-MIT. Name one like chb01.")
    if not base_url.startswith(("https://", "http://")):
        raise DatasetError("The address of the data set should begin with https:// or http://.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / ".download.lock", timeout=0):
            client = _Client(base_url.rstrip("/") + "/", patience or Patience())
            return _download(client, cases, out, progress or (lambda state: None))
    except Timeout as error:
        raise DatasetError(
            f"Another download into {out.name} is running. Wait for it or stop it."
        ) from error
    except RecordingError as error:  # a file that is there could not be hashed
        raise DatasetError(str(error)) from error
    except OSError as error:
        raise DatasetError(
            f"The download stopped: {error.strerror or type(error).__name__}. Check that the "
            f"folder {out.name} may be written to and has space, then start again: what has "
            "arrived is kept."
        ) from error


def read_checksums(text: str) -> dict[str, str]:
    """Return SHA-256 by path from the text of ``SHA256SUMS.txt``.

    Raises
    ------
    DatasetError
        If it is no such list, or a path would lead out of the data set.
    """
    found: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        match = _LINE.fullmatch(line)
        if match is None or not _SAFE_PATH.fullmatch(match.group(2)):
            raise DatasetError(
                f"{CHECKSUMS} holds a line that is no checksum of a file of the data set: "
                f"'{line[:60]}'. Check the address of the data set."
            )
        found[match.group(2)] = match.group(1).lower()
    if not found:
        raise DatasetError(f"{CHECKSUMS} is empty. Check the address of the data set.")
    return found


def _download(
    client: _Client,
    cases: list[str],
    out: Path,
    progress: Callable[[DownloadProgress], None],
) -> Downloaded:
    sums_text = client.text(CHECKSUMS)
    sums = read_checksums(sums_text)
    wanted = _wanted(sums, cases)
    part = out / f"{CHECKSUMS}.part"
    part.write_text(sums_text, encoding="utf-8", newline="\n")
    part.replace(out / CHECKSUMS)
    tally = _Tally(len(wanted), progress)
    fetched, present = [], []
    for name in wanted:
        target = out / name
        if target.is_file() and hash_file(target) == sums[name]:
            present.append(name)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            _fetch_verified(client, name, target, sums[name], tally)
            fetched.append(name)
        tally.finished(name, target.stat().st_size)
    return Downloaded(tuple(fetched), tuple(present), tally.received_bytes)


def _wanted(sums: dict[str, str], cases: list[str]) -> list[str]:
    known = sorted({n.partition("/")[0] for n in sums if _CASE.match(n) and "/" in n})
    unknown = [case for case in cases if case not in known]
    if unknown:
        raise DatasetError(
            f"{CHECKSUMS} lists no case {', '.join(unknown)}. It lists {', '.join(known)}."
        )
    general = [name for name in GENERAL_FILES if name in sums]
    # small files first: with the truth there, every recording that arrives can be used
    return general + sorted(
        (n for n in sums if n.partition("/")[0] in (cases or known) and "/" in n),
        key=lambda n: (n.endswith(".edf"), n),
    )


def _fetch_verified(client: _Client, name: str, target: Path, sha256: str, tally: _Tally) -> None:
    part = target.with_name(target.name + ".part")
    validator = target.with_name(target.name + ".part.etag")
    for attempt in range(2):
        client.fetch(name, part, validator, tally)
        if hash_file(part) == sha256:
            part.replace(target)
            validator.unlink(missing_ok=True)
            return
        # what was continued may have belonged to another version: once more from the start
        part.unlink()
        validator.unlink(missing_ok=True)
        if attempt:
            raise DatasetError(
                f"{name} arrived twice with a wrong checksum and was not kept. The server or a "
                "proxy changes it; try another network or later."
            )


class _Tally:
    """Counts bytes and files, and estimates what remains."""

    def __init__(self, n_files: int, report: Callable[[DownloadProgress], None]) -> None:
        self.received_bytes = 0
        self._report = report
        self._n_files, self._n_done = n_files, 0
        self._sizes: list[int] = []
        self._began_s = time.monotonic()

    def received(self, name: str, n_new: int, present: int, size: int) -> None:
        self.received_bytes += n_new
        self._report(self._state(name, present, size, self._n_files - self._n_done - 1))

    def finished(self, name: str, size: int) -> None:
        self._n_done += 1
        self._sizes.append(size)
        self._report(self._state(name, size, size, self._n_files - self._n_done))

    def _state(self, name: str, present: int, size: int, left: int) -> DownloadProgress:
        elapsed_s = time.monotonic() - self._began_s
        # recordings come last and are of one size: the largest so far stands for those to come
        to_come = max(size - present, 0) + left * max([*self._sizes, size])
        rate = self.received_bytes / elapsed_s if elapsed_s > 0.5 else 0.0
        return DownloadProgress(
            file=name,
            file_bytes=present,
            file_size=size,
            n_done=self._n_done,
            n_files=self._n_files,
            received_bytes=self.received_bytes,
            remaining_s=to_come / rate if rate else None,
        )


class _PassingError(Exception):
    """Something that may be gone at the next attempt."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_s = after_s


class _Client:
    """Fetches files of the data set and tries again when the connection breaks."""

    def __init__(self, base_url: str, patience: Patience) -> None:
        self._base_url = base_url
        self._patience = patience

    def text(self, name: str) -> str:
        """Return a small text file."""
        failures = 0
        while True:
            try:
                with self._open(name, {}) as response:
                    return str(response.read(_MAX_SUMS_BYTES).decode("utf-8"))
            except _PassingError as error:
                failures += 1
                self._pause(name, failures, error)
            except _BROKEN as error:
                failures += 1
                self._pause(name, failures, _PassingError(str(error)))
            except UnicodeDecodeError as error:
                raise DatasetError(
                    f"{name} is not text. Check the address of the data set."
                ) from error

    def fetch(self, name: str, part: Path, validator: Path, tally: _Tally) -> None:
        """Fetch a file into ``part``, continuing what is there."""
        failures = 0
        while True:
            before = tally.received_bytes
            try:
                self._continue(name, part, validator, tally)
                return
            except (_PassingError, *_BROKEN) as error:
                failures = 1 if tally.received_bytes > before else failures + 1
                passing = error if isinstance(error, _PassingError) else _PassingError(str(error))
                self._pause(name, failures, passing)

    def _continue(self, name: str, part: Path, validator: Path, tally: _Tally) -> None:
        offset = part.stat().st_size if part.is_file() else 0
        headers = {}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if validator.is_file():
                headers["If-Range"] = validator.read_text(encoding="ascii")
        try:
            response = self._open(name, headers)
        except _RangeEndError:
            return  # all of it is there; the checksum decides
        with response:
            if response.status != 206 or _range_start(response) != offset:
                if response.status == 206:
                    raise _PassingError("the server sent another part than was asked for")
                offset = 0
            length = int(response.headers.get("Content-Length") or 0)
            _check_space(part, length)
            _keep_validator(response, validator)
            with part.open("r+b" if offset else "wb") as file:
                file.seek(offset)
                present = offset
                while chunk := response.read(_CHUNK_BYTES):
                    file.write(chunk)
                    present += len(chunk)
                    tally.received(name, len(chunk), present, offset + length)
            if length and present < offset + length:
                raise _PassingError("the connection broke off")

    def _open(self, name: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        request = urllib.request.Request(
            self._base_url + urllib.parse.quote(name),
            headers={
                "User-Agent": "eeg-review-dashboard",
                "Accept-Encoding": "identity",
                **headers,
            },
        )
        try:
            response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(name, error, ranged="Range" in headers) from error
        return response

    def _pause(self, name: str, failures: int, error: _PassingError) -> None:
        if failures >= self._patience.attempts:
            raise DatasetError(
                f"{name} could not be downloaded after {failures} attempts ({error.reason}). "
                "Check the connection and start again: what has arrived is kept."
            ) from error
        pause_s = self._patience.pause_s(failures)
        if error.after_s is not None:
            pause_s = min(max(pause_s, error.after_s), self._patience.longest_wait_s)
        self._patience.wait(pause_s)


class _RangeEndError(Exception):
    """The server has nothing beyond what is there (416)."""


def _refusal(name: str, error: urllib.error.HTTPError, *, ranged: bool) -> Exception:
    if error.code == 416 and ranged:
        return _RangeEndError()
    if error.code in _PASSING:
        after = error.headers.get("Retry-After", "")
        return _PassingError(f"HTTP {error.code}", float(after) if after.isdigit() else None)
    if error.code in (401, 403):
        remedy = "The server asks for a login or refuses this computer."
    else:
        remedy = "Check the address of the data set."
    return DatasetError(f"{name}: the server answered {error.code} {error.reason}. {remedy}")


def _range_start(response: http.client.HTTPResponse) -> int:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found.group(1)) if found else -1


def _keep_validator(response: http.client.HTTPResponse, validator: Path) -> None:
    """Keep what tells whether the file on the server is still the same (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag", "")
    mark = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")
    if mark and mark.isascii():
        validator.write_text(mark, encoding="ascii")
    else:
        validator.unlink(missing_ok=True)


def _check_space(part: Path, length: int) -> None:
    if shutil.disk_usage(part.parent).free < length + _SPARE_BYTES:
        raise DatasetError(
            f"The disk has no space for {part.name.removesuffix('.part')} ({length >> 20} MB). "
            "Make room or choose another folder, then start again: what has arrived is kept."
        )
