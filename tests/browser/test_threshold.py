"""The page Operating point on real clips and a simulated one: move, compare, choose, lock."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_reader import choose
from playwright.sync_api import Locator, Page, expect

from eegdash.detection import PostProcessing
from eegdash.export import write_events_tsv, write_trace_csv
from eegdash.scoring import Criterion, choose_threshold
from eegdash.settings import Settings
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.files import simulate_to_file
from eegdash.workflows.library import open_path, recording_files
from eegdash.workflows.locked_points import locked_history
from eegdash.workflows.operating_tables import TableRequest, compute_tables, operating_table
from eegdash.workflows.score import Scored, as_annotations, post_of, score

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

CLIPS = ("chb01_03_2986-3036s", "chb01_01_0-60s", "sparcnet_SZ_sample1")
READY = re.compile(r"^[AB]:\d+:")


@pytest.fixture(scope="module")
def workspace(data_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips with and without a seizure and a simulated recording, scored; one other detector."""
    folder = tmp_path_factory.mktemp("operating")
    desk = open_desk(Settings(workspace=folder))
    clips = data_pack / "seizure_clips"
    for stem in CLIPS:
        for name in (f"{stem}.edf", f"{stem}_events.tsv"):
            shutil.copyfile(clips / name, desk.workspace.recordings / name)
    shutil.copyfile(clips / "coverage.tsv", desk.workspace.recordings / "coverage.tsv")
    simulated = desk.workspace.recordings / "simulated.edf"
    simulate_to_file(simulated, duration_s=600, n_seizures=1, seed=5)
    for path in recording_files(desk):
        assert isinstance(score(desk, path, desk.model()), Scored)
    trace = score(desk, simulated, desk.model()).trace
    write_trace_csv(simulated.with_name("simulated_desc-rival_trace.csv"), trace)
    return folder


@pytest.fixture(scope="module")
def desk(workspace: Path) -> Desk:
    return open_desk(Settings(workspace=workspace))


@pytest.fixture(scope="module")
def server(workspace: Path, serve: Callable[[Path], Server]) -> Server:
    return serve(workspace)


def open_page(page: Page, server: Server, reviewer: str = "") -> None:
    page.goto(f"{server.url}/threshold")
    expect(page.locator("[data-painted]")).to_have_attribute("data-painted", READY)
    if reviewer:
        name = page.get_by_role("textbox", name="Your name or initials")
        name.fill(reviewer)
        name.press("Enter")
        expect(page.locator("[data-painted]")).to_have_attribute("data-painted", READY)


def threshold(page: Page) -> float:
    """The threshold on screen, once the frame that shows it is painted."""
    page.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
    return float(page.locator('[data-value="threshold"]').inner_text())


def quiet(page: Page, sent: list[object]) -> None:
    """Wait until nothing is being sent to the server."""
    before = -1
    while before != len(sent):
        before = len(sent)
        page.wait_for_timeout(700)


def row(page: Page, name: str) -> list[str]:
    """Cells of a row of the figures."""
    cells = page.locator(".side table").first.get_by_role("row", name=re.compile(f"^{name}"))
    return cells.locator("td").all_inner_texts()


def table_in_python(desk: Desk, paths: list[Path], post: PostProcessing | None = None):
    model = desk.model()
    return operating_table(
        compute_tables(desk, TableRequest(tuple(paths), model), post or post_of(model))
    )


def test_dragging_moves_every_figure_without_a_round_trip(
    page: Page, server: Server, desk: Desk
) -> None:
    sent: list[object] = []
    asked: list[str] = []
    page.on("websocket", lambda ws: ws.on("framesent", lambda frame: sent.append(frame)))
    page.on("request", lambda request: asked.append(request.url))
    open_page(page, server)
    quiet(page, sent)
    before, n_asked = len(sent), len(asked)
    table = table_in_python(desk, recording_files(desk))
    box = page.locator("canvas.f1").bounding_box()
    assert box is not None
    seen = set()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in (0.6, 0.4, 0.3, 0.9):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2, steps=5)
        page.wait_for_timeout(100)
        index = table.index(round(1000 * threshold(page)))
        events, windows = table.micro(index).events, table.windows(index)
        cells = row(page, "Sensitivity")
        assert cells[0] == f"{events.sensitivity:.2f} ({events.tp}/{events.n_ref})"
        assert cells[3] == f"{windows.sensitivity:.2f}"
        for name in ("tn", "fp", "fn", "tp"):
            shown = page.locator(f'[data-quadrant="{name}"]').inner_text()
            assert int(shown.replace(",", "")) == getattr(windows, name)
        seen.add(threshold(page))
    assert len(seen) == 4
    assert (len(sent), len(asked)) == (before, n_asked), "the drag made a round trip"
    page.mouse.up()
    expect(page.get_by_text("was chosen on the 4 recordings it is scored on")).to_be_visible()
    quiet(page, sent)
    assert len(sent) > before, "the released threshold was not told"


def test_two_points_are_toggled_and_compared_and_stay_with_other_recordings(
    page: Page, server: Server
) -> None:
    open_page(page, server)
    first = threshold(page)
    page.keyboard.press("t")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowRight")
    second = threshold(page)
    assert second == pytest.approx(first + 0.11)
    expect(page.get_by_role("button", name=f"B {second:.2f}")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.get_by_role("region", name="Compared")).to_be_visible()
    page.keyboard.press("t")
    assert threshold(page) == pytest.approx(first)
    page.keyboard.press("t")
    choose(page, "Recordings", "simulated.edf")
    expect(page.get_by_text("simulated.edf, ")).to_be_visible()
    assert threshold(page) == pytest.approx(second)
    expect(page.get_by_text("This threshold was not chosen on these recordings")).to_have_count(0)


def test_choosing_by_a_criterion_is_pythons_choice(page: Page, server: Server, desk: Desk) -> None:
    open_page(page, server)
    choose(page, "Recordings", "Person chb01 (2)")
    expect(page.get_by_text("Person chb01: 2 recordings, 1 person")).to_be_visible()
    paths = [path for path in recording_files(desk) if path.name.startswith("chb01")]
    curve = table_in_python(desk, paths).curve()
    wishes = [
        ("event-f1", Criterion.EVENT_F1, None),
        ("accuracy-sensitivity", Criterion.ACCURACY_SENSITIVITY, None),
        ("fp-per-24h", Criterion.FP_PER_24H, 1.0),
        ("sensitivity", Criterion.SENSITIVITY, 0.8),
    ]
    for value, criterion, target in wishes:
        page.get_by_label("Choose the threshold by").select_option(value)
        expected = choose_threshold(curve, criterion, target)
        assert expected is not None
        assert round(1000 * threshold(page)) == expected.threshold_pm, value
    assert page.get_by_label("Target").input_value() == "0.8"


def test_event_rules_compute_new_tables_and_say_so(page: Page, server: Server, desk: Desk) -> None:
    open_page(page, server)
    page.get_by_text("Event rules").click()
    field = page.get_by_label("Drop events under, s")
    field.fill("30")
    field.press("Enter")
    painted = page.locator("[data-painted]")
    expect(painted).to_have_attribute("data-painted", re.compile(r"-30$"))
    post = PostProcessing(**{**post_of(desk.model()).as_dict(), "min_duration_s": 30.0})
    table = table_in_python(desk, recording_files(desk), post)
    index = table.index(round(1000 * threshold(page)))
    events = table.micro(index).events
    assert row(page, "Sensitivity")[0] == f"{events.sensitivity:.2f} ({events.tp}/{events.n_ref})"
    field.fill("-1")
    field.press("Enter")
    expect(page.get_by_text("it stays at 30")).to_be_visible()


def test_another_detector_stands_beside_on_the_recordings_it_has(
    page: Page, server: Server, desk: Desk
) -> None:
    open_page(page, server)
    choose(page, "Compare with", "rival")
    compared = page.get_by_role("region", name="Compared")
    expect(compared).to_contain_text("On the 1 of 4 recordings that rival has results for")
    # it is the detector's own trace under another name: both columns agree
    cells = compared.get_by_role("row", name=re.compile("^Event sensitivity")).locator("td")
    assert len(set(cells.all_inner_texts()[:2])) == 1
    choose(page, "Recordings", "chb01_03_2986-3036s.edf")
    events = as_annotations([])
    path = desk.workspace.state / "nothing.tsv"
    write_events_tsv(path, events, duration_s=50.0)
    page.get_by_role("button", name=re.compile("Add results")).click()
    page.locator('input[type="file"]').set_input_files(
        {"name": "silent.tsv", "mimeType": "text/plain", "buffer": path.read_bytes()}
    )
    expect(page.get_by_text("silent.tsv")).to_be_visible()  # it has arrived
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Added chb01_03_2986-3036s_desc-silent_events.tsv")).to_be_visible()
    page.keyboard.press("Escape")
    choose(page, "Compare with", "silent")
    expect(compared.get_by_role("row", name=re.compile("^Threshold"))).to_contain_text("fixed")
    line = compared.get_by_role("row", name=re.compile("^Event precision")).locator("td")
    assert line.all_inner_texts()[-1] == "n/a", "no detection: precision is undefined, not 0"
    reference = open_path(desk, desk.workspace.recordings / "chb01_03_2986-3036s.edf").reference
    assert reference is not None
    assert len(reference.seizures) == 1, "results were taken for the reference"


def test_a_point_is_locked_with_its_provenance_and_comes_back(
    page: Page, server: Server, desk: Desk
) -> None:
    open_page(page, server, "Dr. L")
    page.get_by_label("Choose the threshold by").select_option("event-f1")
    chosen = threshold(page)
    page.get_by_text("Lock …").click()
    page.get_by_label("Why this point").fill("for the ward")
    page.get_by_role("button", name="Lock this operating point").click()
    expect(page.get_by_text(f"Locked: {chosen:g} for")).to_be_visible()
    (point,) = locked_history(desk.workspace).points
    assert point.threshold_pm == round(1000 * chosen)
    assert (point.reviewer, point.comment, point.criterion) == (
        "Dr. L",
        "for the ward",
        "event-f1",
    )
    assert len(point.recordings) == len(point.chosen_on) == 4
    table = table_in_python(desk, recording_files(desk))
    events = table.micro(table.index(point.threshold_pm)).events
    assert point.figures["event_f1"] == pytest.approx(events.f1)
    text = (desk.workspace.state / "operating_points.jsonl").read_text(encoding="utf-8")
    assert "simulated" not in json.dumps(json.loads(text)["recordings"])
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(700)
    fresh = page.context.new_page()
    open_page(fresh, server)
    assert threshold(fresh) == pytest.approx(chosen), "the locked point holds for a new session"
    fresh.close()
    open_page(page, server, "Dr. L")
    expect(page.locator('[data-value="threshold"]')).to_have_text(f"{chosen - 0.01:.2f}")


def test_presentation_folds_the_controls_away_and_one_key_brings_them_back(
    page: Page, server: Server
) -> None:
    open_page(page, server)
    rules = page.get_by_text("Event rules")
    size = "node => parseFloat(getComputedStyle(node).fontSize)"
    value = page.locator('[data-value="threshold"]')
    before = value.evaluate(size)
    page.keyboard.press("f")
    expect(rules).to_be_hidden()
    assert value.evaluate(size) >= 1.5 * before
    covered = page.evaluate(
        "() => document.elementFromPoint(30, 30).closest('[data-testid=stHeader]') === null"
    )
    assert covered, "the page's own controls are still on top"
    expect(page.locator(".research")).to_be_visible()
    at = threshold(page)
    page.keyboard.press("ArrowRight")
    assert threshold(page) == pytest.approx(at + 0.01)
    page.keyboard.press("f")
    expect(rules).to_be_visible()


def test_curves_have_words_and_a_table(page: Page, server: Server) -> None:
    open_page(page, server)
    for name in ("operating", "precision", "roc", "f1", "calibration"):
        label = page.locator(f"canvas.{name}").get_attribute("aria-label")
        assert label is not None
        assert re.search(r"\d|n/a", label)
    page.get_by_text("Values of the curves as a table").click()
    rows = page.locator("details table tbody tr")
    expect(rows).to_have_count(101)
    assert rows.nth(100).locator("th").inner_text() == "1.00"


def test_nothing_to_judge_says_what_to_do_next(
    page: Page, serve: Callable[[Path], Server], tmp_path: Path
) -> None:
    simulate_to_file(tmp_path / "recordings" / "night.edf", duration_s=60, n_seizures=0, seed=1)
    server = serve(tmp_path)
    page.goto(f"{server.url}/threshold")
    expect(page.get_by_text("none is scored by this detector yet")).to_be_visible()
    (tmp_path / "recordings" / "night_events.tsv").unlink()
    page.reload()
    expect(page.get_by_text("no recording has a reference yet")).to_be_visible()
    page.get_by_role("link", name="Go to Recordings").click()
    expect(page.get_by_role("textbox", name="Find by name")).to_be_visible()


def test_the_table_by_recording_is_ordered_by_a_head_and_stays_so(
    page: Page, server: Server
) -> None:
    open_page(page, server)
    table = page.get_by_role("table", name="Figures by recording")
    last = table.locator("tbody td:last-child")
    mixed = last.filter(has_text=re.compile(r"^0\.[1-9]"))
    # down to where there are false alarms, wherever a point was locked before
    while threshold(page) > 0.02 and not mixed.count():
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(150)
    expect(mixed.first).to_be_visible()
    names = table.locator("tbody th")
    as_it_came = names.all_inner_texts()
    head = table.get_by_role("button", name="Window specificity")
    head.click()
    assert sorted_values(table) == sorted(sorted_values(table), reverse=True)
    head.click()
    assert sorted_values(table) == sorted(sorted_values(table))
    expect(table.get_by_role("columnheader", name="Window specificity")).to_have_attribute(
        "aria-sort", "ascending"
    )
    ordered = names.all_inner_texts()
    assert sorted(ordered) == sorted(as_it_came)
    page.keyboard.press("Shift+ArrowRight")  # rows stay under the eye while the threshold moves
    threshold(page)
    assert names.all_inner_texts() == ordered
    head.click()
    assert names.all_inner_texts() == as_it_came
    spread = page.get_by_role("table", name="Figures by person").locator("tfoot th")
    expect(spread).to_have_text("mean ± SD over persons")


def sorted_values(table: Locator) -> list[float]:
    """Values of the last column from the top, down to where there is none."""
    texts = table.locator("tbody td:last-child").all_inner_texts()
    values = [float(text) for text in texts if text != "n/a"]
    assert texts[: len(values)] == [text for text in texts if text != "n/a"]
    assert len(set(values)) > 1
    return values
