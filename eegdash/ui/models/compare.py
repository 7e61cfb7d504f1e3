"""Any two detectors on the same recordings."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from eegdash.checkpoints import CheckpointInfo
from eegdash.jobs import Job
from eegdash.ui import cache
from eegdash.ui.choices import choose_recordings, left_out, model_title
from eegdash.ui.models import figures
from eegdash.ui.models.overlay import overlay
from eegdash.ui.models.teaching import time_left
from eegdash.ui.session import session
from eegdash.ui.text import plain
from eegdash.workflows.comparison import compare_items, compare_key, stored_comparison
from eegdash.workflows.model_decisions import DecisionHistory, Status
from eegdash.workflows.reference_sets import Candidate, known_recordings

TASK = "compare"
_REFRESH_S = 1.0


def draw(history: DecisionHistory) -> None:
    """Draw the view."""
    desk = cache.desk()
    candidates = [
        m for m in desk.checkpoints() if not m.problem and history.status(m) is Status.CANDIDATE
    ]
    models = [*desk.models(), *candidates]
    if len(models) < 2:
        st.info("Two detectors are needed. Teach one from your labels, or train one.")
        return
    known = known_recordings(desk, reviewer=session().reviewer, blinded=session().blinded)
    usable = [candidate for candidate in known if not candidate.why_not]
    if left_out(known):
        st.caption(f"Not among them: {left_out(known)}.")
    if not usable:
        st.info(
            "Detectors can be compared only where the truth is known, and no recording that you "
            "may see has a reference. Put an events file beside one (NAME\\_events.tsv for "
            "NAME.edf, SzCORE)."
        )
        return
    first, second, chosen = _choices(models, usable)
    if first.sha256 == second.sha256:
        st.info("Choose two different detectors.")
        return
    _comparison(first, second, chosen)


def _choices(
    models: Sequence[CheckpointInfo], usable: Sequence[Candidate]
) -> tuple[CheckpointInfo, CheckpointInfo, tuple[Candidate, ...]]:
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    by_hash = {m.sha256: m for m in models}
    titles = {m.sha256: model_title(m) for m in models}
    a = left.selectbox(
        "Detector A", list(titles), format_func=titles.__getitem__, key="compare-a",
        persist_state="session",
    )  # fmt: skip
    b = middle.selectbox(
        "Detector B", list(titles), format_func=titles.__getitem__, index=1, key="compare-b",
        persist_state="session",
    )  # fmt: skip
    _, chosen = choose_recordings(right, usable, key="compare-set")
    return by_hash.get(str(a), models[0]), by_hash.get(str(b), models[1]), chosen


def _comparison(a: CheckpointInfo, b: CheckpointInfo, chosen: Sequence[Candidate]) -> None:
    desk = cache.desk()
    items = compare_items(desk, [candidate.sha256 for candidate in chosen])
    key = compare_key(a, b, items)
    found = stored_comparison(desk, key)
    if found is None:
        job = cache.queue().latest(TASK, key)
        if job is not None and job.active:
            st.fragment(_progress, run_every=_REFRESH_S)(job.id)
            return
        if job is not None and job.state == "failed":
            st.error(plain(job.message))
        st.button(
            f"Compare on {len(items)} recording{'' if len(items) == 1 else 's'}",
            type="primary",
            on_click=_submit,
            args=(key, a, b, [item.sha256 for item in items]),
        )
        st.caption("Recordings that one of them has not scored yet are scored first.")
        return
    st.caption(f"{figures.size_words(found, 'With B')} {figures.HOW_TO_READ}")
    if found["trained"]:
        st.warning(
            f"{len(found['trained'])} of these recordings, or their people, were in the training "
            "of one of the two: there its figures flatter."
        )
    for entry in found["failed"]:
        st.caption(f"Not compared: {plain(entry['reason'])}")
    figures.table(found, f"A: {a.title or a.name}", f"B: {b.title or b.name}")
    _recordings(found["recordings"], a, b, chosen)


def _recordings(
    entries: Sequence[dict[str, object]],
    a: CheckpointInfo,
    b: CheckpointInfo,
    chosen: Sequence[Candidate],
) -> None:
    names = {candidate.sha256: candidate.path.name for candidate in chosen}
    words = {
        str(e["sha256"]): f"{names.get(str(e['sha256']), '')} · B against A: "
        f"{figures.change_words(e)}"
        for e in entries
    }
    if not words:
        return
    picked = st.selectbox(
        "Recording", list(words), format_func=words.__getitem__, key="compare-recording"
    )
    if picked is not None:
        overlay(str(picked), (a, b), (f"A: {a.title or a.name}", f"B: {b.title or b.name}"))


def _submit(key: str, a: CheckpointInfo, b: CheckpointInfo, sha256s: list[str]) -> None:
    arguments = {"before": a.sha256, "after": b.sha256, "recordings": sha256s}
    cache.queue().submit(TASK, key, arguments)


def _progress(job_id: str) -> None:
    job: Job | None = cache.queue().get(job_id)
    if job is None or not job.active:
        st.rerun()
        return
    st.progress(job.progress, f"Comparing · {time_left(job, time.monotonic)}")
    st.button("Cancel", key="compare-cancel", on_click=cache.queue().cancel, args=(job.id,))
