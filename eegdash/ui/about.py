"""Page About this server: state, queue and times, for those who run it."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from eegdash.ui import cache, frame
from eegdash.ui.text import duration, plain
from eegdash.workflows import server
from eegdash.workflows.server import ServerFacts

_EVERY_S = 5.0


def draw() -> None:
    """Draw the page."""
    frame.header("### About this server")
    st.caption("For those who run it. Nothing here names a recording, a person or a reader.")
    _state()


@st.fragment(run_every=_EVERY_S)
def _state() -> None:
    facts = server.server_facts(cache.desk())
    for problem in facts.problems:
        st.error(problem)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _facts(facts)
    with right:
        _queue()
        _stages()
        _taken_along(facts)


def _facts(facts: ServerFacts) -> None:
    memory = "not known" if facts.memory_mb is None else f"{facts.memory_mb:,.0f} MB"
    labels = ", ".join(f"{n:,} {state}" for state, n in facts.n_labels) or "none"
    _table(
        "Now",
        [
            ("Running for", duration(facts.running_s)),
            ("Processor cores", str(facts.n_cpus)),
            ("Memory, without workers", memory),
            ("Space left for the workspace", f"{facts.free_mb / 1000:,.1f} GB"),
            ("Analysis cache", f"{facts.cache_mb:,.1f} MB"),
            ("Recording files", f"{facts.n_recordings:,}"),
            ("Labels", labels),
            ("Labels are in", facts.labels),
            ("Is it up?", "/healthz"),
            ("Can labels be saved?", "/readyz (status 503 where not)"),
        ],
    )
    _table("Settings", list(facts.choices))
    _table("Versions", list(facts.versions))


def _table(title: str, rows: list[tuple[str, str]]) -> None:
    st.markdown(f"**{title}**")
    cells = [(plain(name), plain(value)) for name, value in rows]
    st.table(pd.DataFrame(cells), border="horizontal", hide_index=True, hide_header=True)


def _queue() -> None:
    jobs = [*cache.queue().active(), *cache.explainer().active()]
    st.markdown("**Queue**")
    if not jobs:
        st.caption("Nothing runs and nothing waits.")
        return
    rows = [
        {"Job": job.task, "State": job.state, "Done": f"{100 * job.progress:.0f} %"} for job in jobs
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content")


def _stages() -> None:
    st.markdown("**How long things took**")
    times = server.stage_times()
    if not times:
        st.caption("Nothing was timed yet. Open a recording, and come back.")
        return
    rows: list[dict[str, Any]] = [
        {
            "Stage": row.stage,
            "Times": row.n,
            "Failed": row.n_failed,
            "Median, ms": 1000 * row.median_s,
            "95 %, ms": 1000 * row.p95_s,
            "Longest, ms": 1000 * row.longest_s,
        }
        for row in times
    ]
    ms = st.column_config.NumberColumn(format="%.1f")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        column_config=dict.fromkeys(("Median, ms", "95 %, ms", "Longest, ms"), ms),
    )
    st.caption(
        "Of the latest 1,000 of each since the server started. 95 %: that many took no longer. "
        "A job's time is without its waiting; pages and tiles are timed on the server, without the "
        "network and the browser."
    )


def _taken_along(facts: ServerFacts) -> None:
    jobs = [*cache.queue().active(), *cache.explainer().active()]
    st.download_button(
        "Download as JSON",
        json.dumps(server.report(facts, jobs), indent=1),
        file_name="server.json",
        mime="application/json",
        on_click="ignore",
    )
