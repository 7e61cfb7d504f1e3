"""Adjudication: all opinions on a span side by side, and the decision."""

from __future__ import annotations

import hashlib

import streamlit as st

from eegdash.errors import LabelNotSavedError
from eegdash.labels import Conflict
from eegdash.ui import cache, identity, places
from eegdash.ui.choices import chosen_model
from eegdash.ui.labels import charts
from eegdash.ui.labels.forms import answer, decision_id, typed_span
from eegdash.ui.labels.words import TYPES, count, moment, reason, span, verdict
from eegdash.ui.session import LabelsView, labels_view, widget_value
from eegdash.ui.text import elapsed, plain
from eegdash.workflows import adjudication
from eegdash.workflows.adjudication import DECIDED, OPEN, Case, Opinion
from eegdash.workflows.readers import ADJUDICATOR, Reader
from eegdash.workflows.review import EVENT_TYPES

_FORM = "adjudication"
_NONE = "bckg"  # SzCORE: free of seizures
_STATES = {OPEN: "Open", DECIDED: "Decided"}
_SHOWN = 500
_CHART = {"displayModeBar": False}
_ALL_OF_IT, _DECISION = "all together", "the decision"


def draw(reader: Reader) -> None:
    """Draw the cases, and the one that is being decided."""
    if not reader.name:
        st.info(f"{identity.first()} A decision says whose it is.")
        return
    if reader.role != ADJUDICATOR:
        st.info(
            "Here an adjudicator decides where readers differ. Choose the role **Adjudicator** at "
            "the top right to see all opinions. Readers' labels are never overwritten: the "
            "decision is a label of its own."
        )
        return
    left, right = st.columns([1, 1.75], gap="medium")
    with left:
        state = st.segmented_control(
            "Cases",
            list(_STATES),
            default=OPEN,
            required=True,
            format_func=_STATES.__getitem__,
            key="adjudication-state",
            label_visibility="collapsed",
            on_change=_forget_answer,
        )
    view = labels_view()
    found = _cases(view, reader, str(state))
    case = next((c for c in found if c.key == view.case), found[0]) if found else None
    with left:
        _list(view, found, case)
    with right, st.container(border=True):
        answer(_FORM)
        if case is None:
            _nothing(str(state))
        else:
            _case(view, reader, case)


def _nothing(state: str) -> None:
    if state == DECIDED:
        st.info("Nothing was decided yet. Decisions appear here and can be changed.")
    else:
        st.info(
            "No open case: nowhere do two readers differ, and no two changes of a label "
            "contradict each other. Cases appear here as soon as they do."
        )


def _forget_answer() -> None:
    labels_view().answers.pop(_FORM, None)


def _cases(view: LabelsView, reader: Reader, state: str) -> tuple[Case, ...]:
    """Return the cases; gathered anew only when a label or the choice is another one."""
    desk = cache.desk()
    model = chosen_model(desk.models())
    asked = (
        reader,
        state,
        model and (model.sha256, model.threshold_pm),
        cache.desk().labels.mark(),
    )
    if view.cases is None or view.cases[0] != asked:
        view.cases = (asked, adjudication.cases(desk, reader, model, state=state))
    return view.cases[1]


def _list(view: LabelsView, found: tuple[Case, ...], shown: Case | None) -> None:
    if shown is None:
        return
    more = f", the first {_SHOWN:,} listed" if len(found) > _SHOWN else ""
    st.caption(f"{count(len(found), 'case')}{more}; click one to see it.")
    found = found[:_SHOWN]
    keys = [one.key for one in found]
    key = f"cases-{hashlib.sha256('|'.join(keys).encode()).hexdigest()[:12]}"
    st.dataframe(
        {
            "": ["▶" if one.key == shown.key else "" for one in found],
            "Recording": [one.name for one in found],
            "At": [elapsed(one.onset_s) for one in found],
            "Opinions": [_summary(one) for one in found],
        },
        column_config={
            "": st.column_config.TextColumn(width=28),
            "Recording": st.column_config.TextColumn(width=128),
            "At": st.column_config.TextColumn(width=62),
        },
        hide_index=True,
        height=min(38 + 35 * len(found), 560),
        key=key,
        on_select=lambda: _selected(view, key, keys),
        selection_mode="single-cell",
        alt="Cases",
    )


def _summary(case: Case) -> str:
    says = [opinion.says for opinion in case.opinions]
    words = [f"{says.count(one)} {one}" for one in dict.fromkeys(says) if one != "not read"]
    return ", ".join(words) + (", conflict" if case.conflicts else "")


def _selected(view: LabelsView, key: str, keys: list[str]) -> None:
    state = widget_value(key)
    cells = state.selection.cells if state else []
    if cells and 0 <= cells[0][0] < len(keys):
        view.case = keys[cells[0][0]]
        view.answers.pop(_FORM, None)


# ---- one case ---------------------------------------------------------------------------------


def _case(view: LabelsView, reader: Reader, case: Case) -> None:
    title, go = st.columns([3, 1], vertical_alignment="center")
    title.markdown(f"**{plain(case.name)}**, {plain(span(case.onset_s, case.duration_s))}")
    go.button(
        "Show in the EEG",
        icon=":material/neurology:",
        key="case-go",
        on_click=places.open_at,
        args=(case.recording_sha256, case.onset_s),
        width="stretch",
    )
    st.plotly_chart(
        charts.opinions(case),
        key=f"case-{case.key}",
        config=_CHART,
        alt="All opinions on one time axis; the list below says the same",
    )
    if case.detector:
        st.caption(f"Detector: {plain(case.detector)}")
    for conflict in case.conflicts:
        _conflict(view, reader, conflict)
    _decide(view, reader, case)
    with st.expander("Opinions in words", expanded=False, key=f"words-{case.key}"):
        for opinion in case.opinions:
            _opinion(opinion)


def _opinion(opinion: Opinion) -> None:
    lines = [f"**{plain(opinion.reader)}**: {plain(opinion.says)}"]
    for label in opinion.labels:
        about = [verdict(label), span(label.onset_s, label.duration_s), reason(label)]
        about += [label.comment, "read blinded" if label.blinded else "", moment(label.time_utc)]
        lines.append(plain(" · ".join(part for part in about if part)))
    st.markdown("  \n".join(lines))


def _conflict(view: LabelsView, reader: Reader, conflict: Conflict) -> None:
    with st.container(border=True):
        st.markdown(
            ":material/call_split: **Two changes of one label contradict each other.** Both are "
            "kept; which one holds?"
        )
        for label in conflict.labels:
            words, keep = st.columns([3, 1], vertical_alignment="center")
            who = f"{label.reviewer}, {moment(label.time_utc)} UTC"
            words.markdown(
                plain(f"{verdict(label)}, {span(label.onset_s, label.duration_s)}, {who}")
            )
            keep.button(
                "Keep this one",
                key=f"keep-{label.uuid}",
                on_click=_settle,
                args=(view, reader, conflict, label.uuid),
                width="stretch",
            )


def _settle(view: LabelsView, reader: Reader, conflict: Conflict, keep: str) -> None:
    try:
        adjudication.settle(
            cache.desk(),
            reader,
            conflict,
            keep,
            "settled by an adjudicator",
            decision_id=decision_id(
                "settle", reader.name, keep, *(x.uuid for x in conflict.labels)
            ),
        )
    except LabelNotSavedError as error:
        view.answer(_FORM, False, str(error))
        return
    view.answer(_FORM, True, "Settled. The other change was taken back, and stays in the history.")
    cache.labels_table().soon()


# ---- the decision -----------------------------------------------------------------------------


def _decide(view: LabelsView, reader: Reader, case: Case) -> None:
    choices = _times(case)
    standing = case.decided[-1] if case.decided else None
    taken = st.pills(
        "Times as marked by",
        list(choices),
        default=next(iter(choices)),
        required=True,
        key=f"times-{case.key}",
    )
    onset_s, end_s = choices[taken or next(iter(choices))]
    key = f"decide-{case.key}-{taken}"
    with st.form(key, border=False):
        onset, end, kind, comment = st.columns([1, 1, 1.35, 1.9], gap="small")
        onset.text_input("Onset", elapsed(onset_s, 1), key=f"{key}-onset")
        end.text_input("End", elapsed(end_s, 1), key=f"{key}-end")
        types = list(dict(EVENT_TYPES))
        kind.selectbox(
            "Kind of seizure",
            types,
            format_func=TYPES.__getitem__,
            key=f"{key}-type",
            help="Only where it is one.",
        )
        comment.text_input("Comment", key=f"{key}-comment", max_chars=4000)
        if standing is not None:
            st.text_input("Why is the decision changed?", key=f"{key}-why", max_chars=200)
        yes, no = st.columns(2)
        for column, words, seizure in (
            (yes, "It is a seizure", True),
            (no, "It is no seizure", False),
        ):
            column.form_submit_button(
                words,
                key=f"{key}-{seizure}",
                type="primary",
                on_click=_save,
                args=(view, reader, case, key, (onset_s, end_s), seizure),
                width="stretch",
            )
    st.caption("The decision is a label of its own, under your name. No opinion is overwritten.")


def _times(case: Case) -> dict[str, tuple[float, float]]:
    """Return the spans that a decision may begin with."""
    found: dict[str, tuple[float, float]] = {}
    if case.decided:
        found[_DECISION] = (case.decided[-1].onset_s, case.decided[-1].end_s)
    found[_ALL_OF_IT] = (case.onset_s, case.end_s)
    for opinion in case.opinions:
        for n, label in enumerate(opinion.labels):
            name = f"{opinion.reader} ({n + 1})" if len(opinion.labels) > 1 else opinion.reader
            found[name] = (label.onset_s, label.end_s)
    return found


def _save(
    view: LabelsView,
    reader: Reader,
    case: Case,
    key: str,
    offered: tuple[float, float],
    seizure: bool,
) -> None:
    """Save the decision; in the callback, so that no click is lost."""
    comment = str(widget_value(f"{key}-comment") or "").strip()
    why = str(widget_value(f"{key}-why") or "").strip()
    kind = str(widget_value(f"{key}-type") or "sz") if seizure else _NONE
    try:
        onset_s, end_s = typed_span(key, offered)
        made = adjudication.adjudicate(
            cache.desk(),
            reader,
            case,
            kind,
            onset_s=onset_s,
            duration_s=end_s - onset_s,
            comment=comment,
            reason=why,
            decision_id=decision_id(
                "adjudicate",
                *(reader.name, case.key, kind, onset_s, end_s, comment, why),
                *(x.uuid for x in case.decided),
            ),
        )
    except LabelNotSavedError as error:
        view.answer(_FORM, False, str(error))
        return
    view.case = None
    words = TYPES.get(made.event_type, made.event_type)
    view.answer(_FORM, True, f"Decided: {words}, {span(made.onset_s, made.duration_s)}.")
    cache.labels_table().soon()
