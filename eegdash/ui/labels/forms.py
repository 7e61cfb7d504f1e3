"""What forms on labels share: typed times, answers, and ids by which nothing is saved twice."""

from __future__ import annotations

import hashlib
import json

import streamlit as st

from eegdash.errors import LabelNotSavedError
from eegdash.ui.session import labels_view, widget_value
from eegdash.ui.text import elapsed, plain, seconds_of


def typed_span(key: str, offered: tuple[float, float]) -> tuple[float, float]:
    """Return onset and end as two fields say them, s.

    Parameters
    ----------
    key : str
        Of the form; the fields are ``<key>-onset`` and ``<key>-end``.
    offered : tuple of float
        What the fields showed at first. They show tenths of a second; what was not touched keeps
        its milliseconds.

    Raises
    ------
    LabelNotSavedError
        If a field holds no time, or the end does not come after the onset.
    """
    onset_s, end_s = (
        _typed(f"{key}-{name}", before, name)
        for name, before in zip(("onset", "end"), offered, strict=True)
    )
    if end_s <= onset_s:
        raise LabelNotSavedError("NOT saved: the end must come after the onset.")
    return onset_s, end_s


def _typed(key: str, before: float, name: str) -> float:
    text = str(widget_value(key) or "")
    if text == elapsed(before, 1):
        return before
    value = seconds_of(text)
    if value is None:
        raise LabelNotSavedError(
            f"NOT saved: the {name} must be a time such as 0:12:31.5, found {text!r}."
        )
    return value


def decision_id(what: str, *content: object) -> str:
    """Return the id of a decision: the same decision on the same labels is saved once."""
    text = json.dumps([what, *content], sort_keys=True)
    return f"{what}:{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def answer(form: str) -> None:
    """Say what the last thing done in a form came to."""
    done, words = labels_view().answers.get(form, (True, ""))
    if words and done:
        st.caption(f":material/check: {plain(words)}")
    elif words:
        st.error(plain(words))
