"""The page Models in a browser: see what a teaching changed, promote it, find it on other pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_reader import name_taken, opened_list, until_done
from playwright.sync_api import Page, expect
from taught_workspace import QUICK, put, say

from eegdash.settings import Settings
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.model_decisions import decision_history
from eegdash.workflows.teach import request_now, teach, unfinished
from eegdash.workflows.teach_labels import TeachChoice

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = pytest.mark.browser
NAME = "spectrogram-cnn-lstm-taught-1"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A workspace in which the shipped detector was taught from three labels."""
    desk = open_desk(Settings(workspace=tmp_path_factory.mktemp("models")))
    sha256 = put(desk, "labelled")
    say(desk, sha256, "missed", 20, 50)
    say(desk, sha256, "disagree", 70, 90)
    put(desk, "aside", 5, seizures=[(40.0, 60.0)])
    request = request_now(
        desk, desk.model(), choice=TeachChoice(keep_aside=0.0), parameters=QUICK, seed=1
    )
    teach(desk, request)
    return desk


@pytest.fixture(scope="module")
def server(desk: Desk, serve: Callable[[Path], Server]) -> Server:
    return serve(desk.workspace.root)


def opened(page: Page, server: Server) -> None:
    """Open the page as the reader AB, and wait until the name was taken."""
    page.goto(f"{server.url}/models")
    expect(page.get_by_text("Model card").first).to_be_visible()
    name = page.get_by_placeholder("Your name or initials")
    name.fill("AB")
    name.press("Enter")
    name_taken(page)


def test_a_taught_detector_is_looked_at_promoted_and_offered(
    page: Page, server: Server, desk: Desk
) -> None:
    opened(page, server)
    expect(page.get_by_text("candidate, not in use")).to_be_visible()
    expect(
        page.get_by_text("Event F1: found and false in one number, 0 to 1").first
    ).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    page.get_by_label("Why").first.fill("fewer false alarms")
    page.get_by_label("Why").first.press("Enter")
    page.get_by_role("button", name="Promote").click()
    expect(page.get_by_text("promoted, in use")).to_be_visible()
    [decision] = decision_history(desk.workspace).decisions
    assert (decision.model, decision.reviewer) == (NAME, "AB")
    assert decision.comment == "fewer false alarms"

    page.goto(server.url)
    detector = page.get_by_role("combobox", name="Detector")
    until_done(
        lambda: expect(
            opened_list(detector).get_by_role("option").filter(has_text="taught")
        ).to_have_count(1, timeout=5_000)
    )


def test_a_teaching_is_started_cancelled_and_thrown_away(
    page: Page, server: Server, desk: Desk
) -> None:
    opened(page, server)
    page.get_by_role("radio", name="Teach").click()
    expect(page.get_by_text("2 labels will be used")).to_be_visible()
    page.get_by_role("button", name="Teach", exact=True).click()
    expect(page.get_by_text("Step 1 of 3").or_(page.get_by_text("Step 2 of 3"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Throw away").click()
    expect(page.get_by_role("button", name="Throw away")).to_have_count(0)
    assert not unfinished(desk)
