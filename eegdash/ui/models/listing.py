"""The list of detectors: what each is, where it comes from, its operating points and its card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from eegdash.checkpoints import CARD_NAME, CheckpointInfo, read_config
from eegdash.errors import EegdashError
from eegdash.ui import cache
from eegdash.ui.models import result, withheld
from eegdash.ui.models.cards import safe_card
from eegdash.ui.text import plain
from eegdash.workflows.locked_points import LockedPoint, locked_history
from eegdash.workflows.model_decisions import DecisionHistory, Status

_BADGE = {
    Status.CAME: ("in use", ":material/check_circle:"),
    Status.CANDIDATE: ("candidate, not in use", ":material/hourglass_empty:"),
    Status.PROMOTED: ("promoted, in use", ":material/verified:"),
    Status.DISCARDED: ("discarded", ":material/delete:"),
}
_MOST_CARD = 200_000


def draw(history: DecisionHistory) -> None:
    """Draw the list; candidates wait on top, discarded models are folded away."""
    desk = cache.desk()
    models = desk.checkpoints()
    if not models:
        st.info(
            "There is no detector. Copy a model folder into the folder **models** of the "
            "workspace, or train one: python \\-m eegdash train."
        )
        return
    usable = desk.models()
    first = usable[0].sha256 if usable else ""
    of = {status: [m for m in models if not m.problem and history.status(m) is status]
          for status in Status}  # fmt: skip
    for model in of[Status.CANDIDATE]:
        _entry(model, history, models, is_first=False)
    for model in usable:
        _entry(model, history, models, is_first=model.sha256 == first)
    for model in models:
        if model.problem:
            with st.container(border=True):
                st.markdown(f"**{plain(model.name)}** · cannot be used")
                st.text(model.problem)
    if of[Status.DISCARDED]:
        with st.expander(f"Discarded ({len(of[Status.DISCARDED])})"):
            st.caption("Kept in the folder models of the workspace; each can be brought back.")
            for model in of[Status.DISCARDED]:
                _entry(model, history, models, is_first=False)


def _entry(
    model: CheckpointInfo,
    history: DecisionHistory,
    models: list[CheckpointInfo],
    *,
    is_first: bool,
) -> None:
    status = history.status(model)
    words, icon = _BADGE[status]
    with st.container(border=True):
        left, right = st.columns([7, 3], vertical_alignment="center")
        left.markdown(f"**{plain(model.title or model.name)}**  \n:gray[{plain(model.name)}]")
        also = " · offered first" if is_first else ""
        right.markdown(f"{icon} {words}{also}")
        try:
            training: Mapping[str, Any] = read_config(model.folder).training
        except EegdashError as error:
            st.error(plain(str(error)))
            return
        taught = bool(model.parent_sha256)
        if taught and not {"labels", "before_after"} <= training.keys():
            st.warning(
                "The record of its teaching is incomplete, so nothing can be said of it and it "
                "cannot be promoted. Teach again, or remove its folder."
            )
            return
        _facts(model, training, models)
        hidden = withheld.unread(_scored_on(training)) if taught else []
        if hidden:
            st.info(withheld.words(len(hidden)))
        elif taught:
            result.draw(model, training, history, status)
        _points(model)
        if not hidden:
            with st.expander("Model card"):
                _card(model)


def _scored_on(training: Mapping[str, Any]) -> list[str]:
    """Return the recordings of the workspace that a record of a teaching speaks of."""
    return [str(entry["sha256"]) for entry in training["before_after"]["aside"]["recordings"]]


def _facts(
    model: CheckpointInfo, training: Mapping[str, Any], models: list[CheckpointInfo]
) -> None:
    lines = [f"model hash `{model.sha256[:16]}`"]
    if model.parent_sha256:
        parent = [m for m in models if m.sha256 == model.parent_sha256]
        name = plain(parent[0].title or parent[0].name) if parent else "not here any more"
        labels = training["labels"]
        lines.append(f"taught from {name} (`{model.parent_sha256[:8]}`)")
        lines.append(
            f"{labels['n_used']} labels in {labels['n_recordings']} recordings, labels file "
            f"`{str(labels['sha256'])[:8]}` up to line {labels['n_lines']}"
        )
    else:
        if training.get("command"):
            lines.append(f"trained by `{str(training['command']).replace('`', '')}`")
        n = len(training.get("recordings_sha256", ()))
        lines.append(f"{n} real recordings in its training" if n else "no real recording stated")
    lines.append(
        f"threshold {model.threshold_pm / 1000:g}, shortest event "
        f"{model.post.get('min_duration_s', 0):g} s"
    )
    st.caption(" · ".join(lines))


def _points(model: CheckpointInfo) -> None:
    """Draw the operating points that were locked for a model, the one that holds first."""
    try:
        points = locked_history(cache.desk().workspace).of_model(model.sha256)
    except EegdashError as error:
        st.error(plain(str(error)))
        return
    if not points:
        return
    with st.expander(f"Locked operating points ({len(points)}), the first one holds"):
        for point in reversed(points):
            st.text(_point_words(point))


def _point_words(point: LockedPoint) -> str:
    hidden = withheld.unread(recording.sha256 for recording in point.recordings)
    f1 = point.figures.get("event_f1")
    reached = "" if hidden or f1 is None else f", event F1 {f1:.2f}"
    on = f" on {len(point.recordings)} recordings{reached}" if point.recordings else ""
    why = f": {point.comment}" if point.comment else ""
    return (
        f"{point.threshold_pm / 1000:g} · {point.time_utc[:10]} · {point.reviewer} · "
        f"{point.criterion or 'as it came'}{on}{why}"
    )


def _card(model: CheckpointInfo) -> None:
    try:
        text = (model.folder / CARD_NAME).read_text(encoding="utf-8")[:_MOST_CARD]
    except (OSError, UnicodeDecodeError):
        st.info("This model has no card that can be read.")
        return
    st.markdown(safe_card(text))
