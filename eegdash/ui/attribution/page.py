"""The page Attribution: which recording and detector, and why there may be nothing to explain."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import streamlit as st

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import ProbabilityTrace
from eegdash.errors import EegdashError
from eegdash.ui import cache, frame, places, review, tiles
from eegdash.ui.attribution import component
from eegdash.ui.attribution.facts import facts
from eegdash.ui.attribution.questions import warm_up
from eegdash.ui.choices import chosen_model
from eegdash.ui.session import Place, session, widget_value
from eegdash.ui.text import duration, plain
from eegdash.workflows import library, score
from eegdash.workflows import review as decisions
from eegdash.workflows.other_detectors import detectors_beside

_LOG = logging.getLogger(__name__)
_KEY = "attribution"
_RECORDING, _TIME = "recording", "t"
_RECORDINGS = "../../pages/recordings.py"
_REVIEW = places.page_file(places.REVIEW)


def draw() -> None:
    """Draw the page."""
    desk = cache.desk()
    path = review.chosen_path()
    if path is None:
        frame.header("**Attribution**: why does the detector say so?")
        if session().recording_sha256 or _RECORDING in st.query_params:
            st.warning("This recording is not in the workspace any more. Choose another one.")
        else:
            st.info(
                "Choose a recording on the **Recordings** page, and review it; the key `e` there "
                "brings you here, to what you look at."
            )
        st.page_link(_RECORDINGS, label="Go to Recordings")
        return
    try:
        opened = library.open_path(desk, path)
    except EegdashError as error:
        frame.header("**Attribution**")
        st.error(plain(str(error)))
        st.page_link(_RECORDINGS, label="Go to Recordings")
        return
    recording = opened.recording
    frame.header(
        f"**Attribution** · **{plain(path.name)}** · {recording.alias} · "
        f"{duration(recording.duration_s)}"
    )
    if review.reads_blind(recording.sha256):
        st.info(
            "You read this recording blinded: what the detector says, and why, is withheld until "
            "you commit your first read on the page Review."
        )
        st.page_link(_REVIEW, label="Go to Review")
        return
    tiles.register(recording.sha256, path)
    model = _detector(path, opened)
    if model is not None:
        _explained(path, model)


def _detector(path: Path, opened: library.Opened) -> CheckpointInfo | None:
    """Return the detector to explain; None where there is nothing to explain, which is said."""
    desk = cache.desk()
    others = detectors_beside([path])
    models = desk.models()
    model = chosen_model(models)
    if model is None:
        st.warning(
            "There is no detector in this installation, so there is nothing to explain. Copy a "
            "model folder into **models** of the workspace."
        )
        _no_network(others)
        return None
    if score.load_trace(desk, opened, model) is None:
        review.offer_scoring(path, opened.recording.sha256, model, opened)
        st.caption(
            "An explanation starts from a probability: score the recording, then the reasons of "
            f"{plain(model.title or model.name)} are shown here."
        )
        st.page_link(_REVIEW, label="Back to the EEG")
        _no_network(others)
        return None
    _no_network(others)
    return model


def _no_network(others: list[str]) -> None:
    """Say why an imported detector cannot be explained."""
    if others:
        names = plain(", ".join(others))
        st.caption(
            f"Of {names} only results are here (files beside the recording), not the network: "
            "its reasons cannot be looked into, so it is not offered below."
        )


@st.fragment(key="attribution")
def _explained(path: Path, model: CheckpointInfo) -> None:
    """The component alone is drawn again when it sends something."""
    desk = cache.desk()
    try:
        opened = library.open_path(desk, path)
        trace = score.load_trace(desk, opened, model)
    except EegdashError as error:
        st.error(plain(str(error)))
        return
    sha256 = opened.recording.sha256
    if trace is None or review.reads_blind(sha256):
        st.rerun()  # something changed meanwhile: the page says what
    warm_up(path, model)
    view = review.view_of(sha256)
    review.note_output_shown(view, decisions.view_name(session().reviewer, sha256))
    component.mount(
        key=_KEY,
        data={
            **facts(opened, path, model, trace, view),
            "place": _place(sha256, trace),
            "kept": session().explained.get(sha256),
            "research_use": frame.RESEARCH_USE,
        },
        on_state=lambda: _shown(sha256),
        on_back=_back,
    )
    places.follow()


def _place(sha256: str, trace: ProbabilityTrace) -> dict[str, Any] | None:
    """What was asked for on the page Review, or by the address; None leaves it to the page."""
    place = session().asked.get(sha256)
    if place is None:
        text = str(st.query_params.get(_TIME, ""))
        if not text.replace(".", "", 1).isdecimal():
            return None
        at = min(float(text), trace.duration_s)
        place = Place("page", at, at)
    if not (math.isfinite(place.onset_s) and math.isfinite(place.end_s)):
        return None
    return {"kind": place.kind, "onset_s": place.onset_s, "end_s": place.end_s}


def _shown(sha256: str) -> None:
    sent = _sent(component.STATE)
    if isinstance(sent, dict):
        session().explained[sha256] = sent
        # what was asked for is shown by now; a change of page comes back to what is shown
        session().asked.pop(sha256, None)


def _back() -> None:
    places.turn_to(places.REVIEW)


def _sent(name: str) -> Any:
    value = widget_value(_KEY)
    return None if value is None else getattr(value, name, None)
