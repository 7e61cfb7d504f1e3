"""What else a reader does on the review page and the list of recordings."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browser_reader import choose, name_taken
from playwright.sync_api import Browser, Page, expect

from eegdash.export import write_edf
from eegdash.labels import Label, LabelStore
from eegdash.workflows.files import simulate_to_file

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(serve: Callable[[Path], Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("review")
    simulate_to_file(folder / "recordings" / "long.edf", duration_s=900, n_seizures=2, seed=11)
    noise = 20 * np.random.default_rng(3).standard_normal((19, 30 * 256))
    write_edf(
        folder / "recordings" / "numbered.edf",
        noise,
        256.0,
        [f"Chan{i:02d}" for i in range(19)],
    )
    return serve(folder)


def labels_of(server: Server) -> list[Label]:
    return LabelStore(server.workspace / "labels").all()


def row(page: Page, name: str) -> None:
    """Show one recording only."""
    field = page.get_by_role("textbox", name="Find by name")
    field.fill(name)
    field.press("Enter")
    expect(page.get_by_role("button", name="Review", exact=True)).to_have_count(1)


def raise_threshold(page: Page) -> str:
    """Raise the threshold by one step with its key and return it as shown."""
    shown = page.locator('[data-metric="Threshold"] b')
    before = shown.inner_text()
    page.keyboard.press("]")
    expect(shown).not_to_have_text(before)
    return shown.inner_text()


def kept_pm(view: dict[str, Any]) -> list[int]:
    return [point["threshold_pm"] for point in view["chosen"].values()]


def wait_kept(page: Page, server: Server, start_s: float, threshold: str) -> None:
    """Wait until the server has kept a view at this position and threshold."""
    pm = round(1000 * float(threshold))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        views = [
            json.loads(path.read_text(encoding="utf-8"))
            for path in (server.workspace / "state").glob("view-*.json")
        ]
        if any(view["start_s"] == start_s and kept_pm(view) == [pm] for view in views):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"no view at {start_s} s and {threshold} was kept")


def open_long(page: Page, server: Server, reviewer: str = "Dr. A") -> None:
    page.goto(server.url)
    if reviewer:
        name = page.get_by_role("textbox", name="Your name or initials")
        name.fill(reviewer)
        name.press("Enter")
    row(page, "long")
    score = page.get_by_role("button", name="Score", exact=True)
    if score.count():
        score.click()
    expect(page.get_by_text("scored:")).to_be_visible(timeout=90_000)
    page.get_by_role("button", name="Review", exact=True).click()
    expect(page.locator('[data-metric="Threshold"]')).to_be_visible()


def test_held_arrow_key_shows_every_page(page: Page, server: Server) -> None:
    open_long(page, server)
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "0")
    page.wait_for_timeout(1500)  # the next pages are being fetched ahead
    for _ in range(20):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(50)
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "200")
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "199")
    page.keyboard.press("Home")
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "0")


def test_a_typed_time_goes_there_and_keys_stay_in_the_field(page: Page, server: Server) -> None:
    open_long(page, server)
    field = page.get_by_label("Go to time, h:mm:ss or seconds")
    field.fill("")
    field.press_sequentially("0:05:00d")
    assert field.input_value() == "0:05:00d"
    field.press("Backspace")
    field.press("Enter")
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "300")


def test_a_name_that_is_given_moves_nothing_on_the_page(browser: Browser, server: Server) -> None:
    """What is pressed just then must be where it was: a click beside a button is lost."""
    for _ in range(6):  # old and new field stand there together now and then only
        page = browser.new_page()
        page.goto(server.url)
        expect(page.get_by_role("button", name="Review", exact=True)).to_have_count(2)
        page.wait_for_timeout(500)
        page.evaluate(
            """() => {
              window.tops = new Set();
              const look = () => {
                const shown = [...document.querySelectorAll("button")];
                for (const button of shown.filter((b) => b.innerText.trim() === "Review"))
                  window.tops.add(Math.round(button.getBoundingClientRect().top));
                requestAnimationFrame(look);
              };
              look();
            }"""
        )
        name = page.get_by_role("textbox", name="Your name or initials")
        name.fill("Dr. Q")
        name.press("Enter")
        page.wait_for_timeout(1000)
        assert len(page.evaluate("[...window.tops]")) == 2
        page.close()


def test_without_a_name_nothing_is_saved_and_the_form_stays(page: Page, server: Server) -> None:
    before = len(labels_of(server))
    open_long(page, server, reviewer="")
    page.keyboard.press("n")
    page.get_by_label("Comment").fill("looks like chewing")
    page.locator(".target").click()
    page.get_by_role("button", name="Disagree", exact=True).click()
    expect(page.get_by_text("NOT saved: enter your name")).to_be_visible()
    assert page.get_by_label("Comment").input_value() == "looks like chewing"
    assert len(labels_of(server)) == before


def test_a_missed_seizure_is_marked_saved_and_taken_back(page: Page, server: Server) -> None:
    before = len(labels_of(server))
    open_long(page, server)
    page.keyboard.press("m")
    box = page.locator("canvas.raw").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 250, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 700, box["y"] + 70, steps=6)
    page.mouse.up()
    expect(page.get_by_text("Marked span:")).to_be_visible()
    page.get_by_role("button", name="Save missed seizure").click()
    expect(page.get_by_text(re.compile("Saved: missed seizure"))).to_be_visible()
    saved = labels_of(server)[before:]
    assert [label.verdict for label in saved] == ["missed"]
    assert 0 < saved[0].onset_s < saved[0].end_s < 10
    assert saved[0].probability is not None
    page.locator(".target").click()
    page.keyboard.press("z")
    expect(page.get_by_text(re.compile("Taken back: missed"))).to_be_visible()
    retracting = labels_of(server)[-1]
    assert (retracting.verdict, retracting.supersedes) == ("retract", saved[0].uuid)


def test_quick_flags_on_two_detections_are_both_saved(page: Page, server: Server) -> None:
    before = len(labels_of(server))
    open_long(page, server, reviewer="Dr. Quick")
    page.keyboard.press("n")
    page.keyboard.press("a")
    page.keyboard.press("n")
    page.keyboard.press("u")
    expect(page.locator("button.event", has_text="unsure").first).to_be_visible()
    expect(page.locator("button.event", has_text="agreed").first).to_be_visible()
    assert [label.verdict for label in labels_of(server)[before:]] == ["agree", "unsure"]


def test_a_label_never_lands_on_a_detection_that_is_not_on_the_page(
    page: Page, server: Server
) -> None:
    open_long(page, server, reviewer="Dr. Careful")
    before = len(labels_of(server))
    page.keyboard.press("n")
    page.keyboard.press("End")
    page.keyboard.press("u")
    expect(page.get_by_text("was not on the page")).to_be_visible()
    page.wait_for_timeout(600)
    assert len(labels_of(server)) == before
    page.keyboard.press("u")
    expect(page.get_by_text(re.compile("Saved: unsure"))).to_be_visible()
    assert len(labels_of(server)) == before + 1


def test_a_name_given_while_reading_leaves_the_page_and_gives_the_keys_back(
    page: Page, server: Server
) -> None:
    open_long(page, server, reviewer="")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "20")
    name = page.get_by_role("textbox", name="Your name or initials")
    name.fill("Dr. Later")
    name.press("Enter")
    name_taken(page)
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "30")
    page.wait_for_timeout(2500)  # whatever the server still says must not move the page
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "30")
    expect(name).to_have_value("Dr. Later")


def test_a_reload_brings_back_reader_position_and_threshold(page: Page, server: Server) -> None:
    open_long(page, server, reviewer="Dr. Reload")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    threshold = raise_threshold(page)
    wait_kept(page, server, 20, threshold)
    page.reload()
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "20")
    name = page.get_by_role("textbox", name="Your name or initials")
    expect(name).to_have_value("Dr. Reload")
    expect(page.locator('[data-metric="Threshold"] b')).to_have_text(threshold)


def test_position_and_threshold_survive_a_change_of_page(page: Page, server: Server) -> None:
    open_long(page, server)
    page.keyboard.press("ArrowRight")
    threshold = raise_threshold(page)
    wait_kept(page, server, 10, threshold)
    page.get_by_role("link", name="Recordings").click()
    expect(page.get_by_text("Find by name")).to_be_visible()
    page.get_by_role("link", name="Review").click()
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "10")
    expect(page.locator('[data-metric="Threshold"] b')).to_have_text(threshold)


def test_unknown_channel_names_are_mapped_and_then_scored(page: Page, server: Server) -> None:
    page.goto(server.url)
    row(page, "numbered")
    expect(page.get_by_text("unknown channel names")).to_be_visible()
    page.get_by_role("button", name="Map channels").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Which electrodes are these channels?")).to_be_visible()
    electrodes = "Fp1 Fp2 F7 F3 Fz F4 F8 T7 C3 Cz C4 T8 P7 P3 Pz P4 P8 O1 O2".split()
    for i, electrode in enumerate(electrodes):
        choose(dialog, f"Chan{i:02d}", electrode, exact=True, typed=electrode)
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Score", exact=True).click()
    expect(page.get_by_text("scored:")).to_be_visible(timeout=90_000)
