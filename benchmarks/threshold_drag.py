"""Threshold drag with live event metrics on a whole day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import plotly_day, probe
from benchmarks.bench import Bench, dashboard
from benchmarks.figures import BenchmarkError, Figure, Row, number, percentile_95

if TYPE_CHECKING:
    from playwright.sync_api import Page

_DRAG_FRAMES = 180
_REPEATS = 3
_PEER_STEPS = 8
_FPS = 60.0
_LEAST_FPS = 59.0  # the display's own clock is not exactly 60 Hz
_TRENDS = (("600", "trend of 10 min"), ("0", "trend of the whole recording"))
# The mouse is really down; then every frame gets one move, as Chromium itself hands moves to a
# page once a frame. Each frame notes what was read in it, and when all its work was done: a
# message posted in a frame arrives after it is painted.
_DRAG = """
async ([x, from, to, count]) => {
  const host = document.querySelector("[data-painted]");
  const root = host.shadowRoot || host;
  const canvas = root.querySelector("canvas.probability");
  const read = (name) => {
    const found = root.querySelector(`[data-metric="${name}"] b`);
    return found ? found.textContent : "";
  };
  const frames = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => { frames[data].work = performance.now() - frames[data].began; };
  await new Promise((done) => {
    let y = from;
    let step = -1;
    const frame = (t) => {
      frames.push({
        t, began: performance.now(), threshold: read("Threshold"),
        metrics: read("Detections") + " " + read("Sensitivity"), work: null,
      });
      if (frames.length > count) return done();
      y += step;
      if (y < Math.min(from, to) || y > Math.max(from, to)) step = -step;
      const at = { clientX: x, clientY: y, bubbles: true, buttons: 1 };
      canvas.dispatchEvent(new PointerEvent("pointermove", at));
      port2.postMessage(frames.length - 1);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
  return frames;
}
"""
# the viewer itself says where its axis lies, whichever of its modules that stands in
_AXIS = """
async () => {
  for (const { name } of performance.getEntriesByType("resource")) {
    if (!/\\/viewer\\/.*\\.js$/.test(name)) continue;
    const loaded = await import(name);
    if (loaded.probabilityAxis) return loaded.probabilityAxis();
  }
  throw new Error("no module of the viewer exports probabilityAxis");
}
"""


@dataclass(frozen=True, slots=True)
class _Drag:
    """One drag: frames with ``t``, ``threshold``, ``metrics`` and ``work``; messages sent."""

    frames: list[dict[str, Any]]
    messages: int

    @property
    def gaps_ms(self) -> list[float]:
        """Time from frame to frame, ms."""
        return [b["t"] - a["t"] for a, b in pairwise(self.frames)]

    @property
    def fps(self) -> float:
        """Frames a second over the whole drag, late ones included."""
        return 1000 * len(self.gaps_ms) / sum(self.gaps_ms)


def measure(bench: Bench) -> Iterator[Row]:
    """Drag the threshold up and down, and count frames and messages."""
    site = bench.long
    judged = not bench.quick
    with dashboard(site) as url, bench.tab() as page:
        sent: list[Any] = []
        page.on("websocket", lambda ws: ws.on("framesent", lambda frame: sent.append(frame)))
        probe.open_review(page, url, site.alias)
        for value, name in _TRENDS[:1] if bench.quick else _TRENDS:
            page.get_by_label("Trend", exact=True).select_option(value)
            page.wait_for_timeout(2500)
            drags = [_drag(page, sent) for _ in range(_REPEATS)]
            yield from _rows(f"{site.length}, {name}", drags, judged)
    yield _peer_row(bench)


def _peer_row(bench: Bench) -> Row:
    with plotly_day.peer(bench) as url, bench.tab() as page:
        plotly_day.open_page(page, url)
        steps = plotly_day.thresholds(page, bench.repeats(_PEER_STEPS))
    return Row(
        what="st.slider and st.plotly_chart: one step of the threshold to shown",
        median=median(steps),
        p95=percentile_95(steps),
        unit="ms",
        n=len(steps),
        peer=f"{number(1000 / median(steps))} updates a second, none while the hand moves",
    )


def _drag(page: Page, sent: list[Any]) -> _Drag:
    """Move the dashed line up and down, another threshold in every frame."""
    canvas = page.locator("canvas.probability")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    if box is None:
        raise BenchmarkError("The probability panel is not on screen.")
    axis = page.evaluate(_AXIS)
    x = box["x"] + box["width"] / 2
    top, height = box["y"] + axis["top"], axis["height"]
    threshold = float(page.locator('[data-metric="Threshold"] b').inner_text())
    y = top + height * (1 - threshold)
    page.mouse.move(x, y)
    page.mouse.down()
    page.wait_for_timeout(300)
    before = len(sent)
    frames = page.evaluate(_DRAG, [x, top + height - 3, top + 3, _DRAG_FRAMES])
    messages = len(sent) - before
    page.mouse.move(x, y)
    page.mouse.up()
    page.wait_for_timeout(1200)
    changes = sum(a["threshold"] != b["threshold"] for a, b in pairwise(frames))
    if changes < 0.8 * _DRAG_FRAMES:
        raise BenchmarkError(f"The threshold changed in {changes} of {_DRAG_FRAMES} frames only.")
    return _Drag(frames, messages)


def _rows(what: str, drags: list[_Drag], judged: bool) -> Iterator[Row]:
    fps = median(drag.fps for drag in drags)
    gaps_ms = [gap for drag in drags for gap in drag.gaps_ms]
    frames = [frame for drag in drags for frame in drag.frames]
    work_ms = [frame["work"] for frame in frames if frame["work"] is not None]
    messages = sum(drag.messages for drag in drags)
    yield Row(
        what=f"threshold drag, {what}: frames a second",
        median=fps,
        unit="fps",
        n=len(drags),
        budget=f"{_FPS:g} fps" if judged else f"{_FPS:g} fps on 24 h",
        within=fps >= _LEAST_FPS if judged else None,
        peer=f"{len({frame['metrics'] for frame in frames})} different metrics shown; "
        f"p95 between frames {percentile_95(gaps_ms):.1f} ms",
    )
    yield Row(
        what=f"threshold drag, {what}: work in a frame",
        median=median(work_ms),
        p95=percentile_95(work_ms),
        unit="ms",
        n=len(work_ms),
        peer=f"{number(median(work_ms) / (1000 / _FPS))} of a frame",
    )
    yield Row(
        what=f"threshold drag, {what}: websocket messages",
        median=float(messages),
        unit="sent",
        n=len(drags),
        budget="0",
        within=messages == 0,
    )


FIGURE = Figure(
    name="threshold-drag",
    title="threshold drag with live event metrics, 24 h recording",
    budget=f"{_FPS:g} fps, no round trip",
    measure=measure,
)
