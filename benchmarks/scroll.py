"""Scrolling through a day: frames while the hand moves over it, and while the key is held."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import plotly_day, probe
from benchmarks.bench import Bench, dashboard
from benchmarks.figures import BenchmarkError, Figure, Row, number, percentile_95

if TYPE_CHECKING:
    from playwright.sync_api import Page

_FRAMES = 240
_WORST_MS = 50.0
_PEER_SCROLLS = 8
# Every frame gets one move of the hand, as Chromium itself hands moves to a page once a frame, or
# one press of a held key. A message posted in a frame arrives after it is painted.
_SCROLL = """
async ([kind, count]) => {
  const host = document.querySelector("[data-painted]");
  const root = host.shadowRoot || host;
  const canvas = root.querySelector("canvas.overview");
  const box = canvas.getBoundingClientRect();
  const at = (k) => ({
    clientX: box.left + 110 + ((box.width - 190) * k) / count, clientY: box.top + 40,
    pointerId: 1, button: 0, buttons: 1, bubbles: true,
  });
  canvas.setPointerCapture = () => {};
  if (kind === "drag") canvas.dispatchEvent(new PointerEvent("pointerdown", at(0)));
  const frames = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => { frames[data].work = performance.now() - frames[data].began; };
  await new Promise((done) => {
    const frame = (t) => {
      const k = frames.length;
      frames.push({ t, began: performance.now(), page: host.dataset.page, work: null });
      if (k >= count) return done();
      if (kind === "drag") canvas.dispatchEvent(new PointerEvent("pointermove", at(k)));
      else document.dispatchEvent(new KeyboardEvent("keydown", {
        key: "ArrowRight", shiftKey: kind === "second",
      }));
      port2.postMessage(k);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  if (kind === "drag") canvas.dispatchEvent(new PointerEvent("pointerup", at(count)));
  return frames;
}
"""
_KINDS = (
    ("drag", "the hand drags over the whole recording"),
    ("second", "shift and right arrow held, 1 s in every frame"),
    ("page", "right arrow held, a page in every frame"),
)


def measure(bench: Bench) -> Iterator[Row]:
    """Scroll in three ways through the long recording; then scroll the peer."""
    site = bench.long
    with dashboard(site) as url, bench.tab() as page:
        probe.open_review(page, url, site.alias)
        page.get_by_label("Trend", exact=True).select_option("1800")
        page.wait_for_timeout(2500)
        found = [(words, _scroll(page, kind)) for kind, words in _KINDS]
    with plotly_day.peer(bench) as url, bench.tab() as page:
        plotly_day.open_page(page, url)
        peer = plotly_day.scrolls(page, bench.repeats(_PEER_SCROLLS))
    for words, frames in found:
        yield _row(f"scroll {site.length}, {words}: work in a frame", frames, peer)
    yield Row(
        what="scroll of st.plotly_chart figures: click to shown",
        median=median(peer),
        p95=percentile_95(peer),
        unit="ms",
        n=len(peer),
    )


def _scroll(page: Page, kind: str) -> list[dict[str, Any]]:
    page.keyboard.press("Home")
    page.wait_for_timeout(1500)
    frames: list[dict[str, Any]] = page.evaluate(_SCROLL, [kind, _FRAMES])
    page.wait_for_timeout(1500)
    changes = sum(a["page"] != b["page"] for a, b in pairwise(frames))
    if changes < 0.8 * _FRAMES:
        raise BenchmarkError(f"The page changed in {changes} of {_FRAMES} frames only.")
    return frames


def _row(what: str, frames: list[dict[str, Any]], peer: list[float]) -> Row:
    work_ms = [frame["work"] for frame in frames if frame["work"] is not None]
    gaps_ms = [b["t"] - a["t"] for a, b in pairwise(frames)]
    fps = 1000 * len(gaps_ms) / sum(gaps_ms)
    return Row(
        what=what,
        median=median(work_ms),
        p95=percentile_95(work_ms),
        unit="ms",
        n=len(work_ms),
        budget=f"none over {_WORST_MS:g} ms",
        within=max(work_ms) <= _WORST_MS,
        peer=f"worst {max(work_ms):.0f} ms, {fps:.0f} frames a second; "
        f"Plotly {number(median(peer) / median(work_ms))}x",
    )


FIGURE = Figure(
    name="scroll",
    title="scrolling a 24 h recording with 3,000 annotations",
    budget=f"no frame over {_WORST_MS:g} ms",
    measure=measure,
)
