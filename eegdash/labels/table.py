"""``labels.csv``: a view of the labels for spreadsheets, regenerated as a whole.

Text that a spreadsheet would run as a formula gets a leading apostrophe; numbers are untouched.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

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


def write_table(path: Path, lines: Iterable[LabelLine]) -> None:
    """Write one row per line of the labels file; a reader sees the old file or the new one."""
    with replacing(path) as raw, io.TextIOWrapper(raw, "utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(_row(line) for line in lines)
        stream.flush()
        os.fsync(raw.fileno())


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of ``path`` if all went well; otherwise none is left."""
    handle, name = tempfile.mkstemp(prefix=".labels-", suffix=path.suffix, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


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
