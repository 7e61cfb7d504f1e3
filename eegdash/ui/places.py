"""Ways from one page to another, and to a place in a recording.

A callback says where to (:func:`turn_to`), and the page that is on screen turns there
(:func:`follow`). Streamlit drops a change of page where another rerun of the page came in just
before, so the wish stands until another page is really drawn (:func:`drawn`).
"""

from __future__ import annotations

import math
import secrets

import streamlit as st

from eegdash.ui.session import Link, session
from eegdash.workflows import review

_BEFORE_S = 2.5  # of EEG on the page before what is looked at, as after a jump in the viewer
REVIEW, ATTRIBUTION = "review", "attribution"


def go_to(recording_sha256: str, onset_s: float) -> None:
    """Have the review page show a moment of a recording; for callbacks."""
    start_s = math.floor(10 * max(onset_s - _BEFORE_S, 0.0)) / 10  # the viewer goes by tenths
    session().recording_sha256 = recording_sha256
    session().link = Link(recording_sha256, start_s, None)
    # a view that is open in this session already would not ask the link
    view = session().views.get(review.view_name(session().reviewer, recording_sha256))
    if view is not None:
        view.start_s = start_s
        view.seek = secrets.randbelow(2**40)


def open_at(recording_sha256: str, onset_s: float) -> None:
    """As :func:`go_to`, from another page: the next :func:`follow` turns to the review page."""
    go_to(recording_sha256, onset_s)
    turn_to(REVIEW)


def turn_to(page: str) -> None:
    """Have the next :func:`follow` turn to a page; for callbacks."""
    session().turning_to = page


def follow() -> None:
    """Turn to the page that a callback asked for, if any."""
    if session().turning_to not in ("", session().page):
        st.switch_page(page_file(session().turning_to))


def drawn(page: str) -> None:
    """Note which page is drawn now; whichever it is, another one than before ends the wish."""
    if page != session().page:
        session().page, session().turning_to = page, ""


def page_file(page: str) -> str:
    """Return the file of a page as Streamlit names it."""
    return f"../../pages/{page}.py"
