"""The page Report in a browser: a report is written, looked at, and taken along."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser_reader import choose
from playwright.sync_api import Page, expect
from simulated_files import write_events, write_noise

from eegdash.report.pdf import can_make_pdf
from eegdash.settings import Settings
from eegdash.workflows import library
from eegdash.workflows.desk import open_desk

if TYPE_CHECKING:
    from tests.browser.conftest import Server

pytestmark = [pytest.mark.browser]

SECRET = "Zzyzx^Qwfp"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, serve: Callable[[Path], Server]) -> Server:
    """A dashboard with a recording whose file names somebody, and two of one person."""
    workspace = tmp_path_factory.mktemp("report") / "workspace"
    for seed, name in enumerate((SECRET, "chb20_01", "chb20_02")):
        path = write_noise(workspace / "recordings" / f"{name}.edf", seconds=40, seed=seed)
        write_events(path, [(12.0, 10.0)], 40.0)
    return serve(workspace)


def test_a_report_is_written_previewed_and_taken_along(page: Page, server: Server) -> None:
    """The preview runs nothing and loads nothing; no file that is taken along names anybody."""
    path = server.workspace / "recordings" / f"{SECRET}.edf"
    alias = library.facts(open_desk(Settings(workspace=server.workspace)), path).alias
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server.url}/report")
    choose(page, "Report on", alias)
    expect(page.get_by_text("No report has been written")).to_be_visible()
    page.get_by_role("button", name="Write a report").click()
    expect(page.get_by_text("Writing the report").first).to_be_visible()
    preview = page.frame_locator("iframe").first
    heading = preview.get_by_role("heading", level=1)
    expect(heading).to_contain_text(alias, timeout=180_000)
    expect(preview.get_by_text("Research use, not for diagnosis.").first).to_be_visible()
    expect(preview.locator("img").first).to_be_visible()
    assert all(one.startswith((server.url, "data:", "blob:", "ws")) for one in asked)
    assert [x[:200] for x in asked if "Zzyzx" in x and not x.startswith("data:")] == []
    names = {Path(name).name for name in zip_names(taken(page, "All (ZIP)"))}
    assert names >= {"report.html", "report.json", "report.md"}
    assert alias.encode() in taken(page, "HTML")
    if can_make_pdf():
        expect(page.get_by_role("button", name="PDF")).to_be_disabled()
    else:
        assert taken(page, "PDF").startswith(b"%PDF-")


def taken(page: Page, button: str) -> bytes:
    """Take a file along; neither its name nor anything in it names anybody."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    assert "Zzyzx" not in download.value.suggested_filename
    content = Path(download.value.path()).read_bytes()
    assert SECRET.encode() not in content
    return content


def zip_names(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not any(SECRET.encode() in archive.read(name) for name in archive.namelist())
        return archive.namelist()


def test_a_report_on_a_person_is_cancelled_and_leaves_nothing(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/report")
    choose(page, "Report on", "Person chb20, 2 recordings")
    expect(page.get_by_text("2 recordings are not scored yet")).to_be_visible()
    page.get_by_role("button", name="Write a report").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Write a report")).to_be_visible()
    expect(page.get_by_text("No report has been written")).to_be_visible()
    assert not list((server.workspace / "reports").glob("report-chb20-*"))
    choose(page, "Detector", "Shallow")
    expect(page.get_by_text("2 recordings are not scored yet")).to_be_visible()
