"""What a reader decides while reviewing, and how it reaches the labels file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from eegdash.detection import Event, PostProcessing, ProbabilityTrace, find_events, smooth
from eegdash.errors import LabelNotSavedError
from eegdash.labels import DraftLabel, Label
from eegdash.workflows.desk import Desk
from eegdash.workflows.offers import repeated_by
from eegdash.workflows.undo import SECOND_HALF, SPLIT, UNDONE, undo

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
CHANGED = "changed by the reader"
MOVED = "onset and end moved by the reader"
ONSET_MOVED = "onset moved by the reader"
END_MOVED = "end moved by the reader"
# what the program wrote where the reader gave no reason is not a clinical reason
PROGRAM_REASONS = frozenset({UNDONE, SPLIT, CHANGED, MOVED, ONSET_MOVED, END_MOVED})
SHORTEST_S = 0.5


def decide(
    desk: Desk,
    recording_sha256: str,
    reviewer: str,
    decision: Mapping[str, Any],
    trace: ProbabilityTrace | None,
    *,
    blinded: bool = False,
) -> Label:
    """Save what a reader decided; return the label as it stands in the file.

    Parameters
    ----------
    desk : Desk
    recording_sha256 : str
    reviewer : str
    decision : mapping
        From the viewer: ``id``, ``action`` (``label``, ``split`` or ``undo``). A label has
        ``verdict``, ``event_type``, ``reason``, ``comment``, ``confidence``, ``supersedes``,
        ``threshold_pm``, ``post``; it is about a detection (``first`` and ``stop``), whose span
        it takes unless ``moved`` is true, or about the span ``onset_s``, ``duration_s`` (a missed
        seizure; with ``moved`` also a span of the queue that is none, or unsure). A split
        has ``at_s`` and either ``supersedes`` or what a marked span has.
    trace : ProbabilityTrace or None
        The trace on screen; None where there is none or it is withheld.
    blinded : bool
        Whether the detector's output is withheld from this reader.

    Raises
    ------
    LabelNotSavedError
        If it was not saved; the message says why and what to do.
    """
    reviewer = named(reviewer)
    if decision.get("action") == "undo":
        return undo(desk, recording_sha256, reviewer, str(decision["id"]), blinded=blinded)
    if blinded and decision.get("action") == "label" and decision["verdict"] != "missed":
        _refuse_detections(desk, recording_sha256, reviewer, decision)
    replaced = _replaced(desk, recording_sha256, reviewer, decision)
    if decision.get("action") == "split":
        return _split(desk, recording_sha256, reviewer, decision, trace, replaced, blinded)
    draft = _draft(recording_sha256, reviewer, decision, trace, replaced)
    draft = replace(draft, repeat_of=repeated_by(desk, draft, replaced))
    return desk.append(replace(draft, blinded=blinded))


def named(reviewer: str) -> str:
    """Return a reader's name without the spaces around it.

    Raises
    ------
    LabelNotSavedError
        If there is no name.
    """
    if not reviewer.strip():
        raise LabelNotSavedError(
            "NOT saved: enter your name or initials at the top of the page first, so that "
            "the label says whose it is."
        )
    return reviewer.strip()


def _refuse_detections(
    desk: Desk, recording_sha256: str, reviewer: str, decision: Mapping[str, Any]
) -> None:
    """Refuse a statement on a detection that the reader cannot have seen."""
    own = desk.labels.current(recording_sha256, reviewer=reviewer, kind="label").labels
    if decision.get("supersedes") not in {label.uuid for label in own}:
        raise LabelNotSavedError(
            "NOT saved: you read this recording blinded, so there is no detection to label. "
            "Mark seizures by hand, then commit your first read."
        )


def _replaced(
    desk: Desk, recording_sha256: str, reviewer: str, decision: Mapping[str, Any]
) -> Label | None:
    """The reader's own label that a decision changes, if it changes one."""
    uuid = decision.get("supersedes")
    if not uuid:
        return None
    for label in desk.labels.for_recording(recording_sha256):
        if label.uuid == uuid and label.reviewer == reviewer:
            return label
    raise LabelNotSavedError(
        "NOT saved: the label to be changed is not among your labels of this recording. "
        "Reload the page and try again."
    )


def _draft(
    recording_sha256: str,
    reviewer: str,
    decision: Mapping[str, Any],
    trace: ProbabilityTrace | None,
    replaced: Label | None,
) -> DraftLabel:
    verdict = str(decision["verdict"])
    reason = str(decision.get("reason") or "")
    draft = DraftLabel(
        idempotency_id=str(decision["id"]),
        reviewer=reviewer,
        recording_sha256=recording_sha256,
        onset_s=0.0,
        duration_s=1.0,  # both are set below
        verdict=verdict,
        event_type=str(decision.get("event_type") or ""),
        reason=reason or (CHANGED if replaced else ""),
        comment=str(decision.get("comment") or ""),
        confidence=decision.get("confidence"),
        supersedes=replaced.uuid if replaced else None,
    )
    draft = _placed(draft, decision, trace, replaced)
    if replaced and not reason:
        draft = replace(draft, reason=_what_moved(replaced, draft))
    return draft


def _placed(
    draft: DraftLabel,
    decision: Mapping[str, Any],
    trace: ProbabilityTrace | None,
    replaced: Label | None,
) -> DraftLabel:
    """Give a draft its span, and the detector's facts that were on screen."""
    post = PostProcessing(**decision["post"]) if decision.get("post") else None
    threshold_pm = decision.get("threshold_pm")
    moved = bool(decision.get("moved"))
    if draft.verdict == "missed" or moved:
        onset_s, duration_s = _span(decision)
        draft = replace(draft, onset_s=onset_s, duration_s=duration_s)
    if replaced and draft.verdict != "missed" and "first" not in decision:
        # a label whose detection is not on screen keeps what was on screen when it was made
        return replace(
            draft,
            onset_s=draft.onset_s if moved else replaced.onset_s,
            duration_s=draft.duration_s if moved else replaced.duration_s,
            model=replaced.model,
            model_sha256=replaced.model_sha256,
            threshold_pm=replaced.threshold_pm,
            postprocessing=replaced.postprocessing,
            probability_pm=replaced.probability_pm,
        )
    if draft.verdict == "missed" or _on_span(draft.verdict, decision):
        probability_pm = _peak_in(trace, post, draft.onset_s, draft.duration_s)
    else:
        event = _event(trace, post, threshold_pm, decision)
        probability_pm = event.peak_pm
        if not moved:
            draft = replace(draft, onset_s=event.onset_s, duration_s=event.duration_s)
    return replace(
        draft,
        model=trace.model if trace else "",
        model_sha256=trace.model_sha256 if trace else "",
        threshold_pm=int(threshold_pm) if trace and threshold_pm is not None else None,
        postprocessing=post.as_dict() if trace and post else None,
        probability_pm=probability_pm,
    )


def _on_span(verdict: str | None, decision: Mapping[str, Any]) -> bool:
    """Tell whether a reader judged a span at which nothing was detected, as the queue asks it."""
    return verdict in ("disagree", "unsure") and "first" not in decision and "moved" in decision


def _span(decision: Mapping[str, Any]) -> tuple[float, float]:
    onset_s, duration_s = float(decision["onset_s"]), float(decision["duration_s"])
    if duration_s < SHORTEST_S:
        raise LabelNotSavedError(
            f"NOT saved: a span of at least {SHORTEST_S} s is needed, found {duration_s:.2f} s. "
            "Move the onset or the end."
        )
    return onset_s, duration_s


def _what_moved(before: Label, after: DraftLabel) -> str:
    """Say in the program's words what a change of times was; the end counts, not the length."""
    onset = abs(after.onset_s - before.onset_s) >= 0.001
    end = abs(after.onset_s + after.duration_s - before.end_s) >= 0.0015
    if onset and end:
        return MOVED
    if onset or end:
        return ONSET_MOVED if onset else END_MOVED
    return CHANGED


def _split(
    desk: Desk,
    recording_sha256: str,
    reviewer: str,
    decision: Mapping[str, Any],
    trace: ProbabilityTrace | None,
    replaced: Label | None,
    blinded: bool,
) -> Label:
    """Make two labels of one; the first takes the place of the label that was split."""
    at_s = float(decision["at_s"])
    content = {**decision, "verdict": "missed"}
    if replaced:
        content |= {"onset_s": replaced.onset_s, "duration_s": replaced.duration_s}
    whole = _draft(recording_sha256, reviewer, content, trace, replaced)
    if replaced:
        whole = _as_it_stands(whole, replaced)
    first_s, second_s = at_s - whole.onset_s, whole.onset_s + whole.duration_s - at_s
    if min(first_s, second_s) < SHORTEST_S:
        raise LabelNotSavedError(
            f"NOT saved: each part of a split needs at least {SHORTEST_S} s. "
            "Choose a moment inside the span."
        )
    reason = SPLIT if whole.reason in PROGRAM_REASONS else whole.reason or SPLIT
    first = replace(whole, duration_s=first_s, reason=reason, blinded=blinded)
    second = replace(
        first,
        idempotency_id=first.idempotency_id + SECOND_HALF,
        onset_s=at_s,
        duration_s=second_s,
        supersedes=None,
    )
    desk.append(first)
    return desk.append(second)


def _as_it_stands(draft: DraftLabel, label: Label) -> DraftLabel:
    """Return the content of ``label`` under the identity of ``draft``."""
    return replace(
        draft,
        onset_s=label.onset_s,
        duration_s=label.duration_s,
        verdict=label.verdict,
        event_type=label.event_type,
        reason=label.reason or SPLIT,
        comment=label.comment,
        confidence=label.confidence,
        model=label.model,
        model_sha256=label.model_sha256,
        threshold_pm=label.threshold_pm,
        postprocessing=label.postprocessing,
        probability_pm=label.probability_pm,
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


def view_name(reviewer: str, recording_sha256: str) -> str:
    """Return under which name a reader's view of a recording is kept; it tells no name."""
    text = f"{reviewer.strip()}|{recording_sha256}"
    return f"view-{hashlib.sha256(text.encode()).hexdigest()[:24]}"
