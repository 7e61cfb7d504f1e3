"""Detections from files of another program, and traces of a scaled recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from simulated_files import write_events, write_noise

from eegdash.checkpoints import CheckpointInfo, load_checkpoint
from eegdash.detection import PostProcessing, ProbabilityTrace, detect
from eegdash.errors import AnnotationError, DatasetError
from eegdash.export import write_edf, write_trace_csv
from eegdash.io import open_recording
from eegdash.recording import Recording
from eegdash.workflows.desk import Desk
from eegdash.workflows.hypotheses import FileDetections, ModelDetections

HEADER = "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return open_recording(write_noise(tmp_path / "data" / "night_eeg.edf"))


def trace(values: list[int]) -> ProbabilityTrace:
    return ProbabilityTrace(np.array(values, np.uint16), 4.5, 1.5, 60.0, "m", "a" * 64, "b" * 64)


def write_detections(path: Path, rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + rows)
    return path


@pytest.mark.parametrize(
    "name", ["night_eeg_events.tsv", "night_events.tsv", "x/night_desc-other_events.tsv"]
)
def test_an_events_file_is_thresholded_by_its_confidence(
    tmp_path: Path, recording: Recording, name: str
) -> None:
    rows = "5\t10\tsz\t0.4\tn/a\tn/a\tn/a\n30\t8\tsz_foc\tn/a\tn/a\tn/a\tn/a\n"
    write_detections(tmp_path / "theirs" / name, rows + "50\t3\tbckg\tn/a\tn/a\tn/a\tn/a\n")
    found = FileDetections(tmp_path / "theirs").hypothesis(recording, recording.path)
    assert found.trace is None
    assert [(e.onset_s, e.end_s) for e in found.events_at(400)] == [(5, 15), (30, 38)]
    assert [(e.onset_s, e.end_s) for e in found.events_at(401)] == [(30, 38)]
    assert (found.duration_s, found.scored_s, found.post) == (60, 60, None)


def test_a_trace_is_preferred_and_thresholded_with_the_post_processing(
    tmp_path: Path, recording: Recording
) -> None:
    write_detections(tmp_path / "theirs" / "night_events.tsv", "")
    write_trace_csv(tmp_path / "theirs" / "night_trace.csv", trace([100] * 10 + [800] * 10))
    post = PostProcessing(0, 1, 0, 0)
    found = FileDetections(tmp_path / "theirs", post=post).hypothesis(recording, recording.path)
    assert found.trace is not None
    assert found.trace.probability_pm.tolist() == [100] * 10 + [800] * 10
    assert [(e.onset_s, e.end_s) for e in found.events_at(500)] == [(18.75, 33.75)]
    assert found.trace.recording_sha256 == recording.sha256


def test_the_reference_beside_a_recording_is_never_taken_for_detections(
    recording: Recording,
) -> None:
    folder = recording.path.parent
    write_events(folder / "night.edf", [(3, 9)], 60)
    with pytest.raises(AnnotationError, match=r"night_eeg\.edf: data holds no detections of it"):
        FileDetections(folder).hypothesis(recording, recording.path)
    write_detections(folder / "night_desc-other_events.tsv", "7\t8\tsz\tn/a\tn/a\tn/a\tn/a\n")
    found = FileDetections(folder).hypothesis(recording, recording.path)
    assert [e.onset_s for e in found.events_at(0)] == [7]


def test_a_folder_that_is_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="absent was not found"):
        FileDetections(tmp_path / "absent")


def test_files_say_nothing_about_scaled_eeg(tmp_path: Path, recording: Recording) -> None:
    found = FileDetections(tmp_path)
    assert not found.can_scale
    with pytest.raises(DatasetError, match="scaled"):
        found.scaled_trace(recording, 3.0)


def test_a_scaled_trace_is_that_of_a_file_with_larger_values(
    tmp_path: Path, desk: Desk, tiny_model: CheckpointInfo, recording: Recording
) -> None:
    # 0.5 uV steps at the least: both files store their values without rounding
    signal_uv = np.round(recording.read(0, recording.n_samples) / 2) * 2
    for name, gain in (("one", 1.0), ("quarter", 0.25)):
        write_edf(tmp_path / f"{name}.edf", (signal_uv * gain).astype(np.float32),
                  recording.sfreq, recording.ch_names)  # fmt: skip
    one, quarter = (open_recording(tmp_path / f"{name}.edf") for name in ("one", "quarter"))
    source = ModelDetections(desk, tiny_model)
    found = source.scaled_trace(one, 0.25)
    detector = load_checkpoint(tiny_model.folder)
    expected = detect(quarter, detector).probability_pm.astype(int)
    plain = detect(one, detector).probability_pm.astype(int)
    assert np.abs(found.probability_pm.astype(int) - expected).max() <= 25  # EDF rounds
    assert np.abs(found.probability_pm.astype(int) - plain).max() > 40
    again = ModelDetections(desk, tiny_model).scaled_trace(one, 0.25)
    np.testing.assert_array_equal(again.probability_pm, found.probability_pm)
    assert (again.first_centre_s, again.step_s) == (found.first_centre_s, found.step_s)
    assert source.scaled_trace(one, 1.0).probability_pm.tolist() == plain.tolist()


def test_a_stored_scaled_trace_is_not_computed_again(
    desk: Desk, tiny_model: CheckpointInfo, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ModelDetections(desk, tiny_model).scaled_trace(recording, 3.0)
    monkeypatch.setattr("eegdash.detection.detect", None)
    second = ModelDetections(desk, tiny_model).scaled_trace(recording, 3.0)
    assert second.probability_pm.tolist() == first.probability_pm.tolist()
    with pytest.raises(TypeError):
        ModelDetections(desk, tiny_model).scaled_trace(recording, 2.0)
