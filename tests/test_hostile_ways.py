"""Every malformed file through every way in: the command line and the pages.

What each case gets from the library is in ``tests/io/test_gate.py``; the files of the data pack are
in ``tests/test_hostile.py`` and ``tests/app/test_pages.py``.
"""

from __future__ import annotations

import random
from pathlib import Path

import hostile_cases
import numpy as np
import pytest
from simulated_files import write_noise
from streamlit.testing.v1 import AppTest

from eegdash.checkpoints import CheckpointInfo
from eegdash.cli import main
from eegdash.io.gate import read_header
from eegdash.ui import cache, recordings
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


@pytest.mark.usefixtures("fresh_process")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")
def test_damaged_files_never_break_the_list(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eegdash.ui.recordings.ROWS_PER_PAGE", 200)
    rng = random.Random(5)
    sound = hostile_cases.with_tal(b"+1\x14note\x14\x00")
    for i in range(60):
        damaged = hostile_cases.mutated(sound, rng)
        (desk.workspace.recordings / f"damaged{i}.edf").write_bytes(damaged)
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    assert [e.value for e in at.exception] == []
    shown = "\n".join(str(e.value) for e in at.markdown).replace("\\", "")
    assert all(f"**damaged{i}.edf**" in shown for i in range(60))
    assert 10 < shown.count("cannot be opened") < 50


def unusable(path: Path, kind: str) -> Path:
    """Write 30 s in which every channel is flat, or rests on the limits of the amplifier."""
    write_noise(path, seconds=30)
    content = bytearray(path.read_bytes())
    first = 256 * (1 + len(read_header(path, "EDF").signals))
    samples = np.frombuffer(content, "<i2", offset=first).copy()
    samples[:] = (
        17 if kind == "flat" else np.where(np.arange(samples.size) // 400 % 2, 32767, -32768)
    )
    content[first:] = samples.tobytes()
    content[192:236] = b" " * 44  # plain EDF: what kept the time is overwritten, too
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", ["flat", "saturated"])
@pytest.mark.usefixtures("fresh_process")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")
def test_unusable_channels_are_never_a_score(
    desk: Desk,
    tiny_model: CheckpointInfo,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    path = unusable(desk.workspace.recordings / f"{kind}.edf", kind)
    found = [tiny_model.name, "--threshold", "0", "--out", str(tmp_path)]
    assert main(["score", str(path), "--model", *found]) == 0
    out, _ = capsys.readouterr()
    assert "0 detections (only 0.0 s could be scored" in out
    (trace,) = tmp_path.glob("*_trace.csv")
    rows = trace.read_text().splitlines()[1:]
    assert len(rows) > 10
    assert all(row.endswith(",") for row in rows)  # no probability, which is not one of 0
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    at = at.selectbox[0].select(tiny_model.name).run()
    assert [e.value for e in at.exception] == []
    shown = "\n".join(str(e.value) for e in at.markdown)
    assert "too little could be scored for a detection" in shown


@pytest.mark.usefixtures("fresh_process")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")
@pytest.mark.parametrize("name", ["virus.exe", "a.edf.exe", "noext", "x.edf\x00.exe", "a.eeg"])
def test_an_upload_of_another_kind_is_not_kept(desk: Desk, name: str) -> None:
    """The browser offers only what is read; what is sent all the same is refused here."""
    recordings._keep_upload(name, hostile_cases.big())
    assert list(desk.workspace.recordings.iterdir()) == []
