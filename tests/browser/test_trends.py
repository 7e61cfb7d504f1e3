"""Trends and spectrograms of chosen rows: shown, hidden, remembered, absent in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from eegdash.export import write_edf
from eegdash.workflows.files import simulate_to_file

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

# how many different colours a canvas holds; a picture has many, an empty ground a few
_COLOURS = """canvas => {
  const pixels = new Uint32Array(
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  return new Set(pixels).size;
}"""


@pytest.fixture(scope="module")
def server(serve: Callable[[Path], Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("trends")
    simulate_to_file(folder / "recordings" / "long.edf", duration_s=900, n_seizures=1, seed=12)
    noise = 20 * np.random.default_rng(3).standard_normal((3, 30 * 256))
    write_edf(folder / "recordings" / "midline.edf", noise, 256.0, ["Fz", "Cz", "Pz"])
    return serve(folder)


def open_recording(page: Page, server: Server, name: str) -> None:
    page.goto(server.url)
    field = page.get_by_role("textbox", name="Find by name")
    field.fill(name)
    field.press("Enter")
    expect(page.get_by_role("button", name="Review", exact=True)).to_have_count(1)
    page.get_by_role("button", name="Review", exact=True).click()
    expect(page.locator("[data-painted]")).to_be_visible()


def drawn(page: Page, name: str, at_least: int) -> None:
    """Wait until a canvas holds a picture."""
    canvas = page.locator(f"canvas.{name}")
    for _ in range(150):
        if canvas.evaluate(_COLOURS) >= at_least:
            return
        page.wait_for_timeout(200)
    pytest.fail(f"{name} stayed empty: {canvas.evaluate(_COLOURS)} colours")


def test_trends_are_one_key_away_hidden_at_first_and_remembered(page: Page, server: Server) -> None:
    open_recording(page, server, "long")
    trends = page.locator("canvas.trends")
    expect(trends).to_be_hidden()
    drawn(page, "spectrogram", 60)
    page.keyboard.press("t")
    expect(page.get_by_role("checkbox", name="Spectrogram")).to_be_focused()
    for name in ("Amplitude-integrated EEG", "Asymmetry", "Rhythmicity"):
        page.get_by_role("checkbox", name=name).check()
    page.get_by_role("checkbox", name="Spectrogram").uncheck()
    expect(page.locator("canvas.spectrogram")).to_be_hidden()
    expect(trends).to_be_visible()
    expect(trends).to_have_attribute(
        "aria-label",
        re.compile(r"left C3-P3 [\d.]+ to >?[\d.]+ µV at this page, right C4"),
    )
    drawn(page, "trends", 150)
    page.keyboard.press("Escape")
    expect(page.get_by_role("checkbox", name="Spectrogram")).to_be_hidden()
    # the keys are the EEG's again
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "10")
    open_recording(page, server, "long")
    expect(trends).to_be_visible()
    expect(page.locator("canvas.spectrogram")).to_be_hidden()


def test_a_click_on_a_trend_goes_there(page: Page, server: Server) -> None:
    open_recording(page, server, "long")
    page.keyboard.press("t")
    page.get_by_role("checkbox", name="Rhythmicity").check()
    page.keyboard.press("Escape")
    box = page.locator("canvas.trends").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    expect(page.locator("[data-painted]")).not_to_have_attribute("data-painted", "0")
    here = float(page.locator("[data-painted]").get_attribute("data-painted") or 0)
    assert 250 < here < 350  # the middle of ten minutes


def test_the_spectrogram_is_of_the_rows_that_the_reader_chose(page: Page, server: Server) -> None:
    asked: list[tuple[str, int]] = []
    page.on(
        "response",
        lambda r: "/chosen/" in r.url and asked.append((r.url.split("/chosen/")[1], r.status)),
    )
    open_recording(page, server, "long")
    page.keyboard.press("t")
    page.get_by_label("Spectrogram of", exact=True).select_option("rows")
    page.get_by_label("Row 1").select_option("F7-T7")
    page.get_by_label("Row 2").select_option("C4-P4")
    page.get_by_label("Limits").select_option("0 35")
    spectrogram = page.locator("canvas.spectrogram")
    expect(spectrogram).to_have_attribute(
        "aria-label", "Spectrogram of F7-T7, C4-P4, 0.5 to 20 Hz, 0 to 35 dB"
    )
    expect(page.get_by_label("Row 3")).to_be_visible()
    drawn(page, "spectrogram", 60)
    assert {status for _, status in asked} <= {200, 202}
    assert any("longitudinal-bipolar/none/1.10/0/" in address for address, _ in asked)
    # another montage has other rows: its own choice, or the regions
    page.keyboard.press("Escape")
    page.get_by_label("Montage", exact=True).select_option("average-reference")
    expect(spectrogram).to_have_attribute(
        "aria-label", "Spectrogram of LL, RL, LP, RP, 0.5 to 20 Hz, 0 to 35 dB"
    )
    open_recording(page, server, "long")
    page.get_by_label("Montage", exact=True).select_option("longitudinal-bipolar")
    expect(spectrogram).to_have_attribute(
        "aria-label", "Spectrogram of F7-T7, C4-P4, 0.5 to 20 Hz, 0 to 35 dB"
    )


def test_what_a_recording_cannot_give_is_said(page: Page, server: Server) -> None:
    open_recording(page, server, "midline")
    page.keyboard.press("t")
    for name in ("Amplitude-integrated EEG", "Asymmetry", "Rhythmicity"):
        expect(page.get_by_role("checkbox", name=name)).to_be_disabled()
    expect(page.get_by_text("no derivation over the left or the right side").first).to_be_visible()
    expect(page.get_by_text("no regions that mirror each other")).to_be_visible()


def test_a_trend_says_which_bad_channel_is_part_of_it(page: Page, server: Server) -> None:
    open_recording(page, server, "long")
    page.keyboard.press("t")
    for name in ("Amplitude-integrated EEG", "Asymmetry", "Rhythmicity"):
        page.get_by_role("checkbox", name=name).check()
    page.keyboard.press("Escape")
    page.keyboard.press("h")
    listed = page.get_by_role("region", name="Channels")
    listed.get_by_role("button", name="T7", exact=True).click()
    trends = page.locator("canvas.trends")
    # the amplitude is that of C3-P3 and C4-P4, the others are of whole regions
    for words in ("Asymmetry: includes T7, marked bad", "Rhythmicity: includes T7, marked bad"):
        expect(trends).to_have_attribute("aria-label", re.compile(words))
    expect(trends).not_to_have_attribute("aria-label", re.compile("EEG: includes"))
    expect(page.locator("canvas.spectrogram")).to_have_attribute(
        "aria-label", re.compile("RP, includes T7, marked bad")
    )
    listed.get_by_role("button", name="C4", exact=True).click()
    expect(trends).to_have_attribute("aria-label", re.compile("EEG: includes C4, marked bad"))
