"""Clauses of the SzCORE annotation format (Dan et al. 2025; epilepsy2bids 0.0.7)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from eegdash.annotations import Annotation
from eegdash.errors import AnnotationError
from eegdash.export import write_events_tsv
from eegdash.io.events_tsv import read_events_tsv

HEADER = "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"


def read(tmp_path: Path, text: str) -> tuple[list[Annotation], list[str]]:
    path = tmp_path / "a_events.tsv"
    path.write_text(text, encoding="utf-8")
    return read_events_tsv(path)


def test_columns_and_formats_are_those_of_the_data_pack(data_pack: Path, tmp_path: Path) -> None:
    files = sorted((data_pack / "seizure_clips").glob("*_events.tsv"))
    assert len(files) == 16
    for path in files:
        annotations, warnings = read_events_tsv(path)
        assert warnings == []
        first = annotations[0]
        assert first.recording_duration_s is not None
        copy = tmp_path / path.name
        write_events_tsv(
            copy, annotations, duration_s=first.recording_duration_s, start=first.date_time
        )
        assert copy.read_bytes() == path.read_bytes(), path.name


def test_a_recording_without_seizures_has_one_bckg_row(tmp_path: Path) -> None:
    path = tmp_path / "a_events.tsv"
    write_events_tsv(path, [], duration_s=3600.0, start=datetime(2020, 5, 6, 7, 8, 9))
    assert path.read_text() == HEADER + (
        "0.00\t3600.00\tbckg\tn/a\tn/a\t2020-05-06 07:08:09\t3600.00\n"
    )


def test_unknown_start_is_1985(tmp_path: Path) -> None:
    path = tmp_path / "a_events.tsv"
    write_events_tsv(path, [Annotation(1, 2, "sz")], duration_s=10)
    assert "1985-01-01 00:00:00" in path.read_text()


@pytest.mark.parametrize(
    "event_type", ["sz", "sz_foc", "sz_foc_ia", "sz_foc_f2b", "sz_gen_m_tonicClonic", "sz_uo"]
)
def test_seizure_types_have_underscores(tmp_path: Path, event_type: str) -> None:
    annotations, warnings = read(tmp_path, HEADER + f"1\t2\t{event_type}\t0.5\tall\tn/a\t60\n")
    assert warnings == []
    assert annotations == [Annotation(1, 2, event_type, 0.5, recording_duration_s=60)]
    assert annotations[0].is_seizure


def test_confidence_channels_and_date(tmp_path: Path) -> None:
    annotations, _ = read(
        tmp_path, HEADER + "1.5\t2\tsz\tn/a\tFp1-F7, F7-T7\t2020-01-02 03:04:05\tn/a\n"
    )
    assert annotations == [
        Annotation(1.5, 2, "sz", None, ("Fp1-F7", "F7-T7"), date_time=datetime(2020, 1, 2, 3, 4, 5))
    ]


def test_columns_may_be_reordered_or_absent(tmp_path: Path) -> None:
    annotations, warnings = read(
        tmp_path, "eventType\tmore\tduration\tonset\r\nsz\tx\t3\t9\r\n\r\n"
    )
    assert (annotations, warnings) == ([Annotation(9, 3, "sz")], [])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("onset\tduration\n1\t2\n", "lacks the columns eventType"),
        ("onset,duration,eventType\n1,2,sz\n", "lacks the columns onset"),
        (HEADER + "x\t2\tsz\tn/a\tn/a\tn/a\t60\n", "line 2: onset should be seconds"),
        (HEADER + "1\tnan\tsz\tn/a\tn/a\tn/a\t60\n", "duration should be seconds"),
        (HEADER + "-1\t2\tsz\tn/a\tn/a\tn/a\t60\n", "found '-1'"),
        (HEADER + "1\tinf\tsz\tn/a\tn/a\tn/a\t60\n", "found 'inf'"),
        (HEADER + "1\t2\n", "line 2: the row is cut off"),
    ],
)
def test_what_would_change_a_metric_must_be_right(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(AnnotationError, match=says):
        read(tmp_path, text)


def test_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a_events.tsv"
    path.write_bytes(HEADER.encode() + b"1\t2\tsz\tn/a\t\xff\tn/a\t60\n")
    with pytest.raises(AnnotationError, match="is not UTF-8"):
        read_events_tsv(path)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("1\t2\tspike\tn/a\tn/a\tn/a\t60", "'spike' is not an SzCORE event type"),
        ("1\t2\tsz\t7\tn/a\tn/a\t60", "confidence '7'"),
        ("1\t2\tsz\tn/a\tn/a\tyesterday\t60", "dateTime 'yesterday'"),
        ("1\t2\tsz\tn/a\tn/a\tn/a\tlong", "recordingDuration 'long'"),
    ],
)
def test_the_rest_is_a_warning(tmp_path: Path, row: str, says: str) -> None:
    annotations, warnings = read(tmp_path, HEADER + row + "\n")
    assert len(annotations) == 1
    assert [says in warning for warning in warnings] == [True]


def test_formula_in_a_text_cell_is_guarded_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a_events.tsv"
    channels = ("=HYPERLINK(1)", "-x")
    write_events_tsv(path, [Annotation(1, 2, "sz", 0.5, channels)], duration_s=10)
    cells = path.read_text().splitlines()[1].split("\t")
    assert cells[4] == "'=HYPERLINK(1),-x"
    assert cells[0] == "1.00"
    assert read_events_tsv(path)[0][0].channels == channels


@pytest.mark.parametrize(
    "annotation",
    [Annotation(-1, 2, "sz"), Annotation(5, 20, "sz"), Annotation(float("nan"), 2, "sz")],
)
def test_an_event_outside_the_recording_is_not_written(
    tmp_path: Path, annotation: Annotation
) -> None:
    path = tmp_path / "a_events.tsv"
    with pytest.raises(AnnotationError, match="was not written"):
        write_events_tsv(path, [annotation], duration_s=10)
    assert list(tmp_path.iterdir()) == []
