"""``labels.csv``: a view of the labels for spreadsheets, regenerated as a whole.

Text that a spreadsheet would run as a formula gets a leading apostrophe; numbers are untouched.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eegdash.atomic import replacing
from eegdash.labels.index import LabelLine
from eegdash.labels.record import ADDED_NAMES, FIELD_NAMES

COLUMNS = ("line", "status", *FIELD_NAMES, *ADDED_NAMES, "note", "torn_text")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\0", "\r")


def guarded(text: str) -> str:
    """Return ``text``, with a leading apostrophe if a spreadsheet would take it for a formula.

    Text that already looks guarded gets one more, so that :func:`unguarded` gives back every text.
    """
    return "'" + text if text.lstrip("'").startswith(_FORMULA_STARTS) else text


def unguarded(text: str) -> str:
    """Return the text that :func:`guarded` was given."""
    looks_guarded = text.startswith("'") and text.lstrip("'").startswith(_FORMULA_STARTS)
    return text[1:] if looks_guarded else text


def write_table(path: Path, lines: Iterable[LabelLine], *, remedy: str = "") -> None:
    """Write one row per line of the labels file; a reader sees the old file or the new one.

    Raises
    ------
    WorkspaceError
        If it cannot be written; ``remedy`` is the sentence that says what to do.
    """
    with (
        replacing(path, mode=0o600, remedy=remedy) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as stream,
    ):
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(_row(line) for line in lines)


def _row(line: LabelLine) -> list[Any]:
    cells: list[Any] = [line.number, line.status.value]
    record = {} if line.label is None else line.label.as_dict()
    for name in (*FIELD_NAMES, *ADDED_NAMES):
        value = record.get(name)
        if isinstance(value, dict | list):
            value = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        elif isinstance(value, bool):
            value = str(value).lower()
        cells.append(guarded(value) if isinstance(value, str) else value)
    return [*cells, line.note, guarded(line.text)]
