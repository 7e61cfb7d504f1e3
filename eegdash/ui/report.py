"""The page Report: on whom, its progress, a preview, and the files to take along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import EegdashError
from eegdash.jobs import Job
from eegdash.report.folder import zipped
from eegdash.report.pdf import can_make_pdf
from eegdash.ui import cache, frame, review
from eegdash.ui.choices import choose_model, chosen_model
from eegdash.ui.recordings import cancel
from eegdash.ui.report_routes import address
from eegdash.ui.session import session
from eegdash.ui.text import plain
from eegdash.workflows import review as decisions
from eegdash.workflows.report_shelf import KeptReport, has_file, kept_reports, report_file
from eegdash.workflows.report_subject import PERSON, Choice, choices

_RECORDINGS = "../../pages/recordings.py"
_REVIEW = "../../pages/review.py"
_TASK = "report"
_PREVIEW_PX = 900


def draw() -> None:
    """Draw the page."""
    desk = cache.desk()
    frame.header("**Report** on a recording or a person")
    models = desk.models()
    model = chosen_model(models)
    if model is None:
        st.warning(
            "There is no detector in this installation, so there is nothing to report on. Copy a "
            "model folder into **models** of the workspace."
        )
        return
    offered = choices(desk, model, reviewer=session().reviewer, blinded=session().blinded)
    if not offered:
        st.info(
            "There is no recording yet that can be scored. Add one on the page **Recordings**; "
            "then a report on it, or on all recordings of a person, is written here."
        )
        st.page_link(_RECORDINGS, label="Go to Recordings")
        return
    choice, model = _toolbar(offered, models, model)
    if choice.withheld:
        st.info(
            "You read blinded: a report says what the detector, the reference and other readers "
            "say, so it is withheld until you commit your first read of "
            + ("all these recordings" if len(choice.hashes) > 1 else "this recording")
            + " on the page Review."
        )
        st.page_link(_REVIEW, label="Go to Review")
        return
    job = cache.queue().latest(_TASK, _subject(choice, model))
    polled = job is not None and job.active
    st.fragment(_state, run_every=1.0 if polled else None)(choice, model, polled)
    _shelf(choice, model)


def _toolbar(
    offered: Sequence[Choice], models: Sequence[CheckpointInfo], model: CheckpointInfo
) -> tuple[Choice, CheckpointInfo]:
    left, right = st.columns([5, 4], vertical_alignment="bottom")
    by_key = {choice.key: choice for choice in offered}
    recording = f"recording:{session().recording_sha256}"
    keys = list(by_key)
    picked = left.selectbox(
        "Report on",
        keys,
        index=keys.index(recording) if recording in by_key else 0,
        key="report-subject",
        format_func=lambda key: _words_of(by_key[key]) if key in by_key else key,
        persist_state="session",
        help="A person is offered where several files say by their names that they are of one.",
    )
    choose_model(
        right, models, model, help="The trained network whose figures and reasons are reported."
    )
    return by_key.get(str(picked), offered[0]), model


def _words_of(choice: Choice) -> str:
    """Say who is meant on the reader's own screen, where file names may stand."""
    if choice.subject.kind == PERSON:
        return f"Person {choice.subject.name}, {len(choice.hashes)} recordings"
    return f"{choice.subject.paths[0].name} ({choice.subject.name})"


def _subject(choice: Choice, model: CheckpointInfo) -> str:
    return f"{choice.key}|{model.sha256}|{session().reviewer}"


def _state(choice: Choice, model: CheckpointInfo, polled: bool) -> None:
    """The button, or how far the work is."""
    job = cache.queue().latest(_TASK, _subject(choice, model))
    if polled != (job is not None and job.active):
        st.rerun()  # it began, or it ended: the list below follows
    left, right = st.columns([7, 2], vertical_alignment="center")
    if job is not None and job.active:
        stage = f": {job.stage}" if job.stage else ""
        words = (
            f"Writing the report{stage} …" if job.state == "running" else "Waiting for other work …"
        )
        left.progress(job.progress, words)
        right.button(
            "Cancel", key="cancel-report", on_click=cancel, args=(job.id,), width="stretch"
        )
        return
    if job is not None and job.state == "failed":
        left.error(plain(job.message))
    else:
        left.markdown(_what_it_takes(choice, job))
    right.button(
        "Write a report",
        key="write-report",
        type="primary",
        icon=":material/description:",
        on_click=_submit,
        args=(choice, model),
        width="stretch",
    )


def _what_it_takes(choice: Choice, job: Job | None) -> str:
    waiting = len(choice.hashes) - choice.n_scored
    words = []
    if job is not None and job.state == "done":
        words.append("The report is written; it is the first one below.")
    if waiting:
        many = f"{waiting} recordings are" if waiting > 1 else "One recording is"
        who = "This recording is" if len(choice.hashes) == 1 else many
        words.append(f"{who} not scored yet; that is done first.")
    settings = cache.desk().settings
    if settings.llm_base_url and settings.llm_model:
        words.append(
            f"Its summary is asked of **{plain(settings.llm_model)}** at "
            f"{plain(settings.llm_base_url)}, which is sent figures and no name, and every number "
            "of the answer is checked."
        )
    else:
        words.append("Its summary is written by the program, without a language model.")
    problem = can_make_pdf()
    if problem:
        words.append(plain(problem))
    return f":gray[{' '.join(words)}]"


def _submit(choice: Choice, model: CheckpointInfo) -> None:
    arguments = {
        "paths": [str(path) for path in choice.subject.paths],
        "kind": choice.subject.kind,
        "person": choice.subject.name,
        "model": model.name,
    }
    cache.queue().submit(_TASK, _subject(choice, model), arguments)


# ---- what was written ----------------------------------------------------------------------


def _shelf(choice: Choice, model: CheckpointInfo) -> None:
    desk = cache.desk()
    every = kept_reports(desk, reviewer=session().reviewer, blinded=session().blinded)
    mine = [r for r in every if (r.kind, r.subject) == (choice.subject.kind, choice.subject.name)]
    if not mine:
        st.info(
            "No report has been written on this choice yet. **Write a report** makes one: figures "
            "with intervals, examples with maps of evidence and raw EEG, what readers said, and a "
            "summary. It takes some seconds for a scored recording."
        )
        return
    names: dict[str, str] = {report.name: _title(report) for report in mine}
    left, *rest = st.columns([6, 1.3, 1.3, 1.3], vertical_alignment="bottom")
    name = left.selectbox(
        "Reports written, newest first", list(names), format_func=names.__getitem__
    )
    report = next(r for r in mine if r.name == name)
    if report.model_sha256 != model.sha256:
        st.caption("This report is on another detector than the one that is chosen above.")
    _downloads(report, rest)
    _output_is_shown(report)
    st.iframe(address(report.name), height=_PREVIEW_PX, alt="Preview of the report")


def _title(report: KeptReport) -> str:
    return f"{report.created_utc} · {report.model} ({report.model_sha256[:8]}) · {report.source}"


def _downloads(report: KeptReport, columns: Sequence[st.delta_generator.DeltaGenerator]) -> None:
    folder = cache.desk().workspace.reports / report.name

    def one(file: str) -> Callable[[], bytes]:
        return partial(report_file, cache.desk(), report.name, file)

    kinds: tuple[tuple[str, str, str, Callable[[], bytes] | None], ...] = (
        ("All (ZIP)", f"{report.name}.zip", "application/zip", partial(zipped, folder)),
        ("HTML", f"{report.name}.html", "text/html", one("report.html")),
        (
            "PDF",
            f"{report.name}.pdf",
            "application/pdf",
            one("report.pdf") if has_file(cache.desk(), report.name, "report.pdf") else None,
        ),
    )
    for column, (label, file_name, mime, data) in zip(columns, kinds, strict=True):
        column.download_button(
            label,
            data=data or b"",
            file_name=file_name,
            mime=mime,
            icon=":material/download:",
            on_click="ignore",
            disabled=data is None,
            help=None if data else "No PDF was made with this report; print the HTML instead.",
            width="stretch",
            key=f"get-{label}-{report.name}",
        )


def _output_is_shown(report: KeptReport) -> None:
    """Remember that the detector's output was on this reader's screen."""
    for sha256 in report.recordings:
        try:
            name = decisions.view_name(session().reviewer, sha256)
            review.note_output_shown(review.view_of(sha256), name)
        except EegdashError:  # a view that cannot be kept hides no report
            continue
