"""One label beside the table: what it says, its history, and how to change it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from eegdash.errors import LabelNotSavedError
from eegdash.labels import Label
from eegdash.ui import cache, places
from eegdash.ui.labels.forms import answer, decision_id, typed_span
from eegdash.ui.labels.words import TYPES, VERDICTS, event_type, moment, reason, span, verdict
from eegdash.ui.session import LabelsView, widget_value
from eegdash.ui.text import elapsed, plain
from eegdash.workflows import labels_list
from eegdash.workflows.labels_list import HistoryEntry
from eegdash.workflows.readers import Reader
from eegdash.workflows.review import EVENT_TYPES, REASONS

_CHANGED = "change"
_VERDICTS = ("agree", "disagree", "unsure", "missed")


def draw(view: LabelsView, reader: Reader) -> None:
    """Draw the chosen label."""
    entries = labels_list.history(cache.desk(), reader, view.uuid) if view.uuid else ()
    if not entries:
        st.markdown("**Choose a label** in the table to see its history and to change it.")
        st.caption("The time at the left of a row leads to the EEG.")
        return
    at = next((e for e in reversed(entries) if e.standing), entries[-1])
    _facts(at.label)
    own = at.label.kind == "label" and at.label.reviewer == reader.name
    with st.container(horizontal=True):
        st.button(
            "Show in the EEG",
            icon=":material/neurology:",
            type="primary",
            key="detail-go",
            on_click=places.open_at,
            args=(at.label.recording_sha256, at.label.onset_s),
        )
        if own:
            _undo_button(view, reader, entries)
    answer(_CHANGED)
    st.markdown(f"**History** ({len(entries)})")
    with st.container(height=230 if len(entries) > 2 else "content", border=False):
        for entry in reversed(entries):
            _step(entry)
    if own and at.label.verdict == "adjudicated":
        st.caption("A decision is changed in the part **Adjudication**, under **Decided**.")
    elif own and at.standing:
        with st.expander("Change this label", key=f"changing-{at.label.uuid}"):
            _form(view, reader, at.label)


def _facts(label: Label) -> None:
    kind = event_type(label.event_type)
    st.markdown(f"**{plain(verdict(label))}**" + (f" · {plain(kind)}" if kind else ""))
    lines = [span(label.onset_s, label.duration_s), f"{label.reviewer}, {label.recording_alias}"]
    if reason(label):
        lines.append(f"Reason: {label.reason}")
    if label.comment:
        lines.append(f"Comment: {label.comment}")
    if label.confidence is not None:
        lines.append(f"Confidence stated by the reader: {label.confidence:g} (0 to 1)")
    if label.model:
        at = "" if label.threshold is None else f" at threshold {label.threshold:.2f}"
        said = "" if label.probability is None else f", probability {label.probability:.2f}"
        lines.append(f"On screen: {label.model}{at}{said}")
    if label.blinded:
        lines.append("Read blinded: the detector's output was hidden.")
    if label.repeat_of:
        lines.append("A hidden repeat: it measures agreement with oneself, and is no new opinion.")
    if label.source:
        lines.append(f"Imported: {label.source}")
    if label.guideline:
        lines.append(f"Labelling guideline: {label.guideline}")
    if label.status != "verified":
        lines.append(f"This line is {label.status}: its checksum does not match.")
    st.markdown("  \n".join(plain(line) for line in lines))


def _step(entry: HistoryEntry) -> None:
    label = entry.label
    mark = " · holds now" if entry.standing else ""
    st.markdown(
        f"**{plain(entry.what)}** by {plain(label.reviewer)}{mark}  \n"
        f":gray[{moment(label.time_utc)} UTC]"
    )
    lines = [
        f"{name}: {before or 'none'} → {after or 'none'}" for name, before, after in entry.changes
    ]
    if not entry.changes:
        lines.append(f"{verdict(label)}, {span(label.onset_s, label.duration_s)}")
    if entry.why:
        lines.append(f"Why: {entry.why}")
    st.markdown("  \n".join(plain(line) for line in lines))


# ---- changing ---------------------------------------------------------------------------------


def _undo_button(view: LabelsView, reader: Reader, entries: tuple[HistoryEntry, ...]) -> None:
    last = entries[-1].label
    st.button(
        _undo_words(entries),
        icon=":material/undo:",
        key=f"undo-{last.uuid}",
        on_click=_undo,
        args=(view, reader, last),
        help="Adds a line that takes back the newest step; nothing is removed.",
    )


def _undo_words(entries: tuple[HistoryEntry, ...]) -> str:
    if entries[-1].label.is_retraction:
        return "Bring it back"
    return "Take it back" if len(entries) == 1 else "Undo the last step"


def _undo(view: LabelsView, reader: Reader, last: Label) -> None:
    try:
        # named by what it undoes: a second click undoes nothing more
        made = labels_list.undo_change(
            cache.desk(), reader, last.uuid, decision_id=decision_id("undo", reader.name, last.uuid)
        )
    except LabelNotSavedError as error:
        view.answer(_CHANGED, False, str(error))
        return
    view.uuid = made.uuid
    view.answer(_CHANGED, True, "Undone. Both lines stay in the labels file.")
    cache.labels_table().soon()


def _form(view: LabelsView, reader: Reader, label: Label) -> None:
    key = f"change-{label.uuid}"
    with st.form(key, border=False):
        left, right = st.columns(2)
        verdicts = list(_VERDICTS)
        left.selectbox(
            "Verdict",
            verdicts,
            index=verdicts.index(str(label.verdict)),
            format_func=VERDICTS.__getitem__,
            key=f"{key}-verdict",
        )
        types = list(dict.fromkeys(["", label.event_type, *dict(EVENT_TYPES)]))
        right.selectbox(
            "Type",
            types,
            index=types.index(label.event_type),
            format_func=lambda name: TYPES.get(name, name) or "not said",
            key=f"{key}-type",
        )
        left.text_input("Onset (h:mm:ss)", elapsed(label.onset_s, 1), key=f"{key}-onset")
        right.text_input("End (h:mm:ss)", elapsed(label.end_s, 1), key=f"{key}-end")
        st.text_input("Comment", label.comment, key=f"{key}-comment", max_chars=4000)
        st.selectbox(
            "Why is it changed?",
            REASONS,
            index=None,
            accept_new_options=True,
            placeholder="choose, or type your own",
            key=f"{key}-why",
        )
        st.form_submit_button(
            "Save the change", type="primary", on_click=_change, args=(view, reader, label)
        )
        st.caption("The old label stays in the file; a new line takes its place.")


def _change(view: LabelsView, reader: Reader, label: Label) -> None:
    """Save what the form says; in the callback, so that no click is lost."""
    key = f"change-{label.uuid}"
    why = str(widget_value(f"{key}-why") or "").strip()
    try:
        changes = _changes(key, label)
        if not changes:
            raise LabelNotSavedError("NOT saved: nothing was changed in the form.")
        if not why:
            raise LabelNotSavedError("NOT saved: say why the label is changed.")
        made = labels_list.change(
            cache.desk(),
            reader,
            label.uuid,
            changes,
            why,
            decision_id=decision_id("change", reader.name, label.uuid, changes, why),
        )
    except LabelNotSavedError as error:
        view.answer(_CHANGED, False, str(error))
        return
    view.uuid = made.uuid
    view.answer(_CHANGED, True, "Changed. The label before it stays in the history.")
    cache.labels_table().soon()


def _changes(key: str, label: Label) -> dict[str, Any]:
    """Return the fields of the form that differ from the label."""
    onset_s, end_s = typed_span(key, (label.onset_s, label.end_s))
    now: dict[str, Any] = {
        "verdict": widget_value(f"{key}-verdict"),
        "event_type": widget_value(f"{key}-type") or "",
        "comment": str(widget_value(f"{key}-comment") or "").strip(),
        "onset_s": onset_s,
        "duration_s": round(end_s - onset_s, 3),
    }
    return {name: value for name, value in now.items() if value != getattr(label, name)}
