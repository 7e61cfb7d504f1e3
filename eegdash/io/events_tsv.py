"""SzCORE / BIDS event files (``*_events.tsv``), Dan et al. 2025 (doi 10.1111/epi.18113)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from eegdash.annotations import Annotation
from eegdash.errors import AnnotationError

COLUMNS = (
    "onset",
    "duration",
    "eventType",
    "confidence",
    "channels",
    "dateTime",
    "recordingDuration",
)
REQUIRED = COLUMNS[:3]
DATE_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
# 100,000 rows: more than any recording has events, and read in a second or two
MAX_BYTES = 8 << 20
_MOST_WARNINGS = 20  # a page that lists a million of them stands still
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\x00")

_EVENT_TYPE = re.compile(r"bckg|sz(_[A-Za-z0-9]+)*")
_NOT_STATED = ("", "n/a", "N/A", "nan", "NaN")


def read_events_tsv(path: Path) -> tuple[list[Annotation], list[str]]:
    """Read an event file.

    Columns may come in any order; ``confidence``, ``channels``, ``dateTime`` and
    ``recordingDuration`` may be absent, further columns are ignored. What would change a
    metric (onset, duration) must be right; the rest becomes a warning.

    Parameters
    ----------
    path : Path

    Returns
    -------
    annotations : list of Annotation
        Ordered by onset.
    warnings : list of str

    Raises
    ------
    AnnotationError
        If the file is not such a table, or an onset or duration is not a number of seconds.
    """
    lines = read_table(path).replace("\r", "").split("\n")
    if not any(lines):
        raise AnnotationError(
            f"{path.name} is empty. A table with the columns {', '.join(REQUIRED)} was expected."
        )
    header = [name.strip() for name in lines[0].split("\t")]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise AnnotationError(
            f"{path.name} lacks the columns {', '.join(missing)}. A tab-separated table with "
            f"{', '.join(COLUMNS)} was expected."
        )
    annotations: list[Annotation] = []
    warnings: list[str] = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        cells = line.split("\t")
        if any(name in REQUIRED for name in header[len(cells) :]):
            raise AnnotationError(f"{path.name}, line {number}: the row is cut off.")
        row = {name: _unguarded(cell) for name, cell in zip(header, cells, strict=False)}
        annotations.append(_annotation(path, number, row, warnings))
    if len(warnings) > _MOST_WARNINGS:
        more = len(warnings) - _MOST_WARNINGS
        warnings[_MOST_WARNINGS:] = [f"{path.name} has {more} more notes of this kind."]
    return sorted(annotations, key=lambda a: (a.onset_s, a.duration_s)), warnings


def read_table(path: Path) -> str:
    """Return the text of a table beside a recording.

    Raises
    ------
    AnnotationError
        If it is too large for one, not UTF-8, or cannot be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise AnnotationError(
                f"{path.name} is larger than {MAX_BYTES >> 20} MB, too large for an event file."
            )
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnnotationError(
            f"{path.name} is not UTF-8 text. Save it as a tab-separated text file in UTF-8."
        ) from error
    except OSError as error:
        raise AnnotationError(
            f"{path.name} cannot be read ({error.strerror or type(error).__name__})."
        ) from error


def _unguarded(cell: str) -> str:
    """Take off the apostrophe with which text that could be a formula is written."""
    text = cell.strip(" ")
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_STARTS) else text


def _seconds(path: Path, number: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise AnnotationError(
            f"{path.name}, line {number}: {column} should be seconds, 0 or more, "
            f"found '{text[:40]}'. Correct the line."
        )
    return value


def _annotation(path: Path, number: int, row: Mapping[str, str], warnings: list[str]) -> Annotation:
    event_type = row["eventType"].strip()
    text = ""
    if not _EVENT_TYPE.fullmatch(event_type):
        warnings.append(
            f"{path.name}, line {number}: '{event_type[:40]}' is not an SzCORE event type; "
            "the row is shown as a note and not scored."
        )
        event_type, text = "", event_type
    channels = row.get("channels", "")
    named = () if channels in (*_NOT_STATED, "all") else tuple(channels.split(","))
    return Annotation(
        onset_s=_seconds(path, number, "onset", row["onset"]),
        duration_s=_seconds(path, number, "duration", row["duration"]),
        event_type=event_type,
        confidence=_optional(path, number, "confidence", row, warnings, highest=1.0),
        channels=tuple(name.strip() for name in named if name.strip()),
        text=text,
        date_time=_date_time(path, number, row, warnings),
        recording_duration_s=_optional(path, number, "recordingDuration", row, warnings),
    )


def _optional(
    path: Path,
    number: int,
    column: str,
    row: Mapping[str, str],
    warnings: list[str],
    highest: float = math.inf,
) -> float | None:
    text = row.get(column, "")
    if text in _NOT_STATED:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value) and 0 <= value <= highest:
        return value
    warnings.append(
        f"{path.name}, line {number}: {column} '{text[:40]}' is not readable and left out."
    )
    return None


def _date_time(
    path: Path, number: int, row: Mapping[str, str], warnings: list[str]
) -> datetime | None:
    text = row.get("dateTime", "")
    if text in _NOT_STATED:
        return None
    try:
        return datetime.strptime(text, DATE_TIME_FORMAT)
    except ValueError:
        warnings.append(
            f"{path.name}, line {number}: dateTime '{text[:40]}' is not readable and left out."
        )
        return None
