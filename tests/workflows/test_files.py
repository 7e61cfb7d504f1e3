"""Use cases that end in files."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from simulated_files import write_events, write_noise

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import find_events
from eegdash.errors import RecordingError
from eegdash.io import open_recording, read_reference
from eegdash.simulation import simulate
from eegdash.workflows import files, library
from eegdash.workflows.desk import Desk
from eegdash.workflows.files import (
    DEMO_NAME,
    NotWritten,
    Written,
    ensure_demo,
    expand,
    score_to_files,
    simulate_to_file,
)
from eegdash.workflows.score import Scored, post_of, score


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_noise(tmp_path / "sub-01_run-02_eeg.edf")


def test_results_carry_the_detector_in_their_name_and_say_what_was_found(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, tmp_path: Path
) -> None:
    reference = write_events(path, [(5, 9)], 60)
    before = reference.read_bytes()
    out = tmp_path / "a" / "b"
    written = score_to_files(desk, path, tiny_model, out)
    assert isinstance(written, Written)
    assert written.events.name == f"{path.stem}_desc-tiny_events.tsv"
    assert written.trace.name == f"{path.stem}_desc-tiny_trace.csv"
    assert sorted(out.iterdir()) == sorted([written.events, written.trace])
    assert reference.read_bytes() == before
    outcome = score(desk, path, tiny_model)
    assert isinstance(outcome, Scored)
    events = find_events(outcome.trace, tiny_model.threshold_pm, post_of(tiny_model))
    assert written.n_events == len(events) > 0
    lines = written.events.read_text().splitlines()
    assert lines[0].split("\t") == [
        "onset", "duration", "eventType", "confidence", "channels", "dateTime",
        "recordingDuration",
    ]  # fmt: skip
    rows = [line.split("\t") for line in lines[1:]]
    assert [(float(r[0]), float(r[1]), r[2]) for r in rows] == [
        (e.onset_s, e.duration_s, "sz") for e in events
    ]
    # two decimals, as SzCORE files carry them
    assert [float(r[3]) for r in rows] == pytest.approx(
        [e.peak_pm / 1000 for e in events], abs=0.006
    )
    assert {float(r[6]) for r in rows} == {60}


def test_the_trace_is_time_and_probability(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, tmp_path: Path
) -> None:
    written = score_to_files(desk, path, tiny_model, tmp_path / "out")
    assert isinstance(written, Written)
    lines = [x for x in written.trace.read_text().splitlines() if not x.startswith("#")]
    assert lines[0] == "time_s,probability"
    rows = [(float(t), float(p)) for t, p in csv.reader(lines[1:])]
    outcome = score(desk, path, tiny_model)
    assert isinstance(outcome, Scored)
    assert [t for t, _ in rows] == list(outcome.trace.time_s)
    assert [round(1000 * p) for _, p in rows] == list(outcome.trace.probability_pm)


def test_no_detection_is_written_as_background(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, tmp_path: Path
) -> None:
    strict = replace(tiny_model, post={**tiny_model.post, "min_duration_s": 3600.0})
    written = score_to_files(desk, path, strict, tmp_path / "out")
    assert isinstance(written, Written)
    assert written.n_events == 0
    (row,) = [x.split("\t") for x in written.events.read_text().splitlines()[1:]]
    assert (float(row[0]), float(row[1]), row[2]) == (0, 60, "bckg")


def test_the_threshold_may_be_chosen(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, tmp_path: Path
) -> None:
    always = score_to_files(desk, path, tiny_model, tmp_path / "low", threshold_pm=0)
    assert isinstance(always, Written)
    assert always.n_events == 1


def test_a_failure_writes_nothing(desk: Desk, tiny_model: CheckpointInfo, tmp_path: Path) -> None:
    short = write_noise(tmp_path / "short.edf", seconds=5)
    result = score_to_files(desk, short, tiny_model, tmp_path / "out")
    assert isinstance(result, NotWritten)
    assert "short.edf" in result.reason
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_said(
    desk: Desk, path: Path, tiny_model: CheckpointInfo, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file")
    result = score_to_files(desk, path, tiny_model, tmp_path / "out")
    assert isinstance(result, NotWritten)
    assert result.reason.startswith("The folder out cannot be written")
    assert str(tmp_path) not in result.reason


def test_expand_takes_recordings_of_folders_and_any_named_file(tmp_path: Path) -> None:
    for name in ("b.edf", "a.EDF", "notes.txt", "sub/c.bdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = [p.name for p in expand([tmp_path, tmp_path / "notes.txt"])]
    assert found == ["a.EDF", "b.edf", "c.bdf", "notes.txt"]


def test_a_simulation_is_written_with_its_truth_beside_it_and_not_inside(tmp_path: Path) -> None:
    path = tmp_path / "new" / "sim.edf"
    simulate_to_file(path, duration_s=180, n_seizures=1, seed=3)
    recording = open_recording(path)
    assert recording.duration_s == 180
    assert recording.annotations == ()
    reference = read_reference(path, recording)
    truth = simulate(180, seed=3, n_seizures=1).annotations
    assert reference is not None
    assert [a.onset_s for a in reference.seizures] == [a.onset_s for a in truth]


def test_what_cannot_be_simulated_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"sim\.bdf: a simulation is written as EDF"):
        simulate_to_file(tmp_path / "sim.bdf", duration_s=60, n_seizures=0, seed=0)
    with pytest.raises(RecordingError, match="do not fit"):
        simulate_to_file(tmp_path / "sim.edf", duration_s=60, n_seizures=9, seed=0)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo recording is 30 min long; two minutes show the same here."""
    monkeypatch.setattr(files, "demo", lambda: simulate(120, seed=0, n_seizures=1))


@pytest.mark.usefixtures("small_demo")
def test_the_demo_fills_an_empty_workspace_once(desk: Desk) -> None:
    assert ensure_demo(desk)
    names = sorted(path.name for path in desk.workspace.recordings.iterdir())
    assert names == ["demo_simulated.edf", "demo_simulated_events.tsv"]
    assert library.facts(desk, desk.workspace.recordings / DEMO_NAME).n_seizures == 1
    assert not ensure_demo(desk)


@pytest.mark.usefixtures("small_demo")
def test_the_demo_never_joins_recordings_of_the_reader(desk: Desk) -> None:
    (desk.workspace.recordings / "broken.edf").write_bytes(b"")
    assert not ensure_demo(desk)
    assert [path.name for path in desk.workspace.recordings.iterdir()] == ["broken.edf"]


@pytest.mark.usefixtures("small_demo")
def test_the_list_never_shows_half_a_demo(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, list[str]]] = []
    for name in ("write_edf_stream", "write_events_tsv"):
        real = getattr(files, name)

        def watched(*args: object, real=real, name=name, **kwargs: object) -> None:
            real(*args, **kwargs)
            seen.append((name, [path.name for path in library.recording_files(desk)]))

        monkeypatch.setattr(files, name, watched)
    ensure_demo(desk)
    assert seen == [("write_edf_stream", []), ("write_events_tsv", [])]


@pytest.mark.usefixtures("small_demo")
def test_an_interrupted_demo_is_made_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = files.write_events_tsv

    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "write_events_tsv", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ensure_demo(desk)
    assert library.recording_files(desk) == []
    monkeypatch.setattr(files, "write_events_tsv", real)
    assert ensure_demo(desk)
    assert [path.name for path in library.recording_files(desk)] == [DEMO_NAME]


def test_a_recording_too_short_for_a_detection_says_so(
    desk: Desk, tiny_model: CheckpointInfo, tmp_path: Path
) -> None:
    short = write_noise(tmp_path / "short.edf", seconds=10)
    written = score_to_files(desk, short, tiny_model, tmp_path / "out")
    assert isinstance(written, Written)
    assert "only 1.5 s could be scored" in written.note
    long = write_noise(tmp_path / "long.edf", seconds=30)
    written = score_to_files(desk, long, tiny_model, tmp_path / "out")
    assert isinstance(written, Written)
    assert written.note == ""
