"""The reference of a recording: what lies beside it that says where the seizures are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eegdash.annotations import Annotation, Reference
from eegdash.io.chbmit import read_seizures, read_summary, summary_name
from eegdash.io.events_tsv import read_events_tsv, read_table
from eegdash.recording import Recording

COVERAGE_FILE = "coverage.tsv"
DERIVATIVE = "_desc-"
"""Part of the name of a detector's own output, which is never taken for the reference."""

_SEIZURE_WORDS = frozenset({"sz", "seizure", "electrographic seizure", "clinical seizure"})
_ONSET_WORDS = frozenset({"seizure onset", "seizure start", "sz onset", "sz start"})
_OFFSET_WORDS = frozenset({"seizure offset", "seizure end", "sz offset", "sz end"})


def read_reference(path: Path, recording: Recording) -> Reference | None:
    """Find the reference beside a recording.

    Looked for in this order: ``<stem>_events.tsv`` (for BIDS, ``..._eeg.edf`` also
    ``..._events.tsv``), ``<file>.seizures``, the CHB-MIT summary of the folder, annotations
    inside the file that plainly name a seizure. A ``coverage.tsv`` in the folder restricts
    where the truth is known; without it the whole recording counts (SzCORE).

    Parameters
    ----------
    path : Path
        The recording's file.
    recording : Recording

    Returns
    -------
    Reference or None
        None if nothing is stated.

    Raises
    ------
    AnnotationError
        If a file that should hold the reference cannot be read.
    """
    reference = (
        _from_events(path)
        or _from_chbmit(path, recording)
        or _from_annotations(recording.annotations)
    )
    if reference is None:
        return None
    coverage, notes = _coverage(path, recording.duration_s)
    return replace(
        reference,
        coverage=coverage,
        warnings=(
            *reference.warnings,
            *_length_notes(reference.annotations, recording.duration_s),
            *notes,
        ),
    )


def reference_files(path: Path) -> tuple[Path, ...]:
    """Return the files on which the reference of a recording depends, there or not."""
    summary = _summary(path)
    return (
        *_events_files(path),
        _marks(path),
        *([] if summary is None else [summary]),
        path.with_name(COVERAGE_FILE),
    )


def _events_files(path: Path) -> list[Path]:
    stems = dict.fromkeys((path.stem, path.stem.removesuffix("_eeg")))
    return [path.with_name(f"{stem}_events.tsv") for stem in stems]


def _marks(path: Path) -> Path:
    return path.with_name(path.name + ".seizures")


def _summary(path: Path) -> Path | None:
    name = summary_name(path.name)
    return path.with_name(name) if name else None


def _from_events(path: Path) -> Reference | None:
    for candidate in _events_files(path):
        if DERIVATIVE in candidate.name or not candidate.is_file():
            continue
        annotations, warnings = read_events_tsv(candidate)
        return Reference(tuple(annotations), (), "SzCORE events file", tuple(warnings))
    return None


def _from_chbmit(path: Path, recording: Recording) -> Reference | None:
    marks = _marks(path)
    listed = _listed(path)
    if not marks.is_file():
        if listed is None:
            return None
        return Reference(tuple(listed), (), "CHB-MIT summary")
    found = read_seizures(marks, sfreq=recording.sfreq)
    warnings: tuple[str, ...] = ()
    if listed is not None and not _agree(listed, found):
        warnings = (
            f"The summary ({_spans(listed)}) and the .seizures file ({_spans(found)}) differ; "
            "the .seizures file is used.",
        )
    return Reference(tuple(found), (), "CHB-MIT .seizures file", warnings)


def _listed(path: Path) -> list[Annotation] | None:
    """Seizures that the summary of the folder lists for a file; None if it is not listed."""
    summary = _summary(path)
    if summary is None or not summary.is_file():
        return None
    return read_summary(summary).get(path.name)


def _agree(one: Sequence[Annotation], other: Sequence[Annotation]) -> bool:
    # the summaries are in whole seconds
    return len(one) == len(other) and all(
        abs(a.onset_s - b.onset_s) <= 1 and abs(a.end_s - b.end_s) <= 1
        for a, b in zip(one, other, strict=True)
    )


def _spans(annotations: Sequence[Annotation]) -> str:
    return ", ".join(f"{a.onset_s:g}-{a.end_s:g} s" for a in annotations) or "no seizure"


def _from_annotations(annotations: Sequence[Annotation]) -> Reference | None:
    """Seizures among the free text of a file, only where the text says nothing else.

    A span must be stated: by a duration, or by a pair of onset and offset.
    """
    found: list[Annotation] = []
    start_s: float | None = None
    n_open = 0
    for annotation in annotations:
        text = annotation.text.strip().lower()
        if text in _SEIZURE_WORDS and annotation.duration_s > 0:
            found.append(replace(annotation, event_type="sz"))
        elif text in _ONSET_WORDS:
            n_open += start_s is not None
            start_s = annotation.onset_s
        elif text in _OFFSET_WORDS and start_s is not None:
            if annotation.onset_s > start_s:
                found.append(
                    Annotation(start_s, annotation.onset_s - start_s, "sz", text=annotation.text)
                )
            start_s = None
        elif text in _SEIZURE_WORDS or text in _OFFSET_WORDS:
            n_open += 1
    n_open += start_s is not None
    if not found:
        return None
    notes: tuple[str, ...] = ()
    if n_open:
        notes = (f"{n_open} seizure marks of the file have no start or no end and are left out.",)
    return Reference(
        tuple(sorted(found, key=lambda a: a.onset_s)), (), "annotations inside the file", notes
    )


def _length_notes(annotations: Sequence[Annotation], duration_s: float) -> tuple[str, ...]:
    """Warnings where the reference does not fit the length of the recording."""
    notes: list[str] = []
    stated = {a.recording_duration_s for a in annotations if a.recording_duration_s is not None}
    if any(abs(length - duration_s) > 1 for length in stated):
        notes.append(
            f"The reference states a recording of {max(stated):g} s, the file lasts "
            f"{duration_s:g} s. It may belong to another recording."
        )
    if any(a.end_s > duration_s + 1 for a in annotations if a.event_type):
        notes.append("The reference reaches beyond the end of the recording.")
    return tuple(notes)


def _coverage(
    path: Path, duration_s: float
) -> tuple[tuple[tuple[float, float], ...], tuple[str, ...]]:
    """Spans where the truth is known, from ``coverage.tsv`` or else the whole recording."""
    whole = ((0.0, duration_s),) if duration_s > 0 else ()
    table = path.with_name(COVERAGE_FILE)
    if not table.is_file():
        return whole, ()
    header, *lines = [line.split("\t") for line in read_table(table).replace("\r", "").split("\n")]
    rows = [dict(zip(header, cells, strict=False)) for cells in lines]
    mine = [row for row in rows if row.get("file", "").strip() == path.name]
    if not mine:
        return whole, ()
    spans: list[tuple[float, float]] = []
    notes: list[str] = []
    for row in mine:
        cells = [row.get(name, "").strip() for name in ("known_from_s", "known_to_s")]
        note = row.get("note", "").strip()
        if not any(cells):
            notes.append(f"The truth of this recording is not known ({note or 'no reason given'}).")
            continue
        span = _span(cells, duration_s)
        if span is None:
            notes.append(
                f"{table.name} states no readable span for this file, so none of it is scored."
            )
        else:
            spans.append(span)
    return tuple(sorted(spans)), tuple(notes)


def _span(cells: Sequence[str], duration_s: float) -> tuple[float, float] | None:
    try:
        start_s, stop_s = (float(cell) for cell in cells)
    except ValueError:
        return None
    if not (math.isfinite(start_s) and math.isfinite(stop_s)):
        return None
    start_s, stop_s = max(start_s, 0.0), min(stop_s, duration_s)
    return (start_s, stop_s) if start_s < stop_s else None
