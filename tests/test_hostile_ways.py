"""Every malformed file through every way in: the command line and the pages.

What each case gets from the library is in ``tests/io/test_gate.py``; the files of the data pack are
in ``tests/test_hostile.py`` and ``tests/app/test_pages.py``.
"""

from __future__ import annotations

from pathlib import Path

import hostile_cases
import pytest
from streamlit.testing.v1 import AppTest

from eegdash.checkpoints import CheckpointInfo
from eegdash.cli import main
from eegdash.ui import cache
from eegdash.workflows.desk import Desk

REFUSED = hostile_cases.refused()
NOTED = hostile_cases.opened_with_a_note()
MAIN = str(Path(__file__).resolve().parents[1] / "eegdash" / "ui" / "main.py")


def file_name(case: str) -> str:
    return f"{case.replace(' ', '_')}.edf"


def put(folder: Path, cases: dict[str, tuple[bytes, str]]) -> None:
    for case, (content, _) in cases.items():
        (folder / file_name(case)).write_bytes(content)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("case", REFUSED)
def test_info_refuses_in_one_line(
    tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / file_name(case)
    path.write_bytes(REFUSED[case][0])
    assert main(["info", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{path.name} ")
    assert REFUSED[case][1] in err
    assert err.endswith(".\n")
    assert err.count("\n") == 1
    assert str(tmp_path) not in err


@pytest.mark.parametrize("case", NOTED)
def test_info_opens_and_says_what_is_odd(
    tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / file_name(case)
    path.write_bytes(NOTED[case][0])
    assert main(["info", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    (note, *_) = [line for line in out.splitlines() if NOTED[case][1] in line]
    assert note.startswith("note ")


def test_score_fails_each_by_itself_and_writes_and_appends_nothing(
    desk: Desk, tiny_model: CheckpointInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    put(folder, {**REFUSED, **NOTED})
    given, labels = contents(folder), contents(desk.workspace.labels)
    out_folder = tmp_path / "out"
    assert main(["score", str(folder), "--model", tiny_model.name, "--out", str(out_folder)]) == 2
    out, err = capsys.readouterr()
    said = {line.split(": ")[0].removeprefix("FAILED  "): line for line in err.splitlines()}
    assert set(said) == {file_name(case) for case in (*REFUSED, *NOTED)}
    for case, (_, words) in REFUSED.items():
        assert words in said[file_name(case)]
    for case in NOTED:  # a few seconds of one electrode
        assert "missing" in said[file_name(case)], case
    assert f"0 scored, {len(said)} failed" in out
    assert not out_folder.exists()
    assert contents(folder) == given
    assert contents(desk.workspace.labels) == labels


@pytest.fixture
def fresh_process(desk: Desk) -> object:
    cache.desk.clear()
    cache.queue.clear()
    yield
    cache.queue().close()
    cache.desk.clear()
    cache.queue.clear()


@pytest.mark.usefixtures("fresh_process")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")
def test_the_list_of_recordings_shows_every_one_of_them_in_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eegdash.ui.recordings.ROWS_PER_PAGE", 200)
    put(desk.workspace.recordings, {**REFUSED, **NOTED})
    labels = contents(desk.workspace.labels)
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    assert [e.value for e in at.exception] == []
    shown = "\n".join(str(e.value) for kind in (at.markdown, at.text) for e in kind)
    rows = {part.split("**")[0]: part for part in shown.replace("\\", "").split("\n**")}
    for case, (_, words) in REFUSED.items():
        row = rows[file_name(case)]
        assert "cannot be opened" in row
        assert " ".join(words.split()) in row
    notes = "\n".join(str(e.value) for e in at.text)
    for case, (_, words) in NOTED.items():
        assert file_name(case) in rows
        assert words in notes, case
    assert [b for b in at.button if b.label == "Score"] == []
    assert str(desk.workspace.recordings) not in shown
    assert contents(desk.workspace.labels) == labels


@pytest.mark.usefixtures("fresh_process")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")
def test_the_review_page_shows_the_complete_records_and_says_what_is_missing(desk: Desk) -> None:
    path = desk.workspace.recordings / file_name("records truncated")
    path.write_bytes(NOTED["records truncated"][0])
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    (button,) = [b for b in at.button if b.label == "Review"]
    at = button.click().run()
    assert [e.value for e in at.exception] == []
    banners = [str(e.value).replace("\\", "") for e in at.warning]
    assert any(NOTED["records truncated"][1] in text for text in banners)
