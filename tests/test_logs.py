"""The log as JSON lines: what it carries, and what never enters it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
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


@pytest.fixture
def withheld() -> Iterator[Callable[..., io.StringIO]]:
    """A logger that writes as text, as Streamlit's do, once messages are withheld."""
    factory = logging.getLogRecordFactory()
    logger = logging.getLogger("somebody.else")
    kept = logger.handlers

    def begun(kind: str = "text") -> io.StringIO:
        out = io.StringIO()
        logger.handlers = [logging.StreamHandler(out)]
        logs.withhold(kind)
        return out

    yield begun
    logging.setLogRecordFactory(factory)
    logger.handlers = kept


def test_as_text_words_and_numbers_of_other_packages_stay_and_what_they_quote_does_not(
    withheld: Callable[[], io.StringIO],
) -> None:
    out = withheld()
    other = logging.getLogger("somebody.else")
    other.warning("reading %s, %d samples at %.1f Hz", f"/data/{CANARY}.edf", 1000, 256.0)
    other.warning("reading %(name)s, %(n)d samples", {"name": CANARY, "n": 7})
    other.warning("a plain sentence, 100 %")
    other.warning("%d samples", CANARY)
    other.warning(ValueError(CANARY))
    assert out.getvalue().splitlines() == [
        "reading …, 1000 samples at 256.0 Hz",
        "reading …, 7 samples",
        "a plain sentence, 100 %",
        "%d samples",
        "ValueError",
    ]


@pytest.mark.parametrize("name", ["eegdash.ui", "somebody.else"])
def test_as_text_an_error_is_its_kind_and_where_it_came_through(
    withheld: Callable[[], io.StringIO], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    withheld()
    try:
        raise KeyError(f"{CANARY}.edf")
    except KeyError:
        logging.getLogger(name).exception("Uncaught app execution")
    assert CANARY not in caplog.text
    assert "Uncaught app execution (KeyError at test_logs.py:" in caplog.text
    assert "Traceback" not in caplog.text


def test_withheld_errors_still_have_their_place_in_json(
    stream: io.StringIO, withheld: Callable[[str], io.StringIO]
) -> None:
    withheld("json")
    try:
        raise KeyError(CANARY)
    except KeyError:
        logging.getLogger("eegdash.ui").exception("said")
    (line,) = lines(stream)
    assert line["message"] == "said"
    assert line["failed"].startswith("KeyError at test_logs.py:")
