"""The reading plan of an installation: guideline versions, assignments, share of repeats.

Kept in ``reading_plan.jsonl`` in the state folder of the workspace; see
:mod:`eegdash.workflows.journal`. The newest statement holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eegdash.errors import WorkspaceError
from eegdash.recording import alias_of
from eegdash.workflows.journal import append_record, read_journal
from eegdash.workspace import Workspace

NAME = "reading_plan"
MOST_REPEATS = 0.5
_MAX_VERSION = 60


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


def guidelines_of(workspace: Workspace) -> tuple[Guideline, ...]:
    """Return every version that was ever stated, oldest first."""
    return tuple(
        Guideline(x["version"], x["title"], x["time_utc"], x["by"])
        for x in _of_kind(workspace, "guideline")
    )


def current_guideline(workspace: Workspace) -> Guideline | None:
    """Return the version that holds now; None where none was stated.

    Raises
    ------
    WorkspaceError
        If the plan cannot be read.
    """
    every = guidelines_of(workspace)
    return every[-1] if every else None


def state_guideline(
    workspace: Workspace, version: str, title: str, by: str, decision_id: str
) -> Guideline:
    """State a version of the guideline; it holds from now on."""
    version, title = version.strip(), title.strip()
    if not 0 < len(version) <= _MAX_VERSION or len(title) > 200:
        raise WorkspaceError(
            f"NOT saved: the guideline needs a version of 1 to {_MAX_VERSION} characters, such as "
            "1.2, and a title of at most 200."
        )
    record = {"kind": "guideline", "version": version, "title": title, "by": by.strip()}
    saved = append_record(workspace, NAME, decision_id, record)
    return Guideline(saved["version"], saved["title"], saved["time_utc"], saved["by"])


def change_assignments(
    workspace: Workspace,
    kind: str,
    recordings: Iterable[str],
    reader: str,
    by: str,
    decision_id: str,
) -> None:
    """Append ``assign`` or ``unassign`` of recordings (hashes) to a reader."""
    hashes = list(dict.fromkeys(recordings))
    if not hashes or not reader.strip():
        raise WorkspaceError("NOT saved: choose at least one recording and name a reader.")
    record = {"kind": kind, "recordings": hashes, "reader": reader.strip(), "by": by.strip()}
    append_record(workspace, NAME, decision_id, record)


def assignments_of(workspace: Workspace) -> tuple[Assignment, ...]:
    """Return the assignments that hold, oldest first."""
    held: dict[tuple[str, str], Assignment] = {}
    for record in _of_kind(workspace, "assign", "unassign"):
        for sha256 in record["recordings"]:
            key = (record["reader"], sha256)
            if record["kind"] == "unassign":
                held.pop(key, None)
            else:
                found = Assignment(
                    sha256, alias_of(sha256), record["reader"], record["time_utc"], record["by"]
                )
                held.setdefault(key, found)
    return tuple(held.values())


def repeat_share_of(workspace: Workspace) -> float:
    """Return the share of hidden repeats that holds, 0 to 0.5."""
    shares = [x["share"] for x in _of_kind(workspace, "repeat_share")]
    return float(shares[-1]) if shares else 0.0


def state_repeat_share(workspace: Workspace, share: float, by: str, decision_id: str) -> None:
    """State the share of hidden repeats."""
    if not 0 <= share <= MOST_REPEATS:
        raise WorkspaceError(
            f"NOT saved: the share of repeats must lie from 0 to {MOST_REPEATS:g}, found {share:g}."
        )
    record = {"kind": "repeat_share", "share": float(share), "by": by.strip()}
    append_record(workspace, NAME, decision_id, record)


def _of_kind(workspace: Workspace, *kinds: str) -> list[Mapping[str, Any]]:
    return [x for x in read_journal(workspace, NAME).records if x.get("kind") in kinds]
