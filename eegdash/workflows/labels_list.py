"""The list of all labels: filters, and what the lines of the file are like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eegdash.labels import Label, LabelLine, LineStatus
from eegdash.workflows.desk import Desk
from eegdash.workflows.label_history import HistoryEntry, change, history, take_back, undo_change
from eegdash.workflows.offers import asked_again
from eegdash.workflows.readers import Reader, Sight
from eegdash.workflows.recording_names import files_by_hash, person_of, shown_name

__all__ = ["HistoryEntry", "change", "history", "take_back", "undo_change"]  # one door for pages

STANDING, ALL = "standing", "all"
_EXACT = ("reviewer", "verdict", "reason", "model", "guideline", "kind")


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
        From the file's name; empty where it does not say.
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
class OddLine:
    """A line that is torn or was edited by hand, as it is shown; ``text`` is plain text."""

    number: int
    status: str
    note: str
    text: str = ""


def listing(
    desk: Desk,
    reader: Reader,
    wanted: LabelFilter | None = None,
    *,
    offset: int = 0,
    limit: int = 100,
) -> Listing:
    """Return the labels that match, newest first, without what is withheld from the viewer.

    What an open hidden repeat asks for again is left out and not counted either: a number would
    tell that it is one.

    Parameters
    ----------
    desk : Desk
    reader : Reader
        Who is looking.
    wanted : LabelFilter, optional
    offset, limit : int
        Which of the matching labels become rows.
    """
    records = desk.labels.all()
    sight = Sight(desk, reader, records)
    asked = asked_again(desk, reader.name)
    seen = [x for x in records if sight.sees(x)]
    visible = [x for x in seen if x.uuid not in asked]
    place = _Place(desk, records, files_by_hash(desk))
    test = _Test(wanted or LabelFilter(), place)
    matching = [x for x in reversed(visible) if test.passes(x)]
    own = reader.name.strip()
    return Listing(
        rows=tuple(place.row(x, own) for x in matching[offset : offset + limit]),
        n_matching=len(matching),
        n_visible=len(visible),
        n_withheld=len(records) - len(seen),
        choices=_choices(visible, place),
        names={x: place.name(x) for x in {label.recording_sha256 for label in visible}},
        lines={status.value: n for status, n in desk.labels.status_counts().items()},
    )


def odd_lines(desk: Desk, reader: Reader, limit: int = 200) -> tuple[OddLine, ...]:
    """Return the lines that are torn or edited by hand, newest first.

    A torn line may be anybody's: its text is shown to those alone from whom nothing is withheld.
    """
    sight = Sight(desk, reader)
    odd = [x for x in desk.labels.lines if x.status is not LineStatus.VERIFIED]
    everything = all(sight.others(sha256) for sha256 in desk.labels.recordings())
    return tuple(_odd(x, sight, everything) for x in reversed(odd[-limit:]))


def _odd(line: LabelLine, sight: Sight, everything: bool) -> OddLine:
    text = line.text if everything else ""
    if line.label is not None and sight.sees(line.label):
        label = line.label
        text = f"{label.recording_alias} {label.onset_s:g} s, {label.verdict or label.kind}, "
        text += label.reviewer
    return OddLine(line.number, line.status.value, line.note, text)


class _Place:
    """Where records stand: superseded, competing, and in which file of the workspace."""

    def __init__(self, desk: Desk, records: Sequence[Label], files: dict[str, Path]) -> None:
        successors: dict[str, int] = {}
        for record in records:
            if record.supersedes is not None and record.supersedes != record.uuid:
                successors[record.supersedes] = successors.get(record.supersedes, 0) + 1
        self._superseded = successors.keys()
        # the store knows which rivals are settled; it is asked only where there are any
        rivalled = {
            x.recording_sha256 for x in records if successors.get(x.supersedes or "", 0) > 1
        }
        self._competing = {
            label.uuid
            for sha256 in rivalled
            for conflict in desk.labels.current(sha256).conflicts
            for label in conflict.labels
        }
        self._files = files
        self._names: dict[str, str] = {}
        self._persons: dict[str, str] = {}

    def stands(self, label: Label) -> bool:
        return not label.is_retraction and label.uuid not in self._superseded

    def competes(self, label: Label) -> bool:
        return label.uuid in self._competing and label.uuid not in self._superseded

    def name(self, sha256: str) -> str:
        if sha256 not in self._names:
            self._names[sha256] = shown_name(sha256, self._files)
        return self._names[sha256]

    def person(self, sha256: str) -> str:
        if sha256 not in self._persons:
            self._persons[sha256] = person_of(self._files.get(sha256))
        return self._persons[sha256]

    def row(self, label: Label, own: str) -> LabelRow:
        sha256 = label.recording_sha256
        return LabelRow(
            label=label,
            name=self.name(sha256),
            person=self.person(sha256),
            in_workspace=sha256 in self._files,
            standing=self.stands(label),
            conflict=self.competes(label),
            own=label.reviewer == own,
            changed=label.supersedes is not None,
        )


class _Test:
    """A filter, with what it compares made once."""

    def __init__(self, wanted: LabelFilter, place: _Place) -> None:
        self._wanted, self._place = wanted, place
        self._text = wanted.text.strip().casefold()
        exact = [(name, getattr(wanted, name)) for name in _EXACT]
        self._exact = [(name, value) for name, value in exact if value]

    def passes(self, label: Label) -> bool:
        wanted, place = self._wanted, self._place
        if any(getattr(label, name) != value for name, value in self._exact):
            return False
        sha256, day = label.recording_sha256, label.time_utc[:10]
        return not (
            (wanted.which == STANDING and not place.stands(label))
            or (wanted.conflicts_only and not place.competes(label))
            or (wanted.recording_sha256 and sha256 != wanted.recording_sha256)
            or (wanted.person and place.person(sha256) != wanted.person)
            or (wanted.status and label.status.value != wanted.status)
            or (wanted.from_date and day < wanted.from_date)
            or (wanted.to_date and day > wanted.to_date)
            or (self._text and not self._found_in(label))
        )

    def _found_in(self, label: Label) -> bool:
        texts = (
            label.recording_alias,
            self._place.name(label.recording_sha256),
            label.comment,
            label.reason,
        )
        return any(self._text in text.casefold() for text in texts)


def _choices(visible: Sequence[Label], place: _Place) -> dict[str, tuple[str, ...]]:
    hashes = sorted({x.recording_sha256 for x in visible}, key=place.name)
    found: dict[str, tuple[str, ...]] = {"recording": tuple(hashes)}
    found["person"] = tuple(sorted({place.person(x) for x in hashes} - {""}))
    for name in ("reviewer", "verdict", "reason", "model", "guideline"):
        values = {getattr(x, name) for x in visible}
        found[name] = tuple(sorted(x for x in values if x))
    return found
