"""Which file is the reference of a recording, and where the truth is known."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from edf_bytes import EdfBytes, Signal, annotations
from simulated_files import write_events, write_noise
from wfdb_files import write_seizures

from eegdash.annotations import Reference
from eegdash.errors import AnnotationError
from eegdash.io import open_recording, read_reference
from eegdash.io.events_tsv import read_events_tsv

HEADER = "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"


def record(folder: Path, name: str, tals: bytes = b"", seconds: int = 60) -> Path:
    first = [b"+0\x14\x14\x00" + tals]
    signal = annotations(first + [b"+%d\x14\x14\x00" % i for i in range(1, seconds)], samples=80)
    path = folder / name
    path.write_bytes(EdfBytes([Signal(), signal], seconds, reserved="EDF+C").build())
    return path


def found(path: Path) -> Reference | None:
    return read_reference(path, open_recording(path))


def spans(reference: Reference | None) -> list[tuple[float, float]]:
    assert reference is not None
    return [(a.onset_s, a.end_s) for a in reference.seizures]


def test_nothing_beside_the_recording_is_no_reference(tmp_path: Path) -> None:
    assert found(record(tmp_path, "a.edf")) is None


def test_events_file_comes_before_everything(tmp_path: Path) -> None:
    path = record(tmp_path, "chb01_03.edf", b"+40\x155\x14seizure\x14\x00")
    write_seizures(tmp_path / "chb01_03.edf.seizures", [(20, 30)])
    (tmp_path / "chb01_03_events.tsv").write_text(HEADER + "1\t2\tsz\tn/a\tn/a\tn/a\t60\n")
    reference = found(path)
    assert spans(reference) == [(1, 3)]
    assert reference is not None
    assert (reference.source, reference.coverage) == ("SzCORE events file", ((0, 60),))


def test_bids_name_without_the_suffix_of_the_modality(tmp_path: Path) -> None:
    path = record(tmp_path, "sub-01_ses-01_task-szMonitoring_run-00_eeg.edf")
    events = tmp_path / "sub-01_ses-01_task-szMonitoring_run-00_events.tsv"
    events.write_text(HEADER + "5\t5\tsz_foc_ia\t1\tn/a\tn/a\t60\n")
    assert spans(found(path)) == [(5, 10)]


def test_output_of_a_detector_is_never_the_reference(tmp_path: Path) -> None:
    (tmp_path / "a_desc-cnn_events.tsv").write_text(HEADER + "1\t2\tsz\tn/a\tn/a\tn/a\t60\n")
    assert found(record(tmp_path, "a.edf")) is None
    assert found(record(tmp_path, "a_desc-cnn.edf")) is None


def test_seizures_file_wins_over_a_summary_that_differs(tmp_path: Path) -> None:
    path = record(tmp_path, "chb24_21.edf")
    write_seizures(tmp_path / "chb24_21.edf.seizures", [(24, 58)])
    (tmp_path / "chb24-summary.txt").write_text(
        "File Name: chb24_21.edf\nNumber of Seizures in File: 1\n"
        "Seizure Start Time: 28 seconds\nSeizure End Time: 58 seconds\n"
    )
    reference = found(path)
    assert spans(reference) == [(24, 58)]
    assert reference is not None
    assert reference.warnings == (
        "The summary (28-58 s) and the .seizures file (24-58 s) differ; "
        "the .seizures file is used.",
    )


def test_summary_alone_and_a_record_it_does_not_list(tmp_path: Path) -> None:
    (tmp_path / "chb24-summary.txt").write_text(
        "File Name: chb24_21.edf\nNumber of Seizures in File: 0\n"
    )
    reference = found(record(tmp_path, "chb24_21.edf"))
    assert reference is not None
    assert (reference.seizures, reference.coverage) == ((), ((0.0, 60.0),))
    assert found(record(tmp_path, "chb24_22.edf")) is None


@pytest.mark.parametrize(
    ("tals", "expected"),
    [
        (b"+10\x155\x14Seizure\x14\x00", [(10, 15)]),
        (b"+10\x155\x14sz\x14\x00", [(10, 15)]),
        (b"+10\x14seizure onset\x14\x00+25\x14seizure offset\x14\x00", [(10, 25)]),
    ],
)
def test_plain_annotations_inside_the_file(
    tmp_path: Path, tals: bytes, expected: list[tuple[float, float]]
) -> None:
    reference = found(record(tmp_path, "a.edf", tals))
    assert spans(reference) == expected
    assert reference is not None
    assert reference.source == "annotations inside the file"


@pytest.mark.parametrize(
    "tals",
    [
        b"+10\x155\x14votes SZ:20\x14\x00",
        b"+10\x155\x14no seizure\x14\x00",
        b"+10\x14seizure\x14\x00",
        b"+10\x14seizure onset\x14\x00",
        b"+25\x14seizure offset\x14\x00",
    ],
)
def test_annotations_that_say_something_else_are_no_reference(tmp_path: Path, tals: bytes) -> None:
    assert found(record(tmp_path, "a.edf", tals)) is None


@pytest.mark.parametrize(
    ("rows", "coverage"),
    [
        ("a.edf\t20\t30\tx\n", ((20, 30),)),
        ("a.edf\t\t\tnot known\n", ()),
        ("a.edf\tx\t30\t\n", ()),
        ("a.edf\t30\t20\t\n", ()),
        ("a.edf\t-5\t900\t\n", ((0, 60),)),
        ("a.edf\t40\t50\t\na.edf\t0\t10\t\n", ((0, 10), (40, 50))),
        ("b.edf\t20\t30\tx\n", ((0, 60),)),
    ],
)
def test_coverage_restricts_where_the_truth_is_known(
    tmp_path: Path, rows: str, coverage: tuple[tuple[float, float], ...]
) -> None:
    (tmp_path / "coverage.tsv").write_text("file\tknown_from_s\tknown_to_s\tnote\n" + rows)
    (tmp_path / "a_events.tsv").write_text(HEADER + "0\t60\tbckg\tn/a\tn/a\tn/a\t60\n")
    reference = found(record(tmp_path, "a.edf"))
    assert reference is not None
    assert reference.coverage == coverage


def test_reference_of_another_length_is_said(tmp_path: Path) -> None:
    (tmp_path / "a_events.tsv").write_text(HEADER + "90\t60\tsz\tn/a\tn/a\tn/a\t3600\n")
    reference = found(record(tmp_path, "a.edf"))
    assert reference is not None
    assert any("may belong to another recording" in w for w in reference.warnings)
    assert any("beyond the end" in w for w in reference.warnings)


def test_broken_events_file_is_an_error_not_a_missing_reference(tmp_path: Path) -> None:
    (tmp_path / "a_events.tsv").write_text("hello\n")
    with pytest.raises(AnnotationError, match=r"a_events\.tsv lacks the columns"):
        found(record(tmp_path, "a.edf"))


def test_a_vast_table_of_odd_rows_is_read_in_bounded_time_and_said_in_few_words(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a_events.tsv"
    path.write_text(HEADER + "1\t2\tspike\t7\tn/a\tyesterday\tq\n" * 100_000)
    began = time.process_time()
    annotations, warnings = read_events_tsv(path)
    assert time.process_time() - began < 4
    assert len(annotations) == 100_000
    assert len(warnings) == 21
    assert warnings[-1] == "a_events.tsv has 399980 more notes of this kind."


@pytest.mark.parametrize("name", ["a_events.tsv", "coverage.tsv"])
def test_a_table_that_is_too_large_is_refused_unread(tmp_path: Path, name: str) -> None:
    write_noise(tmp_path / "a.edf", seconds=10)
    write_events(tmp_path / "a.edf", [(2.0, 3.0)], 10.0)
    with (tmp_path / name).open("ab") as file:
        file.truncate(9 << 20)  # sparse
    recording = open_recording(tmp_path / "a.edf")
    with pytest.raises(AnnotationError, match=rf"{name} is larger than 8 MB"):
        read_reference(tmp_path / "a.edf", recording)
