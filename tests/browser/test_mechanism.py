"""The page Inside the detector in a browser: every control, to the EEG of a window and back.

What the views show was computed before by the same code, so that here the reader only acts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser_reader import choose
from playwright.sync_api import Locator, Page, expect
from simulated_files import write_events, write_noise
from tiny_models import save_tiny_model

from eegdash.settings import Settings
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.mechanism import analyse
from eegdash.workflows.mechanism_saved import save_result
from eegdash.workflows.mechanism_windows import ActivationRequest
from eegdash.workflows.reference_sets import known_recordings

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

SECONDS = 50
BASE = {"summary": "mean", "seed": 0}


def quiet(_: float) -> None:
    """Progress that nobody looks at."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Four persons, two small detectors, and what the views of the first show."""
    desk = open_desk(Settings(workspace=tmp_path_factory.mktemp("mechanism")))
    for k in range(4):
        path = write_noise(
            desk.workspace.recordings / f"chb0{k + 1}_01.edf", seconds=SECONDS, seed=k
        )
        write_events(path, [(2, 12), (31, 13)], SECONDS)
    for k, name in enumerate(("tiny", "rival")):
        save_tiny_model(desk.workspace.models, seed=k, name=name)
    paths = tuple(source.path for source in known_recordings(desk))
    for name in ("rival", "tiny"):
        request = ActivationRequest(desk.model(name), paths, n_windows=400)
        save_result(desk, analyse(desk, request, "structure", BASE, quiet), note="AB")
    layer = {**BASE, "layer": "dense"}
    for kind, parameters in (
        ("overview", {}),
        ("separation", BASE),
        ("picture", {**BASE, "layer": "conv1", "n_neighbors": 15, "min_dist": 0.1}),
        ("units", {**BASE, "layer": "conv1"}),
        ("ensembles", layer),
    ):
        found = analyse(desk, request, kind, parameters, quiet)
        if kind == "ensembles":
            units = found["result"]["rows"][0]["units"]
            more = {"mode": "mean", "keep_only": False, "n_controls": 100, "half": "tested"}
            silencing = {"layer": "dense", "units": units, "seed": 0, **more}
            analyse(desk, request, "silencing", silencing, quiet)
    return desk


@pytest.fixture(scope="module")
def server(serve: Callable[[Path], Server], workspace: Desk) -> Server:
    return serve(workspace.workspace.root)


@pytest.fixture
def inside(page: Page, server: Server) -> Page:
    """The page with the small detector chosen."""
    page.goto(f"{server.url}/mechanism")
    choose(page, "Detector", "Untrained network tiny")
    expect(page.get_by_text("Where in the network do seizures come apart")).to_be_visible()
    return page


# ---- acting --------------------------------------------------------------------------------


def view(page: Page, name: str, shows: str) -> None:
    """Open a view; a press while the page is drawn anew may be lost."""
    press(
        page.get_by_test_id("stButtonGroup").get_by_text(name, exact=True), page.get_by_text(shows)
    )


def press(what: Locator, shows: Locator) -> None:
    for _ in range(6):
        what.first.click()
        try:
            expect(shows.first).to_be_visible(timeout=8000)
        except AssertionError:
            continue
        return
    expect(shows.first).to_be_visible()


def chart_of(page: Page, n: int = 0) -> Locator:
    found = page.locator(".js-plotly-plot").nth(n)
    expect(found).to_be_visible()
    expect(found.locator(".scatterlayer .points path").first).to_be_visible()
    return found


def box_of(what: Locator) -> Any:
    what.scroll_into_view_if_needed()
    box = what.bounding_box()
    assert box is not None
    return box


def click_point(chart: Locator, shows: Locator) -> None:
    """Click a point of a chart until what it shows is there."""
    points = chart.locator(".scatterlayer .points path")
    for k in range(6):
        box = box_of(points.nth(k))
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        chart.page.mouse.move(x, y)
        chart.page.mouse.click(x, y)
        try:
            expect(shows).to_be_visible(timeout=8000)
        except AssertionError:
            continue
        return
    expect(shows).to_be_visible()


# ---- the page ------------------------------------------------------------------------------


def test_a_point_of_the_map_leads_to_its_eeg_to_the_review_page_at_its_moment_and_back(
    inside: Page,
) -> None:
    page = inside
    view(page, "Map of windows", "Each point is a window of 9 s")
    to_review = page.get_by_role("button", name="Open in Review")
    click_point(chart_of(page), to_review)
    words = page.get_by_text(re.compile(r"^chb0\d_01.edf, [\d.]+ s ·")).first.inner_text()
    found = re.match(r"(chb0\d)_01.edf, ([\d.]+) s", words)
    assert found is not None
    start_s = max(float(found[2]) - 5, 0)
    to_review.click()
    painted = page.locator("[data-painted]")
    expect(painted).to_have_attribute("data-painted", f"{start_s:g}")
    expect(page.get_by_text(found[1]).first).to_be_visible()
    page.get_by_role("link", name="Inside the detector").click()
    # back in the same view of the same detector
    expect(page.get_by_text("Each point is a window of 9 s")).to_be_visible()
    chart_of(page)


def test_windows_drawn_around_are_listed_and_one_of_the_list_is_shown(inside: Page) -> None:
    page = inside
    view(page, "Map of windows", "Each point is a window of 9 s")
    for colour in ("probability", "right or wrong", "recording", "verdict"):
        choose(page, "Colour", re.compile(colour))
        chart_of(page)
    chart = chart_of(page)
    listed = page.get_by_text(re.compile(r"^\d+ windows, \d+ of them in seizures"))
    for _ in range(5):
        chart.hover()
        chart.locator('.modebar-btn[data-title="Lasso Select"]').click()
        box = box_of(chart.locator(".nsewdrag").first)
        corners = ((0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98), (0.02, 0.02))
        for k, (x, y) in enumerate(corners):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=6)
            if k == 0:
                page.mouse.down()
        page.mouse.up()
        try:
            expect(listed).to_be_visible(timeout=8000)
            break
        except AssertionError:
            continue
    expect(listed).to_be_visible()
    assert int(listed.inner_text().split()[0]) > 20
    table = page.get_by_test_id("stDataFrame").first
    to_review = page.get_by_role("button", name="Open in Review")
    for _ in range(5):
        box = box_of(table)
        page.mouse.click(box["x"] + 14, box["y"] + 52)  # the mark of the first row
        try:
            expect(to_review).to_be_visible(timeout=8000)
            break
        except AssertionError:
            continue
    expect(to_review).to_be_visible()
    expect(page.get_by_text("negative up")).to_be_visible()


def test_a_long_analysis_shows_its_progress_and_can_be_cancelled(inside: Page) -> None:
    page = inside
    view(page, "Map of windows", "Each point is a window of 9 s")
    try_them = page.get_by_role("button", name="Try 18 settings")
    cancel = page.get_by_role("button", name="Cancel")
    press(page.get_by_text("What is stable?"), try_them)
    try_them.click()
    expect(page.get_by_text(re.compile("Computing|Waiting"))).to_be_visible()
    cancel.click()
    expect(try_them).to_be_visible()
    expect(cancel).to_have_count(0)
    expect(page.get_by_text("Not computed yet for these choices")).to_be_visible()


def test_other_options_are_computed_when_they_are_asked_for(inside: Page) -> None:
    page = inside
    page.get_by_role("button", name="Options").click()
    seed = page.get_by_role("spinbutton", name="Seed of everything drawn")
    seed.fill("7")
    seed.press("Enter")
    choose(page, "Input", "time reversed")
    page.keyboard.press("Escape")
    expect(page.get_by_text("input time reversed")).to_be_visible()
    look = page.get_by_role("button", name="Look inside")
    press(look, page.get_by_text(re.compile("Computing|Waiting|Where in the network")))
    expect(page.get_by_text("Where in the network do seizures")).to_be_visible(timeout=150_000)
    # nothing of the other input is taken for this one's
    expect(page.get_by_role("button", name="Measure")).to_be_visible()


def test_every_view_says_what_it_found_and_follows_its_controls(inside: Page) -> None:
    page = inside
    expect(page.get_by_text("a straight line through the units of conv1")).to_be_visible()
    view(page, "Sparsity and overlap", "How many units answer")
    expect(page.get_by_text("Units say the same most in")).to_be_visible()
    page.get_by_text("Hoyer", exact=True).click()
    chart_of(page)
    view(page, "Units", "What does one unit answer to?")
    heading = page.get_by_role("heading", name=re.compile(r"Unit \d+:"))
    expect(heading).to_be_visible()
    first = heading.inner_text()
    others = chart_of(page).locator(".scatterlayer .points path")
    for k in range(others.count()):
        box = box_of(others.nth(k))
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        try:
            expect(heading).not_to_have_text(first, timeout=5000)
            break
        except AssertionError:
            continue
    expect(heading).not_to_have_text(first)
    view(page, "Changed input", "What of the EEG does the probability depend on?")
    expect(page.get_by_role("button", name="Try them")).to_be_visible()


def test_silencing_is_told_of_an_altered_model_and_other_choices_ask_first(inside: Page) -> None:
    page = inside
    view(page, "Ensembles and silencing", "Which units carry the seizures")
    expect(page.get_by_text("Silencing in dense — altered model")).to_be_visible()
    expect(page.get_by_text("Silencing this ensemble drives seizure windows")).to_be_visible()
    silence = page.get_by_role("button", name="Silence", exact=True)
    expect(silence).to_have_count(0)
    choose(page, "Recording", "chb0")
    choose(page, "What is done", "hold at zero")
    expect(silence).to_be_visible()
    choose(page, "What is done", "hold at the mean")
    expect(silence).to_have_count(0)
    choose(page, "To which units", "keep only")
    expect(silence).to_be_visible()
    choose(page, "To which units", "these")
    choose(page, "On", "all recordings")
    expect(silence).to_be_visible()
    choose(page, "Ensemble", "units of my choice")
    expect(page.get_by_text("Choose at least one unit.")).to_be_visible()


def test_a_result_is_saved_listed_and_put_beside_that_of_another_detector(
    inside: Page, workspace: Desk
) -> None:
    page = inside
    folder = workspace.workspace.reports / "mechanism"
    before = len(list(folder.glob("*.json")))
    press(
        page.get_by_role("button", name="Save this result"),
        page.get_by_text(re.compile("Saved as tiny-separation")),
    )
    assert len(list(folder.glob("*.json"))) == before + 1
    view(page, "Saved and findings", "Do three findings of an earlier project hold here?")
    expect(page.get_by_text("Separation of seizure from other windows begins")).to_be_visible()
    choose(page, "A", re.compile(r"^Sparsity and overlap · tiny"))
    # B is the same analysis of the other detector by itself
    expect(page.get_by_role("combobox", name="B", exact=True)).to_have_value(
        re.compile("^Sparsity and overlap · rival")
    )
    expect(page.get_by_text("These are", exact=False)).to_have_count(0)
    expect(page.get_by_test_id("stDataFrame")).to_have_count(2)
