"""The page Inside the detector in a browser: from the recordings to a window of EEG."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from simulated_files import write_events, write_noise

from eegdash.settings import Settings
from eegdash.workflows.desk import Desk, open_desk

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = open_desk(Settings(workspace=tmp_path_factory.mktemp("mechanism")))
    for k in range(4):
        path = write_noise(desk.workspace.recordings / f"chb0{k + 1}_01.edf", seconds=50, seed=k)
        write_events(path, [(2, 12), (31, 13)], 50)
    return desk


def test_a_point_of_the_map_leads_to_its_eeg_and_to_the_review_page(
    page: Page, workspace: Desk, serve: Callable[[Path], object]
) -> None:
    server = serve(workspace.workspace.root)
    page.goto(f"{server.url}/mechanism")
    page.get_by_role("button", name="Look inside").click()
    page.get_by_text("Map of windows", exact=True).click(timeout=120_000)
    page.get_by_role("button", name="Draw the map").click()
    chart = page.locator(".js-plotly-plot").first
    expect(chart).to_be_visible(timeout=150_000)
    point = chart.locator(".scatterlayer .points path").first
    expect(point).to_be_visible()
    box = point.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    to_review = page.get_by_role("button", name="Open in Review")
    expect(to_review).to_be_visible()
    to_review.click()
    expect(page.locator("[data-painted]")).to_be_visible()
    expect(page.get_by_text("chb0").first).to_be_visible()
