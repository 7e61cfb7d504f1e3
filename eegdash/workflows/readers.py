"""Readers: who may do what, who sees what, what is assigned to whom, and how far they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eegdash.workflows.desk import Desk

READER, ADJUDICATOR = "reader", "adjudicator"


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
class Guideline:
    """A version of the labelling guideline: since when it holds, and who said so."""

    version: str
    title: str = ""
    since_utc: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A recording given to a reader."""

    recording_sha256: str
    alias: str
    reader: str
    since_utc: str
    by: str


@dataclass(frozen=True, slots=True)
class ReaderProgress:
    """How far a reader is.

    Parameters
    ----------
    name : str
    n_labels, n_unsure, n_repeats : int
        Standing labels (repeats not counted), those that say unsure, and hidden repeats.
    n_assigned, n_done : int
        Recordings assigned, and those of them signed off (or first read, while reading blinded).
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
        raise NotImplementedError

    @property
    def eeg_hours_per_hour(self) -> float:
        """Hours of EEG read per hour of work; NaN where no working time is known."""
        raise NotImplementedError


def may_adjudicate(desk: Desk, name: str) -> bool:
    """Return whether a reader may take the role adjudicator.

    Everybody may unless ``EEGDASH_ADJUDICATORS`` names who.
    """
    raise NotImplementedError


def sees_others(desk: Desk, recording_sha256: str, reader: Reader) -> bool:
    """Return whether a reader is shown what others said about a recording.

    Never while reading it blinded. Else an adjudicator is; a reader is unless
    ``EEGDASH_OTHERS_LABELS=hidden``.
    """
    raise NotImplementedError


def known_readers(desk: Desk) -> tuple[str, ...]:
    """Return everybody who labelled or was assigned a recording, by name."""
    raise NotImplementedError


def guideline(desk: Desk) -> Guideline | None:
    """Return the version of the guideline that holds now; None where none was stated."""
    raise NotImplementedError


def guidelines(desk: Desk) -> tuple[Guideline, ...]:
    """Return every version that was ever stated, oldest first."""
    raise NotImplementedError


def set_guideline(desk: Desk, version: str, title: str, by: str, *, decision_id: str) -> Guideline:
    """State a new version; every label saved from now on carries it.

    Raises
    ------
    WorkspaceError
        If it was not saved, or the version is empty or longer than 60 characters.
    """
    raise NotImplementedError


def assign(
    desk: Desk, recordings: Sequence[str], reader: str, by: str, *, decision_id: str
) -> None:
    """Assign recordings (hashes) to a reader; one that is assigned already stays as it is.

    Raises
    ------
    WorkspaceError
        If it was not saved.
    """
    raise NotImplementedError


def unassign(
    desk: Desk, recordings: Sequence[str], reader: str, by: str, *, decision_id: str
) -> None:
    """Take recordings (hashes) from a reader's list; labels are not touched."""
    raise NotImplementedError


def assignments(desk: Desk, reader: str | None = None) -> tuple[Assignment, ...]:
    """Return the assignments that hold, oldest first; of one reader or of all."""
    raise NotImplementedError


def repeat_share(desk: Desk) -> float:
    """Return which share of a reader's queue is hidden repeats, 0 to 0.5."""
    raise NotImplementedError


def set_repeat_share(desk: Desk, share: float, by: str, *, decision_id: str) -> None:
    """State which share of every queue is hidden repeats, 0 to 0.5 (default 0).

    Raises
    ------
    WorkspaceError
        If it was not saved, or the share is not from 0 to 0.5.
    """
    raise NotImplementedError


def progress(desk: Desk) -> tuple[ReaderProgress, ...]:
    """Return how far each known reader is, by name."""
    raise NotImplementedError
