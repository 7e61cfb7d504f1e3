"""The filters of the list of labels; what a reader chose is kept over a reload."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import fields
from datetime import date
from typing import Any

import streamlit as st

from eegdash.errors import WorkspaceError
from eegdash.ui import cache
from eegdash.ui.labels.words import KINDS, VERDICTS
from eegdash.ui.session import LabelsView, session, widget_value
from eegdash.workflows.labels_list import ALL, STANDING, LabelFilter, Listing
from eegdash.workflows.readers import Reader

_LOG = logging.getLogger(__name__)
_NAMES = frozenset(f.name for f in fields(LabelFilter))
_ANY = "any"
_SELECTS = ("recording_sha256", "reviewer", "verdict", "reason", "model")
_MORE = ("person", "guideline", "kind", "status", "which", "conflicts_only")
_DEFAULT = LabelFilter()


def chosen(view: LabelsView, reader: Reader) -> LabelFilter:
    """Return what this reader wants listed, as it was left."""
    if view.filters is None:
        view.filters = _kept(reader)
    known: dict[str, Any] = {k: v for k, v in view.filters.items() if k in _NAMES}
    known["conflicts_only"] = view.filters.get("conflicts_only") == "1"
    return LabelFilter(**known)


def _kept(reader: Reader) -> dict[str, str]:
    if not reader.name:
        return {}
    kept = cache.desk().workspace.read_state(_state_name(reader.name))
    return {k: v for k, v in kept.items() if k in _NAMES and isinstance(v, str)}


def _state_name(name: str) -> str:
    return f"labels-filters-{hashlib.sha256(name.encode()).hexdigest()[:24]}"


def draw(view: LabelsView, reader: Reader, wanted: LabelFilter, found: Listing) -> None:
    """Draw the filters above the list."""
    columns = st.columns(
        [1.6, 2, 1.6, 1.4, 1.5, 1.7, 2.6, 1.3], gap="xsmall", vertical_alignment="bottom"
    )
    saved = _Saver(view, reader)
    columns[0].text_input(
        "Find",
        value=wanted.text,
        key=saved.key("text"),
        on_change=saved.text,
        placeholder="in comments, names",
    )
    titles = {
        "recording_sha256": ("Recording", found.choices.get("recording", ()), found.names.get),
        "reviewer": ("Reader", found.choices.get("reviewer", ()), None),
        "verdict": ("Verdict", found.choices.get("verdict", ()), VERDICTS.get),
        "reason": ("Reason", found.choices.get("reason", ()), None),
        "model": ("Detector", found.choices.get("model", ()), None),
    }
    for column, name in zip(columns[1:6], _SELECTS, strict=True):
        title, options, word = titles[name]
        _select(column, saved, wanted, name, title, options, word)
    _dates(columns[6], saved, wanted)
    n = sum(getattr(wanted, name) != getattr(_DEFAULT, name) for name in _MORE)
    more = f"More ({n})" if n else "More"
    with columns[7].popover(more, icon=":material/tune:", width="stretch", key="labels-more"):
        _more(saved, wanted, found)


def _select(
    column: st.delta_generator.DeltaGenerator,
    saved: _Saver,
    wanted: LabelFilter,
    name: str,
    title: str,
    options: tuple[str, ...],
    word: Callable[[str], str | None] | None,
) -> None:
    now = getattr(wanted, name)
    # what was chosen once stays a choice, even where no label has it any more
    every = ["", *options, *([now] if now and now not in options else [])]

    def shown(value: str) -> str:
        return (word(value) if word else None) or value or _ANY

    column.selectbox(
        title,
        every,
        index=every.index(now),
        format_func=shown,
        key=saved.key(name),
        on_change=saved.one,
        args=(name,),
    )


def _dates(column: st.delta_generator.DeltaGenerator, saved: _Saver, wanted: LabelFilter) -> None:
    first, last = _date(wanted.from_date), _date(wanted.to_date)
    bounds = [day for day in (first, last) if day is not None]
    column.date_input(
        "Said between (UTC)",
        value=list(bounds),
        key=saved.key("dates"),
        on_change=saved.dates,
        format="YYYY-MM-DD",
    )


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _more(saved: _Saver, wanted: LabelFilter, found: Listing) -> None:
    kinds = tuple(KINDS)
    statuses = ("verified", "hand-edited")
    for name, title, options, word in (
        ("person", "Person", found.choices.get("person", ()), None),
        ("guideline", "Guideline", found.choices.get("guideline", ()), None),
        ("kind", "Kind", kinds, KINDS.get),
        ("status", "Line", statuses, None),
    ):
        _select(st.container(), saved, wanted, name, title, options, word)
    st.toggle(
        "Also what was replaced or taken back",
        value=wanted.which == ALL,
        key=saved.key("which"),
        on_change=saved.switch,
        args=("which", ALL, STANDING),
    )
    st.toggle(
        "Conflicts only",
        value=wanted.conflicts_only,
        key=saved.key("conflicts_only"),
        on_change=saved.switch,
        args=("conflicts_only", "1", ""),
        help="Labels that took the place of the same one, for instance from two tabs.",
    )
    st.button("Clear all filters", on_click=saved.clear, width="stretch")


class _Saver:
    """Takes over what a filter was set to, and keeps it for this reader."""

    def __init__(self, view: LabelsView, reader: Reader) -> None:
        self._view = view
        self._reader = reader

    def key(self, name: str) -> str:
        """Return the key of a widget; another reader, or cleared filters, make another one."""
        return f"labels-{name}-{session().renamed}-{self._view.cleared}"

    def text(self) -> None:
        self._set(text=str(widget_value(self.key("text")) or "").strip())

    def one(self, name: str) -> None:
        self._set(**{name: str(widget_value(self.key(name)) or "")})

    def dates(self) -> None:
        value = widget_value(self.key("dates"))
        days = [d.isoformat() for d in (value if isinstance(value, tuple) else (value,)) if d]
        self._set(from_date=days[0] if days else "", to_date=days[1] if len(days) > 1 else "")

    def switch(self, name: str, on: str, off: str) -> None:
        self._set(**{name: on if widget_value(self.key(name)) else off})

    def clear(self) -> None:
        self._view.cleared += 1
        self._view.filters = {}
        self._set()

    def _set(self, **values: str) -> None:
        self._view.filters = {**(self._view.filters or {}), **values}
        if self._reader.name:
            try:
                state = _state_name(self._reader.name)
                cache.desk().workspace.write_state(state, self._view.filters)
            except WorkspaceError:
                _LOG.warning("the filters could not be kept: the workspace is not writable")


def is_any_set(wanted: LabelFilter) -> bool:
    """Return whether the list shows less than all standing labels."""
    return wanted != _DEFAULT
