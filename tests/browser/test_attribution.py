"""The page Attribution on real clips and a simulated one: compare, zoom, test, mask, go back."""

from __future__ import annotations

import itertools
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from browser_reader import name_taken
from playwright.sync_api import Locator, Page, expect

from eegdash.io import hash_file
from eegdash.recording import alias_of
from eegdash.settings import Settings
from eegdash.workflows.desk import open_desk
from eegdash.workflows.explain import Request, explain, stored_explanation
from eegdash.workflows.explain_checks import check
from eegdash.workflows.files import simulate_to_file
from eegdash.workflows.library import open_path
from eegdash.workflows.score import Scored, load_trace, score

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

CLIPS = ("chb01_03_2986-3036s", "sparcnet_SZ_sample1")
FOUR = ["integrated-gradients", "grad-cam", "grad-cam++", "gradient-shap"]
# a shared machine that scores something else meanwhile may take this long for the tests of a map
TESTED_MS = 180_000
# what was computed once is stored: each attempt of a test asks for something else
NEW_TIMES = itertools.count(40, 6)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated recording with a seizure, scored by both detectors."""
    folder = tmp_path_factory.mktemp("attribution")
    desk = open_desk(Settings(workspace=folder))
    simulated = desk.workspace.recordings / "simulated.edf"
    simulate_to_file(simulated, duration_s=180, n_seizures=1, seed=5)
    scored(folder, simulated)
    return folder


def scored(folder: Path, path: Path) -> None:
    desk = open_desk(Settings(workspace=folder))
    for model in desk.models():
        assert isinstance(score(desk, path, model), Scored)


@pytest.fixture(scope="module")
def server(workspace: Path, serve: Callable[[Path], Server]) -> Server:
    return serve(workspace)


def open_page(page: Page, server: Server, path: Path, more: str = "") -> None:
    page.goto(f"{server.url}/attribution?recording={alias_of(hash_file(path))}{more}")
    drawn(page, "integrated-gradients", "grad-cam")


def drawn(page: Page, *methods: str) -> list[int]:
    """Wait until these maps are on screen, in this order; return their windows."""
    pattern = " ".join(rf"{re.escape(method)}@\d+" for method in methods)
    host = page.locator("[data-drawn]")
    expect(host).to_have_attribute("data-drawn", re.compile(f"^{pattern}$"), timeout=60_000)
    found = host.get_attribute("data-drawn") or ""
    return [int(one.split("@")[1]) for one in found.split()]


def judged(page: Page) -> None:
    expect(page.locator("[data-judged]")).to_have_attribute(
        "data-judged", "true", timeout=TESTED_MS
    )


def panel(page: Page, letter: str) -> Locator:
    return page.get_by_role("region", name=f"Panel {letter}", exact=True)


@contextmanager
def standstill(server: Server) -> Iterator[None]:
    """Hold the processes that compute, as if what they do took for ever."""
    workers = [
        child
        for child in psutil.Process(server.process.pid).children(recursive=True)
        if child.cmdline()[-2:] == ["eegdash", "worker"]
    ]
    assert workers
    for worker in workers:
        worker.suspend()
    try:
        yield
    finally:
        for worker in workers:
            worker.resume()


def pixels(canvas: Locator) -> int:
    """Number of different colours on a canvas: an empty one has one or two."""
    return int(
        canvas.evaluate(
            "(c) => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, "
            "c.height).data.buffer)).size"
        )
    )


def picture(canvas: Locator) -> str:
    return str(canvas.evaluate("(c) => c.toDataURL()"))


def becomes(canvas: Locator, wanted: str, *, same: bool) -> bool:
    """Wait until a canvas looks as wanted, or differs from it."""
    deadline = time.monotonic() + 20
    while (picture(canvas) == wanted) != same and time.monotonic() < deadline:
        time.sleep(0.05)
    return (picture(canvas) == wanted) == same


@pytest.mark.parametrize("clip", CLIPS)
def test_four_methods_side_by_side_on_a_real_clip(
    page: Page, server: Server, workspace: Path, data_pack: Path, clip: str
) -> None:
    for source in (data_pack / "seizure_clips").glob(f"{clip}*"):
        shutil.copyfile(source, workspace / "recordings" / source.name)
    path = workspace / "recordings" / f"{clip}.edf"
    scored(workspace, path)
    open_page(page, server, path)
    page.keyboard.press("4")
    page.get_by_label("Compare", exact=True).select_option("methods")
    windows = drawn(page, *FOUR)
    assert len(set(windows)) == 1
    desk = open_desk(Settings(workspace=workspace))
    trace = load_trace(desk, open_path(desk, path), desk.model())
    assert trace is not None
    # without a choice it is the strongest window
    assert trace.probability_pm[windows[0]] == trace.probability_pm[trace.scored].max()
    for letter, method in zip("ABCD", FOUR, strict=True):
        shown = panel(page, letter)
        made = explain(desk, Request(path, desk.model().name, windows[0], method))
        assert made.from_cache, "the page shows another map than the library keeps"
        for name in ("power", "map"):
            assert pixels(shown.locator(f"canvas.{name}")) > 20
        expect(shown.locator(".facts")).to_contain_text(f"probability {made.probability:.2f}")
        if made.map.native_shape:
            rows, columns = made.map.native_shape
            expect(shown.locator(".facts")).to_contain_text(f"native grid {rows} × {columns}")
    judged(page)
    checks = check(desk, Request(path, desk.model().name, windows[0], FOUR[0]))
    assert checks.insertion is not None
    listed = panel(page, "A").get_by_role("list", name="Tests of this map")
    expect(listed).to_contain_text(f"area {checks.insertion.auc:.2f}")
    expect(listed).to_contain_text(f"{checks.insertion.n_random} random")
    expect(listed).to_contain_text("Agrees with B")
    for letter in "ABCD":
        expect(panel(page, letter).locator(".verdict")).to_have_text(
            re.compile("Can be believed|Doubtful|Do not believe")
        )


@pytest.fixture
def simulated(workspace: Path) -> Path:
    return workspace / "recordings" / "simulated.edf"


def test_the_key_leads_here_and_back_to_the_same_place(
    page: Page, server: Server, simulated: Path
) -> None:
    alias = alias_of(hash_file(simulated))
    page.goto(f"{server.url}/review?recording={alias}&t=80")
    here = page.locator("[data-painted]")
    expect(here).to_have_attribute("data-painted", "80")
    page.keyboard.press("e")
    (index, _) = drawn(page, "integrated-gradients", "grad-cam")
    assert abs(4.5 + 1.5 * index - 85) <= 0.75, "the window in the middle of the page"
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-drawn]")).to_have_attribute(
        "data-drawn", f"integrated-gradients@{index + 1} grad-cam@{index + 1}"
    )
    page.keyboard.press("e")
    expect(here).to_have_attribute("data-painted", "80")
    # what is explained next is what is looked at then
    page.keyboard.press("PageUp")
    expect(here).to_have_attribute("data-painted", "0")
    page.keyboard.press("e")
    assert drawn(page, "integrated-gradients", "grad-cam")[0] <= 1


def test_a_marked_span_is_explained_and_still_marked_afterwards(
    page: Page, server: Server, simulated: Path
) -> None:
    alias = alias_of(hash_file(simulated))
    page.goto(f"{server.url}/review?recording={alias}&t=20")
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "20")
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Marked span:")).to_be_visible()
    page.locator(".target").click()
    page.keyboard.press("e")
    index = drawn(page, "integrated-gradients", "grad-cam")[0]
    assert 20 <= 4.5 + 1.5 * index <= 30
    page.keyboard.press("e")
    expect(page.get_by_text("Marked span:")).to_be_visible()


def test_views_zoom_and_colours_answer_at_once(page: Page, server: Server, simulated: Path) -> None:
    open_page(page, server, simulated)
    judged(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    view = page.get_by_label("Map", exact=True)
    for name in ("regions", "channels", "bands", "map"):
        view.select_option(name)
        for letter in "AB":
            assert pixels(panel(page, letter).locator("canvas.map")) > 3
    other = panel(page, "B").locator("canvas.map")
    before = picture(other)
    box = panel(page, "A").locator("canvas.map").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 62, steps=4)
    page.mouse.up()
    assert becomes(other, before, same=False), "the zoom of one panel is that of all"
    for letter in "AB":
        expect(panel(page, letter).locator(".readout")).to_contain_text("against")
    page.mouse.move(5, 5)
    page.keyboard.press("0")
    assert becomes(other, before, same=True), "all of the window is shown again"
    limit = page.locator(".limit")
    expect(limit).to_contain_text("% of a map's evidence")
    page.get_by_label("Colours", exact=True).select_option("own")
    expect(limit).to_contain_text("logit")
    before = picture(other)
    page.get_by_label("Map over spectrogram or traces").fill("100")
    assert becomes(other, before, same=False), "the slider shows more of the map"
    assert [url for url in asked if "/explained/" in url] == [], "a view made a round trip"
    # a method that was shown before is there again at once
    method = page.get_by_label("Method of panel B")
    method.select_option("hirescam" if _offered(method, "hirescam") else "grad-cam++")
    expect(page.locator("[data-drawn]")).not_to_have_attribute(
        "data-drawn", re.compile("grad-cam@")
    )
    page.wait_for_function("() => document.querySelector('[data-drawn]').dataset.drawn !== ''")
    method.select_option("grad-cam")
    drawn(page, "integrated-gradients", "grad-cam")


def _offered(select: Locator, value: str) -> bool:
    return bool(select.locator(f'option[value="{value}"]').count())


def test_a_detection_beside_a_quiet_window_and_two_detectors(
    page: Page, server: Server, simulated: Path
) -> None:
    open_page(page, server, simulated)
    page.get_by_label("Compare", exact=True).select_option("contrast")
    seizure, quiet = drawn(page, "integrated-gradients", "integrated-gradients")
    assert seizure != quiet
    probability = [
        float((panel(page, x).locator(".facts").inner_text().split("probability ")[1])[:4])
        for x in "AB"
    ]
    assert probability[0] > 0.5 > 0.21 > probability[1]
    page.get_by_label("Compare", exact=True).select_option("tuning")
    expect(page.locator("p.status").first).to_have_text(re.compile("."))
    page.get_by_label("Compare", exact=True).select_option("models")
    drawn(page, "integrated-gradients", "integrated-gradients")
    expect(panel(page, "B").get_by_label("Detector of panel B")).to_have_value(
        re.compile("^[0-9a-f]{64}$")
    )
    # the network of samples has its map on the traces
    expect(page.get_by_text("µV per row")).to_be_visible()


def test_a_detection_is_shown_window_by_window_and_a_click_chooses_one(
    page: Page, server: Server, simulated: Path
) -> None:
    open_page(page, server, simulated)
    part = page.get_by_role("region", name="Windows of this detection")
    expect(part).to_contain_text(re.compile(r"Detection \d+ of \d+, .* windows"))
    part.get_by_role("button", name="Explain every window of it").click()
    expect(part.get_by_role("button", name="Hide")).to_be_visible(timeout=TESTED_MS)
    expect(part).to_contain_text("Integrated Gradients of panel A's detector")
    canvas = part.locator("canvas.span")
    assert pixels(canvas) > 20
    expect(canvas).to_have_attribute("aria-label", re.compile("Most of it in"))
    before = drawn(page, "integrated-gradients", "grad-cam")[0]
    canvas.click(position={"x": 55, "y": 60})  # the first window of the detection
    expect(page.locator("[data-drawn]")).not_to_have_attribute(
        "data-drawn", re.compile(f"integrated-gradients@{before} ")
    )
    chosen = drawn(page, "integrated-gradients", "grad-cam")[0]
    assert chosen < before
    desk = open_desk(Settings(workspace=server.workspace))
    found = stored_explanation(desk, Request(simulated, desk.model().name, chosen))
    assert found is not None, "the map of every window is kept"
    part.get_by_role("button", name="Hide").click()
    expect(canvas).to_be_hidden()


def test_masking_and_the_shortcut_alarm(page: Page, server: Server, simulated: Path) -> None:
    open_page(page, server, simulated)
    box = page.get_by_role("region", name="What if")
    row = box.get_by_text("theta (4-8 Hz)")
    expect(row).to_be_visible()
    expect(box.get_by_role("button", name="Along the trace")).to_be_disabled()
    row.click()
    strip = page.locator("canvas.strip")
    before = picture(strip)
    box.get_by_role("button", name="Along the trace").click()
    expect(box.get_by_text("windows at or above the threshold stay there")).to_be_visible(
        timeout=TESTED_MS
    )
    assert becomes(strip, before, same=False), "the altered probability is drawn"
    alarm = page.get_by_role("region", name="Shortcut alarm")
    alarm.get_by_role("button", name="Look for shortcuts").click()
    listed = alarm.get_by_role("list", name="Signs of a shortcut")
    expect(listed).to_contain_text("Line frequency", timeout=TESTED_MS)
    expect(alarm.locator(".verdict")).to_contain_text("shortcut")


def test_slow_work_says_how_far_it_is_and_can_be_cancelled(
    page: Page, server: Server, simulated: Path
) -> None:
    open_page(page, server, simulated, f"&t={next(NEW_TIMES)}")
    page.get_by_label("Method of panel B").select_option("occlusion")
    drawn(page, "integrated-gradients", "occlusion")
    first, second = panel(page, "A"), panel(page, "B")
    with standstill(server):  # nothing is done before it is stopped, however fast the machine
        second.get_by_role("button", name="Infidelity and sensitivity").click()
        expect(second.get_by_title("Stop this test")).to_be_visible()
        first.get_by_role("button", name="Infidelity and sensitivity").click()
        first.get_by_title("Stop this test").click()
        again = first.get_by_role("button", name="Infidelity and sensitivity again")
        expect(again).to_be_visible()
        again.click()
        expect(first.get_by_role("progressbar", name="Infidelity and sensitivity")).to_be_visible()
        first.get_by_title("Stop this test").click()
        expect(again).to_be_visible()
    expect(second.get_by_text("Sensitivity-max")).to_be_visible(timeout=TESTED_MS)


def test_what_is_pressed_stays_while_the_bar_beside_it_moves(
    page: Page, server: Server, simulated: Path
) -> None:
    """A button that is exchanged between press and release never hears of the click."""
    open_page(page, server, simulated, f"&t={next(NEW_TIMES)}")
    judged(page)
    panel(page, "A").evaluate(
        """(node) => {
          window.seen = { buttons: new Set(), shares: new Set() };
          const look = () => {
            const bar = node.querySelector('progress[aria-label="Infidelity and sensitivity"]');
            if (bar) window.seen.shares.add(bar.value);
            const cancel = node.querySelector('button[title="Stop this test"]');
            if (cancel) window.seen.buttons.add(cancel);
            requestAnimationFrame(look);
          };
          look();
        }"""
    )
    panel(page, "A").get_by_role("button", name="Infidelity and sensitivity").click()
    expect(panel(page, "A").get_by_text("Sensitivity-max")).to_be_visible(timeout=TESTED_MS)
    buttons, shares = page.evaluate("[window.seen.buttons.size, window.seen.shares.size]")
    assert shares >= 1
    assert buttons <= 2  # one while it waits, one while it is computed


def test_a_blinded_reader_is_not_told_why(page: Page, server: Server, simulated: Path) -> None:
    alias = alias_of(hash_file(simulated))
    page.goto(f"{server.url}/review?recording={alias}")
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", "0")
    field = page.get_by_role("textbox", name="Your name or initials")
    field.fill("Dr. B")
    field.press("Enter")
    name_taken(page)
    page.get_by_text("Read blinded").click()
    expect(page.get_by_role("heading", name="Blinded first read")).to_be_visible()
    expect(page.get_by_role("button", name="Why?")).to_be_hidden()
    page.keyboard.press("e")
    expect(page.locator("p.status").first).to_contain_text("hidden until you commit")
    page.get_by_role("link", name="Attribution").click()
    expect(page.get_by_text("withheld until you commit your first read")).to_be_visible()
    assert page.locator("[data-drawn]").count() == 0
