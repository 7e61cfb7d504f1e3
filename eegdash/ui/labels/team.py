"""Readers: how far everybody is, who reads what, the guideline, and hidden repeats."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from eegdash.errors import EegdashError
from eegdash.ui import cache
from eegdash.ui.labels.forms import answer
from eegdash.ui.labels.words import count, moment
from eegdash.ui.session import labels_view, widget_value
from eegdash.ui.text import plain
from eegdash.workflows import library, readers
from eegdash.workflows.readers import ADJUDICATOR, Reader, ReaderProgress

_ONLY = "Only an adjudicator can change this; choose that role at the top right."
_HOUR_S = 3600.0
_LEAST_WORK_S = 300.0


def draw(reader: Reader) -> None:
    """Draw who reads, and what an adjudicator may decide about it."""
    found = readers.progress(cache.desk())
    _progress(reader, found)
    may = bool(reader.name) and reader.role == ADJUDICATOR
    if not may:
        st.caption(f":material/lock: {_ONLY}")
    left, middle, right = st.columns([1.5, 1.1, 1], gap="medium")
    with left, st.container(border=True):
        _assignments(reader, may, found)
    with middle, st.container(border=True):
        _guideline(reader, may)
    with right, st.container(border=True):
        _repeats(reader, may)


def _progress(reader: Reader, found: tuple[ReaderProgress, ...]) -> None:
    if not found:
        st.info("Nobody has labelled yet, and nothing is assigned. Names appear by themselves.")
        return
    every = readers.sees_everything(cache.desk(), reader)
    # how much somebody found is an opinion, too; how much was read is none
    told = [every or p.name == reader.name for p in found]
    st.dataframe(
        {
            "Reader": [p.name for p in found],
            "Recordings done": [
                100 * p.n_done / p.n_assigned if p.n_assigned else None for p in found
            ],
            "Of assigned": [f"{p.n_done} of {p.n_assigned}" if p.n_assigned else "" for p in found],
            "Open EEG": [
                (p.assigned_s - p.done_s) / _HOUR_S if p.n_assigned else None for p in found
            ],
            "Labels": [p.n_labels if ok else None for p, ok in zip(found, told, strict=True)],
            "Unsure": [p.n_unsure if ok else None for p, ok in zip(found, told, strict=True)],
            "Repeats": [p.n_repeats if ok else None for p, ok in zip(found, told, strict=True)],
            "EEG seen": [p.read_s / _HOUR_S for p in found],
            "Work": [p.worked_s / _HOUR_S for p in found],
            "Pace": [
                pace(p.labels_per_hour, p) if ok else None
                for p, ok in zip(found, told, strict=True)
            ],
            "Speed": [pace(p.eeg_hours_per_hour, p) for p in found],
            "Last": [moment(p.last_utc) for p in found],
        },
        column_config={
            "Recordings done": st.column_config.ProgressColumn(
                "Assigned, done",
                min_value=0,
                max_value=100,
                format="%.0f %%",
                help="Of the recordings assigned to this reader, signed off or first read.",
            ),
            "Of assigned": st.column_config.TextColumn("Done", width=75),
            "Open EEG": st.column_config.NumberColumn("Open, h of EEG", format="%.1f"),
            "Repeats": st.column_config.NumberColumn(
                "Repeats", help="Hidden repeats, which count as no new opinion."
            ),
            "EEG seen": st.column_config.NumberColumn(
                "Seen, h of EEG",
                format="%.1f",
                help="What was on screen, as first reads and sign-offs state it.",
            ),
            "Work": st.column_config.NumberColumn(
                "Work, h",
                format="%.1f",
                help="Estimated: the time between two labels, where that is ten minutes or less.",
            ),
            "Pace": st.column_config.NumberColumn("Labels / h of work", format="%.0f"),
            "Speed": st.column_config.NumberColumn("h of EEG / h of work", format="%.1f"),
            "Last": st.column_config.TextColumn("Last, UTC", width=125),
        },
        hide_index=True,
        placeholder="",
        height=min(38 + 35 * len(found), 360),
        alt="Progress of each reader",
    )
    if not all(told):
        st.caption("How much others labelled is not shown, so that your own reading stays yours.")


def pace(value: float, of: ReaderProgress) -> float | None:
    """Return a pace; None where too little work is known for one."""
    return value if of.worked_s >= _LEAST_WORK_S and math.isfinite(value) else None


def _save(form: str, done: str, action: Callable[[str], object]) -> None:
    """Do what a form asks for, and keep what came of it."""
    view = labels_view()
    try:
        action(view.form(form))
    except EegdashError as error:
        view.answer(form, False, str(error))
    else:
        view.answer(form, True, done)


# ---- who reads what ---------------------------------------------------------------------------


def _assignments(reader: Reader, may: bool, progress: tuple[ReaderProgress, ...]) -> None:
    desk = cache.desk()
    st.markdown("**Who reads what**")
    given = readers.assignments(desk)
    known = files()
    if not known:
        st.caption("There are no recordings to assign yet.")
        return
    left = {p.name: frozenset(p.open_recordings) for p in progress}
    by_reader: dict[str, list[str]] = {}
    for one in given:
        path = known.get(one.recording_sha256)
        done = one.recording_sha256 not in left.get(one.reader, frozenset())
        line = f"{'✓ done' if done else '· open'}  {path.name if path else one.alias}"
        by_reader.setdefault(one.reader, []).append(line)
    if not by_reader:
        st.caption("Nothing is assigned: everybody's queue holds every recording.")
    for name, lines in by_reader.items():
        n = sum(line.startswith("·") for line in lines)
        with st.expander(f"{plain(name)}: {n:,} of {count(len(lines), 'recording')} open"):
            st.text("\n".join(lines))
    st.multiselect(
        "Recordings",
        list(known),
        format_func=lambda sha256: known[sha256].name if sha256 in known else sha256[:8],
        key="assign-recordings",
        disabled=not may,
        placeholder="choose recordings",
    )
    st.selectbox(
        "Reader",
        list(readers.known_readers(desk)),
        index=None,
        accept_new_options=True,
        key="assign-reader",
        disabled=not may,
        placeholder="choose, or type a name",
    )
    with st.container(horizontal=True):
        for words, take in (("Assign", False), ("Take from the list", True)):
            st.button(
                words,
                key=f"assign-{take}",
                type="secondary" if take else "primary",
                disabled=not may,
                on_click=_assign,
                args=(reader, take),
            )
    answer("assign")


def files() -> dict[str, Path]:
    """Return the recordings of the workspace that can be opened, by hash."""
    desk = cache.desk()
    found: dict[str, Path] = {}
    for path in library.recording_files(desk):
        facts = library.facts(desk, path)
        if not facts.problem:
            found.setdefault(facts.sha256, path)
    return found


def _assign(reader: Reader, take: bool) -> None:
    chosen = list(widget_value("assign-recordings") or [])
    name = str(widget_value("assign-reader") or "").strip()
    if not chosen or not name:
        labels_view().answer("assign", False, "Choose recordings and a reader first.")
        return
    act = readers.unassign if take else readers.assign
    done = f"{count(len(chosen), 'recording')} {'taken from' if take else 'assigned to'} {name}."
    _save(
        "assign",
        done,
        lambda form: act(cache.desk(), chosen, name, reader.name, decision_id=form),
    )


# ---- guideline --------------------------------------------------------------------------------


def _guideline(reader: Reader, may: bool) -> None:
    st.markdown("**Labelling guideline**")
    versions = readers.guidelines(cache.desk())
    if not versions:
        st.caption("None was stated yet. Labels then do not say which rules they follow.")
    for i, one in enumerate(reversed(versions[-4:])):
        title = f", {plain(one.title)}" if one.title else ""
        since = f"since {moment(one.since_utc)} UTC, stated by {plain(one.by)}"
        mark = " · holds now" if i == 0 else ""
        st.markdown(f"**{plain(one.version)}**{title}{mark}  \n:gray[{since}]")
    st.text_input(
        "Version", key="guideline-version", max_chars=60, disabled=not may, placeholder="e.g. 2.1"
    )
    st.text_input(
        "What it is",
        key="guideline-title",
        max_chars=200,
        disabled=not may,
        placeholder="title, or where it can be read",
    )
    st.button(
        "From now on",
        key="guideline-save",
        disabled=not may,
        on_click=_set_guideline,
        args=(reader,),
        help="Every label that is saved from now on carries this version. Older ones keep theirs.",
    )
    answer("guideline")


def _set_guideline(reader: Reader) -> None:
    version = str(widget_value("guideline-version") or "").strip()
    title = str(widget_value("guideline-title") or "").strip()
    _save(
        "guideline",
        f"Version {version} holds from now on.",
        lambda form: readers.set_guideline(
            cache.desk(), version, title, reader.name, decision_id=form
        ),
    )


# ---- hidden repeats ---------------------------------------------------------------------------


def _repeats(reader: Reader, may: bool) -> None:
    st.markdown("**Hidden repeats**")
    share = readers.repeat_share(cache.desk())
    st.caption(
        "A share of every queue is spans that the reader has labelled before, shown once more "
        "without that label. They tell how far a reader agrees with himself or herself; they "
        "count as no new opinion."
    )
    shares = [n / 100 for n in range(0, 55, 5)]
    nearest = min(shares, key=lambda one: abs(one - share))
    st.select_slider(
        "Share of the queue",
        shares,
        value=nearest,
        format_func=lambda one: "none" if not one else f"{100 * one:.0f} %",
        key="repeat-share",
        disabled=not may,
    )
    st.button(
        "Use this share", key="repeat-save", disabled=not may, on_click=_set_share, args=(reader,)
    )
    answer("repeats")


def _set_share(reader: Reader) -> None:
    share = float(widget_value("repeat-share") or 0.0)
    _save(
        "repeats",
        f"{100 * share:.0f} % of every queue from now on.",
        lambda form: readers.set_repeat_share(cache.desk(), share, reader.name, decision_id=form),
    )
