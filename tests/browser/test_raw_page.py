"""The traces: bad and hidden rows, cursor, calipers, notes of the file, tiles on their way."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browser_reader import until_done
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from eegdash.annotations import Annotation
from eegdash.export import write_edf
from eegdash.io import hash_file, open_recording
from eegdash.montage import ELECTRODES_10_20, MONTAGES, shown
from eegdash.plotting.tiles import DisplayFilter, raw_tile
from eegdash.recording import alias_of

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

SFREQ = 200.0
ROWS = [d.name for d in MONTAGES["longitudinal-bipolar"].derivations]
# what lies on the canvas of the traces in [left, right] of its plot: share of pixels by colour
_INK = """
([left, right]) => {
  const host = document.querySelector("[data-painted], [data-page]");
  const canvas = host.shadowRoot.querySelector("canvas.raw");
  const ratio = canvas.width / canvas.clientWidth;
  const plot = canvas.clientWidth - 96 - 62;
  const x = Math.round((96 + left * plot) * ratio), w = Math.round((right - left) * plot * ratio);
  const y = Math.round(40 * ratio), h = canvas.height - Math.round(110 * ratio);
  const { data } = canvas.getContext("2d").getImageData(x, y, w, h);
  let blue = 0;
  for (let i = 0; i < data.length; i += 4) blue += data[i + 2] - data[i] > 60;
  return blue / (w * h);
}
"""


def signal() -> NDArray[np.float32]:
    """Six minutes: noise, a 3 Hz rhythm from 12 to 18 s, T7 flat, O2 resting on its rails."""
    rng = np.random.default_rng(4)
    t = np.arange(round(360 * SFREQ)) / SFREQ
    uv = 8 * rng.standard_normal((len(ELECTRODES_10_20), len(t)))
    at = {name: i for i, name in enumerate(ELECTRODES_10_20)}
    uv[at["F3"]] += 80 * np.sin(2 * np.pi * 3 * t) * ((t >= 12) & (t < 18))
    uv[at["T7"]] = 0
    uv[at["O2"]] = np.clip(40 * uv[at["O2"]], -150, 150)
    return uv.astype(np.float32)


@pytest.fixture(scope="module")
def server(serve: Callable[[Path], Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("raw")
    (folder / "recordings").mkdir()
    uv = signal()
    few = [Annotation(2.0, 0.0, text="eyes <b>closed</b>"), Annotation(250.0, 3.0, text="photic")]
    write_edf(folder / "recordings" / "few.edf", uv, SFREQ, ELECTRODES_10_20, annotations=few)
    many = [Annotation(0.12 * i, 0.0, text=f"note {i}") for i in range(2990)]
    write_edf(folder / "recordings" / "many.edf", uv, SFREQ, ELECTRODES_10_20, annotations=many)
    return serve(folder)


def open_page(page: Page, server: Server, name: str = "few", reviewer: str = "") -> None:
    alias = alias_of(hash_file(server.workspace / "recordings" / f"{name}.edf"))
    page.goto(f"{server.url}/review?recording={alias}")
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "0")
    if reviewer:
        field = page.get_by_role("textbox", name="Your name or initials")
        field.fill(reviewer)
        field.press("Enter")
        expect(page.get_by_role("button", name="Channels", exact=True)).to_be_visible()
        page.locator("canvas.probability").click(position={"x": 2, "y": 2})


def said(page: Page) -> str:
    """What the heading of the traces says, as a screen reader hears it."""
    return page.locator("canvas.raw").get_attribute("aria-label") or ""


def row_at(page: Page, place: int, of: int) -> tuple[float, float]:
    """Where the name of a row stands on the page, px."""
    box = page.locator("canvas.raw").bounding_box()
    assert box is not None
    return box["x"] + 70, box["y"] + 20 + (place + 0.5) * (box["height"] - 40) / of


def microvolt(server: Server, index: int, row: int) -> NDArray[np.float64]:
    """The first tile of the reader's default display, microvolt."""
    recording = open_recording(server.workspace / "recordings" / "few.edf")
    matrix = shown(recording, MONTAGES["longitudinal-bipolar"]).matrix
    tile = raw_tile(recording, matrix, DisplayFilter(), 0, index)
    rows, values = struct.unpack_from("<II", tile)
    counts = np.frombuffer(tile, "<i2", rows * values, 16 + 4 * rows).reshape(rows, values)
    return counts[row] * np.frombuffer(tile, "<f4", rows, 16).astype(float)[row]


def kept_bad(page: Page, server: Server) -> None:
    """Pass once the server has kept a view with a bad electrode."""
    page.wait_for_timeout(100)
    views = [path.read_text("utf-8") for path in (server.workspace / "state").glob("view-*.json")]
    assert any(json.loads(view).get("bad") for view in views)


def test_a_bad_electrode_is_marked_at_a_name_and_its_rows_go(page: Page, server: Server) -> None:
    open_page(page, server, reviewer="Dr. Bad")
    assert "hidden" not in said(page)
    page.mouse.click(*row_at(page, ROWS.index("F7-T7"), 18))
    menu = page.get_by_role("group", name="Row", exact=True)
    expect(menu).to_contain_text("F7-T7, flat")
    expect(page.get_by_role("button", name="Hide F7-T7")).to_be_focused()
    page.get_by_role("button", name="Mark T7 bad").press("Enter")
    expect(menu).to_be_hidden()
    expect(page.locator("canvas.raw")).to_have_attribute(
        "aria-label", re.compile("2 of 18 rows hidden, T7 bad")
    )
    # it is kept with this reader's view of the recording, and comes back after a reload
    until_done(lambda: kept_bad(page, server))
    page.reload()
    expect(page.locator("canvas.raw")).to_have_attribute(
        "aria-label", re.compile("2 of 18 rows hidden, T7 bad"), timeout=60_000
    )


def test_the_list_of_channels_is_worked_by_keyboard(page: Page, server: Server) -> None:
    open_page(page, server)
    page.keyboard.press("h")
    listed = page.get_by_role("region", name="Channels")
    expect(listed).to_be_visible()
    expect(listed.get_by_text("saturated")).to_have_count(2)
    expect(page.get_by_role("checkbox", name="Fp1-F7")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("canvas.raw")).to_have_attribute(
        "aria-label", re.compile("1 of 18 rows hidden")
    )
    expect(page.get_by_role("checkbox", name="Fp1-F7")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # this row only
    expect(page.locator("canvas.raw")).to_have_attribute(
        "aria-label", re.compile("17 of 18 rows hidden")
    )
    listed.get_by_role("button", name="Show all rows").press("Enter")
    listed.get_by_role("button", name="O2", exact=True).press("Enter")
    expect(listed.get_by_role("button", name="O2 bad")).to_have_attribute("aria-pressed", "true")
    listed.get_by_label("Bad rows").select_option("faint")
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    expect(page.locator("canvas.raw")).to_have_attribute("aria-label", re.compile(", O2 bad,"))
    assert "hidden" not in said(page)


def test_an_average_is_asked_for_without_the_bad_electrodes(page: Page, server: Server) -> None:
    open_page(page, server)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("Montage", exact=True).select_option("average-reference")
    expect(page.locator("canvas.raw")).to_have_attribute(
        "aria-label", re.compile("average reference montage")
    )
    page.keyboard.press("h")
    for name in ("T7", "O2"):
        page.get_by_role("region", name="Channels").get_by_role(
            "button", name=name, exact=True
        ).press("Enter")
    bad = sorted(ELECTRODES_10_20.index(name) for name in ("T7", "O2"))
    wanted = f"/average-reference/{bad[0]}.{bad[1]}/1-70-0/0/0"

    def was_asked() -> None:
        page.wait_for_timeout(100)
        assert any(url.endswith(wanted) for url in asked), asked[-3:]

    until_done(was_asked)


def test_the_cursor_reads_the_sample_and_moves_by_keys(page: Page, server: Server) -> None:
    open_page(page, server)
    spoken = page.locator(".spoken")
    page.keyboard.press(".")
    page.keyboard.press(">")
    page.keyboard.press(".")
    uv = microvolt(server, 0, 1)[round(5.1 * SFREQ)]
    text = f"{uv:.1f}".replace("-", "\N{MINUS SIGN}")
    expect(spoken).to_have_text(f"0:00:05.10 F7-T7 {text} µV")
    page.keyboard.press("Escape")
    # on a long page the tile holds the lowest and highest of 7 samples
    page.get_by_label("Page", exact=True).select_option("60")
    page.keyboard.press(".")
    expect(spoken).to_have_text(re.compile(r"^0:00:30\.00 F7-T7 .* to .* µV in 35 ms$"))


def test_a_rhythm_is_measured_by_drag_and_by_keys(page: Page, server: Server) -> None:
    open_page(page, server)
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "10")
    page.keyboard.press("k")
    expect(page.get_by_role("button", name="Measure", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    _, y = row_at(page, ROWS.index("Fp1-F3"), 18)
    box = page.locator("canvas.raw").bounding_box()
    assert box is not None
    second = (box["width"] - 96 - 62) / 10
    left = box["x"] + 96
    page.mouse.move(left + 3 * second, y)
    page.mouse.down()
    page.mouse.move(left + 7 * second, y, steps=5)
    page.mouse.up()
    page.keyboard.press(",")  # says what is measured, too; the calipers stay
    expected = np.ptp(microvolt(server, 1, ROWS.index("Fp1-F3"))[600:1400])
    words = page.locator(".spoken")
    expect(words).to_contain_text(re.compile(r"; (3\.99|4\.00|4\.01) s, as one cycle 0\.25 Hz"))
    expect(words).to_contain_text("dominant 3.0 Hz, about 12.0 cycles")
    found = re.search(r"Fp1-F3: ([\d.]+) µV peak to peak", words.inner_text())
    assert found is not None
    assert abs(float(found[1]) - expected) < 0.05 * expected
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Measure", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )
    for key in (".", "k", ".", ".", ".", ".", ".", "k", "."):
        page.keyboard.press(key)
    expect(words).to_contain_text("0.50 s, as one cycle 2.00 Hz")


def test_notes_of_the_file_are_shown_and_can_be_hidden(page: Page, server: Server) -> None:
    with page.expect_response(re.compile("/notes/")) as answer:
        open_page(page, server)
    assert answer.value.json() == [[2.0, 0.0, "eyes <b>closed</b>"], [250.0, 3.0, "photic"]]
    box = page.get_by_role("checkbox", name="Notes")
    expect(box).to_be_checked()
    page.wait_for_timeout(500)
    with_notes = page.locator("canvas.raw").screenshot()
    box.press("Space")

    def is_drawn_anew() -> None:
        assert page.locator("canvas.raw").screenshot() != with_notes

    until_done(is_drawn_anew)
    assert page.locator("b", has_text="closed").count() == 0


def test_three_thousand_notes_cost_no_frame(page: Page, server: Server) -> None:
    open_page(page, server, name="many")
    page.wait_for_timeout(2000)  # tiles, notes and spectrogram are here
    worst = page.evaluate(
        """async () => {
          const times = [];
          const watch = new PerformanceObserver((list) => times.push(...list.getEntries().map((e) => e.duration)));
          watch.observe({ type: "longtask" });
          for (let i = 0; i < 12; i++) {
            document.dispatchEvent(new KeyboardEvent("keydown", { key: i % 2 ? "ArrowLeft" : "ArrowRight", bubbles: true, composed: true }));
            await new Promise((done) => setTimeout(done, 60));
          }
          await new Promise((done) => setTimeout(done, 300));
          return times;
        }"""  # noqa: E501
    )
    # a machine that is shared may stall once; notes that cost a frame would cost every one
    assert sorted(worst)[:-3] == [], worst


def test_what_has_not_arrived_is_hatched_and_never_a_flat_line(page: Page, server: Server) -> None:
    open_page(page, server)
    page.wait_for_timeout(1500)
    held: list[Any] = []
    page.route(re.compile(r"/raw/.*/0\.3-70-0/0/1$"), lambda route: held.append(route))
    page.keyboard.press("Shift+ArrowRight")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "5")
    page.get_by_label("LFF", exact=True).select_option("0.3")

    def half_is_here() -> None:
        inked(page, 0.02, 0.48)
        assert held
        assert page.evaluate(_INK, [0.52, 0.98]) == 0

    until_done(half_is_here)
    held[0].continue_()
    until_done(lambda: inked(page, 0.52, 0.98))


def inked(page: Page, first: float, last: float) -> None:
    """Pass once there are traces between two shares of the page's width."""
    page.wait_for_timeout(100)
    assert page.evaluate(_INK, [first, last]) > 0.02
