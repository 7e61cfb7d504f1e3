"""Which file, person and length belong to a recording's hash, also for files that are gone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from eegdash.errors import RecordingError
from eegdash.io.chbmit import person_of as chbmit_person
from eegdash.labels import Label
from eegdash.recording import alias_of
from eegdash.workflows import library
from eegdash.workflows.desk import Desk

_BIDS = re.compile(r"(?:^|_)(sub-[A-Za-z0-9]+)_")
# the length of a recording follows from its bytes, and so from its hash
_lengths: dict[str, float] = {}


def files_by_hash(desk: Desk) -> dict[str, Path]:
    """Return the files of the workspace by the hash of their recording, the first of copies."""
    found: dict[str, Path] = {}
    for path in library.recording_files(desk):
        try:
            found.setdefault(library.known_hash(desk, path), path)
        except RecordingError:
            continue
    return found


def shown_name(sha256: str, files: dict[str, Path]) -> str:
    """Return the file name, for the reader's own screen; the alias where the file is not here."""
    path = files.get(sha256)
    return path.name if path else alias_of(sha256)


def person_of(path: Path | None) -> str:
    """Return who was recorded as far as the file's name says it; else empty."""
    if path is None:
        return ""
    bids = _BIDS.search(path.name)
    return bids.group(1) if bids else chbmit_person(path.name) or ""


def durations_s(
    desk: Desk,
    records: Iterable[Label],
    wanted: Iterable[str],
    files: dict[str, Path] | None = None,
) -> dict[str, float]:
    """Return the length of recordings by hash, s; those of which nothing says it are left out.

    It comes from the file, else from a first read or a sign-off, which span the recording.
    """
    hashes = set(wanted)
    found = {sha256: _lengths[sha256] for sha256 in hashes if sha256 in _lengths}
    missing = hashes - found.keys()
    paths = (files_by_hash(desk) if files is None else files) if missing else {}
    for sha256 in [x for x in missing if x in paths]:
        facts = library.facts(desk, paths[sha256])
        if not facts.problem:
            found[sha256] = _lengths[sha256] = facts.duration_s
    missing -= found.keys()
    if missing:
        for record in records:
            if record.kind != "label" and record.recording_sha256 in missing:
                before = found.get(record.recording_sha256, 0.0)
                found[record.recording_sha256] = max(before, record.end_s)
    return found
