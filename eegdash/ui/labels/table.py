"""Every label in a table; a click shows its history beside it, or the EEG."""

from __future__ import annotations

import streamlit as st

from eegdash.labels import Label
from eegdash.ui import cache, places
from eegdash.ui.labels import detail, filters
from eegdash.ui.labels.words import count, event_type, moment, reason, verdict
from eegdash.ui.session import LabelsView, labels_view, widget_value
from eegdash.ui.text import elapsed
from eegdash.workflows import labels_list
from eegdash.workflows.labels_list import LabelFilter, LabelRow, Listing
from eegdash.workflows.readers import Reader

ROWS = 100
_HEIGHT = 430  # px
_GO = "labels-go"


def draw(reader: Reader) -> None:
    """Draw the filters, the table and the label that was chosen."""
    view = labels_view()
    wanted = filters.chosen(view, reader)
    page_key = f"labels-page-{hash(wanted)}"
    page = int(widget_value(page_key) or 1)
    found = _found(reader, wanted, page)
    if not found.n_visible and not filters.is_any_set(wanted):
        _nothing_yet(found)
        return
    filters.draw(view, reader, wanted, found)
    left, right = st.columns([2.15, 1], gap="medium")
    with left:
        _table(view, wanted, page, found)
        _below(found, page_key)
    with right, st.container(border=True):
        detail.draw(view, reader)


def _found(reader: Reader, wanted: LabelFilter, page: int) -> Listing:
    desk = cache.desk()
    found = labels_list.listing(desk, reader, wanted, offset=(page - 1) * ROWS, limit=ROWS)
    if found.rows or page == 1:
        return found
    return labels_list.listing(desk, reader, wanted, limit=ROWS)  # fewer pages than there were


def _nothing_yet(found: Listing) -> None:
    st.info(
        "There are no labels yet. Open a recording on the **Review** page and label what the "
        "detector found with a (agree), d (disagree) or u (unsure), or mark a missed seizure with "
        "m. Labels from elsewhere come in by **Import and export**."
        if not found.n_withheld
        else f"{_withheld(found)} Read a recording on the **Review** page; your own labels appear "
        "here at once."
    )


def _withheld(found: Listing) -> str:
    return (
        f"{count(found.n_withheld, 'record')} of other readers not shown, so that your own reading "
        "stays your own."
    )


def _table(view: LabelsView, wanted: LabelFilter, page: int, found: Listing) -> None:
    if not found.rows:
        st.info("No label fits these filters. **More**, then **Clear all filters**, shows all.")
        return
    uuids = [row.label.uuid for row in found.rows]
    key = f"labels-table-{hash((wanted, page))}"
    st.dataframe(
        {
            "Go": [elapsed(r.label.onset_s) if r.in_workspace else None for r in found.rows],
            "Recording": [row.name for row in found.rows],
            "Verdict": [verdict(row.label) for row in found.rows],
            "Reader": [row.label.reviewer for row in found.rows],
            "Length": [row.label.duration_s for row in found.rows],
            "State": [_state(row) for row in found.rows],
            "Reason": [reason(row.label) for row in found.rows],
            "Said at": [moment(row.label.time_utc) for row in found.rows],
            "Type": [_type(row.label) for row in found.rows],
            "Comment": [row.label.comment for row in found.rows],
            "Detector": [row.label.model or "none on screen" for row in found.rows],
            "Probability": [row.label.probability for row in found.rows],
        },
        column_config={
            "Go": st.column_config.ButtonColumn(
                "EEG at",
                type="tertiary",
                width=70,
                pinned=True,
                alignment="left",
                help="Shows this moment on the Review page.",
                key=_GO,
                on_click=lambda: _go(found),
            ),
            "Recording": st.column_config.TextColumn(width=164),
            "Verdict": st.column_config.TextColumn(width=94),
            "Type": st.column_config.TextColumn(width=120),
            "Length": st.column_config.NumberColumn("Length, s", format="%.1f", width=68),
            "Reader": st.column_config.TextColumn(width=90),
            "Said at": st.column_config.TextColumn("Said at, UTC", width=122),
            "Reason": st.column_config.TextColumn(width=80),
            "State": st.column_config.TextColumn(width=130),
            "Probability": st.column_config.NumberColumn(
                format="%.2f",
                help="Highest probability that the detector gave there, 0 to 1, when the label "
                "was made; empty where none was on screen.",
            ),
        },
        hide_index=True,
        height=_HEIGHT,
        key=key,
        on_select=lambda: _selected(view, key, uuids),
        selection_mode="single-cell",
        placeholder="",
        alt="Labels, newest first",
    )


def _type(label: Label) -> str:
    # "seizure" for every agreement would only be noise
    return (
        ""
        if label.event_type == "sz" and label.verdict != "adjudicated"
        else event_type(label.event_type)
    )


def _state(row: LabelRow) -> str:
    label = row.label
    words = [
        "in conflict" if row.conflict else "",
        "" if row.standing else "replaced" if not label.is_retraction else "",
        "changed" if row.standing and row.changed and not label.is_retraction else "",
        "blinded" if label.blinded else "",
        "repeat" if label.repeat_of else "",
        "imported" if label.source else "",
        str(label.status) if label.status != "verified" else "",
    ]
    return ", ".join(word for word in words if word)


def _go(found: Listing) -> None:
    clicked = widget_value(_GO)
    if clicked is not None and 0 <= clicked["row"] < len(found.rows):
        label = found.rows[clicked["row"]].label
        places.open_at(label.recording_sha256, label.onset_s)


def _selected(view: LabelsView, key: str, uuids: list[str]) -> None:
    state = widget_value(key)
    cells = state.selection.cells if state else []
    if cells and 0 <= cells[0][0] < len(uuids):
        view.uuid = uuids[cells[0][0]]


def _below(found: Listing, page_key: str) -> None:
    left, right = st.columns([1, 1], vertical_alignment="center")
    words = [f"{found.n_matching:,} of {count(found.n_visible, 'record')} listed, newest first."]
    if found.n_withheld:
        words.append(_withheld(found))
    left.caption(" ".join(words))
    pages = -(-found.n_matching // ROWS)
    if pages > 1:
        with right:
            st.pagination(pages, key=page_key, max_visible_pages=5)
