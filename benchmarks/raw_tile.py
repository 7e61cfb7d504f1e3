"""One raw tile: from the disk, from the server's memory, from the browser's cache, and its size."""

from __future__ import annotations

import time
import tracemalloc
import urllib.request
from collections.abc import Iterator
from statistics import median

from benchmarks import probe
from benchmarks.bench import Bench, Site, dashboard
from benchmarks.figures import BenchmarkError, Figure, Row, number, percentile_95

_TILES = 40
# a low-frequency filter that the page has not asked for, so that no tile is there yet
_FILTERS = "1.6-70.0-0.0"
_ADDRESS = """
() => performance.getEntriesByType("resource").map((entry) => entry.name)
  .find((name) => /\\/tiles\\/.*\\/raw\\//.test(name)) || ""
"""
_FETCH_AGAIN = """
async (addresses) => {
  const times = [];
  for (const address of addresses) await (await fetch(address)).arrayBuffer();
  performance.clearResourceTimings();
  for (const address of addresses) {
    const began = performance.now();
    await (await fetch(address)).arrayBuffer();
    times.push(performance.now() - began);
  }
  const entries = performance.getEntriesByType("resource");
  const asked = entries.filter((e) => addresses.includes(e.name) && e.transferSize > 0);
  return { times, asked: asked.length };
}
"""


def measure(bench: Bench) -> Iterator[Row]:
    """Ask for the same tiles three times: new, again, and again by a browser that has them."""
    site = bench.half_hour
    with dashboard(site) as url, bench.tab() as page:
        probe.open_review(page, url, site.alias)
        seen = page.evaluate(_ADDRESS)
        if not seen:
            raise BenchmarkError("The review page asked for no raw tile.")
        base = seen.rsplit("/", 3)[0]
        addresses = [f"{base}/{_FILTERS}/0/{index}" for index in range(_TILES)]
        new = [_request_ms(address) for address in addresses]
        again = [_request_ms(address) for address in addresses]
        kept = page.evaluate(_FETCH_AGAIN, addresses)
    if kept["asked"]:
        raise BenchmarkError(f"{kept['asked']} tiles were asked for again over the network.")
    for name, times in (
        ("new", new),
        ("again, from the server's memory", again),
        ("again, from the browser's cache", kept["times"]),
    ):
        yield Row(
            what=f"raw tile (18 x 10 s) by HTTP, {name}",
            median=median(times),
            p95=percentile_95(times),
            unit="ms",
            n=len(times),
            peer="" if times is new else f"{number(median(new) / median(times))}x faster than new",
        )
    peak_kb, size_kb = _memory_kb(bench.long)
    yield Row(
        what=f"raw tile of {bench.long.length}: peak memory of the computation",
        median=peak_kb / 1024,
        unit="MB",
        peer=f"{number(peak_kb / size_kb)}x the tile ({number(size_kb)} kB)",
    )


def _request_ms(address: str) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(address, timeout=30) as answer:
        answer.read()
    return 1000 * (time.perf_counter() - began)


def _memory_kb(site: Site) -> tuple[float, float]:
    """Peak memory while a tile in the middle is computed, and the tile's own size, kB."""
    from eegdash.io import open_recording
    from eegdash.montage import MONTAGES, resolve
    from eegdash.plotting.tiles import DisplayFilter, raw_tile

    recording = open_recording(site.recording)
    matrix = resolve(recording, MONTAGES["longitudinal-bipolar"])
    middle = int(recording.duration_s // 20)
    raw_tile(recording, matrix, DisplayFilter(), 0, middle - 1)  # imports are not the tile's
    tracemalloc.start()
    try:
        content = raw_tile(recording, matrix, DisplayFilter(), 0, middle)
        return tracemalloc.get_traced_memory()[1] / 1024, len(content) / 1024
    finally:
        tracemalloc.stop()


FIGURE = Figure(
    name="raw-tile",
    title="one raw tile by HTTP: new, kept by the server, kept by the browser; memory",
    budget="none of its own; what is shown explains the page flip",
    measure=measure,
)
