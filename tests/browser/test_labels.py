"""Two readers label and disagree, an adjudicator decides, and the decision leaves as a file."""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_reader import choose, name_taken, until_done
from playwright.sync_api import Browser, Locator, Page, expect
from taught_workspace import QUICK, put

from eegdash.io import hash_file
from eegdash.labels import DraftLabel, Label, LabelStore
from eegdash.settings import Settings
from eegdash.workflows import score
from eegdash.workflows.desk import open_desk
from eegdash.workflows.files import simulate_to_file
from eegdash.workflows.teach import request_now, teach, teaching_record
from eegdash.workflows.teach_labels import TeachChoice

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

ONE, TWO, THREE, CHIEF = "Dr. One", "Dr. Two", "Dr. Three", "Dr. Chief"
_LENGTH_S = 400.0


@pytest.fixture(scope="module")
def server(serve: Callable[[Path], Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("labels")
    path = folder / "recordings" / "night.edf"
    simulate_to_file(path, duration_s=_LENGTH_S, n_seizures=1, seed=11)
    desk = open_desk(Settings(workspace=folder))
    assert isinstance(score.score(desk, path, desk.model()), score.Scored)
    return serve(folder)


def records(server: Server) -> list[Label]:
    return LabelStore(server.workspace / "labels").all()


def name(page: Page, reviewer: str) -> None:
    field = page.get_by_role("textbox", name="Your name or initials")
    field.fill(reviewer)
    field.press("Enter")
    name_taken(page)


def painted(page: Page) -> None:
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", re.compile(r"\d"))


def said(page: Page, words: str) -> None:
    expect(page.locator("p.status").first).to_have_text(re.compile(words))


def part(page: Page, title: str) -> None:
    page.get_by_text(title, exact=True).first.click()


def labels_page(page: Page, server: Server, reviewer: str, title: str = "") -> None:
    page.goto(f"{server.url}/labels")
    name(page, reviewer)
    if title:
        part(page, title)


@pytest.fixture
def desktop(browser: Browser) -> Iterator[Callable[[], Page]]:
    """Every reader has a browser of their own; any script error fails the test."""
    contexts, errors = [], []

    def opened() -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(45_000)
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: errors.append(str(error)))
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert not errors, errors


def review_page(page: Page, server: Server, reviewer: str) -> None:
    page.goto(server.url)
    name(page, reviewer)
    page.get_by_role("button", name="Review", exact=True).click()
    painted(page)


def sign_off(page: Page) -> None:
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Withdraw")).to_be_visible()


def grid(page: Page) -> Locator:
    """The table that is on screen; a folded one is not."""
    return page.locator('[data-testid="stDataFrame"]:visible').first


def click_row(page: Page, row: int, x: float = 200) -> None:
    """Click a row of the table, from 0; it is drawn on a canvas."""
    expect(grid(page)).to_be_visible()
    box = grid(page).bounding_box()
    assert box is not None
    at = (box["x"] + x, box["y"] + 36 + 35 * row + 17)
    page.mouse.move(at[0] + 30, at[1] + 5)  # a hand does not jump, and the canvas waits for it
    page.mouse.move(*at, steps=3)
    page.mouse.click(*at)


def open_row(page: Page, row: int, wanted: Locator, x: float = 200) -> None:
    """Click a row until what it leads to is there: a table that is drawn anew swallows a click."""

    def step() -> None:
        if not wanted.is_visible():
            click_row(page, row, x)
        expect(wanted).to_be_visible(timeout=15_000)

    until_done(step)


@pytest.fixture
def kept_aside(server: Server) -> Iterator[Callable[[], None]]:
    """Write a recording with a reference from which nothing is learned; gone after the test."""
    written: list[Path] = []

    def write() -> None:
        desk = open_desk(Settings(workspace=server.workspace))
        put(desk, "aside", 5, seizures=[(40.0, 60.0)])
        written.extend(desk.workspace.recordings.glob("aside*"))

    yield write
    for path in written:
        path.unlink()


@pytest.mark.timeout(480)  # half a minute alone, four browsers on a busy machine take longer
def test_from_two_readers_to_a_decision_a_file_and_a_taught_detector(
    desktop: Callable[[], Page], server: Server, kept_aside: Callable[[], None]
) -> None:
    for reader, key, words in ((ONE, "a", "Saved: agree"), (TWO, "d", "Saved: disagree")):
        page = desktop()
        review_page(page, server, reader)
        page.keyboard.press("n")
        page.keyboard.press(key)
        said(page, words)
        sign_off(page)
    agreed, disagreed = (x for x in records(server) if x.kind == "label")
    third_follows_the_queue(desktop(), server)
    chief = desktop()
    decided = chief_decides(chief, server)
    assert {agreed, disagreed} < set(records(server))  # opinions stay as they were
    list_shows_it(chief, decided)
    decision_leaves_alone(chief, server, decided)
    detector_is_taught(chief, server, kept_aside)


def third_follows_the_queue(page: Page, server: Server) -> None:
    """The queue offers what two dispute; q goes on, and stays at what is open."""
    labels_page(page, server, THREE, "Next to review")
    page.get_by_role("button", name="Next", exact=True).click()
    painted(page)
    card = page.get_by_role("region", name="Next to review")
    expect(card).to_contain_text("Others say")
    page.locator(".target").click()
    page.keyboard.press("q")
    said(page, "This span is still open")
    page.keyboard.press("u")  # the detection that the span is about needs no other key
    said(page, "Saved: unsure")
    expect(card).to_contain_text("1 done")


def chief_decides(page: Page, server: Server) -> Label:
    """All three opinions stand on one time axis; the decision is one click."""
    labels_page(page, server, CHIEF, "Adjudication")
    expect(page.get_by_text("Here an adjudicator decides")).to_be_visible()
    page.get_by_text("Adjudicator", exact=True).first.click()
    chart = page.locator(".js-plotly-plot")
    for words in (ONE, TWO, THREE, "agrees: seizure", "disagrees: no seizure", "unsure"):
        expect(chart.get_by_text(words, exact=True).first).to_be_visible()
    page.get_by_label("Comment").fill("evolves on the left")
    page.get_by_role("button", name="It is a seizure").click()
    expect(page.get_by_text("Decided: seizure")).to_be_visible()
    decided = records(server)[-1]
    assert (decided.verdict, decided.role, decided.reviewer) == (
        "adjudicated",
        "adjudicator",
        CHIEF,
    )
    assert (decided.event_type, decided.comment) == ("sz", "evolves on the left")
    return decided


def list_shows_it(page: Page, decided: Label) -> None:
    """The list has them all, newest first; what was said and its place are one click away."""
    part(page, "All labels")
    expect(page.get_by_text("4 of 6 records listed")).to_be_visible()
    shown = page.get_by_test_id("stMarkdownContainer")
    open_row(page, 0, shown.filter(has_text="§ adjudicated").first)
    expect(page.get_by_text("Comment: evolves on the left")).to_be_visible()
    page.get_by_role("button", name="Show in the EEG").click()
    start_s = math.floor(10 * (decided.onset_s - 2.5)) / 10
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", f"{start_s:g}")


def decision_leaves_alone(page: Page, server: Server, decided: Label) -> None:
    """Adjudicated only: the decision leaves under an alias, what was not decided does not."""
    page.goto(f"{server.url}/labels")
    part(page, "Import and export")
    choose(page, "What counts", "Adjudicated only")
    page.get_by_role("button", name="Prepare the files").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("^Download ")).click()
    content = Path(download.value.path()).read_bytes()
    assert "night" not in download.value.suggested_filename
    rows = events_in(content)
    seizures = [(float(row[0]), row[2]) for row in rows if row[2] != "bckg"]
    assert seizures == [(decided.onset_s, "sz")]


def detector_is_taught(page: Page, server: Server, kept_aside: Callable[[], None]) -> None:
    """What the labels say is learned; before and after are shown, and nothing is put to use.

    The teaching was begun with few people and epochs and was stopped at once; that the button
    Teach begins one is tried with the page Models.
    """
    kept_aside()
    desk = open_desk(Settings(workspace=server.workspace))
    parent = desk.model()
    request = request_now(
        desk, parent, choice=TeachChoice(keep_aside=0.0), parameters=QUICK, seed=1
    )

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        teach(desk, request, stop)
    page.goto(f"{server.url}/models")
    page.get_by_role("radio", name="Teach").click()
    expect(page.get_by_text("1 label will be used")).to_be_visible()
    expect(page.get_by_text("1 span that an adjudicator decided")).to_be_visible()
    expect(page.get_by_text("was stopped (Step 1 of 3")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("It is a candidate: look at its before")).to_be_visible(timeout=120_000)
    page.get_by_role("radio", name="Detectors").click()
    expect(page.get_by_text("candidate, not in use")).to_be_visible()
    expect(page.get_by_text("Your recordings that were kept aside")).to_be_visible()
    expect(page.get_by_text("1 recording of 1 person").first).to_be_visible()
    expect(page.get_by_text("Simulated people, always the same")).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()  # both traces
    (candidate,) = (x for x in desk.checkpoints() if x.parent_sha256)
    assert candidate.parent_sha256 == parent.sha256
    assert teaching_record(candidate)["labels"]["used"] == {"adjudicated": 1}
    assert candidate.name not in {x.name for x in desk.models()}  # nothing is promoted silently


def events_in(content: bytes) -> list[list[str]]:
    """Return the rows of the events file, alone or in a zip."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (tsv,) = [n for n in archive.namelist() if n.endswith("_events.tsv")]
            content = archive.read(tsv)
    return [line.split("\t") for line in content.decode().splitlines()[1:]]


def test_a_span_without_a_detection_is_judged_by_one_key_and_another_put_aside(
    page: Page, server: Server
) -> None:
    LabelStore(server.workspace / "labels").append(
        DraftLabel(
            idempotency_id="zero-1",
            reviewer="Dr. Zero",
            recording_sha256=hash_file(server.workspace / "recordings" / "night.edf"),
            onset_s=5.0,
            duration_s=20.0,
            verdict="missed",
            event_type="sz",
        )
    )
    labels_page(page, server, "Dr. Four", "Next to review")
    choose(page, "Order", "In the order of the recordings")
    page.get_by_role("button", name="Next", exact=True).click()
    painted(page)
    card = page.get_by_role("region", name="Next to review")
    expect(card).to_contain_text("0:00:05 to 0:00:25: Others say seizure (1); not detected")
    expect(page.locator(".target")).to_contain_text("Is it a seizure (a), none (d), or unsure (u)?")
    page.locator(".target").click()
    page.keyboard.press("d")
    said(page, "Saved: no seizure, 0:00:05")
    said_last = records(server)[-1]
    assert (said_last.reviewer, said_last.verdict) == ("Dr. Four", "disagree")
    assert (said_last.onset_s, said_last.duration_s) == (5.0, 20.0)
    assert (said_last.event_type, said_last.model != "") == ("", True)
    expect(card).to_contain_text("1 done")
    page.keyboard.press("q")
    expect(card).not_to_contain_text("0:00:05")
    expect(card.get_by_role("button", name="Back to it")).to_be_visible()
    n = len(records(server))
    card.get_by_role("button", name="Put aside").click()
    expect(card.get_by_role("button", name="Put aside")).to_be_hidden()
    assert len(records(server)) == n  # putting aside says nothing about the EEG


def test_a_change_with_its_reason_stands_in_the_history(page: Page, server: Server) -> None:
    reviewer = "Dr. Second Thoughts"
    review_page(page, server, reviewer)
    page.keyboard.press("n")
    page.keyboard.press("a")
    said(page, "Saved: agree")
    page.goto(f"{server.url}/labels")  # a new session: the tab still knows who reads
    expect(page.get_by_role("textbox", name="Your name or initials")).to_have_value(reviewer)
    open_row(page, 0, page.get_by_text("History (1)"))
    page.get_by_text("Change this label").click()
    page.get_by_label("Comment").fill("chewing on the video")
    choose(page, "Why is it changed?", "muscle")
    page.get_by_role("button", name="Save the change").dblclick()
    expect(page.get_by_text("History (2)")).to_be_visible()
    expect(page.get_by_text("Why: muscle").first).to_be_visible()
    page.get_by_role("button", name="Undo the last step").click()
    expect(page.get_by_text("History (3)")).to_be_visible()
    own = [x for x in records(server) if x.reviewer == reviewer]
    assert [(x.verdict, x.comment) for x in own] == [
        ("agree", ""),
        ("agree", "chewing on the video"),
        ("agree", ""),
    ]


def test_the_time_in_a_row_leads_to_the_eeg(page: Page, server: Server) -> None:
    labels_page(page, server, "Dr. Looks")
    expect(page.get_by_text(re.compile(r"\d+ of \d+ records listed"))).to_be_visible()
    open_row(page, 0, page.locator("canvas.raw"), x=40)
    painted(page)
    expect(page.get_by_text("night.edf").first).to_be_visible()
