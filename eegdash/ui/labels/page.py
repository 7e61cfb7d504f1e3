"""The frame of the labels page: whose it is, its parts, and what the lines of the file are like."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from eegdash.errors import EegdashError
from eegdash.ui import cache, frame, identity, places
from eegdash.ui.labels import adjudication, agreement, exchange, queue, table, team
from eegdash.ui.session import session, widget_value
from eegdash.ui.text import plain
from eegdash.workflows import labels_list, readers
from eegdash.workflows.readers import ADJUDICATOR, READER, Reader

_VIEW, _ROLE = "labels-view", "labels-role"
PARTS: dict[str, tuple[str, str, Callable[[Reader], None]]] = {
    "all": ("All labels", ":material/table_rows:", table.draw),
    "next": ("Next to review", ":material/playlist_play:", queue.draw),
    "team": ("Readers", ":material/group:", team.draw),
    "agreement": ("Agreement", ":material/compare_arrows:", agreement.draw),
    "adjudicate": ("Adjudication", ":material/gavel:", adjudication.draw),
    "files": ("Import and export", ":material/import_export:", exchange.draw),
}
ROLES = {READER: "Reader", ADJUDICATOR: "Adjudicator"}


def draw() -> None:
    """Draw the page."""
    places.follow()
    frame.header("**Labels** of the workspace")
    reader = identity.reader()
    left, right = st.columns([8, 2.6], vertical_alignment="center")
    with left:
        part = st.segmented_control(
            "Part of the page",
            list(PARTS),
            default="all",
            required=True,
            format_func=lambda key: f"{PARTS[key][1]} {PARTS[key][0]}",
            key=_VIEW,
            persist_state="session",
            label_visibility="collapsed",
        )
    _role(right, reader)
    try:
        _lines(reader)
        PARTS[part or "all"][2](reader)
    except EegdashError as error:
        st.error(plain(str(error)))


def _role(column: st.delta_generator.DeltaGenerator, reader: Reader) -> None:
    may = readers.may_adjudicate(cache.desk(), reader.name)
    column.segmented_control(
        "Your role",
        list(ROLES),
        # a widget that was drawn while nobody had a name does not hold for the one who has
        key=f"{_ROLE}-{session().renamed}-{may}",
        default=reader.role,
        required=True,
        format_func=ROLES.__getitem__,
        on_change=_role_chosen,
        disabled=not may,
        label_visibility="collapsed",
        width="stretch",
        help="Readers say what they see. An adjudicator decides where readers differ, assigns "
        "recordings and states which guideline holds." + ("" if may else f" {_why_not(reader)}"),
    )


def _why_not(reader: Reader) -> str:
    if not reader.name:
        return identity.first()
    return "This installation names its adjudicators; you are not among them."


def _role_chosen() -> None:
    may = readers.may_adjudicate(cache.desk(), session().reviewer)
    chosen = widget_value(f"{_ROLE}-{session().renamed}-{may}")
    session().role = ADJUDICATOR if chosen == ADJUDICATOR and may else READER


def _lines(reader: Reader) -> None:
    """Say what the lines of the labels file are like, and what to do about those that are odd."""
    counts = {str(k): n for k, n in cache.desk().labels.status_counts().items()}
    odd = {k: counts.get(k, 0) for k in ("hand-edited", "torn")}
    if not sum(counts.values()):
        return
    words = (
        f"{sum(counts.values()):,} lines in the labels file: {counts.get('verified', 0):,} "
        f"verified, {odd['hand-edited']:,} hand-edited, {odd['torn']:,} torn."
    )
    if not any(odd.values()):
        st.caption(f":material/verified: {words}")
        return
    with st.expander(f":material/warning: {words} What to do", key="labels-lines"):
        if odd["hand-edited"]:
            st.markdown(
                "**Hand-edited**: the line was changed outside of this program, so its checksum "
                "does not match. It counts as it stands. Check it with whoever changed it; to "
                "make it right, change the label here, which adds a line and leaves the old one."
            )
        if odd["torn"]:
            st.markdown(
                "**Torn**: the line cannot be read, for instance after a power cut, and counts "
                "for nothing. What can be made out of it stands below; say it again on the review "
                "page. Do not delete the line: it is evidence, and harms nothing."
            )
        shown = labels_list.odd_lines(cache.desk(), reader)
        st.dataframe(
            {
                "Line": [line.number for line in shown],
                "Status": [line.status for line in shown],
                "What is odd": [line.note for line in shown],
                "Beginning of the line": [line.text for line in shown],
            },
            hide_index=True,
            height=min(52 + 35 * len(shown), 260),
        )
