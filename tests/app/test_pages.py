"""The pages, run without a browser: what stands on them, and that nothing breaks them."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from simulated_files import write_events, write_noise
from streamlit.testing.v1 import AppTest
from tiny_models import save_tiny_model

from eegdash.jobs import JobQueue
from eegdash.ui import cache, places
from eegdash.workflows import library
from eegdash.workflows.desk import Desk

ROOT = Path(__file__).resolve().parents[2]
MAIN = str(ROOT / "eegdash" / "ui" / "main.py")
RECORDINGS, REVIEW = "../../pages/recordings.py", "../../pages/review.py"
PAGES = sorted(f"../../pages/{path.name}" for path in (ROOT / "pages").glob("*.py"))
RESEARCH_USE = "Research use, not for diagnosis."
# What the list says of each hostile file, in its row.
HOSTILE = {
    "malformed_numeric_header.edf": ["cannot be opened", "physical maximum"],
    "git_lfs_pointer.edf": ["cannot be opened", "Git LFS pointer"],
    "duplicate_channel_labels.edf": ["unknown channel names", "3 EEG of 3 channels"],
    "test_uneven_samp.edf": ["unknown channel names", "100 Hz"],
    "mne_test.bdf": ["1.0 s is too short"],
    "bdf_test.edf": ["unknown channel names", "8 EEG of 8 channels"],
    "test_edf_stim_channel.edf": ["20 EEG of 25 channels"],
    "SC4001EC-Hypnogram.edf": ["no signal in the file", "0 EEG of 0 channels"],
    "short_psg.edf": ["cannot be scored", "2 EEG of 7 channels"],
    "test_utf8.edf": ["unknown channel names", "1 EEG of 1 channels"],
    "test_subsecond.edf": ["unknown channel names", "11.6 min"],
    "szcore_unipolar.edf": ["2.0 s is too short"],
    "datarec_0_5.bdf": ["unknown channel names", "30.0 s"],
    "chb_header_2s_noise.edf": ["2.0 s is too short", "23 EEG of 23 channels"],
    "evt.bdf": ["no EEG in the file", "0 EEG of 1 channels"],
}

pytestmark = [
    pytest.mark.usefixtures("fresh_process"),
    # AppTest runs scripts without the server that these belong to
    pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit"),
]


@pytest.fixture
def recordings(desk: Desk) -> Path:
    return desk.workspace.recordings


def opened() -> AppTest:
    return AppTest.from_file(MAIN, default_timeout=30).run()


def texts(at: AppTest) -> str:
    """Return all that stands on the page as text, without the escapes of Markdown."""
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.text, at.toast)
    return "\n".join(str(e.value) for kind in kinds for e in kind).replace("\\", "")


def fine(at: AppTest) -> AppTest:
    assert [e.value for e in at.exception] == []
    return at


def button(at: AppTest, label: str, which: int = 0):
    return [b for b in at.button if b.label == label][which]


def wait_for(at: AppTest, found: Callable[[AppTest], bool], seconds: float = 40) -> AppTest:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found(fine(at.run())):
            return at
        time.sleep(0.2)
    raise AssertionError(texts(at))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_what_it_is_not_for(page: str, recordings: Path) -> None:
    write_noise(recordings / "night.edf", seconds=12)
    at = opened().switch_page(page).run()
    assert texts(fine(at)).count(RESEARCH_USE) >= 2


def test_an_empty_workspace_says_what_to_do() -> None:
    at = fine(opened())
    assert "There are no recordings yet" in texts(at)
    assert "Upload one" in texts(at)
    at = fine(at.switch_page(REVIEW).run())
    assert "Choose a recording" in texts(at)


def test_recordings_are_listed_with_their_facts(recordings: Path) -> None:
    path = write_noise(recordings / "night_*one*_.edf", seconds=20)
    write_events(path, [(3, 9)], 20)
    write_noise(recordings / "ward" / "day.edf", seconds=12)
    shown = texts(fine(opened()))
    assert "night_*one*_.edf" in shown
    assert "reference: 1 seizure" in shown
    assert "19 EEG of 19 channels, 128 Hz" in shown
    assert "day.edf" in shown
    assert "no reference annotations" in shown


def test_the_list_can_be_searched(recordings: Path) -> None:
    for name in ("night.edf", "day.edf"):
        write_noise(recordings / name, seconds=12)
    at = opened()
    at = fine(at.text_input(key="find").input("NIGHT").run())
    assert "night.edf" in texts(at)
    assert "day.edf" not in texts(at)
    at = fine(at.text_input(key="find").input("absent").run())
    assert "No recording has this in its name" in texts(at)


def test_a_long_list_comes_in_pages(recordings: Path) -> None:
    for i in range(27):
        (recordings / f"broken_{i:02}.edf").write_bytes(b"")
    at = fine(opened())
    assert "broken_24.edf" in texts(at)
    assert "broken_25.edf" not in texts(at)


def test_without_a_detector_the_page_says_so(
    recordings: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("eegdash.workflows.desk.SHIPPED_MODELS", tmp_path / "none")
    write_noise(recordings / "night.edf", seconds=12)
    at = fine(opened())
    assert "No detector was found" in texts(at)
    button(at, "Review").click().run()
    assert "There is no detector in this installation" in texts(fine(at.run()))


def row_of(at: AppTest, name: str) -> str:
    """Return the text of the list from the name of a file to the next name."""
    shown = texts(at).split("**")
    return shown[shown.index(name) + 1] if name in shown else ""


def test_every_hostile_file_gets_its_words_and_none_breaks_the_page(
    recordings: Path, data_pack: Path
) -> None:
    for name in HOSTILE:
        shutil.copy(data_pack / "hostile" / name, recordings / name)
    at = fine(opened())
    found = {name: row_of(at, name) for name in HOSTILE}
    missing = {
        name: (words, found[name])
        for name, words in HOSTILE.items()
        if not all(word in found[name] for word in words)
    }
    assert missing == {}
    # only the one whose electrodes are complete and that is long enough can be scored
    assert len([b for b in at.button if b.label == "Score"]) == 1
    assert str(recordings) not in texts(at)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_file_on_the_review_page_is_shown_or_refused(
    recordings: Path, data_pack: Path, name: str
) -> None:
    path = recordings / name
    shutil.copy(data_pack / "hostile" / name, path)
    at = fine(opened())
    buttons = [b for b in at.button if b.label == "Review"]
    if "cannot be opened" in HOSTILE[name]:
        assert buttons == []
        return
    if buttons[0].disabled:
        assert library.facts(cache.desk(), path).n_channels == 0
        return
    at = fine(buttons[0].click().run())
    assert name in texts(at)
    assert RESEARCH_USE in texts(at)
    if name == "test_edf_stim_channel.edf":
        assert "has not been scored yet" in texts(at)
    else:
        assert [b.label for b in at.button if b.label == "Score it"] == []
        reason = library.facts(cache.desk(), path).not_scorable
        assert [w.value.replace("\\", "") for w in at.warning] == [reason]


def test_missing_electrodes_are_named_and_scoring_is_not_offered(
    recordings: Path, data_pack: Path
) -> None:
    source = data_pack / "background" / "other" / "eeglab_sample.edf"
    shutil.copy(source, recordings / source.name)
    at = fine(opened())
    assert "cannot be scored: Fp1, Fp2, F7, F8 missing" in texts(at)
    assert [b for b in at.button if b.label == "Score"] == []
    at = fine(button(at, "Review").click().run())
    assert "these electrodes are missing: Fp1, Fp2, F7, F8" in texts(at)
    assert [b for b in at.button if b.label == "Score it"] == []


def test_channels_with_unknown_names_are_offered_for_mapping_as_plain_text(
    recordings: Path,
) -> None:
    names = ["![x](//e.x/1)", "E2"]
    write_noise(recordings / "net.edf", seconds=12, names=names)
    at = fine(opened())
    at = fine(button(at, "Map channels").click().run())
    choices = {s.label.replace("\\", ""): s for s in at.selectbox}
    assert set(names) <= set(choices)
    # a label is Markdown, and an image in it would ask another server
    assert choices[names[0]].label == "\\!\\[x\\]\\(//e\\.x/1\\)"
    assert {"not mapped", "Fp1", "O2"} <= set(choices["E2"].options)


PAYLOADS = [
    "<script>alert(1)</script>.edf",
    "![x](https:++example.org+x.png).edf",
    "[click](javascript:alert(1)).edf",
    "$x^2$ :material_x: **bold** _it_.edf",
    "rec\u202efde.edf",
    "名前.edf",
]


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_file_name_is_never_markup(recordings: Path, name: str) -> None:
    write_noise(recordings / "x.edf", seconds=12).rename(recordings / name.replace("/", "-"))
    (recordings / f"broken {name}".replace("/", "-")).write_bytes(b"")
    name = name.replace("/", "-")
    at = fine(opened())
    raw = [str(e.value) for kind in (at.markdown, at.error, at.warning) for e in kind]
    assert any(name in text.replace("\\", "") for text in raw)
    unescaped = [text for text in raw if name in text]
    special = set(name) & set("\\`*_{}[]()#+-.!|<>$:~^&")
    assert not special or unescaped == []


# ---- uploads --------------------------------------------------------------------------------


def test_an_upload_is_stored_under_a_name_made_here_and_listed(
    recordings: Path, tmp_path: Path
) -> None:
    content = write_noise(tmp_path / "given.edf", seconds=12).read_bytes()
    at = fine(opened())
    at.file_uploader[0].upload("../../../etc/cron.d/x.edf", content, "application/edf")
    at = fine(at.run())
    at = fine(button(at, "Add to the workspace").click().run())
    (stored,) = recordings.iterdir()
    assert stored.name.startswith("x-")
    assert stored.read_bytes() == content
    assert stored.name in texts(at)
    assert f"Added as {stored.name}" in texts(at).replace("\\", "")


def test_an_upload_that_names_somebody_says_so_and_does_not_say_whom(
    recordings: Path, tmp_path: Path
) -> None:
    content = bytearray(write_noise(tmp_path / "given.edf", seconds=12).read_bytes())
    content[8:88] = b"X F 02-MAY-1951 Canary_Jane".ljust(80)
    at = fine(opened())
    at.file_uploader[0].upload("given.edf", bytes(content), "application/edf")
    at = fine(at.run())
    at = fine(button(at, "Add to the workspace").click().run())
    said = texts(at)
    assert "holds a birth date, the patient's name" in said
    assert "python -m eegdash deidentify" in said
    assert "Canary" not in said
    assert "1951" not in said


def test_adding_nothing_says_so() -> None:
    at = fine(opened())
    at = fine(button(at, "Add to the workspace").click().run())
    assert "Choose a file first" in texts(at)


def test_an_upload_of_rubbish_is_not_kept_and_says_why(recordings: Path) -> None:
    at = fine(opened())
    at.file_uploader[0].upload("notes.edf", b"hello" * 100, "application/edf")
    at = fine(at.run())
    at = fine(button(at, "Add to the workspace").click().run())
    assert "Not added" in texts(at)
    assert list(recordings.iterdir()) == []


def name_field(at: AppTest) -> Any:
    """The field for the reader's name; its key changes with every name that was taken."""
    return next(field for field in at.text_input if field.label.startswith("Your name"))


# ---- the session ----------------------------------------------------------------------------


def test_the_reviewer_is_kept_between_pages(recordings: Path) -> None:
    write_noise(recordings / "night.edf", seconds=12)
    at = fine(opened())
    at = fine(name_field(at).input(" Dr A ").run())
    at = fine(at.switch_page(REVIEW).run())
    assert name_field(at).value.strip() == "Dr A"
    at = fine(at.switch_page(RECORDINGS).run())
    assert name_field(at).value.strip() == "Dr A"


def test_two_sessions_do_not_share_a_reviewer_or_a_recording(recordings: Path) -> None:
    write_noise(recordings / "night.edf", seconds=12)
    first = fine(opened())
    first = fine(name_field(first).input("AB").run())
    fine(button(first, "Review").click().run())
    second = fine(opened())
    assert name_field(second).value == ""
    assert "Choose a recording" in texts(fine(second.switch_page(REVIEW).run()))


def test_a_recording_that_vanishes_while_it_is_reviewed_is_no_fault(recordings: Path) -> None:
    path = write_noise(recordings / "night.edf", seconds=12)
    at = fine(opened())
    at = fine(button(at, "Review").click().run())
    assert "night.edf" in texts(at)
    path.unlink()
    assert "not in the workspace any more" in texts(fine(at.run()))


# ---- scoring --------------------------------------------------------------------------------


def test_scoring_from_the_list_shows_the_result_and_survives_a_deleted_cache(
    recordings: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the worker is another process: it finds the detector in the workspace
    save_tiny_model(desk.workspace.models, seed=0, name="tiny")
    monkeypatch.setattr("eegdash.workflows.desk.SHIPPED_MODELS", desk.workspace.reports)
    write_noise(recordings / "night.edf", seconds=30)
    at = fine(opened())
    at = fine(button(at, "Score").click().run())
    at = wait_for(at, lambda at: "scored:" in texts(at))
    assert "at threshold 0.50" in texts(at)
    at = fine(button(at, "Review").click().run())
    assert [b.label for b in at.button if b.label == "Score it"] == []
    # the cache may be deleted at any time: the page offers to score again, in a single run
    cache.desk().cache.clear()
    at = fine(at.run())
    assert [b.label for b in at.button if b.label == "Score it"] == ["Score it"]


def test_a_failed_job_is_told_on_the_list_and_can_be_repeated(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_noise(recordings / "night.edf", seconds=30)
    at = fine(opened())
    # the worker does not know this process's untrained detector
    at = fine(button(at, "Score").click().run())
    at = wait_for(at, lambda at: len(at.error) > 0)
    assert "There is no model called" in texts(at)
    assert button(at, "Score again")


def test_a_recording_that_waits_says_how_many_are_before_it(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "three"):
        write_noise(recordings / f"{name}.edf", seconds=12, seed=len(name) + ord(name[1]))
    waits = JobQueue([sys.executable, "-c", "import sys; sys.stdin.read()"])
    with monkeypatch.context() as patch:
        patch.setattr(cache, "queue", lambda: waits)
        at = fine(button(fine(opened()), "Score these 3").click().run())
        at = wait_for(at, lambda at: "scoring" in progress_texts(at))
        assert progress_texts(at) == ["scoring", "waiting, 1 before it", "waiting, 2 before it"]
        waiting = waits.active()[-1]
        waits.close()
    assert waiting.state == "queued"


def progress_texts(at: AppTest) -> list[str]:
    return sorted(element.proto.text for element in at.get("progress"))


def test_a_change_of_page_that_is_dropped_is_made_by_the_next_run(
    recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_noise(recordings / "one.edf", seconds=60)
    at = opened()
    switched: list[str] = []

    def dropped_once(page: str) -> None:
        switched.append(page)
        if len(switched) == 1:
            st.rerun()  # as where another rerun of the page came in just before
        st.switch_page(page)

    monkeypatch.setattr(places, "st", SimpleNamespace(switch_page=dropped_once))
    at = fine(button(at, "Review").click().run())
    assert switched == ["../../pages/review.py"] * 2
    assert at.session_state["session"].page == "review"
    # the wish is done with: going back stays there
    at = fine(at.switch_page(RECORDINGS).run())
    assert at.session_state["session"].page == "recordings"
    assert len(switched) == 2
