"""Teaching a detector: which labels will be used, start, progress, cancel, go on after a stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import streamlit as st

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import EegdashError
from eegdash.jobs import Job
from eegdash.ui import cache, identity
from eegdash.ui.models import withheld
from eegdash.ui.session import session
from eegdash.ui.text import plain
from eegdash.workflows import readers
from eegdash.workflows.desk import Desk
from eegdash.workflows.model_decisions import Status, decision_history
from eegdash.workflows.teach import (
    COMPARING,
    FITTING,
    READING,
    TeachRequest,
    Unfinished,
    request_key,
    request_now,
    throw_away,
    unfinished,
)
from eegdash.workflows.teach_labels import (
    ALL,
    ASIDE,
    BLINDED_ONLY,
    HELD,
    TAUGHT,
    WITHOUT_BLINDED,
    TeachChoice,
    TeachPlan,
    teach_plan,
)

TASK = "teach"
_REFRESH_S = 1.0
_PHASES = {
    READING: "Step 1 of 3, reading the labelled recordings",
    FITTING: "Step 2 of 3, learning from the labels and rehearsing what it knew",
    COMPARING: "Step 3 of 3, comparing before and after",
}
_VERDICTS = {  # one, several
    "agree": ("detection that a reader agreed with", "detections that readers agreed with"),
    "disagree": ("false detection that a reader rejected", "false detections, rejected by readers"),
    "missed": ("seizure that a reader marked as missed", "seizures that readers marked as missed"),
    "adjudicated": ("span that an adjudicator decided", "spans that an adjudicator decided"),
}
_BLINDED = {
    ALL: "as all others",
    BLINDED_ONLY: "these alone",
    WITHOUT_BLINDED: "not at all",
}


def draw() -> None:
    """Draw the view."""
    desk = cache.desk()
    job = _job()
    if job is not None and job.active:
        st.fragment(_progress, run_every=_REFRESH_S)(job.id)
        return
    _outcome(job)
    models = desk.models()
    if not models:
        st.info("There is no detector to be taught. Train one first: python \\-m eegdash train.")
        return
    _stopped(desk)
    parent, choice = _choices(models)
    plan = teach_plan(desk, parent, choice)
    if hidden := withheld.unread(file.sha256 for file in plan.files):
        st.info(withheld.words(len(hidden)))
        return
    _plan(plan, in_detail=readers.sees_everything(desk, identity.reader()))
    _start(desk, parent, choice, plan)


def _job() -> Job | None:
    """Return the teaching that runs or waits, else the newest of this server."""
    queue = cache.queue()
    active = [job for job in queue.active() if job.task == TASK]
    return active[0] if active else queue.newest(TASK)


def _outcome(job: Job | None) -> None:
    if job is None or job.state == "cancelled":
        return
    if job.state == "failed":
        st.error(plain(job.message))
        return
    desk = cache.desk()
    sha256 = str((job.result or {}).get("sha256", ""))
    made = [m for m in desk.checkpoints() if m.sha256 == sha256]
    try:
        waits = made and decision_history(desk.workspace).status(made[0]) is Status.CANDIDATE
    except EegdashError:  # the page says so on its top
        return
    if waits:
        st.success(
            f"{plain(made[0].title or made[0].name)}: done. It is a candidate: look at its before "
            "and after in the view **Detectors**, then promote or discard it."
        )


def _stopped(desk: Desk) -> None:
    """Offer to go on with what was stopped or killed."""
    for run in unfinished(desk):
        with st.container(border=True):
            left, go_on, away = st.columns([6, 2, 2], vertical_alignment="center")
            left.markdown(
                f"A teaching of **{plain(run.request.parent)}** of {run.began_utc[:10]} was "
                f"stopped ({_PHASES.get(run.phase, 'at its beginning')}). It goes on where it "
                "stopped, with the labels of then."
            )
            go_on.button(
                "Go on", key=f"go-on-{run.key[:16]}", type="primary", width="stretch",
                on_click=_go_on, args=(run,),
            )  # fmt: skip
            away.button(
                "Throw away", key=f"away-{run.key[:16]}", width="stretch",
                help="Removes what it kept; labels and detectors stay.",
                on_click=throw_away, args=(desk, run.key),
            )  # fmt: skip


def _choices(models: list[CheckpointInfo]) -> tuple[CheckpointInfo, TeachChoice]:
    left, middle, right = st.columns([5, 4, 4], vertical_alignment="bottom")
    titles = {m.name: f"{m.title or m.name} ({m.sha256[:8]})" for m in models}
    name = left.selectbox(
        "Detector to teach",
        list(titles),
        format_func=titles.__getitem__,
        key="teach-parent",
        persist_state="session",
        help="It stays as it is. The result is a new detector.",
    )
    blinded = middle.selectbox(
        "Labels of blinded first reads count",
        list(_BLINDED),
        format_func=_BLINDED.__getitem__,
        key="teach-blinded",
        persist_state="session",
        help="Made before the reader saw what the detector says.",
    )
    aside = right.slider(
        "People kept aside, %",
        0,
        50,
        25,
        5,
        key="teach-aside",
        persist_state="session",
        help="Share of the labelled people whom it does not learn from, so that before and after "
        "can be compared on them. Only recordings with a reference or a sign-off can be.",
    )
    parent = next((m for m in models if m.name == name), models[0])
    return parent, TeachChoice(blinded=str(blinded or ALL), keep_aside=(aside or 0) / 100)


def _plan(plan: TeachPlan, *, in_detail: bool) -> None:
    """Say what will be used; what others said only to a reader who may see it."""
    used, left_out = st.columns(2)
    with used.container(border=True, height="stretch"):
        st.markdown(f"**{_count(plan.n_used, 'label')} will be used**")
        by_verdict = plan.used if in_detail else {}
        words = {verdict: _VERDICTS.get(verdict, (plain(verdict),) * 2) for verdict in plan.used}
        st.markdown("\n".join(f"- {n} {words[v][n > 1]}" for v, n in by_verdict.items()))
        if not in_detail:
            st.caption("What others said is not shown to readers in this installation.")
        own = plan.on(TAUGHT)
        finished = sum(file.finished for file in own)
        n_own = _count(len(own) + len(plan.on(HELD)), "recording")
        st.caption(
            f"In {n_own}. What nobody labelled counts as free of seizures: fully in the {finished} "
            "that a reader signed off or read first, weakly in others, not at all where "
            "the detector found something nobody judged."
        )
    with left_out.container(border=True, height="stretch"):
        n_out = sum(plan.left_out.values())
        st.markdown(f"**{_count(n_out, 'label')} left out**")
        if in_detail:
            st.markdown("\n".join(f"- {n} {plain(why)}" for why, n in plan.left_out.items()))
        people = {file.person_key for file in plan.on(ASIDE)}
        st.caption(
            f"For before and after: {_count(len(plan.on(ASIDE)), 'recording')} of "
            f"{_count(len(people), 'person', 'people')}, from whom nothing is ever learned, and "
            "60 simulated people."
        )


def _count(n: int, one: str, several: str = "") -> str:
    return f"{n} {one}" if n == 1 else f"{n} {several or one + 's'}"


def _start(desk: Desk, parent: CheckpointInfo, choice: TeachChoice, plan: TeachPlan) -> None:
    if not plan.n_used:
        st.info(
            "There is nothing to be taught from yet. Go to Review and say where the detector is "
            "right (a), wrong (d), or missed a seizure (m); some ten corrections are a start."
        )
        st.page_link("../../pages/review.py", label="Go to Review")
        return
    left, right = st.columns([2, 8], vertical_alignment="center")
    left.button(
        "Teach", type="primary", width="stretch", on_click=_submit,
        args=(desk, parent, choice), disabled=not session().reviewer,
    )  # fmt: skip
    right.caption(
        "Takes some minutes and runs beside your reading. Nothing changes on the other pages: the "
        "result is a candidate that you promote or discard."
        if session().reviewer
        else "Enter your name or initials at the top right first."
    )


def _submit(desk: Desk, parent: CheckpointInfo, choice: TeachChoice) -> None:
    request = request_now(desk, parent, choice=choice, reviewer=session().reviewer)
    _queue(request, request_key(request, parent))


def _go_on(run: Unfinished) -> None:
    _queue(run.request, run.key)


def _queue(request: TeachRequest, key: str) -> None:
    cache.queue().submit(TASK, key, {"request": request.as_dict()})


def _progress(job_id: str) -> None:
    job = cache.queue().get(job_id)
    if job is None or not job.active:
        st.rerun()
        return
    phases: Mapping[str, str] = {run.key: run.phase for run in unfinished(cache.desk())}
    waiting = job.state == "queued"
    words = "Waiting for another job" if waiting else _PHASES.get(phases.get(job.subject, ""), "")
    st.progress(
        job.progress,
        f"{words or 'Starting'} · {100 * job.progress:.0f} % · {time_left(job, time.monotonic)}",
    )
    left, right = st.columns([2, 8], vertical_alignment="center")
    left.button("Cancel", on_click=_cancel, args=(job.id,), width="stretch")
    right.caption("You may leave this page. What was learned so far is kept if you cancel.")


def _cancel(job_id: str) -> None:
    cache.queue().cancel(job_id)


def time_left(job: Job, now: Callable[[], float]) -> str:
    """Return how long a job will take at the pace that this session has seen, in words."""
    seen = session().first_seen
    began_s, began_at = seen.setdefault(job.id, (now(), job.progress))
    gained = job.progress - began_at
    if job.state == "queued" or gained < 0.02:
        return "time left not known yet"
    left_s = (now() - began_s) * (1 - job.progress) / gained
    if left_s < 60:
        return "less than a minute left"
    return f"about {left_s / 60:.0f} min left"
