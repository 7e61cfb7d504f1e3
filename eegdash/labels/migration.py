"""Labels from the file into the database and back, byte for byte."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from eegdash.atomic import replacing
from eegdash.errors import LabelNotSavedError, WorkspaceError
from eegdash.labels.database import DatabaseLabelStore
from eegdash.labels.store import FILE_NAME, LabelStore


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was copied: the number of lines, and the SHA-256 of all of them as a file."""

    n_lines: int
    sha256: str


def to_database(folder: Path, store: DatabaseLabelStore) -> Migrated:
    """Copy every line of ``labels.jsonl`` in ``folder`` into an empty database, all or none.

    Hand-edited and torn lines are copied as they are. Stop the dashboard before: what it would
    append to the file meanwhile is not copied.

    Raises
    ------
    WorkspaceError
        If there is no such file, or the database holds other labels.
    LabelNotSavedError
        If the database refused; then it is as before.
    """
    if not (folder / FILE_NAME).exists():
        raise WorkspaceError(f"There is no {FILE_NAME} in {folder.name}, so nothing to copy.")
    lines = LabelStore(folder).raw_lines()
    there = store.raw_lines()
    if there and there != lines:
        raise WorkspaceError(
            f"The label database holds {len(there)} lines that differ from {FILE_NAME}. "
            "Copy into an empty database."
        )
    if not there:
        store.append_lines(lines)
    return _verified(store.raw_lines(), lines)


def to_file(store: DatabaseLabelStore, folder: Path) -> Migrated:
    """Write every line of the database as ``labels.jsonl`` into ``folder``, all or none.

    Raises
    ------
    WorkspaceError
        If the folder holds a labels file with other content, or cannot be written.
    """
    lines = store.raw_lines()
    there = LabelStore(folder).raw_lines()
    if there and there != lines:
        raise WorkspaceError(
            f"The folder {folder.name} already holds a {FILE_NAME} with other labels. "
            "Choose an empty folder."
        )
    with suppress(OSError):  # then the file cannot be written either, and that is said
        folder.mkdir(parents=True, exist_ok=True)
    remedy = "Free disk space or choose another folder; the labels are safe in the database."
    with replacing(folder / FILE_NAME, mode=0o600, remedy=remedy) as temporary:
        temporary.write_bytes(b"".join(line + b"\n" for line in lines))
    return _verified(LabelStore(folder).raw_lines(), lines)


def _verified(found: list[bytes], expected: list[bytes]) -> Migrated:
    if found != expected:
        raise LabelNotSavedError(
            "NOT saved: what was copied differs from the original, perhaps because labels were "
            "added meanwhile. Stop the dashboard and copy again, into an empty place."
        )
    whole = b"".join(line + b"\n" for line in found)
    return Migrated(len(found), hashlib.sha256(whole).hexdigest())
