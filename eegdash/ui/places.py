"""Ways from one page to a place in a recording."""

from __future__ import annotations

import math
import secrets

import streamlit as st

from eegdash.ui.session import Link, session
from eegdash.workflows import review

_BEFORE_S = 2.5  # of EEG on the page before what is looked at, as after a jump in the viewer
REVIEW = "../../pages/review.py"


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
    session().open_review = True


def follow() -> None:
    """Turn to the review page, where a callback asked for it."""
    if session().open_review:
        session().open_review = False
        st.switch_page(REVIEW)
