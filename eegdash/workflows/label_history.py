"""The history of a label, and its changes: every step is a record of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eegdash.errors import LabelNotSavedError
from eegdash.labels import DraftLabel, Label
from eegdash.workflows import reading_plan
from eegdash.workflows.desk import Desk
from eegdash.workflows.readers import Reader, Sight
from eegdash.workflows.review import CHANGED, SHORTEST_S, named
from eegdash.workflows.undo import UNDONE

BROUGHT_BACK = "brought back by the reader"
_CHANGEABLE = ("verdict", "event_type", "onset_s", "duration_s", "comment", "confidence")
_WORDS = {
    "verdict": "verdict",
    "event_type": "event type",
    "onset_s": "onset (s)",
    "duration_s": "duration (s)",
    "comment": "comment",
    "confidence": "confidence",
    "reviewer": "said by",
    "role": "role",
    "model": "detector",
    "threshold": "threshold",
    "guideline": "guideline",
}
_VERDICTS = ("agree", "disagree", "unsure", "missed")


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One step in the history of a label: who, when, what before, what after, why.

    Parameters
    ----------
    label : Label
        The record of this step.
    what : str
        "said", "changed", "taken back", "brought back", "adjudicated" or "imported".
    changes : tuple of (str, str, str)
        Field in words, before, after; empty for the first record.
    why : str
        The reason given.
    standing : bool
        Holds now.
    """

    label: Label
    what: str
    changes: tuple[tuple[str, str, str], ...]
    why: str
    standing: bool


def history(desk: Desk, reader: Reader, uuid: str) -> tuple[HistoryEntry, ...]:
    """Return the history of a label, oldest first; empty where it is unknown or withheld."""
    sight = Sight(desk, reader)
    records = [x for x in desk.labels.history(uuid) if sight.sees(x)]
    if uuid not in {x.uuid for x in records}:
        return ()
    by_uuid = {x.uuid: x for x in records}
    superseded = {x.supersedes for x in records if x.supersedes != x.uuid}
    return tuple(
        HistoryEntry(
            label=record,
            what=_what(record, by_uuid.get(record.supersedes or "")),
            changes=_changes(by_uuid.get(record.supersedes or ""), record),
            why=record.reason,
            standing=record.uuid not in superseded and not record.is_retraction,
        )
        for record in records
    )


def _what(record: Label, before: Label | None) -> str:
    if record.is_retraction:
        return "taken back"
    if record.verdict == "adjudicated" and before is None:
        return "adjudicated"
    if before is None:
        return "imported" if record.source else "said"
    if before.is_retraction or record.reason in (UNDONE, BROUGHT_BACK):
        return "brought back"
    return "changed"


def _changes(before: Label | None, after: Label) -> tuple[tuple[str, str, str], ...]:
    if before is None or after.is_retraction:
        return ()
    return tuple(
        (word, _text(getattr(before, name)), _text(getattr(after, name)))
        for name, word in _WORDS.items()
        if getattr(before, name) != getattr(after, name)
    )


def _text(value: object) -> str:
    if value is None or value == "":
        return "none"
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e5 else str(value)


def change(
    desk: Desk,
    reader: Reader,
    uuid: str,
    changes: Mapping[str, Any],
    reason: str,
    *,
    decision_id: str,
) -> Label:
    """Append a label that supersedes one of the reader's own.

    Parameters
    ----------
    desk : Desk
    reader : Reader
    uuid : str
        The standing label to change.
    changes : mapping
        Any of ``verdict``, ``event_type``, ``onset_s``, ``duration_s``, ``comment``,
        ``confidence``.
    reason : str
        Why; must not be empty.
    decision_id : str
        Of the form: sent twice, it is saved once.

    Raises
    ------
    LabelNotSavedError
        If it was not saved; the message says why.
    """
    saved = desk.labels.saved_as(decision_id)
    if saved is not None:
        return saved
    label = _own(desk, reader, uuid, standing=True)
    unknown = sorted(set(changes) - set(_CHANGEABLE))
    if unknown:
        raise LabelNotSavedError(f"NOT saved: {', '.join(unknown)} of a label cannot be changed.")
    if not reason.strip():
        raise LabelNotSavedError("NOT saved: say why the label is changed.")
    values = {name: changes.get(name, getattr(label, name)) for name in _CHANGEABLE}
    adjudicated = label.verdict == "adjudicated"
    if adjudicated != (values["verdict"] == "adjudicated") or (
        not adjudicated and values["verdict"] not in _VERDICTS
    ):
        raise LabelNotSavedError(
            "NOT saved: choose agree, disagree, unsure or missed. An adjudicated decision is "
            "changed on the adjudication page, a label is withdrawn by taking it back."
        )
    if float(values["duration_s"]) < SHORTEST_S:
        raise LabelNotSavedError(
            f"NOT saved: a span of at least {SHORTEST_S} s is needed. Move the onset or the end."
        )
    return desk.append(
        _superseding(
            label,
            decision_id,
            reason.strip(),
            _guideline(desk),
            _blind(desk, reader, label),
            **values,
        )
    )


def take_back(desk: Desk, reader: Reader, uuid: str, reason: str, *, decision_id: str) -> Label:
    """Append a retraction of one of the reader's own labels.

    Raises
    ------
    LabelNotSavedError
        If it was not saved; the message says why.
    """
    saved = desk.labels.saved_as(decision_id)
    if saved is not None:
        return saved
    label = _own(desk, reader, uuid, standing=True)
    if not reason.strip():
        raise LabelNotSavedError("NOT saved: say why the label is taken back.")
    return desk.append(
        _superseding(
            label,
            decision_id,
            reason.strip(),
            label.guideline,
            _blind(desk, reader, label),
            verdict="retract",
        )
    )


def undo_change(desk: Desk, reader: Reader, uuid: str, *, decision_id: str) -> Label:
    """Take back the newest step in the history of one of the reader's own labels.

    A change is replaced by a copy of what stood before, a retraction by a copy of what was
    retracted, a first statement is retracted.

    Raises
    ------
    LabelNotSavedError
        If there is nothing to take back, or it was not saved.
    """
    saved = desk.labels.saved_as(decision_id)
    if saved is not None:
        return saved
    label = _own(desk, reader, uuid, standing=False)
    records = desk.labels.history(label.uuid)
    before = next((x for x in records if x.uuid == label.supersedes), None)
    if any(x.supersedes == label.uuid and x.uuid != label.uuid for x in records):
        raise LabelNotSavedError(
            "NOT saved: this label was changed since. Take back the newest step first."
        )
    if before is None:
        return desk.append(
            _superseding(
                label,
                decision_id,
                UNDONE,
                label.guideline,
                _blind(desk, reader, label),
                verdict="retract",
            )
        )
    if before.reviewer != label.reviewer:
        raise LabelNotSavedError(
            "NOT saved: what stood before is another reader's statement. Change the label instead."
        )
    if before.kind != "label":
        raise LabelNotSavedError("NOT saved: sign the recording off again on the review page.")
    values = {name: getattr(before, name) for name in _CHANGEABLE}
    why = BROUGHT_BACK if label.is_retraction else UNDONE
    return desk.append(
        _superseding(
            label, decision_id, why, before.guideline, _blind(desk, reader, label), **values
        )
    )


def _own(desk: Desk, reader: Reader, uuid: str, *, standing: bool) -> Label:
    """Return a label of the reader; with ``standing``, only one that holds now."""
    name = named(reader.name)
    label = desk.labels.find(uuid)
    if label is None or label.reviewer != name or label.kind != "label":
        if label is not None and label.is_retraction and label.reviewer == name:
            return label
        raise LabelNotSavedError(
            "NOT saved: this is not one of your labels. What another reader said is not changed; "
            "say what you see in a label of your own."
        )
    current = desk.labels.current(label.recording_sha256, reviewer=name, repeats=True)
    if standing and label.uuid not in {x.uuid for x in current.labels}:
        raise LabelNotSavedError(
            "NOT saved: this label was changed or taken back meanwhile. Reload the page."
        )
    return label


def _superseding(
    label: Label, decision_id: str, reason: str, guideline: str, blinded: bool, **values: Any
) -> DraftLabel:
    content: dict[str, Any] = {name: getattr(label, name) for name in _CHANGEABLE}
    content.update(values)
    return DraftLabel(
        idempotency_id=decision_id,
        reviewer=label.reviewer,
        recording_sha256=label.recording_sha256,
        role=label.role,
        reason=reason or CHANGED,
        blinded=blinded,
        model=label.model,
        model_sha256=label.model_sha256,
        threshold_pm=label.threshold_pm,
        postprocessing=label.postprocessing,
        probability_pm=label.probability_pm,
        supersedes=label.uuid,
        guideline=guideline,
        repeat_of=label.repeat_of,
        **content,
    )


def _blind(desk: Desk, reader: Reader, label: Label) -> bool:
    """Whether the reader is blinded now: a blinded label that is changed later is not blinded."""
    return Sight(desk, reader).blind(label.recording_sha256)


def _guideline(desk: Desk) -> str:
    held = reading_plan.current_guideline(desk.workspace)
    return held.version if held else ""
