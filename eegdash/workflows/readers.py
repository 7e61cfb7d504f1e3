"""Readers: who may do what, who sees what, what is assigned to whom, and how far they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from eegdash.labels import Label
from eegdash.labels.opinions import FIRST_READ, standing
from eegdash.labels.spans import spans_of, total_s
from eegdash.scoring.counts import ratio
from eegdash.workflows import reading_plan
from eegdash.workflows.desk import Desk
from eegdash.workflows.reading_plan import Assignment, Guideline
from eegdash.workflows.recording_names import durations_s

__all__ = ["Assignment", "Guideline"]  # part of what the pages use

READER, ADJUDICATOR = "reader", "adjudicator"
PAUSE_S = 600.0
"""A longer gap between two records of a reader is a pause and no working time, s."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is looking.

    Parameters
    ----------
    name : str
        As typed in at the top of the page, or as the identity provider says; stripped.
    role : str
        :data:`READER` or :data:`ADJUDICATOR`.
    blinded : bool
        The reader chose to read blinded first (the setting may make it compulsory).
    """

    name: str
    role: str = READER
    blinded: bool = False


@dataclass(frozen=True, slots=True)
class ReaderProgress:
    """How far a reader is.

    Parameters
    ----------
    name : str
    n_labels, n_unsure, n_repeats : int
        Standing labels (repeats not counted), those that say unsure, and hidden repeats.
    n_assigned, n_done : int
        Recordings assigned, and those of them signed off (or first read, where everybody reads
        blinded).
    open_recordings : tuple of str
        Hashes assigned and not done, in the order of their assignment.
    assigned_s, done_s, read_s : float
        EEG assigned, assigned and done, and seen on screen as first reads and sign-offs state, s.
    worked_s : float
        Estimated working time: the gaps between this reader's consecutive records that are no
        longer than ten minutes, s.
    last_utc : str
        Time of the newest record; empty where there is none.
    """

    name: str
    n_labels: int = 0
    n_unsure: int = 0
    n_repeats: int = 0
    n_assigned: int = 0
    n_done: int = 0
    open_recordings: tuple[str, ...] = ()
    assigned_s: float = 0.0
    done_s: float = 0.0
    read_s: float = 0.0
    worked_s: float = 0.0
    last_utc: str = ""

    @property
    def labels_per_hour(self) -> float:
        """Labels per hour of work; NaN where no working time is known."""
        return ratio(self.n_labels * 3600, self.worked_s)

    @property
    def eeg_hours_per_hour(self) -> float:
        """Hours of EEG read per hour of work; NaN where no working time is known."""
        return ratio(self.read_s, self.worked_s)


def may_adjudicate(desk: Desk, name: str) -> bool:
    """Return whether a reader may take the role adjudicator.

    Everybody with a name may unless ``EEGDASH_ADJUDICATORS`` names who.
    """
    named = desk.settings.adjudicators
    return bool(name.strip()) and (not named or name.strip() in named)


class Sight:
    """What a reader may see of others' labels and of the detector, recording by recording.

    Parameters
    ----------
    desk : Desk
    reader : Reader
    records : iterable of Label, optional
        Every record, where the caller has them already.
    """

    def __init__(self, desk: Desk, reader: Reader, records: Iterable[Label] | None = None) -> None:
        self._name = reader.name.strip()
        self._blinded = reader.blinded or desk.settings.blinded
        adjudicates = reader.role == ADJUDICATOR and may_adjudicate(desk, self._name)
        self._own_only = desk.settings.others_hidden and not adjudicates
        self._committed: set[str] = set()
        if self._blinded and self._name:
            every = desk.labels.all() if records is None else records
            own = standing(x for x in every if x.reviewer == self._name)
            self._committed = {x.recording_sha256 for x in own if x.kind == FIRST_READ}

    def blind(self, recording_sha256: str) -> bool:
        """Return whether the detector, the reference and others are withheld."""
        return self._blinded and recording_sha256 not in self._committed

    def others(self, recording_sha256: str) -> bool:
        """Return whether others' labels are shown."""
        return not self._own_only and not self.blind(recording_sha256)

    def sees(self, label: Label) -> bool:
        """Return whether a record is shown."""
        return label.reviewer == self._name or self.others(label.recording_sha256)


def sees_others(desk: Desk, recording_sha256: str, reader: Reader) -> bool:
    """Return whether a reader is shown what others said about a recording.

    Never while reading it blinded. Else an adjudicator is; a reader is unless
    ``EEGDASH_OTHERS_LABELS=hidden``.
    """
    return Sight(desk, reader, desk.labels.for_recording(recording_sha256)).others(recording_sha256)


def sees_everything(desk: Desk, reader: Reader) -> bool:
    """Return whether nothing that others said is withheld from a reader.

    Figures over all recordings, as how many labels somebody has, are told to nobody else: with few
    recordings they say what is in them.
    """
    records = desk.labels.all()
    sight = Sight(desk, reader, records)
    return all(sight.sees(record) for record in records)


def known_readers(desk: Desk) -> tuple[str, ...]:
    """Return everybody who labelled or was assigned a recording, by name."""
    named = {label.reviewer for label in desk.labels.all()}
    named |= {one.reader for one in assignments(desk)}
    return tuple(sorted(named, key=str.casefold))


def guideline(desk: Desk) -> Guideline | None:
    """Return the version of the guideline that holds now; None where none was stated."""
    return reading_plan.current_guideline(desk.workspace)


def guidelines(desk: Desk) -> tuple[Guideline, ...]:
    """Return every version that was ever stated, oldest first."""
    return reading_plan.guidelines_of(desk.workspace)


def set_guideline(desk: Desk, version: str, title: str, by: str, *, decision_id: str) -> Guideline:
    """State a new version; every label saved from now on carries it.

    Raises
    ------
    WorkspaceError
        If it was not saved, or the version is empty or longer than 60 characters.
    """
    return reading_plan.state_guideline(desk.workspace, version, title, by, decision_id)


def assign(
    desk: Desk, recordings: Sequence[str], reader: str, by: str, *, decision_id: str
) -> None:
    """Assign recordings (hashes) to a reader; one that is assigned already stays as it is.

    Raises
    ------
    WorkspaceError
        If it was not saved.
    """
    reading_plan.change_assignments(desk.workspace, "assign", recordings, reader, by, decision_id)


def unassign(
    desk: Desk, recordings: Sequence[str], reader: str, by: str, *, decision_id: str
) -> None:
    """Take recordings (hashes) from a reader's list; labels are not touched.

    Raises
    ------
    WorkspaceError
        If it was not saved.
    """
    reading_plan.change_assignments(desk.workspace, "unassign", recordings, reader, by, decision_id)


def assignments(desk: Desk, reader: str | None = None) -> tuple[Assignment, ...]:
    """Return the assignments that hold, oldest first; of one reader or of all."""
    held = reading_plan.assignments_of(desk.workspace)
    return tuple(one for one in held if reader is None or one.reader == reader.strip())


def repeat_share(desk: Desk) -> float:
    """Return which share of a reader's queue is hidden repeats, 0 to 0.5."""
    return reading_plan.repeat_share_of(desk.workspace)


def set_repeat_share(desk: Desk, share: float, by: str, *, decision_id: str) -> None:
    """State which share of every queue is hidden repeats, 0 to 0.5 (default 0).

    Raises
    ------
    WorkspaceError
        If it was not saved, or the share is not from 0 to 0.5.
    """
    reading_plan.state_repeat_share(desk.workspace, share, by, decision_id)


def progress(desk: Desk) -> tuple[ReaderProgress, ...]:
    """Return how far each known reader is, by name."""
    records = desk.labels.all()
    by_reader: dict[str, list[Label]] = {}
    for record in records:
        by_reader.setdefault(record.reviewer, []).append(record)
    given: dict[str, list[str]] = {}
    for one in assignments(desk):
        given.setdefault(one.reader, []).append(one.recording_sha256)
    lengths = durations_s(desk, records, {x for hashes in given.values() for x in hashes})
    done_by = (FIRST_READ, "sign_off") if desk.settings.blinded else ("sign_off",)
    said: dict[str, list[Label]] = {}
    for record in standing(records):
        said.setdefault(record.reviewer, []).append(record)
    return tuple(
        _progress(
            name, by_reader.get(name, []), said.get(name, []), given.get(name, []), lengths, done_by
        )
        for name in sorted({*by_reader, *given}, key=str.casefold)
    )


def _progress(
    name: str,
    records: Sequence[Label],
    said: Sequence[Label],
    given: Sequence[str],
    lengths: dict[str, float],
    done_by: tuple[str, ...],
) -> ReaderProgress:
    labels = [x for x in said if x.kind == "label" and x.repeat_of is None]
    done = {x.recording_sha256 for x in said if x.kind in done_by}
    times = [_time(x.time_utc) for x in records if not x.source]
    gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
    return ReaderProgress(
        name=name,
        n_labels=len(labels),
        n_unsure=sum(x.verdict == "unsure" for x in labels),
        n_repeats=sum(x.kind == "label" and x.repeat_of is not None for x in said),
        n_assigned=len(given),
        n_done=sum(sha256 in done for sha256 in given),
        open_recordings=tuple(sha256 for sha256 in given if sha256 not in done),
        assigned_s=sum(lengths.get(sha256, 0.0) for sha256 in given),
        done_s=sum(lengths.get(sha256, 0.0) for sha256 in given if sha256 in done),
        read_s=_read_s(said),
        # a clock that was set back makes a negative gap, which is no working time either
        worked_s=sum(gap for gap in gaps if 0 < gap <= PAUSE_S),
        last_utc=records[-1].time_utc if records else "",
    )


def _read_s(said: Sequence[Label]) -> float:
    """Length of what had been on screen by the standing first reads and sign-offs, s."""
    seen: dict[str, list[tuple[float, float]]] = {}
    for record in said:
        if record.kind != "label" and not record.source:
            whole = ((record.onset_s, record.end_s),)
            spans = whole if record.seen is None else record.seen
            seen.setdefault(record.recording_sha256, []).extend(spans)
    return sum(total_s(spans_of(spans)) for spans in seen.values())


def _time(time_utc: str) -> datetime:
    return datetime.fromisoformat(time_utc.replace("Z", "+00:00"))
