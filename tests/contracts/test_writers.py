"""One contract for every entry of WRITERS: what is written is read back, and never half of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from eegdash.annotations import Annotation
from eegdash.detection import UNSCORED, ProbabilityTrace
from eegdash.errors import EegdashError, WorkspaceError
from eegdash.export import WRITERS, read_trace_csv
from eegdash.io import open_recording
from eegdash.io.chbmit import read_summary
from eegdash.io.events_tsv import read_events_tsv

START = datetime(2021, 3, 2, 10, 20, 30)
EVENTS = [
    Annotation(3.25, 2.5, "sz", 0.75, ("Fp1-F7", "F7-T7"), "", START, 60.0),
    Annotation(40.0, 10.0, "sz_foc_ia", None, (), "", START, 60.0),
]
TRACE = ProbabilityTrace(
    np.array([0, 1, 499, 500, UNSCORED, 1000, 7], dtype=np.uint16),
    4.5, 1.5, 18.0, "cnn", "ab" * 32, "cd" * 32,
)  # fmt: skip
SIGNAL_UV = np.random.default_rng(1).standard_normal((3, 2000)).astype(np.float32) * 80


def events_round_trip(path: Path) -> None:
    WRITERS["_events.tsv"](path, EVENTS, duration_s=60.0, start=START)
    assert read_events_tsv(path) == (EVENTS, [])


def trace_round_trip(path: Path) -> None:
    WRITERS["_trace.csv"](path, TRACE)
    found = read_trace_csv(path, duration_s=18.0, recording_sha256="cd" * 32, model="cnn")
    np.testing.assert_array_equal(found.probability_pm, TRACE.probability_pm)
    np.testing.assert_allclose(found.time_s, TRACE.time_s)
    assert (found.duration_s, found.model) == (18.0, "cnn")
    assert found.recording_sha256 == TRACE.recording_sha256


def edf_round_trip(path: Path) -> None:
    names = ["Fp1-F7", "F7-T7", "T7-P7"]
    start = START.replace(microsecond=250_000)
    notes = [Annotation(2.5, 1.5, text="made up"), Annotation(4.0, 0.0, "sz")]
    WRITERS[".edf"](path, SIGNAL_UV, 200.0, names, annotations=notes, start=start)
    recording = open_recording(path)
    assert (recording.sfreq, recording.duration_s, recording.format) == (200.0, 10.0, "EDF+C")
    assert recording.ch_names == tuple(names)
    assert recording.start == start
    found = [(a.onset_s, a.duration_s, a.text) for a in recording.annotations]
    assert found == [(2.5, 1.5, "made up"), (4.0, 0.0, "sz")]
    for stored, row in zip(recording.read(0, 2000), SIGNAL_UV, strict=True):
        step_uv = (np.ceil(row.max()) - np.floor(row.min())) / 65535
        np.testing.assert_allclose(stored, row, atol=step_uv / 2 + 2e-5)


def edf_annotations_round_trip(path: Path) -> None:
    notes = [
        Annotation(0.001, 5000.123, text="known"),
        Annotation(2.5, 1.5, "sz_foc"),
        Annotation(99999.25, 0.0, text="Größe; 0.5"),
    ]
    WRITERS["_annotations.edf"](path, notes)
    recording = open_recording(path)
    found = [(a.onset_s, a.duration_s, a.text) for a in recording.annotations]
    assert found == [(a.onset_s, a.duration_s, a.text or a.event_type) for a in notes]
    assert path.read_bytes()[8:88].split() == [b"X", b"X", b"X", b"X"]


def summary_round_trip(path: Path) -> None:
    seizures = [Annotation(10.4, 20.2, "sz_foc"), Annotation(100.0, 0.2, "sz")]
    WRITERS["-summary.txt"](path, {"rec-0.edf": seizures, "rec-1.edf": []})
    found = read_summary(path)
    assert [(a.onset_s, a.end_s) for a in found["rec-0.edf"]] == [(10.0, 31.0), (100.0, 101.0)]
    assert found["rec-1.edf"] == []


ROUND_TRIPS: dict[str, Callable[[Path], None]] = {
    "_events.tsv": events_round_trip,
    "_trace.csv": trace_round_trip,
    ".edf": edf_round_trip,
    "_annotations.edf": edf_annotations_round_trip,
    "-summary.txt": summary_round_trip,
}


@pytest.fixture(params=sorted(WRITERS))
def ending(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_writer_has_a_round_trip() -> None:
    assert set(ROUND_TRIPS) == set(WRITERS)


def test_round_trip_leaves_one_file(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{ending}"
    ROUND_TRIPS[ending](path)
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_replaced(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{ending}"
    path.write_text("old")
    ROUND_TRIPS[ending](path)


def test_a_missing_folder_is_a_sentence(ending: str, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=rf"a{ending} could not be written"):
        ROUND_TRIPS[ending](tmp_path / "missing" / f"a{ending}")


def test_failure_on_the_way_keeps_the_old_file(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"a{ending}"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkspaceError, match="No space left on device"):
        ROUND_TRIPS[ending](path)
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("signal_uv", "names"),
    [
        (np.full((1, 100), np.nan), ["Fp1"]),
        (np.full((1, 100), 1e9), ["Fp1"]),
        (np.zeros((2, 100)), ["Fp1"]),
        (np.zeros((1, 0)), ["Fp1"]),
        (np.zeros((1, 100)), ["a name of more than sixteen characters"]),
        (np.zeros((1, 100)), ["日本"]),
    ],
)
def test_edf_refuses_in_words_what_it_cannot_hold(
    tmp_path: Path, signal_uv: np.ndarray, names: list[str]
) -> None:
    with pytest.raises(EegdashError, match=r"a\.edf was not written"):
        WRITERS[".edf"](tmp_path / "a.edf", signal_uv, 100.0, names)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("n_samples", "sfreq"), [(2560, 256.0), (2624, 256.0), (500, 1000.0), (999, 500.0), (25, 12.5)]
)
def test_edf_keeps_the_length_also_of_broken_seconds(
    tmp_path: Path, n_samples: int, sfreq: float
) -> None:
    path = tmp_path / "a.edf"
    WRITERS[".edf"](path, np.full((1, n_samples), 5.0), sfreq, ["Fp1"])
    recording = open_recording(path)
    assert (recording.n_samples, recording.sfreq) == (n_samples, pytest.approx(sfreq))
    np.testing.assert_allclose(recording.read(0, n_samples), 5.0, atol=1e-4)


def test_edf_says_when_no_record_divides_the_length(tmp_path: Path) -> None:
    with pytest.raises(EegdashError, match="Cut the signal to whole seconds"):
        WRITERS[".edf"](tmp_path / "a.edf", np.full((1, 2561), 5.0), 256.0, ["Fp1"])


def test_edf_holds_no_patient_field(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    WRITERS[".edf"](path, SIGNAL_UV, 200.0, ["a", "b", "c"])
    assert path.read_bytes()[8:88].split() == [b"X", b"X", b"X", b"X"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "should have the columns"),
        ("time_s,p\n1,0\n2,0\n", "should have the columns"),
        ("time_s,probability\n1,0.5\n", "at least two rows"),
        ("time_s,probability\n1,0.5\n2,1.5\n", "at most 1"),
        ("time_s,probability\n1,0.5\n2,nan\n", "found 'nan'"),
        ("time_s,probability\nx,0.5\n2,0\n", "found 'x'"),
        ("time_s,probability\n1,0\n2,0\n9,0\n", "equal steps"),
        ("time_s,probability\n3,0\n2,0\n1,0\n", "equal steps"),
        ("time_s,probability\n1,0\n500,0\n999,0\n", "another recording"),
    ],
)
def test_a_trace_of_another_detector_must_fit(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "x_trace.csv"
    path.write_text(text)
    with pytest.raises(EegdashError, match=says):
        read_trace_csv(path, duration_s=60.0, recording_sha256="0" * 64)
