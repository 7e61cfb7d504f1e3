"""Page flip in the browser, prefetched, beside the same page as ``st.plotly_chart``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import probe
from benchmarks.bench import PEERS, Bench, Site, dashboard, serve
from benchmarks.figures import Figure, Row, at_most, number, percentile_95

if TYPE_CHECKING:
    from playwright.sync_api import Page

_FLIPS = 45
_CALM_MS = 400
_HELD = 40
_HELD_HZ = 20.0
_PEER_FLIPS = 12
_P95_MS = 40.0
_RATIO = 20.0
_HELD_PAGES = 39
_DERIVATIONS = 18
# the title and all lines of the new figure are there
_FIGURE_SHOWN = """
() => Array.from(document.querySelectorAll(".js-plotly-plot")).some((plot) => {
  const title = plot.querySelector(".gtitle");
  return title && title.textContent === "page PAGE"
    && plot.querySelectorAll(".scatterlayer .js-line").length === LINES;
})
"""


def measure(bench: Bench) -> Iterator[Row]:
    """Flip pages calmly and with a held key; then flip the peer's."""
    with bench.tab() as page:
        floor = probe.floor_flips(page, _FLIPS, _CALM_MS)
    with dashboard(bench.half_hour) as url, bench.tab() as page:
        probe.open_review(page, url, bench.half_hour.alias)
        probe.watch_paints(page)
        flips = probe.flips(page, _FLIPS, _CALM_MS)
        shown, rate_hz = _held_key(page)
    peer = _peer(bench, bench.half_hour)
    p95 = percentile_95([wait.shown for wait in flips])
    ratio = _median_ratio(peer, flips, "shown")
    yield _row("measuring floor: press to one rectangle shown", floor, "shown")
    yield replace(
        _row("page flip, prefetched: press to shown", flips, "shown"),
        budget=f"p95 <= {_P95_MS:g} ms",
        within=at_most(p95, _P95_MS),
        peer=f"{number(_median_ratio(flips, floor, 'shown'))}x the floor",
    )
    yield replace(
        _row("st.plotly_chart of the same page: click to shown", peer, "shown"),
        budget=f">= {_RATIO:g}x the page flip",
        within=ratio >= _RATIO,
        peer=f"{number(ratio)}x the page flip",
    )
    yield _row("page flip: press to drawn (no wait for the frame)", flips, "drawn")
    yield replace(
        _row("st.plotly_chart: click to drawn (no wait for the frame)", peer, "drawn"),
        peer=f"{number(_median_ratio(peer, flips, 'drawn'))}x the page flip",
    )
    yield Row(
        what=f"right arrow, {_HELD} presses at {number(rate_hz)} Hz: pages painted",
        median=float(shown),
        unit="pages",
        budget=f">= {_HELD_PAGES} of {_HELD}",
        within=shown >= _HELD_PAGES,
    )


def _row(what: str, waits: list[probe.Wait], end: str) -> Row:
    times = [getattr(wait, end) for wait in waits]
    return Row(what=what, median=median(times), p95=percentile_95(times), unit="ms", n=len(times))


def _median_ratio(a: list[probe.Wait], b: list[probe.Wait], end: str) -> float:
    return float(median(getattr(w, end) for w in a) / median(getattr(w, end) for w in b))


def _held_key(page: Page) -> tuple[int, float]:
    """Press at 20 Hz; return how many different pages were painted, and the rate kept, Hz."""
    page.wait_for_timeout(1500)
    probe.forget_paints(page)
    began = time.perf_counter()
    for k in range(_HELD):
        time.sleep(max(began + k / _HELD_HZ - time.perf_counter(), 0))
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1500)
    pressed, painted = probe.paints(page)
    rate_hz = 1000 * (len(pressed) - 1) / (pressed[-1] - pressed[0])
    return len({name for _, _, name in painted}), rate_hz


def _peer(bench: Bench, site: Site) -> list[probe.Wait]:
    folder = bench.new_folder("peer")
    signal = folder / "signal.npy"
    _write_derivations(site, signal)
    script = PEERS / "plotly_page.py"
    with (
        serve(script, folder, environment={"BENCH_PEER_SIGNAL": str(signal)}) as url,
        bench.tab() as page,
    ):
        page.goto(url)
        found = []
        for k in range(_PEER_FLIPS + 1):
            shown = _FIGURE_SHOWN.replace("PAGE", str(k)).replace("LINES", str(_DERIVATIONS))
            probe.await_ready(page, shown)
            if k:
                page.get_by_role("button", name="Next").click()
                found.append(probe.ready(page, since_click=True))
            else:
                probe.ready(page, since_click=False)
            page.wait_for_timeout(_CALM_MS)
    return found


def _write_derivations(site: Site, path: Path) -> None:
    """Write the derivations that the dashboard shows, for the peer to draw."""
    from eegdash.io import open_recording
    from eegdash.montage import MONTAGES, resolve

    recording = open_recording(site.recording)
    matrix = resolve(recording, MONTAGES["longitudinal-bipolar"])
    stop = (_PEER_FLIPS + 1) * 10 * 256
    np.save(path, matrix.apply(recording.read(0, stop, list(matrix.picks))))


FIGURE = Figure(
    name="page-flip",
    title="page flip in the browser, prefetched",
    budget=f"p95 <= {_P95_MS:g} ms; >= {_RATIO:g}x faster than st.plotly_chart of the same page; "
    f"{_HELD} presses at {_HELD_HZ:g} Hz show >= {_HELD_PAGES} pages",
    measure=measure,
)
