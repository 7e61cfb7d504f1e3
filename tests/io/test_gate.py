"""The header gate: what a hostile or damaged EDF gets, in time and memory that are bounded."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest
from edf_bytes import EdfBytes, Signal
from hostile_cases import BAD_TALS, COUNTS, HEADERS, NOT_AN_EEG, big, with_tal, zipped

from eegdash.errors import HeaderError, NotAnEegError, RecordingError
from eegdash.io import open_recording
from eegdash.io.gate import read_header


def refused(tmp_path: Path, content: bytes, error: type[RecordingError]) -> str:
    path = tmp_path / "patient.edf"
    path.write_bytes(content)
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(error) as caught:
        open_recording(path)
    seconds = time.perf_counter() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 1
    assert peak < 200e6
    message = str(caught.value)
    assert message.startswith("patient.edf ")
    assert message.endswith(".")
    assert str(tmp_path) not in message
    return message


@pytest.mark.parametrize("case", NOT_AN_EEG)
def test_what_is_not_an_eeg_is_refused_in_words(tmp_path: Path, case: str) -> None:
    content, expected = NOT_AN_EEG[case]
    assert expected in refused(tmp_path, content, NotAnEegError)


def test_a_renamed_archive_is_refused_in_words(tmp_path: Path) -> None:
    assert "ZIP archive" in refused(tmp_path, zipped(), NotAnEegError)


@pytest.mark.parametrize("case", HEADERS)
def test_a_broken_header_is_refused_in_words(tmp_path: Path, case: str) -> None:
    content, expected = HEADERS[case]
    assert expected in refused(tmp_path, content, HeaderError)


@pytest.mark.parametrize(("stated", "cut", "says"), list(COUNTS.values()), ids=list(COUNTS))
def test_a_wrong_record_count_gives_the_complete_records(
    tmp_path: Path, stated: int, cut: int, says: str
) -> None:
    content = big(stated_records=stated)
    path = tmp_path / "x.edf"
    path.write_bytes(content[: len(content) - cut])
    recording = open_recording(path)
    assert any(says in warning for warning in recording.warnings), recording.warnings
    assert recording.duration_s == (99 if cut else 100)
    assert recording.read(0, 100)[0, 10] == pytest.approx(1.0, abs=0.01)


def test_a_sound_file_has_no_warning(tmp_path: Path) -> None:
    path = tmp_path / "x.edf"
    path.write_bytes(big())
    assert open_recording(path).warnings == ()


def test_placeholder_with_equal_ranges_does_not_cost_the_eeg(tmp_path: Path) -> None:
    """CHB-MIT has channels named '-' whose ranges are 0 to 0."""
    path = tmp_path / "x.edf"
    empty = Signal(label="-", physical_min=0, physical_max=0, digital_min=0, digital_max=0)
    path.write_bytes(EdfBytes([Signal(), empty]).build())
    recording = open_recording(path)
    assert recording.eeg == (True, False)
    page = recording.read(0, 4)
    assert list(page[0]) == pytest.approx([0, 0.1, 0.2, 0.3], abs=0.01)
    assert all(value != value for value in page[1])  # nan: its scale is not defined


def test_patient_fields_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.edf"
    path.write_bytes(
        big(
            patient="CANARY F 01-JAN-1950 Canary_Name", recording="Startdate 02-MAR-2021 CANARY X X"
        )
    )
    assert "CANARY" not in repr(read_header(path, "EDF")).upper()
    assert "CANARY" not in repr(open_recording(path)).upper()


def test_gate_reads_little_of_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "x.edf"
    header = EdfBytes(signals=[Signal(samples=1000)], n_records=0, stated_records=500_000).header()
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + 500_000 * 2000)  # sparse, 1 GB
    tracemalloc.start()
    began = time.thread_time()  # of this thread: a busy machine does not count
    header_read = read_header(path, "EDF")
    seconds = time.thread_time() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert header_read.n_records == 500_000
    assert seconds < 0.1
    assert peak < 1e6


@pytest.mark.parametrize("name", ["../up.edf", "a\x00b.edf", "x" * 300 + ".edf", "missing.edf"])
def test_odd_names_are_not_found_in_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordingError, match="was not found"):
        open_recording(tmp_path / name)


def test_unusual_but_legal_names_open(tmp_path: Path) -> None:
    for name in ("Anfall_ä_日本.edf", "a\u202efde.edf", "UPPER.EDF"):
        path = tmp_path / name
        path.write_bytes(big())
        assert open_recording(path).path.name == name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.txt", "Expected one of .edf"),
        ("a.fif.gz", "Unpack"),
        ("a.eeg", "a.vhdr"),
        ("a.fdt", "a.set"),
    ],
)
def test_other_suffixes_are_refused_with_a_remedy(tmp_path: Path, name: str, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(big())
    with pytest.raises(RecordingError, match=says):
        open_recording(path)


@pytest.mark.parametrize("case", BAD_TALS)
def test_bad_annotations_leave_the_signal_readable(tmp_path: Path, case: str) -> None:
    tal, says, kept = BAD_TALS[case]
    path = tmp_path / "x.edf"
    path.write_bytes(with_tal(tal))
    recording = open_recording(path)
    assert any(says in warning for warning in recording.warnings), recording.warnings
    assert len(recording.annotations) == kept
    assert recording.read(0, 12)[0, 11] == pytest.approx(1.1, abs=0.01)
