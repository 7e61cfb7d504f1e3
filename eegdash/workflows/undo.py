"""Taking labels back, one decision at a time; nothing is ever removed from the labels file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eegdash.errors import LabelNotSavedError
from eegdash.labels import DraftLabel, Label
from eegdash.workflows.desk import Desk

UNDONE = "taken back by the reader"
SPLIT = "split by the reader"
# A record that only brings back what was said before is known by its id: its reason is the one
# that the reader once gave.
_MARK = "undo:"
# The second half of a split carries the id of the first with this behind it.
SECOND_HALF = ":2"


@dataclass(frozen=True, slots=True)
class Step:
    """What the next undo takes back.

    Parameters
    ----------
    label : Label
        The record that stands now.
    said : Label
        The record in which its content was first stated; ``label`` itself unless it was restored.
    before : Label or None
        What the same reader had stated before, None where ``said`` was the first.
    """

    label: Label
    said: Label
    before: Label | None


def steps(desk: Desk, recording_sha256: str, reviewer: str) -> list[Step]:
    """Return what the next undo of a reader takes back: nothing, one label, or a split's two."""
    records = desk.labels.for_recording(recording_sha256)
    by_uuid = {label.uuid: label for label in records}
    standing = desk.labels.current(
        recording_sha256, reviewer=reviewer.strip(), kind="label", repeats=True
    )
    found = [_step(label, by_uuid) for label in standing.labels]
    if not found:
        return []
    last = max(found, key=lambda step: step.said.seq)
    if last.said.idempotency_id.endswith(SECOND_HALF):
        first_id = last.said.idempotency_id.removesuffix(SECOND_HALF)
        halves = [step for step in found if step.said.idempotency_id == first_id]
        return [last, *halves]
    return [last]


def _step(label: Label, by_uuid: dict[str, Label]) -> Step:
    """Replay the records that led to ``label``: a decision adds one, an undo removes one."""
    chain = [label]
    seen = {label.uuid}
    while (older := by_uuid.get(chain[-1].supersedes or "")) and older.uuid not in seen:
        if older.reviewer != label.reviewer:
            break  # what another reader said is not this reader's to bring back
        seen.add(older.uuid)
        chain.append(older)
    stated: list[Label] = []
    for record in reversed(chain):
        undone = record.idempotency_id.startswith(_MARK) or record.reason == UNDONE
        if undone and len(stated) > 1:
            stated.pop()
        else:
            stated.append(record)
    return Step(label, stated[-1], stated[-2] if len(stated) > 1 else None)


def undo(
    desk: Desk, recording_sha256: str, reviewer: str, decision_id: str, *, blinded: bool = False
) -> Label:
    """Take back the reader's last decision on a recording.

    A label that replaced an older one is replaced in turn by a copy of the older; any other is
    retracted. The two halves of a split go back together.

    Raises
    ------
    LabelNotSavedError
        If there is nothing to take back, or the file could not be written.
    """
    key = _MARK + decision_id
    for label in desk.labels.for_recording(recording_sha256):
        if label.idempotency_id == key:
            return label
    # a split's second half first, under an id of its own: an undo that was interrupted between
    # the two finds the first half still standing when it is sent again
    taken = steps(desk, recording_sha256, reviewer)
    if not taken:
        raise LabelNotSavedError("There is no label of yours on this recording to take back.")
    for step in taken[:-1]:
        desk.append(_taken_back(step, key + SECOND_HALF, blinded))
    return desk.append(_taken_back(taken[-1], key, blinded))


def _taken_back(step: Step, key: str, blinded: bool) -> DraftLabel:
    source = step.before or step.label
    return DraftLabel(
        idempotency_id=key,
        reviewer=step.label.reviewer,
        recording_sha256=step.label.recording_sha256,
        onset_s=source.onset_s,
        duration_s=source.duration_s,
        verdict=step.before.verdict if step.before else "retract",
        event_type=source.event_type,
        reason=(step.before.reason if step.before else "") or UNDONE,
        comment=source.comment,
        confidence=source.confidence,
        blinded=blinded,
        model=source.model,
        model_sha256=source.model_sha256,
        threshold_pm=source.threshold_pm,
        probability_pm=source.probability_pm,
        postprocessing=source.postprocessing,
        supersedes=step.label.uuid,
        guideline=source.guideline,  # what is said again was said under the older version
        repeat_of=source.repeat_of,
    )


def undo_words(desk: Desk, recording_sha256: str, reviewer: str) -> dict[str, Any] | None:
    """Return what the next undo takes back, for the reader; None where there is nothing."""
    taken = steps(desk, recording_sha256, reviewer) if reviewer.strip() else []
    if not taken:
        return None
    last = taken[-1]
    if len(taken) > 1:
        what = "the split"
    elif last.before is not None:
        what = f"the change to {last.said.verdict}"
        if last.before.verdict == last.said.verdict:
            what = f"the change of {last.said.verdict}"
    else:
        what = f"{last.said.verdict}"
    return {"what": what, "onset_s": last.label.onset_s}
