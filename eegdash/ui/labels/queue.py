"""What to review next, in the order that the reader chose, and how far the reader is."""

from __future__ import annotations

import streamlit as st

from eegdash.ui import cache, identity, places, queueing
from eegdash.ui.labels import team
from eegdash.ui.labels.words import count, span
from eegdash.ui.session import queue_view, widget_value
from eegdash.ui.text import duration, elapsed, plain
from eegdash.workflows import readers
from eegdash.workflows.queue import ORDERS, QueueItem, QueueState
from eegdash.workflows.readers import Reader, ReaderProgress

_ORDER, _AGAIN = "queue-order", "queue-again"


def draw(reader: Reader) -> None:
    """Draw the queue of this reader."""
    if not reader.name:
        st.info(f"{identity.first()} The queue remembers what you have seen.")
        return
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        _choice()
        found = queueing.state()
        with st.container(border=True):
            _next(found)
        _coming(found)
    with right, st.container(border=True):
        _own_work(reader)


def _choice() -> None:
    view = queue_view()
    order, again = st.columns([3, 2], vertical_alignment="bottom")
    order.selectbox(
        "Order",
        list(ORDERS),
        index=list(ORDERS).index(view.order),
        format_func=lambda key: ORDERS[key][:1].upper() + ORDERS[key][1:],
        key=_ORDER,
        on_change=_chosen,
    )
    again.toggle(
        "Again what I labelled or put aside",
        value=view.again,
        key=_AGAIN,
        on_change=_chosen,
        help="Otherwise no span is offered to you twice.",
    )


def _chosen() -> None:
    view = queue_view()
    view.order = str(widget_value(_ORDER) or view.order)
    view.again = bool(widget_value(_AGAIN))


def _next(found: QueueState) -> None:
    waiting = found.n_waiting + (found.open is not None)
    total = waiting + found.n_done
    if found.open is not None:
        st.markdown(f"**Open: {plain(_title(found.open))}**  \n{plain(found.open.why)}")
    elif waiting:
        st.markdown(f"**{count(waiting, 'span')} to look at.**")
    else:
        st.markdown(f"**Nothing waits.** {plain(found.note)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Go on with it" if found.open is not None else "Next",
            icon=":material/arrow_forward:",
            type="primary",
            key="queue-next",
            disabled=not waiting,
            on_click=_take,
            help="Opens the Review page there. On that page, q goes on to the next.",
        )
        if found.open is not None:
            st.button(
                "Put it aside",
                icon=":material/skip_next:",
                key="queue-aside",
                on_click=_aside,
                help="It is not offered again, unless you ask for it above.",
            )
    if total or found.n_put_aside:
        words = f"{found.n_done:,} of {total:,} done"
        aside = f", {found.n_put_aside:,} put aside" if found.n_put_aside else ""
        st.progress(found.n_done / max(total, 1), words + aside)


def _title(item: QueueItem) -> str:
    where = "whole recording" if item.whole else span(item.onset_s, item.duration_s)
    return f"{item.name}, {where}"


def _take() -> None:
    item = queueing.advance()
    if item is not None:
        places.open_at(item.recording_sha256, item.onset_s)


def _aside() -> None:
    if not queueing.put_aside():
        st.toast(plain(queue_view().said[1]), icon=":material/error:")


def _coming(found: QueueState) -> None:
    if not found.coming:
        return
    st.caption(f"Coming up ({min(len(found.coming), found.n_waiting):,} of {found.n_waiting:,})")
    st.dataframe(
        {
            "Recording": [item.name for item in found.coming],
            "At": ["whole" if x.whole else elapsed(x.onset_s) for x in found.coming],
            "Length, s": [item.duration_s for item in found.coming],
            "Why": [item.why for item in found.coming],
        },
        column_config={
            "At": st.column_config.TextColumn(width=70),
            "Length, s": st.column_config.NumberColumn(format="%.0f", width=75),
            "Why": st.column_config.TextColumn(width=330),
        },
        hide_index=True,
        height=min(38 + 35 * len(found.coming), 260),
        alt="The next spans, in order",
    )


def _own_work(reader: Reader) -> None:
    desk = cache.desk()
    own = next((p for p in readers.progress(desk) if p.name == reader.name), None)
    st.markdown(f"**{plain(reader.name)}**, so far")
    if own is None:
        st.caption("Nothing yet. The first label or sign-off appears here.")
    else:
        unsure = f", {own.n_unsure:,} of them unsure" if own.n_unsure else ""
        lines = [f"{count(own.n_labels, 'label')}{unsure}"]
        if own.n_assigned:
            lines.append(
                f"{own.n_done:,} of {count(own.n_assigned, 'assigned recording')} done "
                f"({duration(own.done_s)} of {duration(own.assigned_s)} of EEG)"
            )
        else:
            lines.append("No recording is assigned to you: all of them are in your queue.")
        if own.worked_s:
            lines.append(_pace(own))
        st.markdown("  \n".join(plain(line) for line in lines))
    _guideline()


def _pace(own: ReaderProgress) -> str:
    worked = f"About {duration(own.worked_s)} of work"
    labels, eeg = team.pace(own.labels_per_hour, own), team.pace(own.eeg_hours_per_hour, own)
    if labels is None or eeg is None:
        return f"{worked}, too little for a pace"
    return f"{worked}: {labels:.0f} labels and {eeg:.1f} h of EEG an hour"


def _guideline() -> None:
    holds = readers.guideline(cache.desk())
    if holds is None:
        st.caption("No version of a labelling guideline was stated (part **Readers**).")
    else:
        title = f", {plain(holds.title)}" if holds.title else ""
        st.caption(f"Labelling guideline: **{plain(holds.version)}**{title}. Kept with each label.")
