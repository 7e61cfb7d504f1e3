"""Files of other detectors beside a recording: found, taken in, refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulated_files import write_events, write_noise

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import PostProcessing, find_events
from eegdash.errors import AnnotationError
from eegdash.export import write_trace_csv
from eegdash.workflows.desk import Desk
from eegdash.workflows.library import open_path
from eegdash.workflows.operating_tables import TableRequest, compute_tables
from eegdash.workflows.other_detectors import (
    EVENTS,
    TRACE,
    detectors_beside,
    hypothesis_of,
    keep_output,
    outputs_beside,
)
from eegdash.workflows.score import Scored, score

HEADER = "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"
ROW = "{}\t{}\tsz\t{}\tn/a\tn/a\t60\n"
TRACE_CSV = b"time_s,probability\n4.5,0.1\n6.0,0.9\n7.5,\n"


@pytest.fixture
def night(desk: Desk) -> Path:
    path = write_noise(desk.workspace.recordings / "night.edf", seconds=60)
    write_events(path, [(20, 20)], 60)
    return path


def events(*rows: tuple[float, float, str]) -> bytes:
    return (HEADER + "".join(ROW.format(*row) for row in rows)).encode()


def test_files_are_found_by_name_and_the_reference_is_none_of_them(night: Path) -> None:
    for name in ("night_desc-a_events.tsv", "night_desc-b_events.tsv", "night_desc-b_trace.csv"):
        night.with_name(name).write_bytes(TRACE_CSV)
    night.with_name("nightmare_desc-c_events.tsv").write_bytes(b"")
    night.with_name("night_desc-bad name_events.tsv").write_bytes(b"")
    found = outputs_beside(night)
    assert {name: output.kind for name, output in found.items()} == {"a": EVENTS, "b": TRACE}
    bids = night.with_name("sub-01_run-1_eeg.edf")
    night.with_name("sub-01_run-1_desc-a_events.tsv").write_bytes(b"")
    assert list(outputs_beside(bids)) == ["a"]
    assert detectors_beside([night, bids]) == ["a", "b"]
    assert detectors_beside([]) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("night_desc-rival_events.tsv", "night_desc-rival_events.tsv"),
        ("night_desc-rival_trace.csv", "night_desc-rival_trace.csv"),
        ("night_events.tsv", "night_desc-other_events.tsv"),
        ("../../etc/night_desc-../../x_events.tsv", "night_desc-x_events.tsv"),
        ("C:\\temp\\night_desc-a b_events.tsv", "night_desc-a-b_events.tsv"),
    ],
)
def test_an_upload_lands_beside_its_recording_under_a_name_made_here(
    night: Path, given: str, kept: str
) -> None:
    content = TRACE_CSV if given.endswith(".csv") else events((20, 9, "n/a"))
    before = set(night.parent.rglob("*"))
    other = night.with_name("day.edf")
    if "x_events" in given:  # what is left of a path names no recording: only one can be meant
        output = keep_output([night], given, content)
    else:
        output = keep_output([night, other], given, content)
    assert output.path == night.with_name(kept)
    assert set(night.parent.rglob("*")) - before == {output.path}
    assert output.path.read_bytes() == content
    assert outputs_beside(night)[output.name] == output


def test_the_reference_is_never_overwritten(desk: Desk, night: Path) -> None:
    before = night.with_name("night_events.tsv").read_bytes()
    keep_output([night], "night_events.tsv", events((1, 2, "n/a")))
    assert night.with_name("night_events.tsv").read_bytes() == before
    reference = open_path(desk, night).reference
    assert reference is not None
    assert [a.onset_s for a in reference.seizures] == [20]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("night_desc-a_events.tsv", b"hello", "night_desc-a_events.tsv lacks the columns"),
        ("night_desc-a_events.tsv", b"\xff\xfe\x00", "is not UTF-8"),
        ("night_desc-a_trace.csv", b"time_s,probability\n1,2\n2,3\n", "at most 1"),
        ("else_desc-a_events.tsv", events(), "names none of the chosen recordings"),
    ],
)
def test_rubbish_is_refused_in_words_and_not_kept(
    night: Path, name: str, content: bytes, words: str
) -> None:
    before = set(night.parent.iterdir())
    with pytest.raises(AnnotationError, match=words) as refused:
        keep_output([night, night.with_name("day.edf")], name, content)
    assert "trial" not in str(refused.value)
    assert set(night.parent.iterdir()) == before


def test_two_recordings_of_one_name_are_not_guessed_between(night: Path) -> None:
    twin = night.parent / "ward" / "night.edf"
    with pytest.raises(AnnotationError, match="or several"):
        keep_output([night, twin], "night_desc-a_events.tsv", events())


def test_events_stand_from_their_confidence_down_and_at_any_threshold_without(
    desk: Desk, night: Path
) -> None:
    content = events((20, 9, "0.4"), (40, 5, "n/a"))
    output = keep_output([night], "night_desc-a_events.tsv", content)
    found = hypothesis_of(output, open_path(desk, night), PostProcessing())
    assert [e.onset_s for e in found.events_at(400)] == [20, 40]
    assert [e.onset_s for e in found.events_at(401)] == [40]
    assert [e.onset_s for e in found.events_at(1000)] == [40]
    assert found.trace is None


def test_a_trace_is_thresholded_as_the_detectors_own(
    desk: Desk, night: Path, tiny_model: CheckpointInfo
) -> None:
    outcome = score(desk, night, tiny_model)
    assert isinstance(outcome, Scored)
    write_trace_csv(night.with_name("night_desc-twin_trace.csv"), outcome.trace)
    post = PostProcessing(smoothing_s=1.5, min_duration_s=1.5)
    request = TableRequest((night,), tiny_model, "twin")
    tables = compute_tables(desk, request, post)
    assert tables["other"]["rows"] == [0]
    assert tables["other"]["counts"] == tables["counts"]
    output = outputs_beside(night)["twin"]
    theirs = hypothesis_of(output, open_path(desk, night), post)
    own = find_events(outcome.trace, 500, post)
    assert [e.onset_s for e in theirs.events_at(500)] == pytest.approx([e.onset_s for e in own])
    assert len(own) > 1


def test_a_trace_of_too_many_rows_is_refused(desk: Desk, night: Path) -> None:
    path = night.with_name("night_desc-fast_trace.csv")
    path.write_text("time_s,probability\n" + "".join(f"{i / 1000},0.5\n" for i in range(50)))
    with pytest.raises(AnnotationError, match=r"a row every 1 ms; 10 ms is the least"):
        hypothesis_of(outputs_beside(night)["fast"], open_path(desk, night), PostProcessing())
