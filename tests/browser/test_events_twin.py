"""The browser's events are Python's events: the same cases through the JavaScript twin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "fixtures" / "detection_cases.json"
TWIN = ROOT / "eegdash" / "ui" / "viewer" / "events.js"

pytestmark = pytest.mark.browser


def test_javascript_finds_the_same_events_as_python(browser: Browser) -> None:
    cases = json.loads(CASES.read_text(encoding="utf-8"))
    cases = cases["cases"] if isinstance(cases, dict) else cases
    page = browser.new_page()
    found = page.evaluate(
        """async ([code, cases]) => {
          const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
          const twin = await import(address);
          return cases.map((c) => {
            const values = Uint16Array.from(c.probability_pm);
            const level = twin.smooth(values, twin.smoothWindows(c.post, c.step_s));
            return twin
              .findEvents(level, c.threshold_pm, c.post, c.step_s)
              .map((e) => [e.first, e.stop, e.peak_pm]);
          });
        }""",
        [TWIN.read_text(encoding="utf-8"), cases],
    )
    page.close()
    assert len(found) >= 50
    for case, events in zip(cases, found, strict=True):
        assert events == [list(event) for event in case["events"]], case["name"]
