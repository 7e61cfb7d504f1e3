"""Small facts of an installation that must not be lost: one record a line, only ever appended.

Each line carries the CRC of its content, as the labels file does. A line that was changed by hand
or torn is counted and left out, because what it says would be taken for somebody's decision.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from eegdash.errors import WorkspaceError
from eegdash.labels.record import crc32_of
from eegdash.workspace import Workspace

SCHEMA = 1
_LOCK_TIMEOUT_S = 20.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Journal:
    """The records of a file, oldest first, and how many lines could not be read."""

    records: tuple[Mapping[str, Any], ...] = ()
    n_unreadable: int = 0

    def parsed(self, parse: Callable[[dict[str, Any]], T]) -> tuple[tuple[T, ...], int]:
        """Return what ``parse`` makes of the content of each record, and how many say nothing.

        A record that it cannot read (ValueError, TypeError, KeyError, AttributeError) is counted
        beside the lines that are torn or were changed by hand.
        """
        found: list[T] = []
        for record in self.records:
            try:
                found.append(parse(content_of(record)))
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
        return tuple(found), self.n_unreadable + len(self.records) - len(found)


_NOTHING = Journal()


def read_journal(workspace: Workspace, name: str, *, meanwhile: str = "") -> Journal:
    """Return what ``<name>.jsonl`` in the state folder holds; the same object until it changes.

    Parameters
    ----------
    workspace : Workspace
    name : str
    meanwhile : str
        What is not known as long as the file cannot be read, for the message.

    Raises
    ------
    WorkspaceError
        If the file is there and cannot be read.
    """
    path = workspace.state / f"{name}.jsonl"
    try:
        found = path.stat()
        return _parsed(path, found.st_ino, found.st_mtime_ns, found.st_size)
    except FileNotFoundError:
        return _NOTHING
    except OSError as error:
        raise WorkspaceError(
            f"{path.name} cannot be read ({error.strerror}). Check the permissions of the "
            f"workspace folder state{meanwhile and ': '}{meanwhile}."
        ) from error


def append_record(
    workspace: Workspace, name: str, uuid: str, record: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Append a record of now durably; see :func:`append`."""
    return append(workspace, name, {**record, "uuid": uuid, "time_utc": now_utc()})


def append(
    workspace: Workspace,
    name: str,
    record: Mapping[str, Any],
    *,
    failed: str = "NOT saved",
    again: str = "try again",
) -> Mapping[str, Any]:
    """Append a record durably; a decision whose ``uuid`` is there already is returned as it stands.

    Parameters
    ----------
    workspace : Workspace
    name : str
    record : mapping
        With ``uuid`` and ``time_utc``.
    failed, again : str
        Words of the message.

    Raises
    ------
    WorkspaceError
        If it was not saved.
    """
    from filelock import FileLock, Timeout

    path = workspace.state / f"{name}.jsonl"
    full: dict[str, Any] = {**record, "schema": SCHEMA}
    full["crc32"] = crc32_of(full)
    line = json.dumps(full, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    try:
        with FileLock(workspace.state / f"{name}.lock", timeout=_LOCK_TIMEOUT_S):
            for known in read_journal(workspace, name).records:
                if known["uuid"] == full["uuid"]:
                    return known
            _append(path, line)
    except (OSError, Timeout) as error:
        raise WorkspaceError(
            f"{failed}: {path.name} could not be written ({type(error).__name__}). Check that "
            f"the workspace is writable and the disk is not full, then {again}."
        ) from error
    return full


def content_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record without what the journal itself adds."""
    return {name: value for name, value in record.items() if name not in ("crc32", "schema")}


def now_utc() -> str:
    """Return the time as records carry it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line  # a torn tail stays what it is: a line that cannot be read
        try:
            if os.write(descriptor, line) != len(line):
                raise OSError("the disk is full")
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


@lru_cache(maxsize=16)
def _parsed(path: Path, inode: int, mtime_ns: int, size: int) -> Journal:
    records: list[Mapping[str, Any]] = []
    n_unreadable = 0
    for line in path.read_bytes().split(b"\n"):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            whole = record["crc32"] == crc32_of(record) and record["schema"] == SCHEMA
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            whole = False
        if whole:
            records.append(record)
        else:
            n_unreadable += 1
    return Journal(tuple(records), n_unreadable)
