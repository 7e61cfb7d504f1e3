"""What a reader decides while reviewing, and how it reaches the labels file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from eegdash.detection import Event, PostProcessing, ProbabilityTrace, find_events, smooth
from eegdash.errors import LabelNotSavedError
from eegdash.labels import DraftLabel, Label
from eegdash.workflows.desk import Desk

EVENT_TYPES: tuple[tuple[str, str], ...] = (
    ("sz", "seizure"),
    ("sz_foc", "focal"),
    ("sz_foc_a", "focal aware"),
    ("sz_foc_ia", "focal impaired awareness"),
    ("sz_foc_f2b", "focal to bilateral tonic-clonic"),
    ("sz_gen", "generalised"),
    ("sz_uo", "unknown onset"),
)
REASONS: tuple[str, ...] = (
    "LPD",
    "GPD",
    "LRDA",
    "GRDA",
    "spike-wave burst",
    "muscle",
    "eye movement",
    "electrode",
    "movement",
    "sleep pattern",
    "other",
)
UNDONE = "taken back by the reader"
CHANGED = "changed by the reader"


def decide(
    desk: Desk,
    recording_sha256: str,
    reviewer: str,
    decision: Mapping[str, Any],
    trace: ProbabilityTrace | None,
) -> Label:
    """Save what a reader decided; return the label as it stands in the file.

    Parameters
    ----------
    desk : Desk
    recording_sha256 : str
    reviewer : str
    decision : mapping
        From the viewer: ``id``, ``action`` (``label`` or ``undo``), and for a label ``verdict``,
        ``event_type``, ``reason``, ``comment``, ``confidence``, ``supersedes``, ``threshold_pm``,
        ``post``, and either ``first`` and ``stop`` (a detection) or ``onset_s`` and
        ``duration_s`` (a marked span).
    trace : ProbabilityTrace or None
        The trace on screen.

    Raises
    ------
    LabelNotSavedError
        If it was not saved; the message says why and what to do.
    """
    if not reviewer.strip():
        raise LabelNotSavedError(
            "NOT saved: enter your name or initials at the top of the page first, so that "
            "the label says whose it is."
        )
    if decision.get("action") == "undo":
        return undo(desk, recording_sha256, reviewer, str(decision["id"]))
    verdict = str(decision["verdict"])
    post = PostProcessing(**decision["post"]) if decision.get("post") else None
    threshold_pm = decision.get("threshold_pm")
    if verdict == "missed":
        onset_s, duration_s = float(decision["onset_s"]), float(decision["duration_s"])
        probability_pm = _peak_in(trace, post, onset_s, duration_s)
    else:
        event = _event(trace, post, threshold_pm, decision)
        onset_s, duration_s, probability_pm = event.onset_s, event.duration_s, event.peak_pm
    supersedes = decision.get("supersedes") or None
    reason = str(decision.get("reason") or "")
    return desk.labels.append(
        DraftLabel(
            idempotency_id=str(decision["id"]),
            reviewer=reviewer.strip(),
            recording_sha256=recording_sha256,
            onset_s=onset_s,
            duration_s=duration_s,
            verdict=verdict,
            event_type=str(decision.get("event_type") or ""),
            reason=reason or (CHANGED if supersedes else ""),
            comment=str(decision.get("comment") or ""),
            confidence=decision.get("confidence"),
            model=trace.model if trace else "",
            model_sha256=trace.model_sha256 if trace else "",
            threshold_pm=int(threshold_pm) if trace and threshold_pm is not None else None,
            postprocessing=post.as_dict() if trace and post else None,
            probability_pm=probability_pm,
            supersedes=supersedes,
        )
    )


def _event(
    trace: ProbabilityTrace | None,
    post: PostProcessing | None,
    threshold_pm: int | None,
    decision: Mapping[str, Any],
) -> Event:
    """The detection that the reader saw, found again here: Python's events are authoritative."""
    if trace is None or post is None or threshold_pm is None:
        raise LabelNotSavedError(
            "NOT saved: there is no detection to label. Score the recording first."
        )
    for event in find_events(trace, int(threshold_pm), post):
        if (event.first, event.stop) == (decision["first"], decision["stop"]):
            return event
    raise LabelNotSavedError(
        "NOT saved: this detection is not there any more at this threshold. "
        "Reload the page and label it again."
    )


def _peak_in(
    trace: ProbabilityTrace | None, post: PostProcessing | None, onset_s: float, duration_s: float
) -> int | None:
    """Highest smoothed probability inside a marked span, per mille."""
    if trace is None or post is None:
        return None
    step_ms = round(trace.step_s * 1000)
    level = smooth(trace.probability_pm, round(post.smoothing_s * 1000) // step_ms)
    inside = (trace.time_s >= onset_s) & (trace.time_s <= onset_s + duration_s) & (level >= 0)
    return int(level[inside].max()) if inside.any() else None


def undo(desk: Desk, recording_sha256: str, reviewer: str, idempotency_id: str) -> Label:
    """Take back the reader's last standing label of a recording.

    A label that replaced an older one is replaced in turn by a copy of the older; any other is
    retracted. Nothing is removed from the file.

    Raises
    ------
    LabelNotSavedError
        If there is nothing to take back, or the file could not be written.
    """
    repeated = [
        label
        for label in desk.labels.for_recording(recording_sha256)
        if label.idempotency_id == idempotency_id
    ]
    if repeated:
        return repeated[0]
    own = desk.labels.current(recording_sha256, reviewer=reviewer.strip(), kind="label").labels
    if not own:
        raise LabelNotSavedError("There is no label of yours on this recording to take back.")
    last = own[-1]
    older = _restorable(desk, last)
    source = older or last
    return desk.labels.append(
        DraftLabel(
            idempotency_id=idempotency_id,
            reviewer=reviewer.strip(),
            recording_sha256=recording_sha256,
            onset_s=source.onset_s,
            duration_s=source.duration_s,
            verdict=older.verdict if older else "retract",
            event_type=source.event_type,
            reason=(older.reason if older else "") or UNDONE,
            comment=source.comment,
            confidence=source.confidence,
            model=source.model,
            model_sha256=source.model_sha256,
            threshold_pm=source.threshold_pm,
            probability_pm=source.probability_pm,
            postprocessing=source.postprocessing,
            supersedes=last.uuid,
        )
    )


def _restorable(desk: Desk, last: Label) -> Label | None:
    """The label that ``last`` replaced, unless ``last`` is itself a restored copy."""
    earlier = {label.uuid: label for label in desk.labels.history(last.uuid)}
    older = earlier.get(last.supersedes or "")
    oldest = earlier.get(older.supersedes or "") if older else None
    if oldest is not None and _statement(oldest) == _statement(last):
        return None
    return older


def _statement(label: Label) -> tuple[Any, ...]:
    return (label.onset_s, label.duration_s, label.verdict, label.event_type, label.comment)


def shown_labels(desk: Desk, recording_sha256: str, reviewer: str) -> list[dict[str, Any]]:
    """Return the standing labels of a recording as the viewer shows them, ordered by onset."""
    current = desk.labels.current(recording_sha256)
    conflicting = {label.uuid for conflict in current.conflicts for label in conflict.labels}
    shown = [
        {
            "uuid": label.uuid,
            "seq": label.seq,
            "verdict": label.verdict,
            "reviewer": label.reviewer,
            "own": label.reviewer == reviewer.strip(),
            "onset_s": label.onset_s,
            "duration_s": label.duration_s,
            "event_type": label.event_type,
            # what the program wrote where the reader gave no reason is not a clinical reason
            "reason": "" if label.reason in (UNDONE, CHANGED) else label.reason,
            "comment": label.comment,
            "confidence": label.confidence,
            "status": str(label.status),
            "conflict": label.uuid in conflicting,
        }
        for label in current.labels
        if label.kind == "label"
    ]
    return sorted(shown, key=lambda label: (label["onset_s"], label["uuid"]))


def view_name(reviewer: str, recording_sha256: str, model_sha256: str) -> str:
    """Return under which name a reader's view of a recording is kept; it tells no name."""
    text = f"{reviewer.strip()}|{recording_sha256}|{model_sha256}"
    return f"view-{hashlib.sha256(text.encode()).hexdigest()[:24]}"
