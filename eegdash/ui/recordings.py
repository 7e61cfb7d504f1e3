"""The recordings page: choose, upload, score, and what is known about each file."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import EegdashError
from eegdash.settings import MAX_UPLOAD_MB
from eegdash.ui import cache, frame, identity, places
from eegdash.ui.choices import choose_model, chosen_model
from eegdash.ui.session import session, widget_value
from eegdash.ui.text import duration, plain
from eegdash.workflows import library, readers, reading, score

ROWS_PER_PAGE = 25
UPLOAD_TYPES = ["edf", "bdf", "fif", "set"]
_WIDTHS = [5, 3, 5, 3]
_REFRESH_S = 1.0


def draw() -> None:
    """Draw the page."""
    desk = cache.desk()
    models = desk.models()
    files = library.recording_files(desk)
    frame.header("**Recordings** of the workspace")
    _toolbar(models, bool(files))
    if not files and cache.queue().latest("demo", "demo") is not None:
        st.fragment(_demo, run_every=_REFRESH_S)()
    if not files:
        st.info(
            "There are no recordings yet. Upload one, or copy files into the folder "
            f"**recordings** of the workspace **{plain(desk.workspace.root.name)}** and reload "
            "this page. EDF, BDF, BrainVision, EEGLAB and FIF are read."
        )
        return
    wanted = str(widget_value("find") or "").strip().lower()
    shown = [path for path in files if wanted in path.name.lower()]
    if not shown:
        st.info("No recording has this in its name. Clear the field above to see all.")
        return
    # only while something runs does the list draw itself again by itself
    busy = _busy()
    table = st.fragment(_table, run_every=_REFRESH_S if busy else None)
    table(_page_of(shown), chosen_model(models), busy)


def _busy() -> bool:
    return bool(cache.queue().active())


def _demo() -> None:
    job = cache.queue().latest("demo", "demo")
    if job is not None and job.active:
        st.info("A simulated recording of 30 minutes is being made, so that there is one to try.")
    elif library.recording_files(cache.desk()):
        st.rerun()


def _toolbar(models: list[CheckpointInfo], any_files: bool) -> None:
    search, detector, upload = st.columns([4, 4, 2], vertical_alignment="bottom")
    search.text_input(
        "Find by name",
        key="find",
        placeholder="part of the file name",
        persist_state="session",
        disabled=not any_files,
    )
    model = chosen_model(models)
    if model is not None:
        choose_model(
            detector,
            models,
            model,
            help="The trained network that gives each window a seizure probability.",
        )
    else:
        detector.warning("No detector was found in the models folder: nothing can be scored.")
    with upload.popover("Upload a recording", icon=":material/upload:", width="stretch"):
        st.file_uploader(
            "EDF, BDF, FIF or single-file EEGLAB",
            type=UPLOAD_TYPES,
            accept_multiple_files=True,
            key=f"upload-{session().uploads}",
        )
        st.caption(
            f"At most {MAX_UPLOAD_MB} MB a file. Copy larger files, annotations (_events.tsv) and "
            "formats of several files into the folder recordings of the workspace instead; "
            "they appear here after a reload."
        )
        st.button("Add to the workspace", type="primary", on_click=_keep_uploads)


def _keep_uploads() -> None:
    files = widget_value(f"upload-{session().uploads}") or []
    if not files:
        st.toast("Choose a file first.", icon=":material/info:")
    for file in files:
        _keep_upload(file.name, file.getvalue())
    if files:
        session().uploads += 1  # a new, empty field: nothing is added twice


def _keep_upload(name: str, content: bytes) -> None:
    desk = cache.desk()
    before = set(library.recording_files(desk))
    try:
        path = desk.workspace.store_upload(name, content)
    except EegdashError as error:
        st.toast(plain(str(error)), icon=":material/error:")
        return
    if path in before:
        st.toast(f"{plain(path.name)} is already here.", icon=":material/info:")
        return
    found = library.facts(desk, path)
    if found.problem:
        path.unlink(missing_ok=True)
        st.toast(f"Not added. {plain(found.problem)}", icon=":material/error:")
        return
    st.toast(f"Added as {plain(path.name)}.", icon=":material/check:")
    if found.personal:
        st.toast(plain(found.personal), icon=":material/badge:", duration="long")


def cancel(job_id: str) -> None:
    """Cancel a job and say so."""
    cache.queue().cancel(job_id)
    st.toast("Cancelled.", icon=":material/cancel:")


def _page_of(files: list[Path]) -> list[Path]:
    pages = -(-len(files) // ROWS_PER_PAGE)
    if pages == 1:
        return files
    page = st.segmented_control(
        f"{len(files)} recordings, page",
        list(range(1, pages + 1)),
        default=1,
        key="page",
        persist_state="session",
    )
    first = ((page or 1) - 1) * ROWS_PER_PAGE
    return files[first : first + ROWS_PER_PAGE]


def _table(files: list[Path], model: CheckpointInfo | None, polled: bool) -> None:
    """The list; drawn again every second while jobs run, so that progress moves."""
    places.follow()
    if polled != _busy():
        st.rerun()
    desk = cache.desk()
    known = [(path, library.facts(desk, path)) for path in files]
    waiting = [
        (path, facts)
        for path, facts in known
        if model and not facts.problem and not facts.not_scorable and not _is_scored(facts, model)
    ]
    _score_all(waiting, model)
    with st.container(key="list"):
        for path, facts in known:
            with st.container(border=True):
                _row(path, facts, model)


def _score_all(waiting: list[tuple[Path, library.Facts]], model: CheckpointInfo | None) -> None:
    if model is None or len(waiting) < 2:
        return
    active = [job for job in cache.queue().active() if job.task == "score"]
    left, right = st.columns([8, 3], vertical_alignment="center")
    if active:
        left.caption(f"{len(active)} recordings are being scored or wait for it.")
        right.button("Cancel all", key="cancel-all", on_click=_cancel_all, width="stretch")
        return
    left.caption(f"{len(waiting)} recordings on this page are not scored yet.")
    right.button(
        f"Score these {len(waiting)}",
        key="score-all",
        on_click=_submit_all,
        args=([(path, facts.sha256) for path, facts in waiting], model),
        width="stretch",
    )


def _submit_all(waiting: list[tuple[Path, str]], model: CheckpointInfo) -> None:
    for path, sha256 in waiting:
        submit(path, sha256, model)


def _cancel_all() -> None:
    queue = cache.queue()
    for job in reversed(queue.active()):
        queue.cancel(job.id)


def subject(sha256: str, model: CheckpointInfo) -> str:
    """Return what a scoring job is about."""
    return f"{sha256}|{model.sha256}"


def submit(path: Path, sha256: str, model: CheckpointInfo) -> None:
    """Queue the scoring of a recording."""
    arguments = {"path": str(path), "model": model.name}
    cache.queue().submit("score", subject(sha256, model), arguments)


def _is_scored(facts: library.Facts, model: CheckpointInfo) -> bool:
    return score.is_scored(cache.desk(), facts.sha256, model)


def _row(path: Path, facts: library.Facts, model: CheckpointInfo | None) -> None:
    name, size, state, actions = st.columns(_WIDTHS, vertical_alignment="center")
    if facts.problem:
        name.markdown(f"**{plain(path.name)}**")
        size.markdown("cannot be opened")
        state.markdown(plain(facts.problem))
        return
    blind = reading.is_blind(
        cache.desk(), facts.sha256, session().reviewer, wanted=session().blinded
    )
    about = facts.alias if blind else f"{facts.alias} · {_truth(facts)}"
    name.markdown(f"**{plain(path.name)}**  \n:gray[{about}]")
    gaps = f" · {_count(facts.n_gaps, 'gap')}" if facts.n_gaps else ""
    size.markdown(
        f"{duration(facts.duration_s)}{gaps}  \n"
        f":gray[{facts.n_eeg} EEG of {facts.n_channels} channels, {facts.sfreq:g} Hz]"
    )
    own_only = not readers.sees_others(cache.desk(), facts.sha256, identity.reader())
    _state(state, path, facts, model, blind, own_only)
    _signed(state, facts.sha256, own_only)
    with actions.container(horizontal=True, horizontal_alignment="right"):
        # a note may come from the reference, which a blinded reader does not see
        if facts.warnings and not (blind and facts.reference):
            with st.popover(_count(len(facts.warnings), "note")):
                for note in facts.warnings:
                    st.text(note)
        st.button(
            "Review",
            key=f"open-{facts.sha256}-{path.name}",
            type="primary" if model and _is_scored(facts, model) else "secondary",
            disabled=facts.n_channels == 0,
            help="There is no signal to look at." if facts.n_channels == 0 else None,
            on_click=_open,
            args=(facts.sha256,),
        )


def _truth(facts: library.Facts) -> str:
    if facts.n_seizures is not None:
        return f"reference: {_count(facts.n_seizures, 'seizure')}"
    return "reference of unknown coverage" if facts.reference else "no reference annotations"


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def _open(sha256: str) -> None:
    session().recording_sha256 = sha256
    places.turn_to(places.REVIEW)


def _state(
    column: st.delta_generator.DeltaGenerator,
    path: Path,
    facts: library.Facts,
    model: CheckpointInfo | None,
    blind: bool,
    own_only: bool,
) -> None:
    key = f"{facts.sha256}-{path.name}"
    if facts.not_scorable:
        with column.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"cannot be scored: {_short_reason(facts)}", help=plain(facts.not_scorable))
            if facts.unknown_channels and facts.missing:
                st.button("Map channels", key=f"map-{key}", on_click=_ask_map, args=(facts.sha256,))
        if session().mapping_sha256 == facts.sha256:
            session().mapping_sha256 = None
            _map_dialog(path, facts)
        return
    if model is None:
        column.markdown("no detector")
        return
    if blind and _is_scored(facts, model):
        column.markdown("scored  \n:gray[what was found is hidden until you commit a first read]")
        return
    if _is_scored(facts, model):
        found = score.scored_summary(
            cache.desk(), path, model, session().reviewer, own_only=own_only
        )
        column.markdown(
            f"scored: {_count(found.n_events, 'detection')} at threshold "
            f"{found.threshold_pm / 1000:.2f}  \n"
            f":gray[{_reviewed(found, own_only)}]"
        )
        return
    _progress(column, path, facts, model, key)


def _signed(column: st.delta_generator.DeltaGenerator, sha256: str, own_only: bool) -> None:
    """Say who signed the recording off; a blinded reader hears of nobody else."""
    found = reading.sign_offs(cache.desk(), sha256, session().reviewer, own_only=own_only)
    if found:
        words = (f"{plain(x['reviewer'])} on {x['time_utc'][:10]}" for x in found)
        column.markdown(f":material/task_alt: signed off by {', '.join(words)}")


def _reviewed(found: score.ScoredSummary, own_only: bool) -> str:
    if found.too_short:
        return "too little could be scored for a detection"
    if not found.n_labels:
        return "no label of yours" if own_only else "not reviewed yet"
    labels = _count(found.n_labels, "label") + (" of yours" if own_only else "")
    return f"{labels}, {found.n_reviewed} of {found.n_events} detections reviewed by you"


def _short_reason(facts: library.Facts) -> str:
    if facts.n_channels == 0:
        return "no signal in the file"
    if facts.n_eeg == 0:
        return "no EEG in the file"
    if len(facts.missing) > 8:
        return "unknown channel names"
    if facts.missing:
        return f"{plain(', '.join(facts.missing))} missing"
    return f"{duration(facts.duration_s)} is too short"


def _progress(
    column: st.delta_generator.DeltaGenerator,
    path: Path,
    facts: library.Facts,
    model: CheckpointInfo,
    key: str,
) -> None:
    queue = cache.queue()
    job = queue.latest("score", subject(facts.sha256, model))
    if job is not None and job.active:
        text = "scoring" if job.state == "running" else f"waiting, {queue.ahead(job.id)} before it"
        column.progress(job.progress, text)
        column.button("Cancel", key=f"cancel-{key}", on_click=cancel, args=(job.id,))
        return
    if job is not None and job.state == "failed":
        with column:
            st.error(plain(job.message))
    column.button(
        "Score again" if job is not None and job.state == "failed" else "Score",
        key=f"score-{key}",
        on_click=submit,
        args=(path, facts.sha256, model),
    )


def _ask_map(sha256: str) -> None:
    session().mapping_sha256 = sha256


@st.dialog("Which electrodes are these channels?", width="large")
def _map_dialog(path: Path, facts: library.Facts) -> None:
    desk = cache.desk()
    st.caption(
        "The names of these channels are not understood. Choose the electrode of each; leave out "
        f"what is not EEG. Missing: {', '.join(facts.missing) or 'all electrodes'}."
    )
    mapping = library.channel_map(desk, facts.sha256)
    columns = st.columns(3)
    options = ["", *library.electrode_names()]
    chosen: dict[str, str] = {}
    names = sorted({*facts.unknown_channels, *mapping})
    for i, channel in enumerate(names):
        before = mapping.get(channel, "")
        picked = columns[
            i % 3
        ].selectbox(
            plain(channel),  # a label is markdown, which could fetch an image
            options,
            index=options.index(before) if before in options else 0,
            format_func=lambda electrode: electrode or "not mapped",
            key=f"electrode-{facts.sha256[:8]}-{i}",
        )
        chosen[channel] = picked or ""
    if st.button("Save", type="primary"):
        try:
            library.save_channel_map(desk, facts.sha256, chosen)
        except EegdashError as error:
            st.error(plain(str(error)))
        else:
            st.rerun()
