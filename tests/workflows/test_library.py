"""The recordings of a workspace: hashes, facts, channel maps."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from simulated_files import write_events, write_noise

from eegdash.errors import RecordingError
from eegdash.io import hash_file
from eegdash.montage import ELECTRODES_10_20
from eegdash.workflows import library
from eegdash.workflows.desk import Desk
from eegdash.workflows.display import prepare_display
from eegdash.workflows.score import score

CANARY = "Canary-Patient"


@pytest.fixture
def path(desk: Desk) -> Path:
    return write_noise(desk.workspace.recordings / "night.edf", seconds=20)


def test_the_hash_is_remembered_and_renewed_when_the_content_changes(
    desk: Desk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Path] = []

    def counted(given: Path) -> str:
        calls.append(given)
        return hash_file(given)

    monkeypatch.setattr(library, "hash_file", counted)
    first = library.known_hash(desk, path)
    assert first == hash_file(path)
    assert library.known_hash(desk, path) == first
    assert len(calls) == 1
    write_noise(path, seconds=20, seed=1)
    second = library.known_hash(desk, path)
    assert second == hash_file(path) != first
    assert len(calls) == 2


def test_a_change_of_equal_size_is_seen_by_its_time(desk: Desk, path: Path) -> None:
    first = library.known_hash(desk, path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    assert library.known_hash(desk, path) == hash_file(path) != first


def test_the_remembered_hash_names_no_file(desk: Desk) -> None:
    library.known_hash(desk, write_noise(desk.workspace.recordings / f"{CANARY}.edf", seconds=10))
    state = "".join(p.read_text() for p in desk.workspace.state.glob("*.json"))
    assert state
    assert CANARY not in state


def test_a_removed_file_is_refused_by_name(desk: Desk) -> None:
    with pytest.raises(RecordingError, match=r"^gone\.edf cannot be read .*moved") as caught:
        library.known_hash(desk, desk.workspace.recordings / "gone.edf")
    assert str(desk.workspace.root) not in str(caught.value)


def test_facts_of_a_scorable_recording(desk: Desk, path: Path) -> None:
    found = library.facts(desk, path)
    assert (found.problem, found.not_scorable, found.missing) == ("", "", ())
    assert (found.duration_s, found.sfreq, found.n_channels, found.n_eeg) == (20, 128, 19, 19)
    assert found.sha256 == hash_file(path)
    assert found.alias == f"rec-{found.sha256[:8]}"
    assert found.n_seizures is None
    assert found.reference == ""


def test_facts_come_from_the_cache_the_second_time(
    desk: Desk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = library.facts(desk, path)

    def refuse(*args: object, **kwargs: object) -> None:
        raise RecordingError("opened again")

    monkeypatch.setattr(library, "open_path", refuse)
    assert library.facts(desk, path) == first


def test_facts_are_renewed_when_an_events_file_appears_and_when_it_changes(
    desk: Desk, path: Path
) -> None:
    assert library.facts(desk, path).n_seizures is None
    events = write_events(path, [(5, 8)], 20)
    assert library.facts(desk, path).n_seizures == 1
    write_events(path, [], 20)
    assert library.facts(desk, path).n_seizures == 0
    events.unlink()
    assert library.facts(desk, path).n_seizures is None


@pytest.mark.parametrize("name", ["chb01_03.edf", "sub-1_run-01_eeg.edf"])
def test_facts_follow_every_file_on_which_the_reference_depends(desk: Desk, name: str) -> None:
    path = write_noise(desk.workspace.recordings / name, seconds=20)
    seen = [library.facts(desk, path)]

    def put(beside: str, text: str) -> library.Facts:
        (path.parent / beside).write_text(text)
        seen.append(library.facts(desk, path))
        assert seen[-1] != seen[-2], beside
        return seen[-1]

    if name.startswith("chb"):
        summary = (
            "File Name: chb01_03.edf\nNumber of Seizures in File: 1\n"
            "Seizure Start Time: 3 seconds\nSeizure End Time: 9 seconds\n"
        )
        assert put("chb01-summary.txt", summary).n_seizures == 1
        assert put("chb01_03.edf.seizures", "damaged").n_seizures is None
    events = "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"
    assert put(f"{path.stem.removesuffix('_eeg')}_events.tsv", events).n_seizures is not None
    unknown = f"file\tknown_from_s\tknown_to_s\tnote\n{name}\t\t\tnobody looked\n"
    assert put("coverage.tsv", unknown).n_seizures is None


def test_a_damaged_events_file_is_a_note_and_the_signal_still_opens(desk: Desk, path: Path) -> None:
    path.with_name("night_events.tsv").write_bytes(b"\xff\xfe\x00 not a table")
    found = library.facts(desk, path)
    assert found.problem == ""
    assert found.duration_s == 20
    assert any("night_events.tsv" in note for note in found.warnings)


def test_a_broken_file_is_a_fact_with_its_problem(desk: Desk) -> None:
    path = desk.workspace.recordings / "broken.edf"
    path.write_bytes(b"this is no EEG" * 100)
    found = library.facts(desk, path)
    assert found.problem.startswith("broken.edf ")
    assert str(path.parent) not in found.problem
    assert (found.n_channels, found.not_scorable) == (0, "")


def test_a_broken_file_that_is_replaced_is_opened_again(desk: Desk) -> None:
    path = desk.workspace.recordings / "copied.edf"
    path.write_bytes(b"0       half a header")
    assert library.facts(desk, path).problem
    write_noise(path, seconds=20)
    assert library.facts(desk, path).problem == ""


def test_a_damaged_file_is_not_opened_again_every_second(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk.workspace.recordings / "broken.fif"
    path.write_bytes(b"this is no EEG" * 100)
    first = library.facts(desk, path)
    opened: list[Path] = []
    monkeypatch.setattr(library, "_open", lambda path, sha256: opened.append(path))
    assert library.facts(desk, path) == first
    assert opened == []


def test_a_file_that_vanishes_is_a_fact_with_its_problem(desk: Desk) -> None:
    assert "gone.edf" in library.facts(desk, desk.workspace.recordings / "gone.edf").problem


def test_missing_electrodes_and_shortness_are_told_apart(desk: Desk) -> None:
    folder = desk.workspace.recordings
    some = library.facts(desk, write_noise(folder / "some.edf", names=ELECTRODES_10_20[2:]))
    assert some.missing == ("Fp1", "Fp2")
    assert "Fp1, Fp2" in some.not_scorable
    short = library.facts(desk, write_noise(folder / "short.edf", seconds=8))
    assert short.missing == ()
    assert "8.0 s" in short.not_scorable
    assert "9 s" in short.not_scorable


def test_a_channel_map_makes_unknown_channels_scorable(desk: Desk) -> None:
    names = [f"E{i}" for i in range(19)]
    path = write_noise(desk.workspace.recordings / "net.edf", names=names)
    before = library.facts(desk, path)
    assert before.unknown_channels == tuple(names)
    assert before.not_scorable
    mapping = dict(zip(names, ELECTRODES_10_20, strict=True))
    library.save_channel_map(desk, before.sha256, mapping)
    after = library.facts(desk, path)
    assert (after.not_scorable, after.unknown_channels) == ("", ())
    assert library.channel_map(desk, before.sha256) == mapping
    # and taking it back makes them unknown again
    library.save_channel_map(desk, before.sha256, dict.fromkeys(names, ""))
    assert library.channel_map(desk, before.sha256) == {}
    assert library.facts(desk, path).unknown_channels == tuple(names)


def test_one_electrode_for_two_channels_is_refused_and_nothing_is_kept(desk: Desk) -> None:
    with pytest.raises(RecordingError, match="Fp1 was chosen for more than one channel"):
        library.save_channel_map(desk, "a" * 64, {"E1": "Fp1", "E2": "Fp1", "E3": "Fp2"})
    assert library.channel_map(desk, "a" * 64) == {}


def test_channel_maps_of_two_recordings_are_apart(desk: Desk) -> None:
    library.save_channel_map(desk, "a" * 64, {"E1": "Fp1"})
    assert library.channel_map(desk, "b" * 64) == {}


def test_mapping_key_depends_on_content_and_not_on_order() -> None:
    key = library.mapping_key
    assert key({}) == ""
    assert key({"a": "Fp1", "b": "F7"}) == key({"b": "F7", "a": "Fp1"})
    assert key({"a": "Fp1", "b": "F7"}) != key({"a": "F7", "b": "Fp1"})
    assert CANARY not in key({CANARY: "Fp1"})


def test_a_recording_is_found_by_its_hash_beside_broken_ones(desk: Desk, path: Path) -> None:
    (desk.workspace.recordings / "a_broken.edf").write_bytes(b"")
    (desk.workspace.recordings / "b_dangling.edf").symlink_to("absent.edf")
    assert library.find_recording(desk, hash_file(path)) == path
    assert library.find_recording(desk, "0" * 64) is None


@pytest.mark.parametrize("folder", [".", "ward"])
def test_an_equal_copy_shows_its_own_annotations(desk: Desk, path: Path, folder: str) -> None:
    copy = desk.workspace.recordings / folder / "copy.edf"
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(path.read_bytes())
    write_events(copy, [(2, 9)], 20)
    assert library.facts(desk, path).n_seizures is None
    assert library.facts(desk, copy).n_seizures == 1


@pytest.mark.parametrize(
    ("start", "seconds"),
    [
        (None, None),
        (datetime(1985, 1, 1), None),
        (datetime(1985, 1, 1, tzinfo=UTC), None),
        (datetime(2020, 5, 1), 0.0),
        (datetime(2020, 5, 1, 13, 2, 3, 500_000), 13 * 3600 + 123.5),
    ],
)
def test_clock_time_is_shown_only_where_it_is_known(
    start: datetime | None, seconds: float | None
) -> None:
    assert library.start_of_day_s(start) == seconds


def test_no_cache_key_and_no_state_carries_a_patient_name(
    desk: Desk, tiny_model, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_noise(desk.workspace.recordings / f"{CANARY}.edf", seconds=20)
    write_events(path, [(2, 9)], 20)
    library.facts(desk, path)
    score(desk, path, tiny_model)
    prepare_display(desk, path)
    desk.cache.close()
    for file in (*desk.workspace.cache.rglob("*"), *desk.workspace.state.rglob("*")):
        assert CANARY not in file.name
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes(), file.name
    assert CANARY not in caplog.text


def test_facts_of_another_version_of_the_program_are_not_taken(
    desk: Desk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = library.facts(desk, path)
    opened = library.open_path(desk, path)
    longer = replace(opened, recording=replace(opened.recording, warnings=("new",)))
    monkeypatch.setattr(library, "open_path", lambda desk, path: longer)
    assert library.facts(desk, path) == first
    monkeypatch.setattr(library, "_FACTS_VERSION", 999)
    assert library.facts(desk, path).warnings == ("new",)
