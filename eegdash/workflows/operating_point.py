"""The operating points that a reader tries on a set of recordings, and the lock of one of them.

A reader keeps two, A and B, per model. Each remembers the recordings that it was chosen on: on
those its figures are optimistic.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eegdash import __version__
from eegdash.checkpoints import CheckpointInfo, list_checkpoints
from eegdash.detection import PostProcessing
from eegdash.errors import WorkspaceError
from eegdash.scoring import Criterion
from eegdash.workflows.desk import Desk
from eegdash.workflows.journal import now_utc
from eegdash.workflows.locked_points import (
    BY_HAND,
    LockedPoint,
    OnRecording,
    append_point,
    locked_history,
)
from eegdash.workflows.operating_tables import operating_table
from eegdash.workflows.score import post_of

_LIMITS = {
    "smoothing_s": (0.0, 600.0),
    "hysteresis": (0.01, 1.0),
    "merge_gap_s": (0.0, 600.0),
    "min_duration_s": (0.0, 600.0),
}
_CRITERIA = frozenset({BY_HAND, *(criterion.value for criterion in Criterion)})


@dataclass(frozen=True, slots=True)
class TriedPoint:
    """A threshold with its event rules, as a reader tries it.

    Parameters
    ----------
    threshold_pm : int
        Per mille.
    post : mapping of str to float
        Fields of ``detection.PostProcessing``.
    criterion : str
        Value of ``scoring.Criterion``, ``by hand``, or empty for the model's own point.
    target : float or None
    chosen_on : tuple of str
        Hashes of the recordings on which it was chosen.
    """

    threshold_pm: int
    post: Mapping[str, float]
    criterion: str = ""
    target: float | None = None
    chosen_on: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the point as JSON values."""
        return {
            "threshold_pm": self.threshold_pm,
            "post": dict(self.post),
            "criterion": self.criterion,
            "target": self.target,
            "chosen_on": list(self.chosen_on),
        }


@dataclass(slots=True)
class TriedPoints:
    """The two points of a reader for one model; B is None until it is first asked for."""

    a: TriedPoint
    b: TriedPoint | None = None
    active: str = "A"

    def as_dict(self) -> dict[str, Any]:
        """Return the points as JSON values."""
        return {
            "A": self.a.as_dict(),
            "B": self.b.as_dict() if self.b else None,
            "active": self.active,
        }


def checked_rules(values: Mapping[str, Any]) -> PostProcessing:
    """Return event rules from numbers that a browser sent.

    Raises
    ------
    ValueError
        If one is missing, is no number, or lies outside its limits.
    """
    rules = {}
    for name, (lowest, highest) in _LIMITS.items():
        value = float(values[name])
        if not lowest <= value <= highest:  # NaN fails, too
            raise ValueError(f"{name} lies between {lowest:g} and {highest:g}")
        rules[name] = value
    return PostProcessing(**rules)


def tried_point(record: Mapping[str, Any], *, chosen_on: tuple[str, ...] = ()) -> TriedPoint:
    """Return a point from JSON values, of a browser or of the workspace.

    Parameters
    ----------
    record : mapping
        As :meth:`TriedPoint.as_dict` gives it.
    chosen_on : tuple of str
        Where the record names no recordings.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is no operating point.
    """
    threshold_pm = int(record["threshold_pm"])
    criterion = str(record.get("criterion", ""))
    target = record.get("target")
    target = None if target is None else float(target)
    if not 0 <= threshold_pm <= 1000 or criterion not in {"", *_CRITERIA}:
        raise ValueError("no operating point")
    if target is not None and not 0 <= target < math.inf:
        raise ValueError("no target")
    return TriedPoint(
        threshold_pm=threshold_pm,
        post=checked_rules(record["post"]).as_dict(),
        criterion=criterion,
        target=target,
        chosen_on=tuple(map(str, record.get("chosen_on", chosen_on))),
    )


def points_name(reviewer: str, model_sha256: str) -> str:
    """Return under which name a reader's points are kept; it tells no name."""
    text = f"{reviewer.strip()}|{model_sha256}"
    return f"operating-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def shipped_point(model: CheckpointInfo) -> TriedPoint:
    """Return the point that a model came with, whatever was locked for it since."""
    found = [info for info in list_checkpoints(model.folder.parent) if info.folder == model.folder]
    came = found[0] if found else model
    return TriedPoint(came.threshold_pm, post_of(came).as_dict())


def own_point(desk: Desk, model: CheckpointInfo) -> TriedPoint:
    """Return the point that holds for a model: the locked one, or the one it came with."""
    locked = locked_history(desk.workspace).of_model(model.sha256)
    if not locked:
        return shipped_point(model)
    last = locked[-1]
    return TriedPoint(
        last.threshold_pm,
        PostProcessing(**last.post).as_dict(),
        last.criterion,
        last.target,
        last.chosen_on,
    )


def kept_points(desk: Desk, reviewer: str, model: CheckpointInfo) -> TriedPoints | None:
    """Return the points that a reader kept for a model, None without any."""
    if not reviewer.strip():
        return None
    stored = desk.workspace.read_state(points_name(reviewer, model.sha256))
    try:
        b = stored.get("B")
        return TriedPoints(
            a=tried_point(stored["A"]),
            b=None if b is None else tried_point(b),
            active="B" if b is not None and stored.get("active") == "B" else "A",
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def keep_points(desk: Desk, reviewer: str, model: CheckpointInfo, points: TriedPoints) -> None:
    """Keep the points of a reader over a reload; nothing is kept without a name.

    Raises
    ------
    WorkspaceError
        If they cannot be written.
    """
    if reviewer.strip():
        desk.workspace.write_state(points_name(reviewer, model.sha256), points.as_dict())


def figures_at(tables: Mapping[str, Any], threshold_pm: int) -> dict[str, float | None]:
    """Return what a threshold reaches on the recordings of computed tables, None if undefined."""
    table = operating_table(tables)
    index = table.index(threshold_pm)
    events, windows = table.micro(index).events, table.windows(index)
    found = {
        "recordings": float(len(table.persons)),
        "persons": float(len(set(table.persons))),
        "known_truth_s": events.duration_s,
        "reference_events": float(events.n_ref),
        "event_sensitivity": events.sensitivity,
        "event_precision": events.precision,
        "event_f1": events.f1,
        "fp_per_24h": events.fp_per_24h,
        "window_sensitivity": windows.sensitivity,
        "window_specificity": windows.specificity,
        "window_accuracy": windows.accuracy,
        "window_f1": windows.f1,
    }
    return {name: value if math.isfinite(value) else None for name, value in found.items()}


def lock_point(
    desk: Desk,
    model: CheckpointInfo,
    point: TriedPoint,
    tables: Mapping[str, Any],
    *,
    reviewer: str,
    comment: str,
    decision_id: str,
) -> LockedPoint:
    """Lock a point for a model, with what it reaches on the recordings of the tables.

    Parameters
    ----------
    desk : Desk
    model : CheckpointInfo
    point : TriedPoint
    tables : mapping
        Computed under the event rules of the point.
    reviewer, comment : str
    decision_id : str
        The same decision is kept once.

    Raises
    ------
    WorkspaceError
        If nobody's name is given, or it was not saved.
    """
    if not reviewer.strip():
        raise WorkspaceError(
            "NOT locked: enter your name or initials at the top of the page first, so that the "
            "record says who locked it."
        )
    return append_point(
        desk.workspace,
        LockedPoint(
            uuid=decision_id,
            time_utc=now_utc(),
            reviewer=reviewer.strip(),
            comment=comment.strip(),
            model=model.name,
            model_sha256=model.sha256,
            threshold_pm=point.threshold_pm,
            post=dict(point.post),
            criterion=point.criterion,
            target=point.target,
            chosen_on=point.chosen_on,
            recordings=tuple(
                OnRecording(recording["sha256"], recording["alias"], recording["person"])
                for recording in tables["recordings"]
            ),
            figures=figures_at(tables, point.threshold_pm),
            version=__version__,
        ),
    )
