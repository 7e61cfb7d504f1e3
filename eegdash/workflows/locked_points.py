"""Locked operating points: which threshold and event rules hold for a model, since when, and why.

They stand in ``operating_points.jsonl`` in the folder ``state`` of the workspace, one record a
line, each with the CRC of its content. A line is only ever appended: the newest one of a model
holds, the older ones say what held before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import PostProcessing
from eegdash.errors import WorkspaceError
from eegdash.labels.record import crc32_of
from eegdash.workspace import Workspace

FILE_NAME = "operating_points.jsonl"
SCHEMA = 1
BY_HAND = "by hand"
_LOCK_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class OnRecording:
    """A recording that the figures of a point are of; its file name is not kept.

    Parameters
    ----------
    sha256, alias, person : str
        ``person`` is the alias where nobody says who was recorded.
    """

    sha256: str
    alias: str
    person: str


@dataclass(frozen=True, slots=True)
class LockedPoint:
    """An operating point with its provenance.

    Parameters
    ----------
    uuid : str
        Of the decision: the same one is kept once.
    time_utc, reviewer, comment : str
        When, who, and why in their words.
    model, model_sha256 : str
    threshold_pm : int
        Per mille.
    post : mapping of str to float
        Fields of ``detection.PostProcessing``.
    criterion : str
        Value of ``scoring.Criterion``, or :data:`BY_HAND`; empty for the point that the model
        came with.
    target : float or None
        False positives per 24 h, or sensitivity 0 to 1, where the criterion has one.
    chosen_on : tuple of str
        Hashes of the recordings that the threshold was chosen on.
    recordings : tuple of OnRecording
        What ``figures`` are of; where it was chosen on them, they are optimistic.
    figures : mapping of str to float or None
        What was reached on these recordings; None where undefined.
    version : str
        Of this program.
    """

    uuid: str
    time_utc: str
    reviewer: str
    comment: str
    model: str
    model_sha256: str
    threshold_pm: int
    post: Mapping[str, float]
    criterion: str
    target: float | None
    chosen_on: tuple[str, ...]
    recordings: tuple[OnRecording, ...]
    figures: Mapping[str, float | None]
    version: str

    def as_dict(self) -> dict[str, Any]:
        """Return the record as JSON values, without its CRC."""
        return {
            "schema": SCHEMA,
            **asdict(self),
            "post": dict(self.post),
            "figures": dict(self.figures),
            "chosen_on": list(self.chosen_on),
            "recordings": [asdict(recording) for recording in self.recordings],
        }


@dataclass(frozen=True, slots=True)
class LockedHistory:
    """All points that were ever locked, oldest first, and how many lines could not be read."""

    points: tuple[LockedPoint, ...] = ()
    n_unreadable: int = 0

    def of_model(self, model_sha256: str) -> tuple[LockedPoint, ...]:
        """Return the points of one model, oldest first; the last one holds."""
        return tuple(point for point in self.points if point.model_sha256 == model_sha256)


def locked_history(workspace: Workspace) -> LockedHistory:
    """Return what was locked in a workspace.

    Raises
    ------
    WorkspaceError
        If the file is there and cannot be read.
    """
    path = workspace.state / FILE_NAME
    try:
        found = path.stat()
        return _history(path, found.st_mtime_ns, found.st_size)
    except FileNotFoundError:
        return LockedHistory()
    except OSError as error:
        raise WorkspaceError(
            f"{FILE_NAME} cannot be read ({error.strerror}). Check the permissions of the "
            "workspace: until then it is not known which operating point is locked."
        ) from error


def with_locked_point(workspace: Workspace, model: CheckpointInfo) -> CheckpointInfo:
    """Return a model with the threshold and event rules that were locked for it, if any were.

    Raises
    ------
    WorkspaceError
        If the file of locked points is there and cannot be read.
    """
    points = locked_history(workspace).of_model(model.sha256)
    if not points:
        return model
    return replace(model, threshold_pm=points[-1].threshold_pm, post=dict(points[-1].post))


def append_point(workspace: Workspace, point: LockedPoint) -> LockedPoint:
    """Append a point durably; one whose ``uuid`` is already there is returned as it stands.

    Raises
    ------
    WorkspaceError
        If it was not saved.
    """
    from filelock import FileLock, Timeout

    path = workspace.state / FILE_NAME
    record = point.as_dict()
    record["crc32"] = crc32_of(record)
    line = json.dumps(record, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    try:
        with FileLock(workspace.state / "operating_points.lock", timeout=_LOCK_TIMEOUT_S):
            for known in locked_history(workspace).points:
                if known.uuid == point.uuid:
                    return known
            append_line(path, line)
    except (OSError, Timeout) as error:
        raise WorkspaceError(
            f"NOT locked: {FILE_NAME} could not be written ({type(error).__name__}). Check that "
            "the workspace is writable and the disk is not full, then lock again."
        ) from error
    return point


def append_line(path: Path, line: bytes) -> None:
    """Append one line durably, under the caller's lock; a failure leaves the file as it was."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
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


@lru_cache(maxsize=4)
def _history(path: Path, mtime_ns: int, size: int) -> LockedHistory:
    points: list[LockedPoint] = []
    n_unreadable = 0
    for line in path.read_bytes().split(b"\n"):
        if not line.strip():
            continue
        try:
            points.append(_point(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            n_unreadable += 1
    return LockedHistory(tuple(points), n_unreadable)


def _point(record: dict[str, Any]) -> LockedPoint:
    """Read a record; one that was changed by hand is none: a threshold must be what was locked."""
    if record.pop("crc32") != crc32_of(record) or record.pop("schema") != SCHEMA:
        raise ValueError("changed, or of another version")
    record["chosen_on"] = tuple(map(str, record["chosen_on"]))
    record["recordings"] = tuple(OnRecording(**recording) for recording in record["recordings"])
    point = LockedPoint(**record)
    PostProcessing(**point.post)
    if not 0 <= point.threshold_pm <= 1000:
        raise ValueError("no threshold")
    return point


def now_utc() -> str:
    """Return the time as records carry it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
