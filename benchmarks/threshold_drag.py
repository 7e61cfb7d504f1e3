"""Threshold drag with live event metrics on a whole day."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import probe
from benchmarks.bench import Bench, dashboard
from benchmarks.figures import BenchmarkError, Figure, Row, percentile_95

if TYPE_CHECKING:
    from playwright.sync_api import Page

_DRAG_S = 4.0
_FPS = 60.0
_LEAST_FPS = 59.0  # the display's own clock is not exactly 60 Hz
_TRENDS = (("600", "trend of 10 min"), ("0", "trend of the whole recording"))
# Notes every frame, what the threshold read in it, and the whole row of metrics.
_WATCH = """
() => {
  const shadow = document.querySelector("[data-painted]").shadowRoot
    || document.querySelector("[data-painted]");
  const read = (name) => {
    const found = shadow.querySelector(`[data-metric="${name}"] b`);
    return found ? found.textContent : "";
  };
  const frames = [];
  window.benchFrames = frames;
  window.benchDragging = true;
  const note = (t) => {
    frames.push([t, read("Threshold"), read("Detections"), read("Sensitivity")]);
    if (window.benchDragging) requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}
"""
_AXIS = """
async () => {
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  const draw = await import(loaded.find((name) => name.endsWith("/draw.js")));
  return draw.probabilityAxis();
}
"""


def measure(bench: Bench) -> Iterator[Row]:
    """Drag the threshold up and down, and count frames and messages."""
    site = bench.long
    judged = not bench.quick
    with dashboard(site) as url, bench.tab() as page:
        sent: list[Any] = []
        page.on("websocket", lambda ws: ws.on("framesent", lambda frame: sent.append(frame)))
        probe.open_review(page, url, site.alias)
        for value, name in _TRENDS:
            page.get_by_label("Trend").select_option(value)
            page.wait_for_timeout(2500)
            frames, messages = _drag(page, sent)
            yield from _rows(f"{site.length}, {name}", frames, messages, judged)


def _drag(page: Page, sent: list[Any]) -> tuple[list[list[Any]], int]:
    """Move the dashed line for some seconds; return the frames and the messages meanwhile."""
    canvas = page.locator("canvas.probability")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    if box is None:
        raise BenchmarkError("The probability panel is not on screen.")
    axis = page.evaluate(_AXIS)
    x = box["x"] + box["width"] / 2
    top, height = box["y"] + axis["top"], axis["height"]
    threshold = float(page.locator('[data-metric="Threshold"] b').inner_text())
    page.mouse.move(x, top + height * (1 - threshold))
    page.mouse.down()
    page.wait_for_timeout(300)
    messages = len(sent)
    page.evaluate(_WATCH)
    began = time.perf_counter()
    up, y = True, top + height * (1 - threshold)
    while time.perf_counter() - began < _DRAG_S:
        # a pixel a step, so that every frame has another threshold
        y += -1 if up else 1
        if not top + 2 < y < top + height - 2:
            up = not up
        page.mouse.move(x, y)
    page.evaluate("() => { benchDragging = false; }")
    messages = len(sent) - messages
    frames: list[list[Any]] = page.evaluate("() => benchFrames")
    page.mouse.up()
    page.wait_for_timeout(1000)
    if len({threshold for _, threshold, *_ in frames}) < 20:
        raise BenchmarkError("The threshold did not follow the drag.")
    return frames, messages


def _rows(what: str, frames: list[list[Any]], messages: int, judged: bool) -> Iterator[Row]:
    times = [frame[0] for frame in frames]
    gaps_ms = [b - a for a, b in pairwise(times)]
    seconds = (times[-1] - times[0]) / 1000
    fps = len(gaps_ms) / seconds
    moved = sum(a[1] != b[1] for a, b in pairwise(frames)) / seconds
    live = len({tuple(frame[2:]) for frame in frames})
    yield Row(
        what=f"threshold drag, {what}: frames a second",
        median=fps,
        unit="fps",
        n=len(gaps_ms),
        budget=f"{_FPS:g} fps" if judged else f"{_FPS:g} fps on 24 h",
        within=fps >= _LEAST_FPS if judged else None,
        peer=f"{moved:.0f} a second with a new threshold; {live} different sets of metrics",
    )
    yield Row(
        what=f"threshold drag, {what}: time between frames",
        median=median(gaps_ms),
        p95=percentile_95(gaps_ms),
        unit="ms",
        n=len(gaps_ms),
    )
    yield Row(
        what=f"threshold drag, {what}: websocket messages",
        median=float(messages),
        unit="sent",
        budget="0",
        within=messages == 0,
    )


FIGURE = Figure(
    name="threshold-drag",
    title="threshold drag with live event metrics, 24 h recording",
    budget=f"{_FPS:g} fps, no round trip",
    measure=measure,
)
