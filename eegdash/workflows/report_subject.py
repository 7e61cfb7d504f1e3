"""Whom a report is about: one recording, or all recordings of a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import EegdashError, ReportError
from eegdash.io.dataset import DatasetItem
from eegdash.io.layouts import read_dataset
from eegdash.recording import alias_of
from eegdash.workflows import library, reading
from eegdash.workflows.desk import Desk
from eegdash.workflows.score import is_scored

RECORDING, PERSON = "recording", "person"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a report is about.

    Parameters
    ----------
    kind : str
        :data:`RECORDING` or :data:`PERSON`.
    name : str
        The alias of the recording, or the person: never a file name.
    items : tuple of DatasetItem
        The recordings, each content once.
    """

    kind: str
    name: str
    items: tuple[DatasetItem, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """Files of the recordings."""
        return tuple(item.path for item in self.items)


@dataclass(frozen=True, slots=True)
class Choice:
    """A subject that the page offers.

    Parameters
    ----------
    key : str
        ``recording:`` and a hash, or ``person:`` and a name.
    subject : Subject
    hashes : tuple of str
        Of its recordings.
    n_scored : int
        How many of them are scored by the chosen detector.
    withheld : bool
        The reader reads blinded and has not committed a first read of all of them.
    """

    key: str
    subject: Subject
    hashes: tuple[str, ...]
    n_scored: int
    withheld: bool


def of_recording(desk: Desk, path: Path) -> Subject:
    """Return the subject of a single recording.

    Raises
    ------
    RecordingError
        If the file cannot be read.
    """
    alias = alias_of(library.known_hash(desk, path))
    return Subject(RECORDING, alias, (_item(path),))


def of_person(desk: Desk, paths: Iterable[Path], person: str) -> Subject:
    """Return the subject of a person whose recordings are ``paths``.

    Raises
    ------
    ReportError
        If there is no recording, or no name.
    """
    if not person.strip():
        raise ReportError("A report on a person needs to know who it is. Name the person.")
    items: dict[str, DatasetItem] = {}
    for path in paths:
        items.setdefault(library.known_hash(desk, path), _item(path))
    if not items:
        raise ReportError(f"There is no recording of the person {person}.")
    return Subject(PERSON, person.strip(), tuple(items.values()))


def of_paths(desk: Desk, paths: Sequence[Path], person: str | None) -> Subject:
    """Return the subject of files and folders, as the command line names them.

    One file without a person is a report on that recording. A folder, or several files, are a
    report on a person: the one who is named, else the only one whom the data set states.

    Raises
    ------
    ReportError
        If it is not clear who is meant; the message says what to name.
    """
    if len(paths) == 1 and paths[0].is_file() and person is None:
        return of_recording(desk, paths[0])
    items = [item for path in paths for item in read_dataset(path).items]
    if person is not None:
        stated = [item for item in items if item.person in (person, "")]
        mine = [item for item in items if item.person == person] or stated
        if not mine:
            raise ReportError(
                f"No recording here is of the person {person}. Persons found: "
                f"{', '.join(sorted({item.person for item in items}))}."
            )
        return of_person(desk, [item.path for item in mine], person)
    persons = sorted({item.person for item in items if item.person})
    if len(persons) != 1 or any(not item.person for item in items):
        raise ReportError(
            "A report is on one recording or on one person. Name the person with --person; "
            f"persons found: {', '.join(persons) or 'none is stated'}."
        )
    return of_person(desk, [item.path for item in items], persons[0])


def choices(
    desk: Desk, model: CheckpointInfo, *, reviewer: str = "", blinded: bool = False
) -> list[Choice]:
    """Return the recordings and persons of the workspace that a report can be written on."""
    known: dict[str, Path] = {}
    for path in library.recording_files(desk):
        facts = library.facts(desk, path)
        if not facts.problem and not facts.not_scorable:
            known.setdefault(facts.sha256, path)
    people: dict[str, list[str]] = {}
    found: list[tuple[str, Subject, tuple[str, ...]]] = []
    for sha256, path in known.items():
        subject = Subject(RECORDING, alias_of(sha256), (_item(path),))
        found.append((f"recording:{sha256}", subject, (sha256,)))
        person = subject.items[0].person
        if person:
            people.setdefault(person, []).append(sha256)
    for person, hashes in sorted(people.items()):
        if len(hashes) > 1:
            items = tuple(_item(known[sha256]) for sha256 in hashes)
            found.append((f"person:{person}", Subject(PERSON, person, items), tuple(hashes)))
    return [
        Choice(
            key=key,
            subject=subject,
            hashes=hashes,
            n_scored=sum(is_scored(desk, sha256, model) for sha256 in hashes),
            withheld=any(
                reading.is_blind(desk, sha256, reviewer, wanted=blinded) for sha256 in hashes
            ),
        )
        for key, subject, hashes in found
    ]


def _item(path: Path) -> DatasetItem:
    try:
        return read_dataset(path).items[0]
    except (EegdashError, IndexError) as error:
        raise ReportError(f"{path.name} cannot be reported on. {error}") from error
