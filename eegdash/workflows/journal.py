"""Small facts of an installation that must not be lost: one record a line, only ever appended.

Each line carries the CRC of its content, as the labels file does. A line that was changed by hand
or torn is counted and left out, because what it says would be taken for somebody's decision.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from eegdash.errors import WorkspaceError
from eegdash.labels.record import crc32_of
from eegdash.workflows.locked_points import now_utc
from eegdash.workspace import Workspace

SCHEMA = 1
_LOCK_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Journal:
    """The records of a file, oldest first, and how many lines could not be read."""

    records: tuple[Mapping[str, Any], ...] = ()
    n_unreadable: int = 0


def read_journal(workspace: Workspace, name: str) -> Journal:
    """Return what ``<name>.jsonl`` in the state folder holds.

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
        return Journal()
    except OSError as error:
        raise WorkspaceError(
            f"{path.name} cannot be read ({error.strerror}). Check the permissions of the "
            "workspace folder state."
        ) from error


def append_record(
    workspace: Workspace, name: str, uuid: str, record: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Append a record durably; a decision whose ``uuid`` is there already is returned as it stands.

    Raises
    ------
    WorkspaceError
        If it was not saved.
    """
    from filelock import FileLock, Timeout

    path = workspace.state / f"{name}.jsonl"
    full: dict[str, Any] = {**record, "schema": SCHEMA, "uuid": uuid, "time_utc": now_utc()}
    full["crc32"] = crc32_of(full)
    line = json.dumps(full, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    try:
        with FileLock(workspace.state / f"{name}.lock", timeout=_LOCK_TIMEOUT_S):
            for known in read_journal(workspace, name).records:
                if known["uuid"] == uuid:
                    return known
            _append(path, line)
    except (OSError, Timeout) as error:
        raise WorkspaceError(
            f"NOT saved: {path.name} could not be written ({type(error).__name__}). Check that "
            "the workspace is writable and the disk is not full, then try again."
        ) from error
    return full


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
