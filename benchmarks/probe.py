"""Clocks inside the browser's page: from a press or click to the frame that shows the answer.

Two ends are noted: *drawn*, when the page's own code has finished, and *shown*, the begin of the
frame after that, because only then is it surely on screen. Frames come 60 times a second; an idle
page begins one at once, and the next waits for the display's clock. So *shown* is late by up to a
frame whatever is drawn: :func:`floor_flips` measures that in the same run, at the same pace, on a
page that draws one rectangle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.figures import BenchmarkError

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOST = "[data-painted]"
_PAINTS = """
(selector) => {
  const host = document.querySelector(selector);
  const probe = { pressed: [], painted: [] };
  let last = host.dataset.painted;
  window.addEventListener("keydown", (e) => {
    if (e.key === "ArrowRight") probe.pressed.push(e.timeStamp);
  }, true);
  new MutationObserver(() => {
    const page = host.dataset.painted;
    if (page === last) return;
    last = page;
    const drawn = performance.now();
    requestAnimationFrame(() => probe.painted.push([drawn, performance.now(), page]));
  }).observe(host, { attributes: true, attributeFilter: ["data-painted"] });
  window.benchProbe = probe;
}
"""
_FLOOR_PAGE = """
<div data-painted="0"><canvas width="900" height="500"></canvas></div>
<script>
  const host = document.querySelector("div");
  const pen = document.querySelector("canvas").getContext("2d");
  let page = 0;
  document.addEventListener("keydown", () => requestAnimationFrame(() => {
    page += 1;
    pen.fillStyle = page % 2 ? "#123" : "#def";
    pen.fillRect(0, 0, 900, 500);
    host.dataset.painted = String(page);
  }));
</script>
"""
# resolves with the times when `ready` held and when the next frame began
_AWAIT = """
(() => {
  const ready = READY;
  window.benchClicked = 0;
  window.addEventListener("click", (e) => { window.benchClicked ||= e.timeStamp; }, true);
  window.benchReady = new Promise((done) => {
    const watch = new MutationObserver(() => look());
    const look = () => {
      if (!ready()) return;
      watch.disconnect();
      const drawn = performance.now();
      requestAnimationFrame(() => done({ drawn, shown: performance.now() }));
    };
    const all = { subtree: true, childList: true, attributes: true, characterData: true };
    watch.observe(document, all);
    look();
  });
})()
"""

_LIMIT_MS = 60_000
_READY = """
async (limit) => {
  const late = new Promise((_, refuse) => {
    setTimeout(() => refuse(new Error(`the page was not ready after ${limit} ms`)), limit);
  });
  return { ...(await Promise.race([benchReady, late])), clicked: benchClicked };
}
"""


@dataclass(frozen=True, slots=True)
class Wait:
    """Time to drawn and to shown, ms."""

    drawn: float
    shown: float


def watch_paints(page: Page) -> None:
    """Note from now on every press of the right arrow and every new page that was painted."""
    page.evaluate(_PAINTS, HOST)


def forget_paints(page: Page) -> None:
    """Begin the notes anew."""
    page.evaluate("() => { benchProbe.pressed.length = benchProbe.painted.length = 0; }")


def paints(page: Page) -> tuple[list[float], list[tuple[float, float, str]]]:
    """Return the times of presses, ms, and of painted pages: drawn, shown, and which page."""
    found = page.evaluate("() => benchProbe")
    return found["pressed"], [(drawn, shown, name) for drawn, shown, name in found["painted"]]


def flips(page: Page, presses: int, pause_ms: int) -> list[Wait]:
    """Press the right arrow at a calm pace; return the time from each press to its page.

    Raises
    ------
    BenchmarkError
        If not every press showed a page.
    """
    for _ in range(presses):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(pause_ms)
    pressed, painted = paints(page)
    if not len(pressed) == len(painted) == presses:
        raise BenchmarkError(
            f"{presses} presses were sent, {len(pressed)} arrived, {len(painted)} pages were shown."
        )
    return [
        Wait(drawn - press, shown - press)
        for press, (drawn, shown, _) in zip(pressed, painted, strict=True)
    ]


def floor_flips(page: Page, presses: int, pause_ms: int) -> list[Wait]:
    """Return what the same measurement gives where next to nothing is drawn."""
    page.set_content(_FLOOR_PAGE)
    watch_paints(page)
    return flips(page, presses, pause_ms)


def await_ready(page: Page, ready: str) -> None:
    """Begin to look, at every change of the page, whether a condition holds.

    Parameters
    ----------
    page : Page
    ready : str
        JavaScript of a function without arguments.
    """
    page.evaluate(_AWAIT.replace("READY", ready))


def await_ready_on_load(page: Page, ready: str) -> None:
    """Do the same from the start of the next navigation on."""
    page.add_init_script(_AWAIT.replace("READY", ready))


def ready(page: Page, *, since_click: bool) -> Wait:
    """Return the time from the click, or else from the navigation's start, to ready.

    Raises
    ------
    playwright.sync_api.Error
        If it is not ready after a minute.
    """
    times = page.evaluate(_READY, _LIMIT_MS)
    began = times["clicked"] if since_click else 0.0
    return Wait(times["drawn"] - began, times["shown"] - began)


PAINTED = f"() => document.querySelector('{HOST}') !== null"


def text_shown(text: str) -> str:
    """Return the JavaScript condition that a text stands on the page."""
    return f"() => document.body !== null && document.body.textContent.includes({text!r})"


def open_review(page: Page, url: str, alias: str) -> None:
    """Open the review page and wait for its first complete paint and a settled session."""
    page.goto(f"{url}/review?recording={alias}")
    page.wait_for_selector(HOST, state="attached")
    page.wait_for_timeout(1500)
