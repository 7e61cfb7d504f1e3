"""Seizures as a summary in the style of CHB-MIT (``chbXX-summary.txt``, doi 10.13026/C2K01R)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from eegdash.annotations import Annotation
from eegdash.atomic import replacing
from eegdash.errors import AnnotationError


def write_chbmit_summary(path: Path, recordings: Mapping[str, Sequence[Annotation]]) -> None:
    """Write the seizures of several recordings, in whole seconds as CHB-MIT has them.

    Onset and end are rounded to the nearest second; a seizure is at least 1 s long.

    Parameters
    ----------
    path : Path
    recordings : mapping of str to sequence of Annotation
        Seizures by file name; an empty sequence says that there was none.

    Raises
    ------
    AnnotationError
        If a name or a time does not fit the format.
    WorkspaceError
        If the file cannot be written.
    """
    lines: list[str] = []
    for name, events in recordings.items():
        if not name.strip() or "\n" in name or "\r" in name:
            raise AnnotationError(f"{path.name} was not written: a file name is not a single line.")
        seizures = sorted((a for a in events if a.is_seizure), key=lambda a: a.onset_s)
        lines += [f"File Name: {name}", f"Number of Seizures in File: {len(seizures)}"]
        for number, seizure in enumerate(seizures, start=1):
            start, end = whole_seconds(seizure)
            lines.append(f"Seizure {number} Start Time: {start} seconds")
            lines.append(f"Seizure {number} End Time: {end} seconds")
        lines.append("")
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8", newline="\n")


def whole_seconds(annotation: Annotation) -> tuple[int, int]:
    """Return start and end of a seizure as the summary holds them, s."""
    start = int(annotation.onset_s + 0.5)
    return start, max(int(annotation.end_s + 0.5), start + 1)
