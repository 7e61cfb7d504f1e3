"""Text of strangers on every page: nothing of it runs, and no other server is asked.

The same text stands in file name, patient fields, channel names, annotations, reference, labels,
the reader's name, a detector's title and card, and settings. Chromium says what it asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from browser_reader import name_taken
from edf_bytes import text
from playwright.sync_api import Browser, Page, expect
from simulated_files import write_noise
from tiny_models import save_tiny_model

from eegdash.io import hash_file
from eegdash.labels import DraftLabel
from eegdash.montage import ELECTRODES_10_20
from eegdash.settings import Settings
from eegdash.workflows import score
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.model_decisions import Action, decide_model

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

ELSEWHERE = "xss.invalid"
TAG = "<img src=x onerror=q()>"
PAYLOAD = (
    f"{TAG}<script>q()</script>[a](javascript:q())![i](http://{ELSEWHERE}/i.png)<svg onload=q()>"
)
FILE_NAME = f"{TAG}![i](http:++{ELSEWHERE}+i.png)_{'y' * 20}.edf"
CHANNEL = "<svg/onload=q()>"  # 16 characters, as many as EDF has
# title of each page, and what stands on it once it is drawn
PAGES = {
    "Recordings": "Recordings of the workspace",
    "Review": "channels at 128 Hz",
    "Attribution": "Attribution",
    "Operating point": "Operating point",
    "Report": "Report on a recording or a person",
    "Labels": "Labels of the workspace",
    "Models": "the detectors of this installation",
    "Inside the detector": "Inside the detector",
    "About this server": "Nothing here names a recording",
}
FOLDED = "[data-testid=stExpander] summary"
POPOVERS = "[data-testid=stPopoverButton]"
PARTS = {
    "Labels": ("Next to review", "Readers", "Agreement", "Adjudication", "Import and export"),
    "Models": ("Teach", "Compare"),
}
RAN = "window.q = () => { window.__xss = (window.__xss || 0) + 1; };"


def hostile_workspace(folder: Path) -> Desk:
    """Fill a workspace whose every text is an attack."""
    names = [*ELECTRODES_10_20, CHANNEL]
    notes = [(2.0, 1.0, PAYLOAD), (5.0, 0.0, TAG)]
    path = write_noise(folder / "recordings" / "x.edf", seconds=40, names=names, notes=notes)
    path = path.rename(path.with_name(FILE_NAME))
    with path.open("rb+") as file:
        file.seek(8)
        file.write(text(PAYLOAD, 80) + text(PAYLOAD[::-1], 80))
    columns = "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration"
    row = f"10.0\t8.0\tsz\t1.0\t{PAYLOAD.replace(',', '')}\t2020-01-01 00:00:00\t40.0"
    path.with_name(f"{path.stem}_events.tsv").write_text(f"{columns}\n{row}\n")
    (path.parent / f"broken{TAG}.edf").write_bytes(b"\x00")
    save_tiny_model(folder / "models", seed=0, name="tiny")
    config = folder / "models" / "tiny" / "config.json"
    said = json.loads(config.read_text())
    said |= {"title": f"{TAG}[t](//{ELSEWHERE})"}
    said["training"] = {"command": PAYLOAD, "parent": {"name": PAYLOAD, "sha256": "0" * 64}}
    config.write_text(json.dumps(said))
    card = folder / "models" / "tiny" / "README.md"
    card.write_text(f"# {PAYLOAD}\n\n{PAYLOAD}\n\n<iframe src=http://{ELSEWHERE}></iframe>\n")
    desk = open_desk(Settings(workspace=folder))
    model = next(info for info in desk.checkpoints() if info.name == "tiny")
    decide_model(
        desk.workspace, model, Action.PROMOTE, reviewer=PAYLOAD[:90], comment=PAYLOAD,
        decision_id="1", default=True,
    )  # fmt: skip
    assert desk.model().name == "tiny"
    assert isinstance(score.score(desk, path, desk.model()), score.Scored)
    for i, (reviewer, verdict) in enumerate(((PAYLOAD[:90], "missed"), ("Dr. B", "disagree"))):
        desk.append(
            DraftLabel(
                idempotency_id=f"id-{i}",
                reviewer=reviewer,
                recording_sha256=hash_file(path),
                onset_s=11.0,
                duration_s=6.0,
                verdict=verdict,
                event_type="sz" if verdict == "missed" else "",
                reason=PAYLOAD,
                comment=PAYLOAD,
            )
        )
    return desk


@dataclass
class Visit:
    """A tab that goes from page to page, and what it asked and did."""

    page: Page
    server: Server
    asked: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Assert that nothing ran and nobody else was asked."""
        assert self.page.evaluate("window.__xss") is None
        assert self.dialogs == []
        away = f'a[href*="{ELSEWHERE}"], a[href^="javascript"]'
        assert [link.inner_text() for link in self.page.locator(away).all()] == []
        own = (self.server.url, self.server.url.replace("http", "ws"), "data:", "blob:")
        assert [url for url in self.asked if not url.startswith(own)] == []
        assert [url for url in self.asked if "onerror" in url or "%3Cimg" in url.lower()] == []
        # a refusal by the policy would mean that something tried, or that the page itself cannot
        assert [line for line in self.errors if "Content Security Policy" in line] == []


@pytest.fixture(scope="module")
def visit(
    browser: Browser, serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visit]:
    folder = tmp_path_factory.mktemp("attack") / TAG
    hostile_workspace(folder)
    server = serve(
        folder,
        environment={
            "EEGDASH_ADJUDICATORS": TAG,
            "EEGDASH_LLM_BASE_URL": f"http://127.0.0.1:9/{TAG}",
            "EEGDASH_LLM_MODEL": PAYLOAD,
            "EEGDASH_TRUSTED_PACKAGES": TAG,
        },
    )
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(45_000)
    context.add_init_script(RAN)
    page = context.new_page()
    found = Visit(page, server)
    page.on("request", lambda request: found.asked.append(request.url))
    page.on("console", lambda message: found.errors.append(message.text))
    page.on("dialog", lambda dialog: (found.dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(server.url)
    field_ = page.get_by_role("textbox", name="Your name or initials")
    field_.fill(TAG + "[n](javascript:q())")
    field_.press("Enter")
    name_taken(page)
    page.get_by_role("button", name="Review", exact=True).first.click()
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", re.compile(r"\d"))
    yield found
    context.close()


def go(page: Page, title: str) -> None:
    """Go to a page by its link and wait until it is drawn."""
    page.get_by_role("link", name=title, exact=True).first.click()
    body = page.locator('[data-testid="stMainBlockContainer"]')
    expect(body.get_by_text(PAGES[title]).first).to_be_visible()
    expect(page.get_by_text("Research use, not for diagnosis.").first).to_be_visible()
    settled(page)


def settled(page: Page) -> None:
    """Wait until the script of the page has run to its end."""
    app = page.locator('[data-testid="stApp"]')
    expect(app).to_have_attribute("data-test-script-state", "notRunning")


def look_everywhere(visit: Visit) -> None:
    """Open what is folded on the page, and check what it did."""
    page = visit.page
    # by script: what opens moves the rest, and a pointer would wait for it to stand still
    page.evaluate(f"document.querySelectorAll('{FOLDED}').forEach(one => one.click())")
    settled(page)
    visit.check()
    for i in range(min(page.locator(POPOVERS).count(), 4)):
        page.evaluate(f"document.querySelectorAll('{POPOVERS}')[{i}]?.click()")
        page.keyboard.press("Escape")
    settled(page)
    visit.check()


@pytest.mark.parametrize("title", PAGES)
def test_nothing_runs_and_nobody_else_is_asked(visit: Visit, title: str) -> None:
    page = visit.page
    go(page, title)
    look_everywhere(visit)
    for name in PARTS.get(title, ()):
        page.locator('[data-testid="stButtonGroup"]').get_by_text(name, exact=True).click()
        settled(page)
        look_everywhere(visit)
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)
    visit.check()


def test_the_texts_were_there_to_be_seen(visit: Visit) -> None:
    """What the other test finds harmless did reach the pages, as text."""
    page = visit.page
    go(page, "Recordings")
    expect(page.get_by_text(f"broken{TAG}.edf").first).to_be_visible()
    go(page, "Review")
    expect(page.get_by_text(FILE_NAME).first).to_be_visible()
    expect(page.get_by_text(PAYLOAD[:60]).first).to_be_visible()
    visit.check()
    log = visit.server.log.read_text()
    assert FILE_NAME not in log
    assert TAG not in log


def test_the_alarm_rings(visit: Visit) -> None:
    """Where nothing guards a page, the same text runs and asks another server."""
    page = visit.page.context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("data:text/html," + quote(f"<p>{TAG}</p><img src='http://{ELSEWHERE}/i.png'>"))
    page.wait_for_function("window.__xss > 0")
    assert any(ELSEWHERE in url for url in asked)
    page.close()
