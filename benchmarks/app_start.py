"""Start of the server to the first page, beyond an empty Streamlit app."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks import probe
from benchmarks.bench import PEERS, ROOT, Bench, serve, wait_until_up
from benchmarks.figures import Figure, Row, at_most, number

_REPEATS = 5
_BEYOND_EMPTY_S = 1.0


def measure(bench: Bench) -> Iterator[Row]:
    """Start both in turn; each time a new process and an empty browser cache."""
    site, empty_folder = bench.half_hour, bench.new_folder("empty")
    app, plain = [], []
    for _ in range(bench.repeats(_REPEATS)):
        app.append(_start(bench, ROOT / "app.py", site.workspace, site.recording.name))
        plain.append(_start(bench, PEERS / "empty_page.py", empty_folder, "nothing here"))
    for name, i in (("until the port answers", 0), ("until the page is shown", 1)):
        ours, theirs = (median(run[i] for run in runs) for runs in (app, plain))
        yield Row(
            what=f"app start beyond an empty app, {name}",
            median=ours - theirs,
            unit="s",
            n=len(app),
            budget=f"<= {_BEYOND_EMPTY_S:g} s" if i else "",
            within=at_most(ours - theirs, _BEYOND_EMPTY_S) if i else None,
            peer=f"{number(ours)} s against {number(theirs)} s, {number(ours / theirs)}x",
        )


def _start(bench: Bench, script: Path, folder: Path, text: str) -> tuple[float, float]:
    """Return the time from the start of the process to its port, and to a text on the page, s."""
    with bench.tab() as page:
        probe.await_ready_on_load(page, probe.text_shown(text))
        began = time.perf_counter()
        with serve(script, folder, wait=False) as url:
            wait_until_up(url)
            up = time.perf_counter() - began
            page.goto(url)
            probe.ready(page, since_click=False)
            return up, time.perf_counter() - began


FIGURE = Figure(
    name="app-start",
    title="app start to first page (no torch import before it is needed)",
    budget=f"<= {_BEYOND_EMPTY_S:g} s beyond an empty Streamlit app in the same run",
    measure=measure,
)
