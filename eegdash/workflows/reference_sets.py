"""Recordings of the workspace whose truth is known, and the sets of them that are offered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eegdash.io.layouts import read_dataset
from eegdash.workflows import library, reading
from eegdash.workflows.desk import Desk
from eegdash.workflows.library import Facts

NO_REFERENCE = "no reference"
NOT_SCORABLE = "not readable by this detector"
WITHHELD = "withheld until your first read is committed"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recording that may serve where the truth must be known, or why it may not.

    Parameters
    ----------
    path : Path
    sha256, alias : str
    person, person_key : str
        Who was recorded, and that within all data sets; the alias where nobody says.
    folder : str
        Folder inside the workspace's recordings, empty at its top.
    duration_s : float
    n_seizures : int
    why_not : str
        Why it cannot be used, in words; empty where it can.
    """

    path: Path
    sha256: str
    alias: str
    person: str
    person_key: str
    folder: str
    duration_s: float
    n_seizures: int
    why_not: str = ""


def known_recordings(
    desk: Desk,
    *,
    reviewer: str = "",
    blinded: bool = False,
    further: Callable[[Facts], str] = lambda facts: "",
) -> list[Candidate]:
    """Return the recordings of the workspace that can be opened, each file's content once.

    Parameters
    ----------
    desk : Desk
    reviewer : str
    blinded : bool
        The reader wants to read blinded first.
    further : callable
        Why else a recording cannot be used, in words, or nothing.
    """
    found: dict[str, Candidate] = {}
    for path in library.recording_files(desk):
        facts = library.facts(desk, path)
        if facts.problem or facts.sha256 in found:
            continue
        if facts.n_seizures is None:
            why_not = NO_REFERENCE
        elif facts.not_scorable:
            why_not = NOT_SCORABLE
        elif reading.is_blind(desk, facts.sha256, reviewer, wanted=blinded):
            why_not = WITHHELD
        else:
            why_not = further(facts)
        folder = path.parent.relative_to(desk.workspace.recordings).as_posix()
        item = read_dataset(path).items[0]
        found[facts.sha256] = Candidate(
            path=path,
            sha256=facts.sha256,
            alias=facts.alias,
            person=item.person or facts.alias,
            person_key=item.person_key or facts.alias,
            folder="" if folder == "." else folder,
            duration_s=facts.duration_s,
            n_seizures=facts.n_seizures or 0,
            why_not=why_not,
        )
    return list(found.values())


def sets_of(usable: Sequence[Candidate]) -> dict[str, tuple[Candidate, ...]]:
    """Return what may be chosen, by key: all, each folder and person of several, each recording.

    Keys are ``all``, ``folder:NAME``, ``person:NAME`` and ``recording:SHA256``.
    """
    sets: dict[str, tuple[Candidate, ...]] = {"all": tuple(usable)}
    kinds: tuple[tuple[str, Callable[[Candidate], str]], ...] = (
        ("folder", lambda candidate: candidate.folder),
        ("person", lambda candidate: candidate.person),
    )
    for kind, name_of in kinds:
        names = dict.fromkeys(name_of(c) for c in usable)
        for name in names:
            members = tuple(c for c in usable if name_of(c) == name)
            if name and 1 < len(members) < len(usable):
                sets[f"{kind}:{name}"] = members
    return {**sets, **{f"recording:{c.sha256}": (c,) for c in usable}}
