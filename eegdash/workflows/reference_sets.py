"""Recordings of the workspace whose truth is known, whichever detector scored them."""

from __future__ import annotations

from eegdash.io.layouts import read_dataset
from eegdash.workflows import library, reading
from eegdash.workflows.desk import Desk
from eegdash.workflows.operating_sets import WITHHELD, Candidate


def with_reference(desk: Desk, *, reviewer: str = "", blinded: bool = False) -> list[Candidate]:
    """Return the recordings with a reference that can be scored, each file's content once.

    Parameters
    ----------
    desk : Desk
    reviewer : str
    blinded : bool
        The reader wants to read blinded first; what is withheld says so in ``why_not``.
    """
    found: dict[str, Candidate] = {}
    for path in library.recording_files(desk):
        facts = library.facts(desk, path)
        if facts.problem or facts.not_scorable or facts.n_seizures is None:
            continue
        if facts.sha256 in found:
            continue
        blind = reading.is_blind(desk, facts.sha256, reviewer, wanted=blinded)
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
            why_not=WITHHELD if blind else "",
        )
    return list(found.values())
