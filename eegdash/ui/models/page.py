"""The page Models: its three views, and who may see what."""

from __future__ import annotations

import streamlit as st

from eegdash.errors import EegdashError
from eegdash.ui import cache, frame
from eegdash.ui.models import compare, listing, teaching
from eegdash.ui.text import plain
from eegdash.workflows.model_decisions import DecisionHistory, decision_history

DETECTORS, TEACH, COMPARE = "Detectors", "Teach", "Compare"
VIEW_KEY = "models-view"


def draw() -> None:
    """Draw the page."""
    frame.header("**Models** · the detectors of this installation")
    view = st.segmented_control(
        "View",
        [DETECTORS, TEACH, COMPARE],
        default=DETECTORS,
        required=True,
        key=VIEW_KEY,
        label_visibility="collapsed",
        persist_state="session",
    )
    history = _history()
    if view == TEACH:
        teaching.draw()
    elif view == COMPARE:
        compare.draw(history)
    else:
        listing.draw(history)


def _history() -> DecisionHistory:
    try:
        found = decision_history(cache.desk().workspace)
    except EegdashError as error:
        st.error(plain(str(error)))
        return DecisionHistory()
    if found.n_unreadable:
        st.warning(
            f"{found.n_unreadable} lines of model\\_decisions.jsonl cannot be read: they were cut "
            "off or changed by hand, and count as not written."
        )
    return found
