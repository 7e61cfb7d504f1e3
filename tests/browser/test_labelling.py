"""Labels by hand, sign-off, jumps, clock times and links, in the browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from eegdash.export import write_edf
from eegdash.labels import Label, LabelStore
from eegdash.montage import ELECTRODES_10_20
from eegdash.settings import Settings
from eegdash.workflows import library, score
from eegdash.workflows.desk import open_desk
from eegdash.workflows.files import simulate_to_file

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

LENGTH_S = 900


@pytest.fixture(scope="module")
def server(serve: Callable[[Path], Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("labelling")
    path = folder / "recordings" / "night.edf"
    simulate_to_file(path, duration_s=LENGTH_S, n_seizures=2, seed=11)
    desk = open_desk(Settings(workspace=folder))
    assert isinstance(score.score(desk, path, desk.model()), score.Scored)
    noise = 20 * np.random.default_rng(3).standard_normal((len(ELECTRODES_10_20), 240 * 128))
    late = folder / "recordings" / "late.edf"
    write_edf(late, noise, 128.0, ELECTRODES_10_20, start=datetime(2024, 5, 6, 23, 58))
    return serve(folder)


def recording(server: Server) -> library.Opened:
    desk = open_desk(Settings(workspace=server.workspace))
    return library.open_path(desk, server.workspace / "recordings" / "night.edf")


def labels_of(server: Server, reviewer: str) -> list[Label]:
    return [x for x in LabelStore(server.workspace / "labels").all() if x.reviewer == reviewer]


def open_as(page: Page, server: Server, reviewer: str, file: str = "night") -> None:
    page.goto(server.url)
    field = page.get_by_role("textbox", name="Your name or initials")
    field.fill(reviewer)
    field.press("Enter")
    find = page.get_by_role("textbox", name="Find by name")
    find.fill(file)
    find.press("Enter")
    expect(page.get_by_role("button", name="Review", exact=True)).to_have_count(1)
    page.get_by_role("button", name="Review", exact=True).click()
    painted(page, "0")
    if file == "night":
        expect(page.locator('[data-metric="Threshold"]')).to_be_visible()


def painted(page: Page, start: str) -> None:
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", start)


def said(page: Page, words: str) -> None:
    expect(page.locator("p.status")).to_have_text(re.compile(words))


def x_of(page: Page, seconds_on_page: float, canvas: str = "raw") -> tuple[float, float]:
    """Where a moment of a page of 10 s lies on the screen."""
    box = page.locator(f"canvas.{canvas}").bounding_box()
    assert box is not None
    plot = box["width"] - 96 - 62
    return box["x"] + 96 + plot * seconds_on_page / 10, box["y"] + box["height"] / 2


def drag(page: Page, from_s: float, to_s: float) -> None:
    x, y = x_of(page, from_s)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x_of(page, to_s)[0], y, steps=5)
    page.mouse.up()


def mark(page: Page, from_s: float, to_s: float) -> None:
    page.keyboard.press("m")
    drag(page, from_s, to_s)
    page.keyboard.press("Enter")
    said(page, "Saved: missed seizure")


# ---- onset and end -----------------------------------------------------------------------------


def test_an_own_label_is_moved_at_its_edges_and_saved_as_a_new_record(
    page: Page, server: Server
) -> None:
    open_as(page, server, "Dr. Move")
    mark(page, 2, 6)
    x, y = x_of(page, 6)
    page.mouse.move(x, y)
    assert (
        page.evaluate(
            "document.querySelector('[data-painted]').shadowRoot.querySelector('canvas.raw')"
            ".style.cursor"
        )
        == "ew-resize"
    )
    drag(page, 6, 8)
    said(page, "Check the times, then save")
    assert len(labels_of(server, "Dr. Move")) == 1  # nothing is saved by letting go
    page.keyboard.press("Escape")
    expect(page.get_by_text("New times, not saved")).to_be_hidden()
    drag(page, 6, 8)
    for key in "{{}":
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    said(page, "Saved: missed seizure with the change")
    before, after = labels_of(server, "Dr. Move")
    assert after.supersedes == before.uuid
    assert after.reason == "onset and end moved by the reader"
    assert after.end_s == pytest.approx(8, abs=0.1)
    assert after.onset_s == pytest.approx(before.onset_s - 0.1, abs=0.011)
    page.keyboard.press("z")
    said(page, "Taken back: the change of missed")
    assert labels_of(server, "Dr. Move")[-1].end_s == before.end_s


def test_a_detections_times_are_corrected_and_it_stays_that_detection(
    page: Page, server: Server
) -> None:
    open_as(page, server, "Dr. Correct")
    page.keyboard.press("n")
    expect(page.locator("button.event.current")).to_have_count(1)
    onset = page.get_by_role("textbox", name="Onset, h:mm:ss")
    end = page.get_by_role("textbox", name="End, h:mm:ss")
    hours, minutes, seconds = (float(x) for x in onset.input_value().split(":"))
    onset_s = 3600 * hours + 60 * minutes + seconds
    end.fill(str(onset_s + 6))
    end.press("Enter")
    said(page, "Check the times")
    expect(end).not_to_be_focused()  # the keys are the EEG's again
    page.keyboard.press("Enter")
    said(page, "Saved: agree")
    (label,) = labels_of(server, "Dr. Correct")
    assert label.verdict == "agree"
    assert label.duration_s == pytest.approx(6, abs=0.1)
    # far shorter than half of the detection, and still its label
    expect(page.locator("button.event.current", has_text="agreed")).to_have_count(1)
    expect(page.get_by_text("with the times")).to_be_visible()


# ---- splitting ---------------------------------------------------------------------------------


def test_a_label_is_split_in_the_middle_of_the_page_and_joined_again(
    page: Page, server: Server
) -> None:
    open_as(page, server, "Dr. Split")
    page.keyboard.press("y")
    said(page, "There is no label of yours at the middle of the page")
    mark(page, 2, 9)
    page.mouse.move(5, 5)  # over the traces the pointer is the cursor
    page.keyboard.press("y")
    said(page, "Split at 0:00:05.0")
    whole, first, second = labels_of(server, "Dr. Split")
    assert (first.supersedes, second.supersedes) == (whole.uuid, None)
    assert (first.onset_s, first.end_s, second.onset_s) == (whole.onset_s, 5.0, 5.0)
    page.keyboard.press("z")
    said(page, "Taken back: the split")
    page.keyboard.press("z")
    said(page, "Taken back: missed")
    standing = LabelStore(server.workspace / "labels").current(
        whole.recording_sha256, reviewer="Dr. Split"
    )
    assert standing.labels == ()


# ---- sign-off ----------------------------------------------------------------------------------


def test_a_sign_off_asks_what_is_open_and_is_withdrawn(page: Page, server: Server) -> None:
    open_as(page, server, "Dr. Sign")
    page.keyboard.press("s")
    expect(
        page.get_by_text(re.compile(r"Still open: .* not seen, \d of \d detections"))
    ).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    assert labels_of(server, "Dr. Sign") == []
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    said(page, "Signed off: reviewed, nothing found")
    expect(page.get_by_text("Signed off by Dr. Sign")).to_be_visible()
    (record,) = labels_of(server, "Dr. Sign")
    assert (record.kind, record.event_type) == ("sign_off", "bckg")
    assert (record.onset_s, record.duration_s) == (0.0, LENGTH_S)
    page.get_by_role("link", name="Recordings").click()
    expect(page.get_by_text("signed off by Dr. Sign")).to_be_visible()
    page.get_by_role("link", name="Review").click()
    page.get_by_role("button", name="Withdraw sign-off").click()
    said(page, "Sign-off withdrawn")
    expect(page.get_by_text("Signed off by Dr. Sign")).to_be_hidden()
    assert labels_of(server, "Dr. Sign")[-1].supersedes == record.uuid


# ---- jumps -------------------------------------------------------------------------------------


def test_jumps_to_the_unreviewed_and_to_disagreements(page: Page, server: Server) -> None:
    open_as(page, server, "Dr. Jump")
    events = page.locator("ol.events button.event")
    n_events = events.count()
    assert n_events >= 2
    page.keyboard.press("Shift+N")
    expect(events.nth(0)).to_have_attribute("aria-current", "true")
    page.keyboard.press("d")
    said(page, "Saved: disagree")
    page.keyboard.press("Home")
    painted(page, "0")
    page.keyboard.press("Shift+N")  # the first is reviewed by now
    expect(events.nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("Home")
    painted(page, "0")
    for _ in range(9):  # what others marked in this recording comes in between
        page.keyboard.press("x")
        said(page, "^Disagreement")
        if "Dr. Jump disagrees" in page.locator("p.status").inner_text():
            break
    said(page, "detection that Dr. Jump disagrees with")
    expect(events.nth(0)).to_have_attribute("aria-current", "true")
    page.keyboard.press("End")
    page.get_by_text("Jump to").click()
    page.get_by_title("Previous disagreement (Shift X)").click()
    said(page, "Disagreement")


# ---- clock time ----------------------------------------------------------------------------------


def test_a_clock_time_leads_there_past_midnight(page: Page, server: Server) -> None:
    open_as(page, server, "Dr. Clock", "late")
    page.get_by_label("Time as").select_option("clock")
    field = page.get_by_label("Go to clock time, hh:mm:ss")
    expect(field).to_have_value("23:58:00")
    field.fill("00:00:30")
    field.press("Enter")
    painted(page, "150")
    said(page, "00:00:30 on day 2 of the recording")
    expect(field).to_have_value("00:00:30")
    field.fill("00:05")
    field.press("Enter")
    said(page, "The recording runs from 23:58:00 to 00:02:00; it does not reach 00:05")
    painted(page, "150")
    page.get_by_label("Time as").select_option("elapsed")
    expect(page.get_by_label("Go to time, h:mm:ss or seconds")).to_have_value("0:02:30")


def test_without_a_start_there_is_no_clock_and_it_says_why(page: Page, server: Server) -> None:
    open_as(page, server, "Dr. Clock")
    choice = page.get_by_label("Time as")
    expect(choice).to_have_attribute("title", re.compile("has no start time"))
    expect(choice.locator("option[value=clock]")).to_be_disabled()


# ---- links -------------------------------------------------------------------------------------


def test_the_address_follows_the_page_without_a_history_and_leads_back(
    page: Page, server: Server, browser: Browser
) -> None:
    alias = recording(server).recording.alias
    open_as(page, server, "Dr. Link")
    expect(page).to_have_url(re.compile(rf"\?recording={alias}&t=0&page=10$"))
    steps = page.evaluate("history.length")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"&t=30&page=10$"))
    page.get_by_label("Page", exact=True).select_option("20")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"&t=50&page=20$"))
    # a whole rerun of the page must leave the address alone
    page.get_by_text("Read blinded").click()
    expect(page.get_by_role("region", name="Blinded first read")).to_be_visible()
    page.get_by_text("Read blinded").click()
    expect(page.locator('[data-metric="Threshold"]')).to_be_visible()
    expect(page).to_have_url(re.compile(rf"\?recording={alias}&t=50&page=20$"))
    assert page.evaluate("history.length") == steps
    assert "Link" not in page.url.split("?")[1]

    context = browser.new_context(viewport={"width": 1280, "height": 800})
    other = context.new_page()
    try:
        other.goto(page.url)
        painted(other, "50")
        expect(other.get_by_label("Page", exact=True)).to_have_value("20")
        # two tabs go their own ways
        other.keyboard.press("ArrowRight")
        painted(other, "70")
        page.keyboard.press("ArrowLeft")
        painted(page, "30")
        painted(other, "70")
        other.goto(re.sub("t=[0-9.]+", "t=nonsense", page.url))
        painted(other, "0")
    finally:
        context.close()


def test_a_link_is_copied_and_says_so(server: Server, browser: Browser) -> None:
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, permissions=["clipboard-read", "clipboard-write"]
    )
    page = context.new_page()
    try:
        open_as(page, server, "Dr. Copy")
        page.keyboard.press("ArrowRight")
        painted(page, "10")
        page.keyboard.press("l")
        said(page, "Link copied: it leads to this page of this recording, and names nobody")
        copied = page.evaluate("navigator.clipboard.readText()")
        alias = recording(server).recording.alias
        assert copied == f"{server.url}/review?recording={alias}&t=10&page=10"
    finally:
        context.close()
