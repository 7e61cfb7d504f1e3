"""Clocks inside the browser's page: from a press or click to the frame that shows the answer.

A time ends with the first frame *after* the one in which the answer was drawn, because only then
is it surely on screen. At 60 frames a second that alone costs 17 to 33 ms; :func:`floor_ms`
measures it in the same run, on a page that draws one rectangle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    requestAnimationFrame(() => probe.painted.push([performance.now(), page]));
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
# resolves with the time when `ready` holds and one more frame has begun
_AWAIT = """
(() => {
  const ready = READY;
  window.benchClicked = null;
  window.addEventListener("click", (e) => { window.benchClicked ??= e.timeStamp; }, true);
  window.benchReady = new Promise((done) => {
    const look = () => {
      if (ready()) requestAnimationFrame(() => done(performance.now()));
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
})()
"""


def watch_paints(page: Page) -> None:
    """Note from now on every press of the right arrow and every new page that was painted."""
    page.evaluate(_PAINTS, HOST)


def forget_paints(page: Page) -> None:
    """Begin the notes anew."""
    page.evaluate("() => { benchProbe.pressed.length = benchProbe.painted.length = 0; }")


def paints(page: Page) -> tuple[list[float], list[tuple[float, str]]]:
    """Return the times of presses, ms, and the times and names of painted pages."""
    found = page.evaluate("() => benchProbe")
    return found["pressed"], [(at, name) for at, name in found["painted"]]


def flips_ms(page: Page, presses: int, pause_ms: int) -> list[float]:
    """Press the right arrow at a calm pace; return the time from each press to its page, ms.

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
    return [at - press for press, (at, _) in zip(pressed, painted, strict=True)]


def floor_ms(page: Page, presses: int) -> list[float]:
    """Return what the same measurement gives where next to nothing is drawn, ms."""
    page.set_content(_FLOOR_PAGE)
    watch_paints(page)
    return flips_ms(page, presses, 60)


def await_ready(page: Page, ready: str) -> None:
    """Begin to look, in every frame, whether a condition holds.

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


def ready_ms(page: Page, *, since_click: bool) -> float:
    """Return the time from the click, or else from the navigation's start, to ready, ms."""
    times: dict[str, Any] = page.evaluate(
        "async () => ({ ready: await benchReady, clicked: benchClicked })"
    )
    return float(times["ready"] - (times["clicked"] if since_click else 0.0))


PAINTED = f"() => document.querySelector('{HOST}') !== null"


def text_shown(text: str) -> str:
    """Return the JavaScript condition that a text stands on the page."""
    return f"() => document.body !== null && document.body.innerText.includes({text!r})"


def open_review(page: Page, url: str, alias: str) -> None:
    """Open the review page and wait for its first complete paint and a settled session."""
    page.goto(f"{url}/review?recording={alias}")
    page.wait_for_selector(HOST, state="attached")
    page.wait_for_timeout(1500)
