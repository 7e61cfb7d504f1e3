"""Adjudication: opinions on a span side by side, and the decision as a label of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import LabelNotSavedError
from eegdash.labels import Conflict, DraftLabel, Label
from eegdash.labels.checks import ADJUDICATED
from eegdash.labels.opinions import NO_SEIZURE, SEIZURE, UNSURE, Reading, stance, standing
from eegdash.labels.spans import common, spans_of, total_s
from eegdash.workflows.desk import Desk
from eegdash.workflows.offers import overlaps
from eegdash.workflows.opinion_material import Opinions, readings_of, visible
from eegdash.workflows.queue_spans import Detected, detected
from eegdash.workflows.readers import ADJUDICATOR, Reader, Sight, may_adjudicate
from eegdash.workflows.recording_names import files_by_hash, shown_name
from eegdash.workflows.remembered import Remembered
from eegdash.workflows.review import named

OPEN, DECIDED = "open", "decided"
NOTHING_MARKED, NOT_READ = "nothing marked", "not read"
AGAIN = "decided anew"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one reader said about a case.

    Parameters
    ----------
    reader : str
    says : str
        ``seizure``, ``no seizure``, ``unsure``, ``nothing marked`` (read, and marked nothing) or
        ``not read``.
    labels : tuple of Label
        The reader's standing labels in the span.
    """

    reader: str
    says: str
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A span on which readers differ, or that was decided.

    Parameters
    ----------
    key : str
        Stable while the labels stay; for widgets and decisions.
    recording_sha256, name : str
    onset_s, duration_s : float
        From the earliest onset to the latest end of the labels that touch each other, s.
    opinions : tuple of Opinion
        Of every reader who labelled or read the recording, by name.
    detector : str
        What the detector says, in words; empty where the recording was not scored.
    probability_pm : int or None
        Highest probability of a detection in the span, per mille.
    decided : tuple of Label
        Adjudicated labels that stand in the span.
    state : str
        :data:`OPEN` or :data:`DECIDED`; a case whose labels changed after the decision is open.
    conflicts : tuple of Conflict
        Labels that supersede the same one.
    """

    key: str
    recording_sha256: str
    name: str
    onset_s: float
    duration_s: float
    opinions: tuple[Opinion, ...]
    detector: str
    probability_pm: int | None
    decided: tuple[Label, ...]
    state: str
    conflicts: tuple[Conflict, ...]

    @property
    def end_s(self) -> float:
        """End of the span, s."""
        return self.onset_s + self.duration_s


def cases(
    desk: Desk,
    reader: Reader,
    model: CheckpointInfo | None = None,
    *,
    state: str | None = OPEN,
    recording_sha256: str = "",
) -> tuple[Case, ...]:
    """Return the cases that a viewer may see, by recording and onset.

    A case is a span of labels that touch each other where readers differ: one says seizure and
    another does not (or read it and marked nothing), somebody is unsure, or two labels compete for
    the place of one. A span on which all agree is none.

    Parameters
    ----------
    desk : Desk
    reader : Reader
        Who is looking.
    model : CheckpointInfo, optional
        Whose detections are told.
    state : str or None
        :data:`OPEN`, :data:`DECIDED`, or None for both.
    recording_sha256 : str
        Only of this recording.
    """
    wanted = {recording_sha256} if recording_sha256 else None
    reading = desk.labels.reading()
    said = desk.labels.all()
    sight = Sight(desk, reader, said)
    by_recording, _ = visible(said, sight, wanted)
    files = files_by_hash(desk)
    found: list[Case] = []
    for sha256, name in sorted(
        ((x, shown_name(x, files)) for x in by_recording), key=lambda x: (x[1], x[0])
    ):
        records, blind = by_recording[sha256], sight.blind(sha256)
        machine = None if blind else detected(desk, sha256, model)
        key = (reading, sha256, name, tuple(x.uuid for x in records))
        every = _known.of(key, machine, partial(_worked_out, desk, records, blind, name, machine))
        found += [case for case in every if state in (None, case.state)]
    return tuple(found)


_known: Remembered[Case] = Remembered(100_000)


def _worked_out(
    desk: Desk, records: Sequence[Label], blind: bool, name: str, machine: Detected | None
) -> tuple[Case, ...]:
    """Return the cases of one recording, by onset."""
    sha256 = records[0].recording_sha256
    one = Opinions(sha256, tuple(records), readings_of(records), blind)
    return tuple(_cases_of(desk, one, name, machine))


def _cases_of(desk: Desk, one: Opinions, name: str, machine: Detected | None) -> list[Case]:
    labels = [x for x in standing(one.records) if x.kind == "label" and x.repeat_of is None]
    conflicts = _conflicts(desk, one)
    # a retraction that competes with a change stands nowhere, but its place is a case
    rivals = [x for c in conflicts for x in c.labels if x.is_retraction]
    groups: list[list[Label]] = []
    end_s = 0.0
    for label in sorted([*labels, *rivals], key=lambda x: (x.onset_s, x.end_s)):
        if groups and label.onset_s < end_s:
            groups[-1].append(label)
            end_s = max(end_s, label.end_s)
        else:
            groups.append([label])
            end_s = label.end_s
    found = (_case(one, name, machine, group, conflicts) for group in groups)
    return [case for case in found if case is not None]


def _conflicts(desk: Desk, one: Opinions) -> tuple[Conflict, ...]:
    superseded = [x.supersedes for x in one.records if x.supersedes]
    if len(set(superseded)) == len(superseded):
        return ()  # nothing was superseded twice; asking the store costs a pass over all
    found = desk.labels.current(one.recording_sha256, kind="label").conflicts
    shown = {x.uuid for x in one.records}
    return tuple(x for x in found if all(label.uuid in shown for label in x.labels))


def _case(
    one: Opinions,
    name: str,
    machine: Detected | None,
    group: Sequence[Label],
    conflicts: Sequence[Conflict],
) -> Case | None:
    onset_s = min(x.onset_s for x in group)
    end_s = max(x.end_s for x in group)
    uuids = {x.uuid for x in group}
    mine = tuple(c for c in conflicts if any(x.uuid in uuids for x in c.labels))
    decided = tuple(x for x in group if x.verdict == ADJUDICATED)
    said = [x for x in group if x.verdict != ADJUDICATED and not x.is_retraction]
    told = _opinions(one, said, onset_s, end_s)
    if not (_differ(told) or mine or decided):
        return None
    newest = max((x.seq for x in said), default=0)
    settled = bool(decided) and not mine and all(x.seq > newest for x in decided)
    words, probability_pm = _detector(machine, onset_s, end_s)
    text = f"{one.recording_sha256}|{sorted(uuids)}"
    return Case(
        key=hashlib.sha256(text.encode()).hexdigest()[:16],
        recording_sha256=one.recording_sha256,
        name=name,
        onset_s=onset_s,
        duration_s=round(end_s - onset_s, 3),
        opinions=told,
        detector=words,
        probability_pm=probability_pm,
        decided=decided,
        state=DECIDED if settled else OPEN,
        conflicts=mine,
    )


def _opinions(
    one: Opinions, said: Sequence[Label], onset_s: float, end_s: float
) -> tuple[Opinion, ...]:
    by_reader: dict[str, list[Label]] = {name: [] for name in one.readings}
    for label in said:
        by_reader.setdefault(label.reviewer, []).append(label)
    found: list[Opinion] = []
    for name in sorted(by_reader, key=str.casefold):
        labels = tuple(by_reader[name])
        stances = {stance(x) for x in labels}
        for word in (SEIZURE, UNSURE, NO_SEIZURE):
            if word in stances:
                says = word
                break
        else:
            says = _silence(one.readings.get(name), onset_s, end_s)
        found.append(Opinion(name, says, labels))
    return tuple(found)


def _silence(reading: Reading | None, onset_s: float, end_s: float) -> str:
    """What it means that a reader has no label here: half of it must have been read."""
    if reading is None:
        return NOT_READ
    span = spans_of([(onset_s, end_s)])
    read_s = total_s(common(span, reading.known))
    return NOTHING_MARKED if 2 * read_s >= end_s - onset_s else NOT_READ


def _differ(told: Sequence[Opinion]) -> bool:
    said = {NO_SEIZURE if x.says == NOTHING_MARKED else x.says for x in told} - {NOT_READ}
    return UNSURE in said or len(said) > 1


def _detector(found: Detected | None, onset_s: float, end_s: float) -> tuple[str, int | None]:
    if found is None:
        return "", None
    touching = found.touching(onset_s, end_s)
    threshold = f"threshold {found.threshold_pm / 1000:.2f}"
    if not touching:
        near = found.touching(onset_s, end_s, nearly=True)
        peak_pm = max((e.peak_pm for e in near), default=None)
        if peak_pm is None:
            return f"no detection ({threshold})", None
        return f"no detection: highest probability {peak_pm / 1000:.2f}, {threshold}", peak_pm
    peak_pm = max(e.peak_pm for e in touching)
    number = "detection" if len(touching) == 1 else f"{len(touching)} detections"
    return f"{number}: highest probability {peak_pm / 1000:.2f}, {threshold}", peak_pm


def adjudicate(
    desk: Desk,
    reader: Reader,
    case: Case,
    event_type: str,
    *,
    onset_s: float,
    duration_s: float,
    comment: str = "",
    reason: str = "",
    decision_id: str,
) -> Label:
    """Save the decision on a case as a label of its own (verdict ``adjudicated``).

    Opinions stay as they are. A standing decision in the span is superseded, with ``reason``.

    Parameters
    ----------
    desk : Desk
    reader : Reader
        In the role adjudicator.
    case : Case
    event_type : str
        ``bckg`` (no seizure), ``sz`` or an SzCORE seizure type.
    onset_s, duration_s : float
        What the decision is about; must touch the case.
    comment, reason : str
        ``reason`` is needed where there is a decision already.
    decision_id : str
        Of the form: sent twice, it is saved once.

    Raises
    ------
    LabelNotSavedError
        If the role is not adjudicator, a reason is missing, or the file could not be written.
    """
    saved = desk.labels.saved_as(decision_id)
    if saved is not None:
        return saved
    name = _adjudicator(desk, reader, case.recording_sha256)
    if not overlaps(onset_s, onset_s + duration_s, case.onset_s, case.end_s):
        raise LabelNotSavedError(
            "NOT saved: the decision must lie where the opinions are "
            f"({case.onset_s:g} to {case.end_s:g} s)."
        )
    if case.decided and not reason.strip():
        raise LabelNotSavedError("NOT saved: say why the earlier decision is changed.")
    replaced = case.decided[-1] if case.decided else None
    for older in case.decided[:-1]:
        desk.append(
            _withdrawal(older, name, reason.strip() or AGAIN, f"{decision_id}:{older.uuid}")
        )
    return desk.append(
        DraftLabel(
            idempotency_id=decision_id,
            reviewer=name,
            role=ADJUDICATOR,
            recording_sha256=case.recording_sha256,
            onset_s=onset_s,
            duration_s=duration_s,
            verdict=ADJUDICATED,
            event_type=event_type,
            comment=comment,
            reason=reason.strip(),
            supersedes=replaced.uuid if replaced else None,
        )
    )


def settle(
    desk: Desk,
    reader: Reader,
    conflict: Conflict,
    keep_uuid: str,
    reason: str,
    *,
    decision_id: str,
) -> tuple[Label, ...]:
    """Settle a conflict: the labels of ``conflict`` except one are retracted, with the reason.

    Where the one that is kept is itself a retraction, all the others go.

    Parameters
    ----------
    desk : Desk
    reader : Reader
        In the role adjudicator, or the one whose labels all of these are.
    conflict : Conflict
    keep_uuid : str
        Of the label that is to stand.
    reason : str
        Why; must not be empty.
    decision_id : str

    Raises
    ------
    LabelNotSavedError
        If it was not saved; the message says why.
    """
    if keep_uuid not in {x.uuid for x in conflict.labels}:
        raise LabelNotSavedError("NOT saved: choose which of the competing labels is to stand.")
    if not reason.strip():
        raise LabelNotSavedError("NOT saved: say why this label is to stand.")
    own = {x.reviewer for x in conflict.labels} == {reader.name.strip()}
    sha256 = conflict.labels[0].recording_sha256
    name = named(reader.name) if own else _adjudicator(desk, reader, sha256)
    role = "reader" if own else ADJUDICATOR
    return tuple(
        desk.append(_withdrawal(x, name, reason.strip(), f"{decision_id}:{x.uuid}", role))
        for x in conflict.labels
        if x.uuid != keep_uuid and not x.is_retraction
    ) + _reinstated(desk, conflict, keep_uuid, name, role, reason.strip(), decision_id)


def _reinstated(
    desk: Desk,
    conflict: Conflict,
    keep_uuid: str,
    name: str,
    role: str,
    reason: str,
    decision_id: str,
) -> tuple[Label, ...]:
    """Withdraw retractions that compete with the label that is kept."""
    return tuple(
        desk.append(_withdrawal(x, name, reason, f"{decision_id}:{x.uuid}", role))
        for x in conflict.labels
        if x.is_retraction and x.uuid != keep_uuid
    )


def _withdrawal(
    label: Label, name: str, reason: str, decision_id: str, role: str = ADJUDICATOR
) -> DraftLabel:
    return DraftLabel(
        idempotency_id=decision_id,
        reviewer=name,
        role=role,
        recording_sha256=label.recording_sha256,
        onset_s=label.onset_s,
        duration_s=label.duration_s,
        verdict="retract",
        event_type=label.event_type,
        reason=reason,
        supersedes=label.uuid,
        guideline=label.guideline,
    )


def _adjudicator(desk: Desk, reader: Reader, recording_sha256: str) -> str:
    name = named(reader.name)
    if reader.role != ADJUDICATOR or not may_adjudicate(desk, name):
        raise LabelNotSavedError(
            "NOT saved: only an adjudicator decides. Choose that role beside your name, or ask "
            "for it (EEGDASH_ADJUDICATORS names who may)."
        )
    if Sight(desk, reader).blind(recording_sha256):
        raise LabelNotSavedError(
            "NOT saved: commit your own blinded first read of this recording first."
        )
    return name
