"""Events as SzCORE / BIDS ``*_events.tsv`` (Dan et al. 2025, doi 10.1111/epi.18113)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from eegdash.annotations import BACKGROUND, Annotation
from eegdash.atomic import replacing
from eegdash.errors import AnnotationError
from eegdash.io.events_tsv import COLUMNS, DATE_TIME_FORMAT, FORMULA_STARTS

UNKNOWN_START = datetime(1985, 1, 1)
"""Written where the start is not known, as in EDF: readers of SzCORE files need a date."""


def write_events_tsv(
    path: Path,
    annotations: Sequence[Annotation],
    *,
    duration_s: float,
    start: datetime | None = None,
) -> None:
    """Write annotations in the columns and formats of SzCORE.

    A recording without any row gets one of type ``bckg`` over its whole length. Free text
    (an empty event type) has no place in the format and is left out.

    Parameters
    ----------
    path : Path
    annotations : sequence of Annotation
    duration_s : float
        Length of the recording, s.
    start : datetime or None
        Clock time of 0 s, to the second; 1985-01-01 00:00:00 stands for unknown.

    Raises
    ------
    AnnotationError
        If an annotation is not a span inside the recording.
    WorkspaceError
        If the file cannot be written.
    """
    rows = sorted(
        (a for a in annotations if a.is_seizure or a.event_type == BACKGROUND),
        key=lambda a: (a.onset_s, a.duration_s),
    ) or [Annotation(0.0, duration_s, BACKGROUND)]
    stamp = (start or UNKNOWN_START).strftime(DATE_TIME_FORMAT)
    lines = ["\t".join(COLUMNS)]
    for annotation in rows:
        _check(path, annotation, duration_s)
        lines.append("\t".join(_cells(annotation, stamp, duration_s)))
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _check(path: Path, annotation: Annotation, duration_s: float) -> None:
    onset_s, end_s = annotation.onset_s, annotation.end_s
    # a hundredth of a second is what the format holds
    inside = 0 <= onset_s <= end_s <= duration_s + 0.01
    if not (math.isfinite(duration_s) and inside):
        raise AnnotationError(
            f"{path.name} was not written: the event at {onset_s:g}-{end_s:g} s does not lie in "
            f"the recording (0-{duration_s:g} s)."
        )


def _cells(annotation: Annotation, stamp: str, duration_s: float) -> list[str]:
    confidence = annotation.confidence
    return [
        f"{annotation.onset_s:.2f}",
        f"{annotation.duration_s:.2f}",
        guarded(annotation.event_type),
        "n/a" if confidence is None else f"{confidence:.2f}",
        guarded(",".join(annotation.channels)) or "n/a",
        stamp,
        f"{duration_s:.2f}",
    ]


def guarded(text: str) -> str:
    """Return a text cell that no spreadsheet takes for a formula and no row is broken by.

    A cell that begins with ``= + - @``, tab or NUL gets a leading apostrophe; what would end
    the cell or the row becomes a space.
    """
    mark = "'" if text.startswith(FORMULA_STARTS) else ""
    return mark + "".join(" " if c in "\t\r\n\x00" else c for c in text)
