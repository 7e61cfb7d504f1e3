"""The page of the operating point: which recordings, and what the reader chose and locked."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import EegdashError, WorkspaceError
from eegdash.ui import cache, frame
from eegdash.ui.choices import choose_model, choose_recordings, chosen_model, left_out
from eegdash.ui.operating import component, routes
from eegdash.ui.security import TOKEN_AGE_S, sign
from eegdash.ui.session import TriedView, session, widget_value
from eegdash.ui.text import plain
from eegdash.workflows.locked_points import LockedHistory, LockedPoint, locked_history
from eegdash.workflows.operating_point import (
    TriedPoint,
    TriedPoints,
    checked_rules,
    keep_points,
    kept_points,
    lock_point,
    own_point,
    shipped_point,
    tried_point,
)
from eegdash.workflows.operating_sets import NOT_SCORED, candidates, training_record
from eegdash.workflows.operating_tables import TableRequest, stored_tables
from eegdash.workflows.other_detectors import detectors_beside, keep_output
from eegdash.workflows.reference_sets import WITHHELD, Candidate

_LOG = logging.getLogger(__name__)
_KEY = "operating"
_RECORDINGS = "../../pages/recordings.py"


def draw() -> None:
    """Draw the page."""
    desk = cache.desk()
    frame.header("**Operating point**")
    models = desk.models()
    model = chosen_model(models)
    if model is None:
        st.warning("There is no detector in this installation, so there is no threshold to choose.")
        return
    known = candidates(desk, model, reviewer=session().reviewer, blinded=session().blinded)
    usable = [candidate for candidate in known if not candidate.why_not]
    title, chosen = _toolbar(models, model, usable)
    if usable and left_out(known):
        st.caption(f"Not among them: {left_out(known)}.")
    if not usable:
        _nothing(known)
        return
    other = _other_chosen(chosen)
    _operating(model, chosen, other, title, {c.sha256: c.person_key for c in known})


def _toolbar(
    models: Sequence[CheckpointInfo], model: CheckpointInfo, usable: Sequence[Candidate]
) -> tuple[str, tuple[Candidate, ...]]:
    left, middle, right, upload = st.columns([5, 4, 3, 2], vertical_alignment="bottom")
    choose_model(middle, models, model)
    if not usable:
        return "", ()
    title, chosen = choose_recordings(
        left,
        usable,
        key="operating-set",
        help="Recordings that are scored and have a reference.",
    )
    names = detectors_beside(candidate.path for candidate in chosen)
    right.selectbox(
        "Compare with",
        ["", *names],
        key="operating-other",
        format_func=lambda name: name or "none",
        persist_state="session",
        help="Another detector: a file NAME_desc-DETECTOR_events.tsv or NAME_desc-DETECTOR_trace"
        ".csv beside the recording NAME.",
    )
    with upload.popover("Add results", icon=":material/upload:", width="stretch"):
        _add_results(chosen)
    return title, chosen


def _add_results(chosen: Sequence[Candidate]) -> None:
    st.file_uploader(
        "Events (.tsv) or trace (.csv) of another detector",
        type=["tsv", "csv"],
        accept_multiple_files=True,
        key=f"results-{session().uploads}",
    )
    st.caption(
        "Name each file like its recording with _desc-DETECTOR_events.tsv (SzCORE) or "
        "_desc-DETECTOR_trace.csv (columns time_s,probability) behind. With one recording "
        "chosen above, any name will do."
    )
    st.button("Add", type="primary", on_click=_keep_results, args=(chosen,))


def _keep_results(chosen: Sequence[Candidate]) -> None:
    files = widget_value(f"results-{session().uploads}") or []
    if not files:
        st.toast("Choose a file first.", icon=":material/info:")
    for file in files:
        paths = [candidate.path for candidate in chosen]
        try:
            output = keep_output(paths, file.name, file.getvalue())
        except EegdashError as error:
            st.toast(plain(str(error)), icon=":material/error:")
        else:
            st.toast(f"Added {plain(output.path.name)}.", icon=":material/check:")
    if files:
        session().uploads += 1


def _other_chosen(chosen: Sequence[Candidate]) -> str:
    name = str(widget_value("operating-other") or "")
    return name if name in detectors_beside(candidate.path for candidate in chosen) else ""


def _nothing(known: Sequence[Candidate]) -> None:
    why = {candidate.why_not for candidate in known}
    if NOT_SCORED in why:
        st.info(
            "Recordings with a reference are there, but none is scored by this detector yet. "
            "Press **Score** on the page Recordings, then come back."
        )
    elif WITHHELD in why:
        st.info(
            "You read blinded: what the detector says of these recordings is withheld until you "
            "commit your first read of them on the page Review."
        )
        st.page_link("../../pages/review.py", label="Go to Review")
    else:
        st.info(
            "A threshold can be judged only where the truth is known, and no recording has a "
            "reference yet. Put an events file beside one (NAME\\_events.tsv for NAME.edf, "
            "SzCORE), and score it on the page Recordings."
        )
    st.page_link(_RECORDINGS, label="Go to Recordings")


# ---- the component -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the component shows: a model on a set of recordings."""

    model: CheckpointInfo
    chosen: tuple[Candidate, ...]
    request: TableRequest
    key: str


@st.fragment(key="operating")
def _operating(
    model: CheckpointInfo,
    chosen: tuple[Candidate, ...],
    other: str,
    title: str,
    people: Mapping[str, str],
) -> None:
    """The component alone is drawn again when it sends something."""
    desk = cache.desk()
    request = TableRequest(tuple(candidate.path for candidate in chosen), model, other)
    try:
        shown = _Shown(model, chosen, request, request.key(desk))
        locked = locked_history(desk.workspace)
    except (EegdashError, OSError) as error:
        words = str(error) if isinstance(error, EegdashError) else "A file is gone. Reload."
        st.error(plain(words))
        return
    routes.register(shown.key, request, sum(candidate.duration_s for candidate in chosen))
    view = _view(shown)
    component.mount(
        key=_KEY,
        data={
            **_about(shown, locked),
            "view": view.view,
            "title": title,
            "points": view.points.as_dict(),
            "people": dict(people),
            "reviewer": session().reviewer,
            "answer": view.answer,
        },
        on_points=lambda: _pointed(shown, view),
        on_lock=lambda: _locked(shown, view),
    )


def _about(shown: _Shown, locked: LockedHistory) -> dict[str, Any]:
    """Return what the component is told of the detector and the recordings."""
    desk, model = cache.desk(), shown.model
    points = locked.of_model(model.sha256)
    hashes, persons = training_record(model)
    return {
        "address": f"/operating-tables/{_token(shown.key)}",
        "model": {"title": model.title or model.name, "sha256": model.sha256},
        "own": own_point(desk, model).as_dict(),
        "shipped": shipped_point(model).as_dict(),
        "recordings": [
            {
                "sha256": candidate.sha256,
                "name": candidate.path.name,
                "trained": candidate.sha256 in hashes or candidate.person_key in persons,
            }
            for candidate in shown.chosen
        ],
        "locked": _facts_of(points[-1]) if points else None,
        "unreadable_locks": locked.n_unreadable,
        "research_use": frame.RESEARCH_USE,
    }


def _facts_of(point: LockedPoint) -> dict[str, Any]:
    return {
        "threshold_pm": point.threshold_pm,
        "criterion": point.criterion,
        "target": point.target,
        "reviewer": point.reviewer,
        "time_utc": point.time_utc,
        "comment": point.comment,
        "n_recordings": len(point.recordings),
    }


def _view(shown: _Shown) -> TriedView:
    """The points of this reader for this model; another set of recordings keeps them."""
    reviewer, views = session().reviewer, session().tried
    name = f"{reviewer}|{shown.model.sha256}"
    nameless = f"|{shown.model.sha256}"
    if name not in views:
        # what was tried before a name was given stays, unless something is kept under that name
        kept = kept_points(cache.desk(), reviewer, shown.model)
        tried = views.pop(nameless, None)
        if kept is not None:
            views[name] = TriedView(kept)
        else:
            views[name] = tried or TriedView(TriedPoints(own_point(cache.desk(), shown.model)))
    return views[name]


def _token(key: str) -> str:
    """Return this session's token; the same for hours, so that addresses stay cached."""
    tokens = session().tokens
    minted, token = tokens.get((key, False), (0.0, ""))
    if time.time() - minted > TOKEN_AGE_S / 2:
        token = sign(cache.desk().workspace.signing_key(), key)
        tokens[key, False] = (time.time(), token)
    return token


def _pointed(shown: _Shown, view: TriedView) -> None:
    sent = _sent(component.POINTS)
    if not isinstance(sent, dict) or sent.get("view") != view.view:
        return
    try:
        b = sent.get("B")
        view.points = TriedPoints(
            a=tried_point(sent["A"]),
            b=None if b is None else tried_point(b),
            active="B" if b is not None and sent.get("active") == "B" else "A",
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        _LOG.warning("an operating point that was sent could not be read")
        return
    try:
        keep_points(cache.desk(), session().reviewer, shown.model, view.points)
    except WorkspaceError:
        _LOG.warning("operating points could not be kept: the workspace is not writable")


def _locked(shown: _Shown, view: TriedView) -> None:
    """Lock what the reader saw; here, in the callback, it cannot be lost."""
    sent = _sent(component.LOCK)
    if not isinstance(sent, dict):
        return
    decision_id = str(sent.get("id", ""))[:80]
    try:
        point = tried_point(sent["point"])
        message, ok = _lock(shown, point, str(sent.get("comment", ""))[:500], decision_id), True
    except EegdashError as error:
        message, ok = str(error), False
    except (KeyError, TypeError, ValueError):
        message, ok = "NOT locked: the point could not be read. Reload the page.", False
    view.answer = {"id": decision_id, "ok": ok, "message": message}


def _lock(shown: _Shown, point: TriedPoint, comment: str, decision_id: str) -> str:
    desk = cache.desk()
    tables = stored_tables(desk, shown.key, checked_rules(point.post))
    if tables is None:
        raise WorkspaceError("NOT locked: the tables are not computed yet. Try again in a moment.")
    locked = lock_point(
        desk,
        shown.model,
        point,
        tables,
        reviewer=session().reviewer,
        comment=comment,
        decision_id=decision_id,
    )
    return f"Locked: {locked.threshold_pm / 1000:g} for {shown.model.title or shown.model.name}."


def _sent(name: str) -> Any:
    value = widget_value(_KEY)
    return None if value is None else getattr(value, name, None)
