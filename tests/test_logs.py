"""The log as JSON lines: what it carries, and what never enters it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from eegdash import logs
from eegdash.timings import Timings

CANARY = "Canary-Patient-Name"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes; afterwards the loggers are as before."""
    root, ours = logging.getLogger(), logging.getLogger(logs.PACKAGE)
    before, level = root.handlers, ours.level
    loggers = [logging.getLogger(name) for name in tuple(logging.root.manager.loggerDict)]
    states = [(logger, logger.handlers, logger.propagate) for logger in loggers]
    out = io.StringIO()
    logs.configure("json", out)
    yield out
    root.handlers = before
    ours.setLevel(level)
    for logger, handlers, propagate in states:
        logger.handlers, logger.propagate = handlers, propagate


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_stage_is_one_object(stream: io.StringIO) -> None:
    Timings().add("job: score", 2.0, failed=True, waited_s=0.5)
    (line,) = lines(stream)
    assert line.pop("time_utc").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "eegdash.timings",
        "message": "stage",
        "stage": "job: score",
        "seconds": 2.0,
        "waited_s": 0.5,
        "outcome": "failed",
    }


def test_an_error_tells_its_kind_and_lines_and_not_what_it_says(stream: io.StringIO) -> None:
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("eegdash.labels.store").exception("an append was not undone")
    (line,) = lines(stream)
    assert line["failed"].startswith("ValueError at test_logs.py:")
    assert CANARY not in stream.getvalue()


def test_fields_that_nobody_agreed_on_are_dropped(stream: io.StringIO) -> None:
    logging.getLogger("eegdash.x").warning("said", extra={"patient": CANARY})
    assert lines(stream)[0]["message"] == "said"
    assert CANARY not in stream.getvalue()


@pytest.mark.parametrize("name", ["mne", "streamlit.runtime", "py.warnings"])
def test_of_other_packages_only_the_place_is_kept(stream: io.StringIO, name: str) -> None:
    logging.getLogger(name).error("cannot read /data/%s.edf", CANARY)
    (line,) = lines(stream)
    assert line["message"].startswith("(withheld) test_logs:")
    assert (line["logger"], line["level"]) == (name, "error")
    assert CANARY not in stream.getvalue()


def test_a_logger_that_wrote_by_itself_writes_here_alone() -> None:
    own = io.StringIO()
    logger = logging.getLogger("somebody.else")
    logger.addHandler(logging.StreamHandler(own))
    logger.propagate = False
    out = io.StringIO()
    root, level = logging.getLogger().handlers, logging.getLogger(logs.PACKAGE).level
    try:
        logs.configure("json", out)
        logger.error("of %s", CANARY)
    finally:
        logging.getLogger().handlers = root
        logging.getLogger(logs.PACKAGE).setLevel(level)
    assert own.getvalue() == ""
    assert lines(out)[0]["logger"] == "somebody.else"


def test_text_is_left_to_the_default() -> None:
    before = logging.getLogger().handlers
    logs.configure("text", io.StringIO())
    assert logging.getLogger().handlers == before
