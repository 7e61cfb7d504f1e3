"""State of one reader's session: ids and small values, never arrays."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
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
    # The viewer goes to start_s when this number changes, and says with every message which one
    # it knew: what it sent before it heard of another view does not overwrite that view.
    seek: int = field(default_factory=lambda: secrets.randbelow(2**40))

    def remembered(self) -> dict[str, Any]:
        """Return what is worth keeping over a reload."""
        return {
            "start_s": self.start_s,
            "viewed": self.viewed,
            "threshold_pm": self.threshold_pm,
            "post": self.post,
        }

    @classmethod
    def from_remembered(cls, record: Mapping[str, Any]) -> View:
        """Return a view from :meth:`remembered`; a record that makes no sense is an empty view."""
        try:
            threshold = record.get("threshold_pm")
            post = record.get("post")
            return cls(
                start_s=float(record.get("start_s", 0.0)),
                viewed=[[float(a), float(b)] for a, b in record.get("viewed", [])],
                threshold_pm=None if threshold is None else int(threshold),
                post=None if post is None else {str(k): float(v) for k, v in post.items()},
            )
        except (AttributeError, TypeError, ValueError):
            return cls()

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
        :class:`View` by reader, recording and model.
    """

    recording_sha256: str | None = None
    model: str | None = None
    reviewer: str = ""
    views: dict[str, View] = field(default_factory=dict)
    open_review: bool = False
    reader_restored: bool = False
    uploads: int = 0
    renamed: int = 0
    mapping_sha256: str | None = None
    tokens: dict[str, tuple[float, str]] = field(default_factory=dict)


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
