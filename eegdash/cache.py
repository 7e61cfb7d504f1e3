"""The analysis cache: what was computed once per recording, model and parameters.

Nothing here is a record: whatever is missing, damaged or planted is a miss and is computed again.
That is also why SQLite's write-ahead log is good enough here and nowhere else. diskcache unpickles
what it finds (CVE-2025-69872), so its disk class is replaced by one that refuses to; values are
bytes under a SHA-256 that covers the key as well.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import re
import shutil
import sqlite3
import threading
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEFAULT_SIZE_LIMIT = 8 * 2**30
_FORMAT = "v1"
_DATABASE = "cache.db"
_CORRUPT_SUFFIX = ".corrupt"
_DIGEST_BYTES = 32
_TIMEOUT_S = 10.0
_VALUE_FILE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{28}\.val")
_VALUE_FOLDER = re.compile(r"[0-9a-f]{2}")
# Operational errors that mean a damaged file; the others (locked, full, read-only) pass by.
_DAMAGE = ("no such", "malformed", "has no column", "disk i/o error", "not a database")
# What damaged or planted content can raise on its way through SQLite, diskcache, NumPy and JSON.
_MISS = (
    OSError,
    sqlite3.Error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    SyntaxError,
    EOFError,
    MemoryError,
    RecursionError,
    SystemError,
)
# The header of an array is a Python literal. Python 3.11 counts the depth of its parser for all
# threads together, and raises SystemError when two of them parse at once.
_PARSING = threading.Lock()

_log = logging.getLogger(__name__)


class _RefusedError(ValueError):
    """The cache holds something that this program does not write."""


class AnalysisCache:
    """Arrays and JSON values on disk, safe for several threads and processes.

    Parameters
    ----------
    folder : Path
        Made with mode 0700; holds nothing but the cache.
    size_limit_bytes : int
        The oldest values are removed beyond this.
    """

    def __init__(self, folder: Path, *, size_limit_bytes: int = DEFAULT_SIZE_LIMIT) -> None:
        self.folder = folder
        self.size_limit_bytes = size_limit_bytes
        self._mutex = threading.RLock()
        self._cache: Any = None

    def get_array(self, key: str) -> NDArray[Any] | None:
        """Return the array stored under ``key``, or None if it is not there or not intact."""
        try:
            payload = self._get(key)
            if payload is None:
                return None
            with _PARSING:
                array: NDArray[Any] = np.lib.format.read_array(
                    io.BytesIO(payload), allow_pickle=False
                )
            return array
        except _MISS as error:
            self._note("read", error)
            return None

    def put_array(self, key: str, array: NDArray[Any]) -> bool:
        """Store an array; return whether it was stored.

        Raises
        ------
        ValueError
            If the array holds Python objects, which could only be stored by pickling.
        """
        if array.dtype.hasobject:
            raise ValueError("Only arrays of numbers or text are cached, not of Python objects.")
        stream = io.BytesIO()
        np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
        return self._put(key, stream.getvalue())

    def get_json(self, key: str) -> Any:
        """Return the JSON value stored under ``key``, or None if it is not there or not intact."""
        try:
            payload = self._get(key)
            return None if payload is None else json.loads(payload)
        except _MISS as error:
            self._note("read", error)
            return None

    def put_json(self, key: str, value: Any) -> bool:
        """Store a JSON value; return whether it was stored.

        Raises
        ------
        TypeError
            If the value is None, which is how a miss reads, or is not JSON.
        """
        if value is None:
            raise TypeError("None cannot be cached, because that is how a miss reads.")
        return self._put(key, json.dumps(value, separators=(",", ":")).encode())

    def clear(self) -> bool:
        """Remove all values; return whether that succeeded."""
        try:
            self._open().clear()
        except _misses() as error:
            self._note("clear", error)
            return False
        return True

    def size_bytes(self) -> int:
        """Return the estimated size on disk, 0 if the cache cannot be opened."""
        try:
            return int(self._open().volume())
        except _misses() as error:
            self._note("measure", error)
            return 0

    def close(self) -> None:
        """Close this thread's connection; the cache opens again when it is next used."""
        with self._mutex:
            if self._cache is not None:
                with suppress(sqlite3.Error):
                    self._cache.close()
                self._cache = None

    def _get(self, key: str) -> bytes | None:
        try:
            stored = self._open().get(key)
        except _misses() as error:
            self._note("read", error)
            return None
        if stored is None:
            return None
        if type(stored) is not bytes or len(stored) < _DIGEST_BYTES:
            raise _RefusedError("a value is not bytes under a digest")
        payload = stored[_DIGEST_BYTES:]
        if stored[:_DIGEST_BYTES] != _digest(key, payload):
            raise _RefusedError("a value does not match its digest")
        return payload

    def _put(self, key: str, payload: bytes) -> bool:
        try:
            return bool(self._open().set(key, _digest(key, payload) + payload))
        except _misses() as error:
            self._note("write", error)
            return False

    def _open(self) -> Any:
        with self._mutex:
            if self._cache is None:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.folder.chmod(0o700)
                try:
                    self._cache = self._connect()
                except _misses() as error:
                    if not self._set_aside_if_damaged(error):
                        raise
                    self._cache = self._connect()
            return self._cache

    def _connect(self) -> Any:
        from diskcache import Cache

        return Cache(
            str(self.folder),
            timeout=_TIMEOUT_S,
            disk=_safe_disk(),
            size_limit=self.size_limit_bytes,
            # Reading must not write: oldest-stored goes first, no access times are kept.
            eviction_policy="least-recently-stored",
            # A mapped database that another program truncates ends the process with SIGBUS.
            sqlite_mmap_size=0,
        )

    def _note(self, action: str, error: BaseException) -> None:
        # The text of an error may hold a path or a value; its type is enough.
        _log.warning("analysis cache: could not %s (%s)", action, type(error).__name__)
        self._set_aside_if_damaged(error)

    def _set_aside_if_damaged(self, error: BaseException) -> bool:
        """Move a damaged database away; True if a fresh one can be opened now."""
        if not isinstance(error, sqlite3.DatabaseError):
            return False
        text = str(error).lower()
        if isinstance(error, sqlite3.OperationalError) and not any(m in text for m in _DAMAGE):
            return False
        from filelock import FileLock, Timeout

        with self._mutex:
            self.close()
            try:
                with FileLock(self.folder / "cache.lock", timeout=_TIMEOUT_S):
                    # Another process may have put a fresh one there already.
                    if not _is_intact(self.folder / _DATABASE):
                        self._set_aside()
            except (OSError, Timeout) as problem:
                _log.warning("analysis cache: not set aside (%s)", type(problem).__name__)
                return False
        return True

    def _set_aside(self) -> None:
        # The log and its index belong to the old database and would damage a new one.
        for suffix in ("", "-wal", "-shm"):
            name = _DATABASE + suffix
            with suppress(FileNotFoundError):
                (self.folder / name).replace(self.folder / (name + _CORRUPT_SUFFIX))
        # Values without their database could never be found nor counted again.
        for entry in self.folder.iterdir():
            if _VALUE_FOLDER.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
        _log.warning("analysis cache: a damaged database was set aside")


def cache_key(recording_sha256: str, model_sha256: str, kind: str, /, **parameters: Any) -> str:
    """Return the key of a result: a hash, so that no name can appear in it.

    Parameters
    ----------
    recording_sha256, model_sha256 : str
        Hashes; the model's is empty for what needs no model.
    kind : str
        What is stored, e.g. ``"trace"``.
    **parameters
        Everything else that the result depends on: numbers, text, None, and lists or mappings
        of these.

    Returns
    -------
    str
        64 hex digits.

    Raises
    ------
    TypeError
        If a parameter has no canonical text.
    """
    text = json.dumps(
        [_FORMAT, recording_sha256, model_sha256, kind, parameters],
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(key: str, payload: bytes) -> bytes:
    digest = hashlib.sha256(key.encode() + b"\0")
    digest.update(payload)
    return digest.digest()


def _is_intact(database: Path) -> bool:
    """Tell whether SQLite finds the database sound and of the expected shape."""
    if not database.exists():
        return True
    try:
        with closing(sqlite3.connect(database, timeout=_TIMEOUT_S)) as connection:
            connection.execute("SELECT key, raw, mode, filename, value FROM Cache LIMIT 1")
            connection.execute("SELECT key, value FROM Settings LIMIT 1")
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.DatabaseError:
        return False


@cache
def _misses() -> tuple[type[BaseException], ...]:
    from diskcache import Timeout

    return (*_MISS, Timeout)


@cache
def _safe_disk() -> Any:
    """Return the disk class; diskcache is imported only when the cache is first used."""
    from diskcache import Disk
    from diskcache.core import MODE_BINARY, MODE_RAW

    class SafeDisk(Disk):  # type: ignore[misc]
        """Keys are text, values are bytes; nothing is pickled, nothing outside the folder."""

        def put(self, key: Any) -> Any:
            if type(key) is not str:
                raise _RefusedError("a key is not text")
            return key, True

        def get(self, key: Any, raw: Any) -> Any:
            if raw != 1 or type(key) is not str:
                raise _RefusedError("a key was pickled")
            return key

        def store(self, value: Any, read: Any, key: Any = None) -> Any:
            if read or type(value) not in (bytes, str, int, float):
                raise _RefusedError("a value is not bytes, text or a number")
            return super().store(value, False, key=key)

        def fetch(self, mode: Any, filename: Any, value: Any, read: Any) -> Any:
            if read or mode not in (MODE_RAW, MODE_BINARY):
                raise _RefusedError("a value was stored in a refused mode")
            if mode == MODE_BINARY:
                _check_filename(filename)
            return super().fetch(mode, filename, value, False)

        def remove(self, file_path: Any) -> None:
            # A planted name must not delete a file elsewhere.
            with suppress(_RefusedError):
                _check_filename(file_path)
                super().remove(file_path)

        def _write(self, full_path: Any, iterator: Any, mode: Any, encoding: Any = None) -> Any:
            try:
                return super()._write(full_path, iterator, mode, encoding)
            except OSError:
                with suppress(OSError):
                    os.unlink(full_path)  # noqa: PTH108 - a full disk keeps no half values
                raise

    return SafeDisk


def _check_filename(filename: object) -> None:
    if not isinstance(filename, str) or not _VALUE_FILE.fullmatch(filename):
        raise _RefusedError("a value's file name is not one of the cache")
