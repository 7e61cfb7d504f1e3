"""A blinded first read in the browser: what is hidden, what is marked, what ends it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser_reader import name_taken
from playwright.sync_api import Page, expect

from eegdash.labels import Label, LabelStore
from eegdash.settings import Settings
from eegdash.workflows import score
from eegdash.workflows.desk import open_desk
from eegdash.workflows.files import simulate_to_file

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

# all that the browser holds of the detector, wherever it is drawn from
_HELD = """
() => {
  const root = document.querySelector("[data-painted]").shadowRoot;
  const shown = (css) => [...root.querySelectorAll(css)].filter((x) => x.offsetParent !== null);
  return { metrics: shown(".metric").length, events: shown("ol.events li").length,
           text: root.querySelector(".desk").innerText };
}
"""


@pytest.fixture(scope="module")
def server(serve: Callable[[Path], Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("blinded")
    path = folder / "recordings" / "night.edf"
    simulate_to_file(path, duration_s=400, n_seizures=1, seed=11)
    desk = open_desk(Settings(workspace=folder))
    assert isinstance(score.score(desk, path, desk.model()), score.Scored)
    return serve(folder)


def labels_of(server: Server, reviewer: str) -> list[Label]:
    return [x for x in LabelStore(server.workspace / "labels").all() if x.reviewer == reviewer]


def name(page: Page, reviewer: str) -> None:
    field = page.get_by_role("textbox", name="Your name or initials")
    field.fill(reviewer)
    field.press("Enter")
    name_taken(page)


def painted(page: Page, start: str = "0") -> None:
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", start)


def open_blinded(page: Page, server: Server, reviewer: str) -> None:
    page.goto(server.url)
    page.get_by_text("Read blinded").click()
    expect(page.get_by_text("hidden until you commit a first read")).to_be_visible()
    if reviewer:
        name(page, reviewer)
    page.get_by_role("button", name="Review", exact=True).click()
    painted(page)
    expect(page.get_by_role("region", name="Blinded first read")).to_be_visible()


def mark(page: Page) -> None:
    page.keyboard.press("m")
    box = page.locator("canvas.raw").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 250, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 700, box["y"] + 70, steps=6)
    page.mouse.up()
    expect(page.get_by_text("Marked span:")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("Saved: seizure marked by hand"))).to_be_visible()


def commit(page: Page) -> None:
    page.get_by_role("button", name="Commit first read").click()
    expect(page.get_by_text("It cannot be hidden again for you.")).to_be_visible()
    page.get_by_role("button", name="Commit and show").click()
    expect(page.get_by_text("First read committed. The detector's output")).to_be_visible()


def test_from_hidden_to_shown(page: Page, server: Server) -> None:
    asked: list[str] = []
    frames: list[Any] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda ws: ws.on("framereceived", lambda frame: frames.append(frame)))
    open_blinded(page, server, "Dr. Blind")
    held = page.evaluate(_HELD)
    assert (held["metrics"], held["events"]) == (0, 0)
    assert "hidden" in held["text"].lower()
    mark(page)
    page.reload()
    painted(page)
    expect(page.get_by_role("region", name="Blinded first read")).to_be_visible()
    expect(page.get_by_role("textbox", name="Your name or initials")).to_have_value("Dr. Blind")
    expect(page.get_by_text("1 marked,")).to_be_visible()
    assert page.evaluate(_HELD)["metrics"] == 0
    assert not [url for url in asked if re.search(r"/tiles/[^/]+/(trace|table|notes)/", url)]
    sent = b"".join(f if isinstance(f, bytes) else f.encode() for f in frames)
    assert b"first_centre_s" not in sent
    assert b'"seizures"' not in sent

    page.get_by_role("button", name="Commit first read").click()
    page.get_by_role("button", name="Not yet").click()
    expect(page.get_by_role("region", name="Blinded first read")).to_be_visible()
    commit(page)
    expect(page.locator('[data-metric="Threshold"]')).to_be_visible()
    expect(page.get_by_role("region", name="Blinded first read")).to_be_hidden()
    assert [url for url in asked if re.search(r"/tiles/[^/]+/trace/", url)]
    page.keyboard.press("n")
    page.keyboard.press("a")
    expect(page.get_by_text(re.compile("Saved: agree"))).to_be_visible()
    records = labels_of(server, "Dr. Blind")
    assert [(x.kind, x.verdict, x.blinded) for x in records] == [
        ("label", "missed", True),
        ("first_read", None, True),
        ("label", "agree", False),
    ]
    assert (records[0].model, records[0].threshold, records[0].probability) == ("", None, None)
    assert (records[1].onset_s, records[1].duration_s) == (0.0, 400.0)
    # it stays shown, in this mode and after a reload
    page.reload()
    expect(page.locator('[data-metric="Threshold"]')).to_be_visible()


def test_a_mark_is_taken_back_before_the_commitment_and_no_name_is_said(
    page: Page, server: Server
) -> None:
    open_blinded(page, server, "")
    expect(page.get_by_text("Enter your name or initials at the top right first.")).to_be_visible()
    page.get_by_role("button", name="Commit first read").click()
    expect(page.get_by_text("so that it says whose it is")).to_be_visible()
    name(page, "Dr. Undo")
    expect(page.get_by_text("0 marked,")).to_be_visible()
    mark(page)
    page.keyboard.press("z")
    expect(page.get_by_text(re.compile("Taken back: missed"))).to_be_visible()
    expect(page.get_by_text("0 marked,")).to_be_visible()
    commit(page)
    kinds = [(x.kind, x.verdict) for x in labels_of(server, "Dr. Undo")]
    assert kinds == [("label", "missed"), ("label", "retract"), ("first_read", None)]
    page.keyboard.press("z")
    expect(page.get_by_text("There is no label of yours")).to_be_visible()
    assert len(labels_of(server, "Dr. Undo")) == 3


def test_turning_the_mode_on_hides_what_was_shown_and_says_that_it_was(
    page: Page, server: Server
) -> None:
    page.goto(server.url)
    name(page, "Dr. Late")
    page.get_by_role("button", name="Review", exact=True).click()
    expect(page.locator('[data-metric="Threshold"]')).to_be_visible()
    page.get_by_text("Read blinded").click()
    expect(page.get_by_role("region", name="Blinded first read")).to_be_visible()
    expect(page.get_by_text("on screen before; the record will say so")).to_be_visible()
    expect(page.locator("[data-painted]")).to_have_count(1)  # the page was drawn anew
    held = page.evaluate(_HELD)
    assert (held["metrics"], held["events"]) == (0, 0)
    commit(page)
    (record,) = labels_of(server, "Dr. Late")
    assert "had been on this reader's screen before" in record.comment
    assert json.loads(record.to_line())["kind"] == "first_read"
