"""The list of all labels: filters, history, changes, and what the lines of the file are like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eegdash.labels import Label
from eegdash.workflows.desk import Desk
from eegdash.workflows.readers import Reader

STANDING, ALL = "standing", "all"


@dataclass(frozen=True, slots=True)
class LabelFilter:
    """What is listed; an empty value filters nothing.

    Parameters
    ----------
    text : str
        Part of a recording's alias or file name, of a comment or a reason; case does not matter.
    recording_sha256, person, reviewer, verdict, reason, model, guideline, kind, status : str
        Exactly these. ``status`` is ``verified`` or ``hand-edited``.
    from_date, to_date : str
        ``YYYY-MM-DD`` in UTC, both included.
    which : str
        :data:`STANDING` (neither superseded nor retracted) or :data:`ALL`.
    conflicts_only : bool
        Only labels that compete for the place of one.
    """

    text: str = ""
    recording_sha256: str = ""
    person: str = ""
    reviewer: str = ""
    verdict: str = ""
    reason: str = ""
    model: str = ""
    guideline: str = ""
    kind: str = "label"
    status: str = ""
    from_date: str = ""
    to_date: str = ""
    which: str = STANDING
    conflicts_only: bool = False


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One label as it is listed.

    Parameters
    ----------
    label : Label
    name : str
        File name on the reader's own screen; the alias where the file is not in the workspace.
    person : str
        From the file's name or data set; empty where nobody says.
    in_workspace : bool
        Whether the review page can open it.
    standing, conflict, own, changed : bool
        Holds now; competes with another; is the viewer's own; took the place of an older one.
    """

    label: Label
    name: str
    person: str
    in_workspace: bool
    standing: bool
    conflict: bool
    own: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of labels, newest first.

    Parameters
    ----------
    rows : tuple of LabelRow
    n_matching, n_visible : int
        Labels that match the filter; labels that this viewer may see at all.
    n_withheld : int
        Records withheld from this viewer (blinded reading, or others' labels hidden).
    choices : mapping of str to tuple of str
        What the filters can be set to: ``recording`` (hashes), ``person``, ``reviewer``,
        ``verdict``, ``reason``, ``model``, ``guideline``.
    names : mapping of str to str
        What to show for each recording hash among the choices.
    lines : mapping of str to int
        Lines of the file by status: ``verified``, ``hand-edited``, ``torn``.
    """

    rows: tuple[LabelRow, ...]
    n_matching: int
    n_visible: int
    n_withheld: int
    choices: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str]
    lines: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One step in the history of a label: who, when, what before, what after, why.

    Parameters
    ----------
    label : Label
        The record of this step.
    what : str
        "said", "changed", "taken back", "brought back", "adjudicated" ...
    changes : tuple of (str, str, str)
        Field in words, before, after; empty for the first record.
    why : str
        The reason given; empty for the first record.
    standing : bool
    """

    label: Label
    what: str
    changes: tuple[tuple[str, str, str], ...]
    why: str
    standing: bool


@dataclass(frozen=True, slots=True)
class OddLine:
    """A line that is torn or was edited by hand, as it is shown."""

    number: int
    status: str
    note: str
    text: str = field(default="")


def listing(
    desk: Desk,
    reader: Reader,
    wanted: LabelFilter | None = None,
    *,
    offset: int = 0,
    limit: int = 100,
) -> Listing:
    """Return the labels that match, newest first, without what is withheld from the viewer."""
    raise NotImplementedError


def history(desk: Desk, reader: Reader, uuid: str) -> tuple[HistoryEntry, ...]:
    """Return the history of a label, oldest first; empty where it is unknown or withheld."""
    raise NotImplementedError


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
    changes : mapping
        Any of ``verdict``, ``event_type``, ``onset_s``, ``duration_s``, ``comment``,
        ``confidence``.
    reason : str
        Why; must not be empty.

    Raises
    ------
    LabelNotSavedError
    """
    raise NotImplementedError


def take_back(desk: Desk, reader: Reader, uuid: str, reason: str, *, decision_id: str) -> Label:
    """Append a retraction of one of the reader's own labels.

    Raises
    ------
    LabelNotSavedError
    """
    raise NotImplementedError


def undo_change(desk: Desk, reader: Reader, uuid: str, *, decision_id: str) -> Label:
    """Take back the newest step in the history of one of the reader's own labels.

    A change is replaced by a copy of what stood before, a retraction by a copy of what was
    retracted, a first statement is retracted.

    Raises
    ------
    LabelNotSavedError
    """
    raise NotImplementedError


def odd_lines(desk: Desk, limit: int = 200) -> tuple[OddLine, ...]:
    """Return the lines that are torn or edited by hand, newest first."""
    raise NotImplementedError
