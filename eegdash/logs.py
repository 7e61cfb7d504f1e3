"""What the program tells those who run it, and never about whom.

A message of this package names no file, no person and no text from a file; other packages' may,
so of theirs only the place is kept. ``EEGDASH_LOG=json`` writes one JSON object a line. In a
server's log as text, too, other packages' messages keep the words that stand in their code, and
numbers, but not what was put into them, and of an error stay its kind and where it happened.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

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
        failed = given.get("failed")
        content.update({name: given[name] for name in FIELDS if name in given})
        if record.exc_info and record.exc_info[1] is not None:
            failed = where_it_failed(record.exc_info[1])
        if failed:
            content["failed"] = failed
        return json.dumps(content, ensure_ascii=False, default=str)


def withhold(kind: str) -> None:
    """Keep what messages and errors quote out of every log of this process, as text or JSON.

    Streamlit writes an uncaught error of a page with its whole message, which may name a file.

    Parameters
    ----------
    kind : str
        As for :func:`configure`: in text an error's kind and lines follow the message.
    """

    def record(*given: Any, **named: Any) -> logging.LogRecord:
        made = logging.LogRecord(*given, **named)
        if made.name.partition(".")[0] != PACKAGE:
            made.msg = made.msg if isinstance(made.msg, str) else type(made.msg).__name__
            made.args = _numbers_alone(made.args)
        try:
            made.msg, made.args = made.getMessage(), ()
        except (TypeError, ValueError, KeyError):  # a number was asked for, and text left out
            made.args = ()
        error = made.exc_info[1] if made.exc_info else None
        if error is not None:
            failed = where_it_failed(error)
            made.exc_info = None
            vars(made)["failed"] = failed
            if kind != JSON:
                made.msg = f"{made.msg} ({failed})"
        return made

    logging.setLogRecordFactory(record)


def _numbers_alone(args: Any) -> Any:
    if isinstance(args, Mapping):
        return {name: _number(value) for name, value in args.items()}
    return tuple(_number(value) for value in args or ())


def _number(value: object) -> object:
    return value if isinstance(value, int | float) else "…"


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
