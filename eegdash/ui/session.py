"""State of one reader's session: ids and small values, never arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

_KEY = "session"
_KEPT_REFUSALS = 20


@dataclass(slots=True)
class View:
    """Where a reader is in one recording, and the operating point that was chosen there."""

    start_s: float = 0.0
    viewed: list[list[float]] = field(default_factory=list)
    threshold_pm: int | None = None
    post: dict[str, float] | None = None
    acked: list[str] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    seek: int = 0

    def reject(self, decision_id: str, reason: str) -> None:
        """Remember why a decision was not saved; the newest few are told to the viewer."""
        self.rejected[decision_id] = reason
        while len(self.rejected) > _KEPT_REFUSALS:
            del self.rejected[next(iter(self.rejected))]


@dataclass(slots=True)
class Session:
    """What the pages remember of a reader.

    Parameters
    ----------
    recording_sha256 : str or None
        The recording on the review page.
    model : str or None
        Name of the detector; None is the default.
    reviewer : str
        Who labels.
    views : dict
        :class:`View` by recording and model hash.
    """

    recording_sha256: str | None = None
    model: str | None = None
    reviewer: str = ""
    views: dict[str, View] = field(default_factory=dict)
    open_review: bool = False
    mapping_sha256: str | None = None
    tokens: dict[str, tuple[float, str]] = field(default_factory=dict)

    def view(self, recording_sha256: str, model_sha256: str) -> View:
        """Return the view of a recording under a model."""
        return self.views.setdefault(f"{recording_sha256}|{model_sha256}", View())


def session() -> Session:
    """Return the session of the reader whose script runs."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = Session()
    found = st.session_state[_KEY]
    if not isinstance(found, Session):  # a hot reload replaced the class
        found = st.session_state[_KEY] = Session()
    return found


def widget_value(key: str) -> Any:
    """Return the value of a widget or component by key, as callbacks need it."""
    return st.session_state.get(key)
