"""Memory of the browser's tab after as many pages as half an hour of automatic paging shows."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks import plotly_day
from benchmarks.bench import VIEWPORT, Bench, Site, dashboard
from benchmarks.devtools import open_tab
from benchmarks.figures import Figure, Row, at_most, number

_PAGES = 1500  # 30 min of automatic paging, a page every 1.2 s
_QUICK_PAGES = 300
_PEER_PAGES = 60
_LIMIT_MB = 300.0
_PAUSE_S = 0.04
_NOTED_EVERY = 50
_NEXT = (
    'Array.from(document.querySelectorAll("button")).find((b) => b.textContent === "Next").click()'
)


def measure(bench: Bench) -> Iterator[Row]:
    """Page through the long recording, then through the peer."""
    pages = _QUICK_PAGES if bench.quick else _PAGES
    sizes = _viewer(bench.long, pages)
    peer = _peer(bench)
    yield Row(
        what=f"browser memory, largest within {pages} pages of {bench.long.length}",
        median=max(sizes),
        unit="MB",
        budget=f"<= {_LIMIT_MB:g} MB",
        within=at_most(max(sizes), _LIMIT_MB),
        peer=f"{number(sizes[0])} MB at the first page, {number(sizes[-1])} MB at the last; "
        f"st.plotly_chart {number(peer[0])} MB, after {_PEER_PAGES} pages {number(peer[1])} MB",
    )


def _viewer(site: Site, pages: int) -> list[float]:
    with (
        dashboard(site) as url,
        open_tab(f"{url}/review?recording={site.alias}", **VIEWPORT) as tab,
    ):
        tab.wait_for('document.querySelector("[data-painted]") !== null')
        time.sleep(2)
        sizes = [tab.memory_mb()]
        for k in range(1, pages + 1):
            tab.press_right_arrow()
            time.sleep(_PAUSE_S)
            if k % _NOTED_EVERY == 0:
                sizes.append(tab.memory_mb())
        # a page beyond the end is the last one
        tab.wait_for('Number(document.querySelector("[data-painted]").dataset.painted) > 0')
    return sizes


def _peer(bench: Bench) -> tuple[float, float]:
    """Return the memory of the Plotly page at first, and after some pages, MB."""
    with plotly_day.peer(bench) as url, open_tab(url, **VIEWPORT) as tab:
        tab.wait_for(f"({plotly_day.titled('threshold 0.50', 'trend 0', 'page 0')})()")
        time.sleep(2)
        first = tab.memory_mb()
        for k in range(1, _PEER_PAGES + 1):
            tab.evaluate(_NEXT)
            tab.wait_for(f"({plotly_day.titled(f'trend {k}', f'page {k}')})()")
        return first, tab.memory_mb()


FIGURE = Figure(
    name="browser-memory",
    title="memory of the browser's tab within 30 min of paging",
    budget=f"<= {_LIMIT_MB:g} MB",
    measure=measure,
)
