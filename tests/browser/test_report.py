"""The page Report in a browser: a report is written, looked at, and taken along."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from simulated_files import write_events, write_noise

from eegdash.settings import Settings
from eegdash.workflows import library
from eegdash.workflows.desk import open_desk

pytestmark = [pytest.mark.browser]


def test_a_report_is_written_and_previewed_without_running_or_loading_anything(
    page: Page, serve: Callable[[Path], object], tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    path = write_noise(workspace / "recordings" / "Zzyzx^Qwfp.edf", seconds=40)
    write_events(path, [(12.0, 10.0)], 40.0)
    alias = library.facts(open_desk(Settings(workspace=workspace)), path).alias
    url = serve(workspace).url
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{url}/report")
    expect(page.get_by_text("No report has been written")).to_be_visible()
    page.get_by_role("button", name="Write a report").click()
    expect(page.get_by_text("Writing the report").first).to_be_visible()
    preview = page.frame_locator("iframe").first
    heading = preview.get_by_role("heading", level=1)
    expect(heading).to_contain_text(alias, timeout=120_000)
    expect(preview.get_by_text("Research use, not for diagnosis.").first).to_be_visible()
    expect(preview.locator("img").first).to_be_visible()
    assert all(one.startswith((url, "data:", "blob:", "ws")) for one in asked)
    assert [x[:200] for x in asked if "Zzyzx" in x and not x.startswith("data:")] == []
    page.get_by_text("Report on", exact=True).first.wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="All (ZIP)").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        names = archive.namelist()
        assert not any(b"Zzyzx^Qwfp" in archive.read(name) for name in names)
    assert {Path(name).name for name in names} >= {"report.html", "report.json", "report.md"}
    assert "Zzyzx" not in download.value.suggested_filename
