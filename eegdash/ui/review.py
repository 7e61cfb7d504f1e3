"""The review page: the viewer, and what happens when the reader decides."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import streamlit as st

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import PostProcessing, ProbabilityTrace
from eegdash.errors import EegdashError, LabelNotSavedError, WorkspaceError
from eegdash.recording import Recording, alias_of
from eegdash.ui import cache, frame, identity, places, queueing, tiles, viewer
from eegdash.ui.choices import chosen_model
from eegdash.ui.recordings import cancel, subject, submit
from eegdash.ui.session import Chosen, Link, Place, View, session, widget_value
from eegdash.ui.text import duration, plain
from eegdash.workflows import library, reading, review, score

_LOG = logging.getLogger(__name__)
_KEY = "viewer"
_RECORDING, _TIME, _PAGE = "recording", "t", "page"
_SECONDS = re.compile(r"[0-9]{1,8}(\.[0-9]{1,3})?")
_NOT_SCORED = "not scored yet, so there is no probability"
_WITHHELD = "hidden until you commit your first read"


def draw() -> None:
    """Draw the page."""
    desk = cache.desk()
    path = chosen_path()
    if path is None:
        frame.header("**Review**")
        if _RECORDING in st.query_params or session().recording_sha256:
            st.warning("This recording is not in the workspace any more. Choose another one.")
        else:
            st.info("Choose a recording on the **Recordings** page, then review it here.")
        st.page_link("../../pages/recordings.py", label="Go to Recordings")
        return
    try:
        opened = library.open_path(desk, path)
    except EegdashError as error:
        frame.header("**Review**")
        st.error(plain(str(error)))
        return
    recording = opened.recording
    blind = reads_blind(recording.sha256)
    frame.header(_headline(path, opened, blind))
    if recording.incomplete:
        st.warning(plain(recording.incomplete), icon=":material/content_cut:")
    tiles.register(recording.sha256, path)
    model = chosen_model(desk.models())
    if model is None or score.load_trace(desk, opened, model) is None:
        offer_scoring(path, recording.sha256, model, opened)
    _viewer(path, model)
    reference = None if blind else opened.reference
    notes = [*recording.warnings, *(reference.warnings if reference else ())]
    notes = [note for note in notes if note != recording.incomplete]  # it stands above the EEG
    if notes:
        with st.expander(f"Notes on this file ({len(notes)})"):
            for note in notes:
                st.text(note)


def chosen_path() -> Path | None:
    """Return the recording of the session, or of the address after a reload."""
    wanted = session().recording_sha256
    if wanted is None:
        alias = str(st.query_params.get(_RECORDING, ""))
        path = library.find_alias(cache.desk(), alias) if alias else None
        if path is not None:
            wanted = library.known_hash(cache.desk(), path)
            session().recording_sha256 = wanted
            session().link = _linked(wanted)
        return path
    path = library.find_recording(cache.desk(), wanted)
    # The alias says nothing about the person, and brings the reader back after a reload. It is
    # set only where it differs: the viewer keeps time and page in the address by itself.
    if path is not None and st.query_params.get(_RECORDING) != alias_of(wanted):
        st.query_params[_RECORDING] = alias_of(wanted)
    return path


def _linked(sha256: str) -> Link | None:
    """Return the place that the address asks for; None where it asks for none that can be."""
    start_s, page_s = (_seconds(str(st.query_params.get(key, ""))) for key in (_TIME, _PAGE))
    if start_s is None:
        return None
    return Link(sha256, start_s, page_s)


def _seconds(text: str) -> float | None:
    return float(text) if _SECONDS.fullmatch(text) else None


def reads_blind(sha256: str) -> bool:
    """Return whether the detector's output is withheld from this reader."""
    wanted = session().blinded
    return reading.is_blind(cache.desk(), sha256, session().reviewer, wanted=wanted)


def _headline(path: Path, opened: library.Opened, blind: bool) -> str:
    recording = opened.recording
    parts = [
        *(["**:material/visibility_off: Blinded first read**"] if blind else []),
        f"**{plain(path.name)}**",
        recording.alias,
        duration(recording.duration_s),
        f"{len(recording.ch_names)} channels at {recording.sfreq:g} Hz",
        recording.format,
    ]
    return " · ".join(parts)


def offer_scoring(
    path: Path, sha256: str, model: CheckpointInfo | None, opened: library.Opened
) -> None:
    """Say why there is no probability, and offer to compute it where that can be done."""
    facts = library.facts(cache.desk(), path)
    if model is None:
        st.warning("There is no detector in this installation, so nothing can be scored.")
    elif facts.not_scorable:
        st.warning(plain(facts.not_scorable))
    else:
        job = cache.queue().latest("score", subject(sha256, model))
        polled = job is not None and job.active
        st.fragment(_scoring, run_every=1.0 if polled else None)(path, sha256, model, polled)


def _scoring(path: Path, sha256: str, model: CheckpointInfo, polled: bool) -> None:
    queue = cache.queue()
    job = queue.latest("score", subject(sha256, model))
    if polled != (job is not None and job.active):
        st.rerun()  # it began, or it ended: the whole page follows
    left, right = st.columns([6, 1], vertical_alignment="center")
    if job is not None and job.active:
        before = f"Waiting, {queue.ahead(job.id)} before it …"
        text = "Scoring …" if job.state == "running" else before
        left.progress(job.progress, text)
        right.button("Cancel", key="cancel", on_click=cancel, args=(job.id,), width="stretch")
        return
    if job is not None and job.state == "failed":
        left.error(plain(job.message))
    else:
        left.info("This recording has not been scored yet. The EEG can be read all the same.")
    right.button(
        "Score it",
        key="score",
        type="primary",
        on_click=submit,
        args=(path, sha256, model),
        width="stretch",
    )


@st.fragment(key="viewer")
def _viewer(path: Path, model: CheckpointInfo | None) -> None:
    """The viewer alone is drawn again when it sends something."""
    desk = cache.desk()
    opened = library.open_path(desk, path)
    sha256 = opened.recording.sha256
    blind = reads_blind(sha256)
    trace = score.load_trace(desk, opened, model) if model and not blind else None
    view = view_of(sha256)
    name = review.view_name(session().reviewer, sha256)
    if trace is not None:
        note_output_shown(view, name)
    viewer.mount(
        key=_KEY,
        data=viewer.viewer_data(
            opened, model, trace, view, _WITHHELD if blind else _NOT_SCORED, blind=blind
        ),
        on_view=lambda: _moved(view, name),
        on_operating=lambda: _operated(view, trace, name),
        on_decisions=lambda: _decided(opened, trace, view),
        on_reader=_reader_known,
        on_explain=lambda: _explain(sha256, view, name),
        on_queue=lambda: _queued(sha256),
    )
    places.follow()
    if session().stale_page:
        session().stale_page = False
        st.rerun()  # the reader's name and mode stand in the header, outside this fragment


def view_of(sha256: str) -> View:
    """Return the view of this reader; after a reload, the one that was kept.

    Who gives a name in the middle of reading stays at the page.
    """
    reviewer, views = session().reviewer, session().views
    name = review.view_name(reviewer, sha256)
    nameless = review.view_name("", sha256)
    if name not in views and nameless in views:
        views[name] = views.pop(nameless)
    if name not in views:
        kept = cache.desk().workspace.read_state(name) if reviewer else {}
        views[name] = View.from_remembered(kept)
        link = session().link
        if link is not None and link.recording_sha256 == sha256:
            views[name].start_s = link.start_s
    return views[name]


def note_output_shown(view: View, name: str) -> None:
    """Remember that the detector's output was on this reader's screen."""
    if not view.output_shown:
        view.output_shown = True
        keep_view(view, name)


def keep_view(view: View, name: str) -> None:
    """Keep a view over a reload, where the reader has a name."""
    if session().reviewer:
        try:
            cache.desk().workspace.write_state(name, view.remembered())
        except WorkspaceError:
            _LOG.warning("a view could not be kept: the workspace is not writable")


def _reader_known() -> None:
    if identity.restore(str(_sent(viewer.READER) or "")):
        session().stale_page = True


def _queued(shown_sha256: str) -> None:
    """Go on in the queue, or put aside what is open."""
    sent = _sent(viewer.QUEUE)
    action = sent.get("action") if isinstance(sent, dict) else None
    if action == "aside":
        queueing.put_aside()
    elif action == "next":
        item = queueing.advance()
        if item is not None:
            places.go_to(item.recording_sha256, item.onset_s)
            session().stale_page = item.recording_sha256 != shown_sha256


def _moved(view: View, name: str) -> None:
    _taken_over(_sent(viewer.VIEW), view, name)


def _taken_over(sent: Any, view: View, name: str) -> None:
    """Keep what the browser says about the page on screen, unless it was moved meanwhile."""
    if isinstance(sent, dict) and sent["seek"] == view.seek:
        view.start_s = float(sent["start_s"])
        view.viewed = [[float(a), float(b)] for a, b in sent["viewed"]]
        view.bad = [int(channel) for channel in sent.get("bad", view.bad)]
        view.hidden = [str(row) for row in sent.get("hidden", view.hidden)]
        link = session().link
        if link is not None and view.start_s != link.start_s:
            session().link = None  # the reader went on from there
        keep_view(view, name)


def _explain(sha256: str, view: View, name: str) -> None:
    """The reader wants to know why: the place is taken along, and this one is come back to."""
    sent = _sent(viewer.EXPLAIN)
    if not isinstance(sent, dict) or reads_blind(sha256):
        return
    _taken_over(sent["view"], view, name)
    place = Place(str(sent["kind"]), float(sent["onset_s"]), float(sent["end_s"]))
    session().asked[sha256] = place
    places.turn_to(places.ATTRIBUTION)


def _operated(view: View, trace: ProbabilityTrace | None, name: str) -> None:
    sent = _sent(viewer.OPERATING)
    known = isinstance(sent, dict) and sent["seek"] == view.seek
    if known and trace and sent["model_sha256"] == trace.model_sha256:
        post = PostProcessing(**sent["post"]).as_dict()
        view.chosen[trace.model_sha256] = Chosen(int(sent["threshold_pm"]), post)
        keep_view(view, name)


def _decided(opened: library.Opened, trace: ProbabilityTrace | None, view: View) -> None:
    """Save every decision that is not saved yet; here, in the callback, none can be lost."""
    saved = False
    for decision in _sent(viewer.DECISIONS) or []:
        decision_id = str(decision.get("id")) if isinstance(decision, dict) else "?"
        if decision_id in view.acked:
            continue
        try:
            if decision["recording_sha256"] != opened.recording.sha256:
                continue
            _save(opened.recording, trace, view, decision)
        except LabelNotSavedError as error:
            view.reject(decision_id, str(error))
        except (KeyError, TypeError, ValueError) as error:
            _LOG.warning("a decision could not be read: %s", type(error).__name__)
            view.reject(decision_id, "NOT saved: the decision could not be read. Reload the page.")
        else:
            view.rejected.pop(decision_id, None)
            view.acked.append(decision_id)
            saved = True
            cache.labels_table().soon()
    if saved:
        queueing.refresh()


def _save(
    recording: Recording, trace: ProbabilityTrace | None, view: View, decision: dict[str, Any]
) -> None:
    blind = reads_blind(recording.sha256)
    reading.decide(
        cache.desk(),
        recording.sha256,
        recording.duration_s,
        session().reviewer,
        decision,
        None if blind else trace,
        blinded=blind,
        shown_before=view.output_shown,
    )
    if blind != reads_blind(recording.sha256):
        session().stale_page = True  # the first read is committed: the headline follows


def _sent(name: str) -> Any:
    value = widget_value(_KEY)
    return None if value is None else getattr(value, name, None)
