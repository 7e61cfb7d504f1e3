"""The Plotly page of a day: the peer of scrolling, threshold, first paint and browser memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import probe
from benchmarks.bench import PEERS, Bench, serve

if TYPE_CHECKING:
    from playwright.sync_api import Page

_PAGES = 200
_DERIVATIONS = 18
_TITLED = """
() => {
  const titles = Array.from(document.querySelectorAll(".js-plotly-plot .gtitle"));
  const found = (text) => titles.some((title) => title.textContent === text);
  const lines = document.querySelectorAll(".js-plotly-plot .scatterlayer .js-line").length;
  const maps = document.querySelectorAll(".js-plotly-plot .heatmaplayer image").length;
  return [TITLES].every(found) && lines === LINES && maps === 4;
}
"""


@contextmanager
def peer(bench: Bench) -> Iterator[str]:
    """Serve the Plotly page of the long recording and give its address."""
    folder = _arrays(bench)
    with serve(
        PEERS / "plotly_day.py",
        bench.new_folder("peer-day"),
        environment={"BENCH_PEER_DAY": str(folder)},
    ) as url:
        yield url


@lru_cache(maxsize=1)
def _arrays(bench: Bench) -> Path:
    """Write what the page draws, of the size and kind that the viewer draws, once for a run."""
    from eegdash.io import open_recording
    from eegdash.montage import MONTAGES, resolve
    from eegdash.spectrogram import power_spectrogram

    folder = bench.new_folder("peer-arrays")
    recording = open_recording(bench.long.recording)
    matrix = resolve(recording, MONTAGES["longitudinal-bipolar"])
    seconds = _PAGES * 10 + 610
    stop = round(seconds * recording.sfreq)
    signal_uv = matrix.apply(recording.read(0, stop, list(matrix.picks)))
    np.save(folder / "signal_uv.npy", signal_uv)
    _, power = power_spectrogram(
        signal_uv[:4], recording.sfreq, window_s=2.0, step_s=1.0, fmax_hz=20.0
    )
    np.save(folder / "spectrogram_db.npy", 10 * np.log10(power + 1e-10).astype(np.float32))
    rng = np.random.default_rng(0)  # the cost is that of the points, whatever they say
    walk = np.cumsum(rng.normal(0, 0.03, round(recording.duration_s / 1.5)))
    np.save(folder / "probability.npy", np.abs((walk + 1) % 2 - 1).astype(np.float32))
    return folder


def titled(*titles: str) -> str:
    """Return the JavaScript condition that figures with these titles are wholly drawn."""
    quoted = ", ".join(f'"{title}"' for title in titles)
    lines = str(_DERIVATIONS + 1)
    return _TITLED.replace("[TITLES]", f"[{quoted}]").replace("LINES", lines)


def open_page(page: Page, url: str) -> float:
    """Load the page; return the time until all its figures are shown, ms."""
    probe.await_ready_on_load(page, titled("threshold 0.50", "trend 0", "page 0"))
    page.goto(url)
    return probe.ready(page, since_click=False).shown


def scrolls(page: Page, count: int) -> list[float]:
    """Press Next; return the times from each click to page and trend shown, ms."""
    found = []
    for k in range(1, count + 1):
        probe.await_ready(page, titled(f"trend {k}", f"page {k}"))
        page.get_by_role("button", name="Next").click()
        found.append(probe.ready(page, since_click=True).shown)
    return found


def thresholds(page: Page, count: int) -> list[float]:
    """Move the slider with its key, one step after the other; return times to the answer, ms."""
    handle = page.get_by_role("slider")
    handle.focus()
    found = []
    for k in range(1, count + 1):
        probe.await_ready(page, titled(f"threshold {0.5 + k / 100:.2f}"))
        began = page.evaluate("() => performance.now()")
        page.keyboard.press("ArrowRight")
        found.append(probe.ready(page, since_click=False).shown - began)
    return found
