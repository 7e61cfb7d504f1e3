"""What a teaching changed, and what is done with the result: promote, discard, bring back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import streamlit as st

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import EegdashError
from eegdash.ui import cache
from eegdash.ui.models import figures
from eegdash.ui.models.overlay import overlay
from eegdash.ui.session import session, widget_value
from eegdash.ui.text import plain
from eegdash.workflows import library
from eegdash.workflows.model_decisions import Action, DecisionHistory, Status, decide_model

_DONE = {
    Action.PROMOTE: "{} is in use now, and can be chosen on every page.",
    Action.DISCARD: "{} was discarded. It stays in the list below and can be brought back.",
    Action.WITHDRAW: "{} is a candidate again.",
}
_ORDER = {"worse": 0, "better": 1, "same": 2}


def draw(
    model: CheckpointInfo,
    training: Mapping[str, Any],
    history: DecisionHistory,
    status: Status,
) -> None:
    """Draw before and after, and what may be decided."""
    unfolded = status is Status.CANDIDATE
    with st.expander("Before and after", expanded=unfolded):
        _before_after(model, training)
    _record(model, history)
    _decisions(model, status)


def _before_after(model: CheckpointInfo, training: Mapping[str, Any]) -> None:
    found = training["before_after"]
    st.caption(figures.HOW_TO_READ)
    st.markdown("**Your recordings that were kept aside**, seen by neither detector in training")
    aside = found["aside"]
    if aside["n_recordings"]:
        st.caption(figures.size_words(aside))
        figures.table(aside, "before", "after")
        _recordings(model, training, aside)
    else:
        st.info(
            "None could be kept aside, so nobody knows yet what it does on recordings like yours. "
            "Add recordings with a reference, or sign off recordings of further people."
        )
    if aside.get("failed"):
        st.caption(f"{len(aside['failed'])} recordings could not be scored and enter no figure.")
    st.markdown("**Simulated people**, always the same: what it could do before")
    st.caption(figures.size_words(found["simulated"]))
    figures.table(found["simulated"], "before", "after")
    taken = f"{100 * training['share']:.0f} % of the change was taken"
    if not training["kept_all"]:
        st.warning(f"{taken}, and even so it forgot more than allowed. Look closely.")
    else:
        st.caption(f"{taken}: as much as the recordings held back for that choice allowed.")


def _recordings(
    model: CheckpointInfo, training: Mapping[str, Any], aside: Mapping[str, Any]
) -> None:
    desk = cache.desk()
    entries = sorted(aside["recordings"], key=lambda e: (_ORDER[e["change"]], e["alias"]))
    names = {}
    for entry in entries:
        path = library.find_recording(desk, entry["sha256"])
        name = path.name if path else f"{entry['alias']}, not here any more"
        names[entry["sha256"]] = f"{figures.change_words(entry)} · {name}"
    picked = st.selectbox(
        "Recording by recording, what became worse first",
        list(names),
        format_func=names.__getitem__,
        key=f"aside-{model.name}",
    )
    before = [m for m in desk.checkpoints() if m.sha256 == model.parent_sha256]
    if not before or picked is None:
        return
    overlay(str(picked), (before[0], model), ("before", "after"))


def _record(model: CheckpointInfo, history: DecisionHistory) -> None:
    for decision in history.of_model(model.sha256):
        first = ", offered first" if decision.default else ""
        st.text(
            f"{decision.time_utc[:10]} · {decision.action}{first} · {decision.reviewer}: "
            f"{decision.comment}"
        )


def _decisions(model: CheckpointInfo, status: Status) -> None:
    key = model.name
    why, first, *buttons = st.columns([5, 2, 1.4, 1.4], vertical_alignment="bottom")
    why.text_input(
        "Why",
        key=f"why-{key}",
        placeholder="a few words, kept with the decision",
        max_chars=300,
    )
    actions: list[tuple[Action, str, bool]] = []
    if status is Status.CANDIDATE:
        first.checkbox(
            "offer it first", key=f"first-{key}", help="It becomes the default detector."
        )
        actions = [(Action.PROMOTE, "Promote", True), (Action.DISCARD, "Discard", False)]
    elif status is Status.PROMOTED:
        actions = [(Action.WITHDRAW, "Take out of use", False)]
    elif status is Status.DISCARDED:
        actions = [(Action.WITHDRAW, "Bring back", False)]
    for column, (action, words, primary) in zip(buttons, actions, strict=False):
        column.button(
            words,
            key=f"{action}-{key}",
            type="primary" if primary else "secondary",
            width="stretch",
            on_click=_decide,
            # made when the page is drawn: a double click decides once
            args=(model, action, uuid.uuid4().hex),
        )


def _decide(model: CheckpointInfo, action: Action, decision_id: str) -> None:
    """Keep a decision; here, in the callback, it cannot be lost."""
    key = model.name
    try:
        decide_model(
            cache.desk().workspace,
            model,
            action,
            reviewer=session().reviewer,
            comment=str(widget_value(f"why-{key}") or ""),
            decision_id=decision_id,
            default=bool(widget_value(f"first-{key}")),
        )
    except EegdashError as error:
        st.toast(plain(str(error)), icon=":material/error:")
        return
    st.toast(plain(_DONE[action].format(model.title or model.name)), icon=":material/check:")
