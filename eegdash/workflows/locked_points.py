"""Locked operating points: which threshold and event rules hold for a model, since when, and why.

They stand in ``operating_points.jsonl`` in the folder ``state`` of the workspace, one record a
line (:mod:`eegdash.workflows.journal`). A line is only ever appended: the newest one of a model
holds, the older ones say what held before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import PostProcessing
from eegdash.workflows.journal import Journal, append, content_of, read_journal
from eegdash.workspace import Workspace

NAME = "operating_points"
BY_HAND = "by hand"


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
    meanwhile = "until then it is not known which operating point is locked"
    return _history(read_journal(workspace, NAME, meanwhile=meanwhile))


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
    record = append(workspace, NAME, point.as_dict(), failed="NOT locked", again="lock again")
    return _point(content_of(record))


@lru_cache(maxsize=4)
def _history(journal: Journal) -> LockedHistory:
    return LockedHistory(*journal.parsed(_point))


def _point(record: dict[str, Any]) -> LockedPoint:
    """Read a record; what was changed by hand is none: a threshold must be what was locked."""
    record["chosen_on"] = tuple(map(str, record["chosen_on"]))
    record["recordings"] = tuple(OnRecording(**recording) for recording in record["recordings"])
    point = LockedPoint(**record)
    PostProcessing(**point.post)
    if not 0 <= point.threshold_pm <= 1000:
        raise ValueError("no threshold")
    return point
