"""CHB-MIT: every trap of its summaries, and .seizures files written with wfdb."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hostile_cases import mutated
from wfdb_files import write_marks, write_seizures

from eegdash.errors import AnnotationError
from eegdash.io.chbmit import person_of, read_seizures, read_summary, summary_name


def spans(annotations: list) -> list[tuple[float, float]]:
    return [(a.onset_s, a.end_s) for a in annotations]


def test_every_summary_of_the_data_pack(data_pack: Path) -> None:
    summaries = sorted((data_pack / "chbmit_annotations").glob("*-summary.txt"))
    assert len(summaries) == 24
    listed = {}
    for path in summaries:
        listed |= read_summary(path)
    # the summaries cover 676 records; the data set counts 198 seizures in 141 of them
    assert len(listed) == 676
    with_seizures = {name for name, found in listed.items() if found}
    expected = (data_pack / "chbmit_annotations" / "RECORDS-WITH-SEIZURES").read_text().split()
    # the list of records names chb07_18 for what the summary states of chb07_19
    assert with_seizures ^ {line.split("/")[-1] for line in expected} == {
        "chb07_18.edf",
        "chb07_19.edf",
    }
    assert sum(len(found) for found in listed.values()) == 198
    assert all(a.event_type == "sz" and a.duration_s > 0 for f in listed.values() for a in f)


def test_known_seizures_of_the_data_pack(data_pack: Path) -> None:
    folder = data_pack / "chbmit_annotations"
    assert spans(read_summary(folder / "chb01-summary.txt")["chb01_03.edf"]) == [(2996, 3036)]
    chb24 = read_summary(folder / "chb24-summary.txt")
    assert spans(chb24["chb24_21.edf"]) == [(2804, 2872)]
    assert "chb02_16+.edf" in read_summary(folder / "chb02-summary.txt")


def test_summary_keys_with_numbers_and_several_spaces(tmp_path: Path) -> None:
    path = tmp_path / "chb99-summary.txt"
    path.write_text(
        "File Name: chb99_01.edf\nFile Start Time: 9:12:01\nFile End Time: 26:0:1\n"
        "Number of Seizures in File: 2\n"
        "Seizure 1 Start Time:  100 seconds\nSeizure 1 End Time:   160 seconds\n"
        "Seizure 2 Start Time: 6235 seconds\nSeizure 2 End Time: 6250 seconds\n\n"
        "Channels changed:\nChannel 1: FP1-F7\n\n"
        "File Name: chb99_02.edf\nNumber of Seizures in File: 0\n"
    )
    assert {name: spans(found) for name, found in read_summary(path).items()} == {
        "chb99_01.edf": [(100, 160), (6235, 6250)],
        "chb99_02.edf": [],
    }


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("Number of Seizures in File: 1\n", "found 0 starts"),
        ("Number of Seizures in File: 1\nSeizure Start Time: 5 seconds\n", "0 ends"),
        (
            "Number of Seizures in File: 1\nSeizure Start Time: 9 s\nSeizure End Time: 5 s\n",
            "ends before it starts",
        ),
        ("Number of Seizures in File: 1\nSeizure Start Time: soon\n", "no time in the line"),
    ],
)
def test_broken_summary_is_refused(tmp_path: Path, lines: str, says: str) -> None:
    path = tmp_path / "chb99-summary.txt"
    path.write_text("File Name: chb99_01.edf\n" + lines)
    with pytest.raises(AnnotationError, match=says):
        read_summary(path)


@pytest.mark.parametrize("fs", [256, None])
def test_seizures_file(tmp_path: Path, fs: int | None) -> None:
    path = tmp_path / "chb24_21.edf.seizures"
    write_seizures(path, [(2404, 2872), (3000.5, 3010)], fs=fs)
    assert spans(read_seizures(path)) == [(2404, 2872), (3000.5, 3010)]


def test_seizures_file_with_an_open_end_is_refused(tmp_path: Path) -> None:
    write_marks(tmp_path / "a.edf.seizures", [1], ["["], 256)
    with pytest.raises(AnnotationError, match="has no end"):
        read_seizures(tmp_path / "a.edf.seizures")


def test_seizures_file_with_two_starts_is_refused(tmp_path: Path) -> None:
    write_marks(tmp_path / "a.edf.seizures", [1, 2, 3], ["[", "[", "]"], 256)
    with pytest.raises(AnnotationError, match="do not alternate"):
        read_seizures(tmp_path / "a.edf.seizures")


def test_garbage_for_a_seizures_file_is_refused_or_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.edf.seizures"
    path.write_bytes(b"\x01")
    with pytest.raises(AnnotationError, match="cannot be read as WFDB"):
        read_seizures(path)


def test_missing_seizures_file(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="was not found"):
        read_seizures(tmp_path / "a.edf.seizures")


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("chb21_03.edf", "chb01"), ("chb01_03_2986-3036s.edf", "chb01"), ("chb17a_03.edf", "chb17"),
        ("chb02_16+.edf", "chb02"), ("CHB05_01.EDF", "chb05"), ("chb_unknown_awake.edf", None),
        ("S001R01.edf", None), ("chb123.edf", None),
    ],
)  # fmt: skip
def test_person(name: str, person: str | None) -> None:
    assert person_of(name) == person


def test_summary_of_a_lettered_record() -> None:
    assert summary_name("chb17a_03.edf") == "chb17-summary.txt"
    assert summary_name("S001R01.edf") is None


def test_marks_that_are_too_large_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.edf.seizures"
    with path.open("wb") as file:
        file.truncate(5 << 20)  # sparse
    with pytest.raises(AnnotationError, match=r"a\.edf\.seizures is larger than 4 MB"):
        read_seizures(path)


@pytest.mark.parametrize("fs", [256, None])
def test_marks_are_those_that_wfdb_wrote_far_into_a_recording(
    tmp_path: Path, fs: int | None
) -> None:
    """Beyond 1,023 samples an interval takes the long form, and a day is 22 million samples."""
    rng = random.Random(4)
    seconds = sorted(rng.sample(range(1, 90_000), 40))
    expected = [(seconds[i], seconds[i + 1]) for i in range(0, 40, 2)]
    write_seizures(tmp_path / "a.edf.seizures", expected, fs=fs)
    assert spans(read_seizures(tmp_path / "a.edf.seizures")) == expected


def test_damaged_marks_are_read_or_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.edf.seizures"
    write_seizures(path, [(10, 20), (300, 400)])
    sound, rng = path.read_bytes(), random.Random(1)
    began = time.process_time()
    for _ in range(1500):
        path.write_bytes(mutated(sound, rng))
        with suppress(AnnotationError):
            assert all(a.onset_s == a.onset_s for a in read_seizures(path))
    assert time.process_time() - began < 5
