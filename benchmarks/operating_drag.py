"""Moving the threshold on the page of the operating point: all curves and tables follow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.bench import Bench, dashboard
from benchmarks.figures import BenchmarkError, Figure, Row, at_most, percentile_95

if TYPE_CHECKING:
    from playwright.sync_api import Page

_STEPS = 120
_BUDGET_MS = 100.0
_READY = "[data-painted]:not([data-painted=computing])"
# Each frame gets one step of the slider. The next frame draws it, and a message posted in that
# frame arrives after its work: from the step until then, everything on the page has followed.
_MOVE = """
async (count) => {
  const host = document.querySelector("[data-painted]");
  const root = host.shadowRoot || host;
  const slider = root.querySelector("input.threshold");
  const steps = [];
  for (let i = 0; i < count; i++) {
    const before = host.dataset.painted;
    slider.value = String((i * 7) % 101);
    const began = performance.now();
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((done) => requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = done;
      port2.postMessage(0);
    }));
    steps.push({ ms: performance.now() - began, moved: host.dataset.painted !== before });
  }
  return steps;
}
"""


def measure(bench: Bench) -> Iterator[Row]:
    """Open the page on the long recording and move the threshold."""
    site = bench.long
    judged = not bench.quick
    with dashboard(site) as url, bench.tab() as page:
        sent: list[Any] = []
        page.on("websocket", lambda ws: ws.on("framesent", lambda frame: sent.append(frame)))
        page.on("request", lambda request: sent.append(request))
        began = time.perf_counter()
        page.goto(f"{url}/threshold")
        page.locator(_READY).wait_for(timeout=120_000)
        opened_s = time.perf_counter() - began
        page.wait_for_timeout(2000)
        yield from _rows(page, sent, site.length, judged)
    yield Row(
        what=f"operating point, {site.length}: from the address to the curves, tables computed",
        median=opened_s,
        unit="s",
    )


def _rows(page: Page, sent: list[Any], length: str, judged: bool) -> Iterator[Row]:
    before = len(sent)
    steps = page.evaluate(_MOVE, _STEPS)
    messages = len(sent) - before
    if sum(step["moved"] for step in steps) < 0.8 * _STEPS:
        raise BenchmarkError("The page did not follow the threshold.")
    taken_ms = [step["ms"] for step in steps]
    p95 = percentile_95(taken_ms)
    yield Row(
        what=f"operating point, {length}: a step of the threshold to all figures",
        median=median(taken_ms),
        p95=p95,
        unit="ms",
        n=len(taken_ms),
        budget=f"p95 < {_BUDGET_MS:g} ms" if judged else f"p95 < {_BUDGET_MS:g} ms on 24 h",
        within=at_most(p95, _BUDGET_MS) if judged else None,
    )
    yield Row(
        what=f"operating point, {length}: messages and requests while it moves",
        median=float(messages),
        unit="sent",
        budget="0",
        within=messages == 0,
    )


FIGURE = Figure(
    name="operating-drag",
    title="operating point: threshold moved with all curves and tables, 24 h recording",
    budget=f"p95 < {_BUDGET_MS:g} ms, no round trip",
    measure=measure,
)
