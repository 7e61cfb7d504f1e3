"""What the program tells those who run it, and never about whom.

A message of this package names no file, no person and no text from a file; other packages' may,
so of theirs only the place is kept. ``EEGDASH_LOG=json`` writes one JSON object a line.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

PACKAGE = "eegdash"
JSON = "json"
FIELDS = ("stage", "seconds", "waited_s", "outcome")
"""What a record may carry beside its message (``extra`` of :mod:`logging`); all else is dropped."""


def where_it_failed(error: BaseException) -> str:
    """Return the kind of an error and the lines it came through, without its message.

    A message may quote a file name or patient text, which never enters a log.
    """
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    lines = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))
    return f"{type(error).__name__} at {lines}"


class JsonLines(logging.Formatter):
    """One JSON object a record: ``time_utc``, ``level``, ``logger``, ``message``, :data:`FIELDS`.

    ``failed`` tells the kind of an error and the lines it came through. The message of another
    package is replaced by where it comes from, because it may quote a file.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, without a line break."""
        ours = record.name.partition(".")[0] == PACKAGE
        place = f"{record.module}:{record.lineno}"
        content: dict[str, object] = {
            "time_utc": datetime.fromtimestamp(record.created, UTC).isoformat("T", "milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage() if ours else f"(withheld) {place}",
        }
        given = vars(record)
        content.update({name: given[name] for name in FIELDS if name in given})
        if record.exc_info and record.exc_info[1] is not None:
            content["failed"] = where_it_failed(record.exc_info[1])
        return json.dumps(content, ensure_ascii=False, default=str)


def configure(kind: str, stream: IO[str] | None = None) -> None:
    """Send the records of all packages to ``stream`` as JSON lines; nothing for another kind.

    Called again, it replaces what it set up before.

    Parameters
    ----------
    kind : str
        ``json``, or anything else for the default of :mod:`logging`: warnings as text.
    stream : text stream, optional
        Default: the standard error.
    """
    if kind != JSON:
        return
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    logging.getLogger(PACKAGE).setLevel(logging.INFO)
    for name in tuple(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        # packages that write by themselves, as text and with what they quote
        if logger.handlers:
            logger.handlers = []
            logger.propagate = True
