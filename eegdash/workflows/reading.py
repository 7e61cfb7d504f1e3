"""What a reader states about a whole recording: the blinded first read and the sign-off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from eegdash.detection import PostProcessing, ProbabilityTrace, find_events
from eegdash.errors import LabelNotSavedError
from eegdash.labels import DraftLabel, Label
from eegdash.workflows import review
from eegdash.workflows.desk import Desk

WITHDRAWN = "sign-off withdrawn by the reader"
NOTHING_FOUND = "bckg"  # SzCORE: free of seizures
_SEIZURE = ("agree", "missed")
_PAGE_SLACK_S = 0.1


def is_blind(desk: Desk, recording_sha256: str, reviewer: str, *, wanted: bool) -> bool:
    """Return whether the detector's output is to be withheld from a reader.

    Parameters
    ----------
    desk : Desk
    recording_sha256 : str
    reviewer : str
        Whoever has no name yet has committed nothing.
    wanted : bool
        The reader chose the blinded mode; the setting may make it compulsory.
    """
    if not (wanted or desk.settings.blinded):
        return False
    return not reviewer.strip() or first_read(desk, recording_sha256, reviewer) is None


def first_read(desk: Desk, recording_sha256: str, reviewer: str) -> Label | None:
    """Return the first read that a reader committed, None where there is none."""
    found = desk.labels.current(recording_sha256, reviewer=reviewer.strip(), kind="first_read")
    return found.labels[0] if found.labels else None


def decide(
    desk: Desk,
    recording_sha256: str,
    duration_s: float,
    reviewer: str,
    decision: Mapping[str, Any],
    trace: ProbabilityTrace | None,
    *,
    blinded: bool,
    shown_before: bool = False,
) -> Label:
    """Save any decision of the viewer; see :func:`eegdash.workflows.review.decide`.

    Parameters
    ----------
    desk : Desk
    recording_sha256 : str
    duration_s : float
        Length of the recording, s.
    reviewer : str
    decision : mapping
        ``action`` may also be ``first_read`` (with ``viewed``, spans in s), ``sign_off`` (with
        ``viewed`` and, for a scored recording, ``threshold_pm`` and ``post``) or ``withdraw``.
    trace : ProbabilityTrace or None
    blinded : bool
        Whether the detector's output is withheld from this reader.
    shown_before : bool
        Whether this reader had the output on screen before reading blinded.

    Raises
    ------
    LabelNotSavedError
        If it was not saved; the message says why and what to do.
    """
    action = decision.get("action")
    if action == "first_read":
        return commit(desk, recording_sha256, duration_s, reviewer, decision, shown_before)
    if action == "sign_off":
        if blinded:
            raise LabelNotSavedError("NOT saved: commit your first read before you sign off.")
        return sign_off(desk, recording_sha256, duration_s, reviewer, decision, trace)
    if action == "withdraw":
        return withdraw(desk, recording_sha256, reviewer, str(decision["id"]))
    return review.decide(desk, recording_sha256, reviewer, decision, trace, blinded=blinded)


def commit(
    desk: Desk,
    recording_sha256: str,
    duration_s: float,
    reviewer: str,
    decision: Mapping[str, Any],
    shown_before: bool = False,
) -> Label:
    """Commit a blinded first read; a second one is the first one again.

    The record spans the whole recording and says in its comment how many seizures were marked,
    how much was seen, and whether the output had been on this reader's screen before.

    Raises
    ------
    LabelNotSavedError
        If there is no name, or the file could not be written.
    """
    reviewer = review.named(reviewer)
    before = first_read(desk, recording_sha256, reviewer)
    if before is not None:
        return before
    own = desk.labels.current(recording_sha256, reviewer=reviewer, kind="label").labels
    marked = sum(label.blinded for label in own)
    words = [f"{marked} marked by hand", _seen_words(decision.get("viewed") or [], duration_s)]
    if shown_before:
        words.append("the detector's output had been on this reader's screen before")
    return desk.append(
        DraftLabel(
            idempotency_id=str(decision["id"]),
            reviewer=reviewer,
            recording_sha256=recording_sha256,
            onset_s=0.0,
            duration_s=duration_s,
            kind="first_read",
            blinded=True,
            comment="; ".join(words),
            seen=seen_spans(decision.get("viewed") or [], duration_s),
        )
    )


def sign_off(
    desk: Desk,
    recording_sha256: str,
    duration_s: float,
    reviewer: str,
    decision: Mapping[str, Any],
    trace: ProbabilityTrace | None,
) -> Label:
    """Sign a recording off; a standing sign-off of the same reader is superseded.

    The event type is ``bckg`` where the reader found no seizure (no standing label of theirs says
    agree or missed), else empty. The comment says how much was seen and reviewed.

    Raises
    ------
    LabelNotSavedError
        If there is no name, or the file could not be written.
    """
    reviewer = review.named(reviewer)
    own = desk.labels.current(recording_sha256, reviewer=reviewer, kind="label").labels
    standing = _own_sign_off(desk, recording_sha256, reviewer)
    found = any(label.verdict in _SEIZURE for label in own)
    draft = DraftLabel(
        idempotency_id=str(decision["id"]),
        reviewer=reviewer,
        recording_sha256=recording_sha256,
        onset_s=0.0,
        duration_s=duration_s,
        kind="sign_off",
        event_type="" if found else NOTHING_FOUND,
        comment=_seen_words(decision.get("viewed") or [], duration_s),
        seen=seen_spans(decision.get("viewed") or [], duration_s),
        supersedes=standing.uuid if standing else None,
        reason=review.CHANGED if standing else "",
    )
    return desk.append(_with_detections(draft, decision, trace, own))


def _with_detections(
    draft: DraftLabel,
    decision: Mapping[str, Any],
    trace: ProbabilityTrace | None,
    own: Sequence[Label],
) -> DraftLabel:
    """Add which detector was on screen, and how many of its detections the reader labelled."""
    if trace is None or not decision.get("post") or decision.get("threshold_pm") is None:
        return draft
    threshold_pm, post = int(decision["threshold_pm"]), PostProcessing(**decision["post"])
    events = find_events(trace, threshold_pm, post)
    labelled = sum(
        any(x.onset_s < event.end_s and x.end_s > event.onset_s for x in own) for event in events
    )
    words = f"{labelled} of {len(events)} detections labelled"
    return replace(
        draft,
        comment=f"{draft.comment}; {words} at threshold {threshold_pm / 1000:.2f}",
        model=trace.model,
        model_sha256=trace.model_sha256,
        threshold_pm=threshold_pm,
        postprocessing=post.as_dict(),
    )


def withdraw(desk: Desk, recording_sha256: str, reviewer: str, decision_id: str) -> Label:
    """Withdraw the reader's own sign-off by a retraction that supersedes it.

    Raises
    ------
    LabelNotSavedError
        If there is none to withdraw, or the file could not be written.
    """
    reviewer = review.named(reviewer)
    for label in desk.labels.for_recording(recording_sha256):
        if label.idempotency_id == decision_id:
            return label
    standing = _own_sign_off(desk, recording_sha256, reviewer)
    if standing is None:
        raise LabelNotSavedError("There is no sign-off of yours on this recording to withdraw.")
    return desk.append(
        DraftLabel(
            idempotency_id=decision_id,
            reviewer=reviewer,
            recording_sha256=recording_sha256,
            onset_s=standing.onset_s,
            duration_s=standing.duration_s,
            verdict="retract",
            reason=WITHDRAWN,
            supersedes=standing.uuid,
        )
    )


def _own_sign_off(desk: Desk, recording_sha256: str, reviewer: str) -> Label | None:
    found = desk.labels.current(recording_sha256, reviewer=reviewer, kind="sign_off").labels
    return found[-1] if found else None


def sign_offs(
    desk: Desk, recording_sha256: str, reviewer: str, *, own_only: bool = False
) -> list[dict[str, Any]]:
    """Return the standing sign-offs of a recording, as they are shown, oldest first."""
    reviewer = reviewer.strip()
    current = desk.labels.current(recording_sha256, kind="sign_off")
    latest: dict[str, int] = {}
    for label in desk.labels.for_recording(recording_sha256):
        if label.kind == "label":
            latest[label.reviewer] = label.seq
    return [
        {
            "reviewer": label.reviewer,
            "own": label.reviewer == reviewer,
            "time_utc": label.time_utc[:16].replace("T", " ") + " UTC",
            "nothing_found": label.event_type == NOTHING_FOUND,
            "comment": label.comment,
            # what was signed is not what stands now
            "changed": latest.get(label.reviewer, 0) > label.seq,
        }
        for label in current.labels
        if not own_only or label.reviewer == reviewer
    ]


def seen_spans(
    viewed: Sequence[Sequence[float]], duration_s: float
) -> tuple[tuple[float, float], ...]:
    """Return what was seen of a recording, as a first read and a sign-off keep it.

    Spans closer than a tenth of a second are joined: the viewer's pages meet but for rounding.
    """
    found: list[tuple[float, float]] = []
    for onset, end in sorted((max(float(a), 0.0), min(float(b), duration_s)) for a, b in viewed):
        if found and onset <= found[-1][1] + _PAGE_SLACK_S:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif end > onset:
            found.append((onset, end))
    return tuple(found)


def seen_share(viewed: Sequence[Sequence[float]], duration_s: float) -> float:
    """Return which share of a recording the spans ``viewed`` cover, 0 to 1.

    Spans may overlap and may reach beyond the recording; each moment counts once.
    """
    spans = sorted((max(float(a), 0.0), min(float(b), duration_s)) for a, b in viewed)
    total, reached = 0.0, 0.0
    for onset, end in spans:
        total += max(end - max(onset, reached), 0.0)
        reached = max(reached, end)
    return min(total / duration_s, 1.0) if duration_s > 0 else 0.0


def _seen_words(viewed: Sequence[Sequence[float]], duration_s: float) -> str:
    # rounded down: "100 %" means all of it, and a little is not nothing
    share = seen_share(viewed, duration_s)
    words = "< 1" if 0 < share < 0.01 else str(int(100 * share + 1e-6))
    return f"{words} % of the recording seen"
