"""The main job on a real clip: open, score, look, move the threshold, disagree, find the label."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, TimeoutError, expect

from eegdash.io import hash_file
from eegdash.labels import LabelStore, LineStatus

if TYPE_CHECKING:
    from tests.browser.conftest import Server


pytestmark = pytest.mark.browser

CLIP = "chb01_03_2986-3036s.edf"


@pytest.fixture
def workspace(data_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh one for each attempt: another one would go on where the last one stopped."""
    folder = tmp_path_factory.mktemp("workspace")
    recordings = folder / "recordings"
    recordings.mkdir()
    for name in (CLIP, CLIP.replace(".edf", "_events.tsv")):
        shutil.copyfile(data_pack / "seizure_clips" / name, recordings / name)
    return folder


def open_review(page: Page, server: Server, reviewer: str) -> None:
    page.goto(server.url)
    name = page.get_by_role("textbox", name="Your name or initials")
    name.fill(reviewer)
    name.press("Enter")
    score = page.get_by_role("button", name="Score", exact=True)
    expect(page.get_by_role("button", name="Review", exact=True)).to_be_visible()
    if score.count():
        score.click()
        score_after_a_cancel(page, score)
    expect(page.get_by_text("scored:")).to_be_visible(timeout=90_000)
    page.get_by_role("button", name="Review", exact=True).click()
    expect(page.locator("[data-painted]")).to_be_attached()


def score_after_a_cancel(page: Page, score: Locator) -> None:
    """Change one's mind while the worker loads, then score after all.

    On a machine so busy that the scoring is done before the click, there is nothing to cancel.
    """
    try:
        page.get_by_role("button", name="Cancel", exact=True).click(timeout=10_000)
    except TimeoutError:
        expect(page.get_by_text("scored:")).to_be_visible()
        return
    expect(score).to_be_visible()
    expect(page.get_by_text("scored:")).to_have_count(0)
    score.click()


def metric(page: Page, name: str) -> str:
    return page.locator(f'[data-metric="{name}"] b').inner_text()


def drag_threshold(page: Page, to: float, *, release: bool = True) -> None:
    """Drag the dashed line to a probability, in small steps as a hand does."""
    canvas = page.locator("canvas.probability")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    axis = page.evaluate(
        """async () => {
          const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
          const module = await import(loaded.find((name) => name.endsWith("/probability.js")));
          return module.probabilityAxis();
        }"""
    )
    at = float(metric(page, "Threshold"))

    def y(p: float) -> float:
        return float(box["y"] + axis["top"] + axis["height"] * (1 - p))

    x = box["x"] + box["width"] / 2
    page.mouse.move(x, y(at))
    page.mouse.down()
    page.mouse.move(x, y(to), steps=12)
    if release:
        page.mouse.up()


def quiet(page: Page, sent: list[object]) -> None:
    """Wait until nothing is being sent to the server."""
    before = -1
    while before != len(sent):
        before = len(sent)
        page.wait_for_timeout(1000)


def check_the_label(workspace: Path, threshold: float) -> None:
    """Exactly one verified record, which carries what it was judged on."""
    lines = (workspace / "labels" / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    store = LabelStore(workspace / "labels")
    assert len(lines) == 1
    assert store.status_counts()[LineStatus.VERIFIED] == 1
    record = json.loads(lines[0])
    assert record["verdict"] == "disagree"
    assert record["reason"] == "muscle"
    assert record["reviewer"] == "Dr. A"
    assert record["recording_sha256"] == hash_file(workspace / "recordings" / CLIP)
    assert re.fullmatch("[0-9a-f]{64}", record["model_sha256"])
    assert record["threshold"] == pytest.approx(threshold)
    assert record["probability"] >= record["threshold"]
    assert record["postprocessing"]["min_duration_s"] == 6


def test_the_main_job(page: Page, workspace: Path, serve: Callable[[Path], Server]) -> None:
    sent: list[object] = []
    page.on("websocket", lambda ws: ws.on("framesent", lambda frame: sent.append(frame)))
    server = serve(workspace)
    open_review(page, server, "Dr. A")
    desk = page.locator("[data-painted]")

    page.locator("canvas.raw").click(position={"x": 300, "y": 60})
    page.keyboard.press("ArrowRight")
    expect(desk).to_have_attribute("data-painted", "10")
    quiet(page, sent)  # the settled page has been told to Python

    expect(page.locator('[data-metric="Sensitivity"] b')).to_contain_text("/1)")
    drag_threshold(page, 0.95)
    quiet(page, sent)
    few, sent_before = metric(page, "Detections"), len(sent)
    burden = metric(page, "Burden")
    drag_threshold(page, 0.1, release=False)
    expect(page.locator('[data-metric="Threshold"] b')).to_have_text(re.compile(r"0\.(09|1[01])"))
    assert metric(page, "Burden") != burden, "the events did not follow the drag"
    assert metric(page, "Sensitivity").startswith("1.00")
    assert len(sent) == sent_before, "the drag made a round trip"
    page.mouse.up()
    expect(page.locator('[data-metric="Threshold"] b')).to_have_text(re.compile(r"0\.(09|1[01])"))
    assert few == "0" or int(metric(page, "Detections")) >= 1
    assert metric(page, "Detections") != "0"

    page.keyboard.press("n")
    expect(page.locator("button.event.current")).to_be_visible()
    page.get_by_label("It rather is").select_option("muscle")
    page.locator("canvas.raw").click(position={"x": 20, "y": 40})
    page.keyboard.press("d")
    expect(page.get_by_text(re.compile("Saved: disagree"))).to_be_visible()
    page.keyboard.press("d")  # a second press is not a second label
    page.wait_for_timeout(700)

    check_the_label(workspace, float(metric(page, "Threshold")))

    table = workspace / "labels" / "labels.csv"
    deadline = time.monotonic() + 40  # the view follows the file within seconds
    while not table.exists() and time.monotonic() < deadline:
        page.wait_for_timeout(250)
    assert len(table.read_text(encoding="utf-8-sig").splitlines()) == 2

    second = serve(workspace)
    other = page.context.new_page()
    open_review(other, second, "Dr. B")
    expect(other.get_by_text("✗ disagreed")).to_be_visible()
    expect(other.get_by_text("Dr. A")).to_be_visible()
    other.close()
