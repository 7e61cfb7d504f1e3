"""Labels as files: round trips, what is lost and said, and what is left unknown."""

from __future__ import annotations

import csv
import io
import itertools
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from labelled import LENGTH_S, add_recording, say, state_whole

from eegdash.annotations import Annotation
from eegdash.errors import AnnotationError, WorkspaceError
from eegdash.io import open_recording, read_reference
from eegdash.labels import Label
from eegdash.recording import alias_of
from eegdash.settings import Settings
from eegdash.workflows.desk import Desk, open_desk
from eegdash.workflows.labels_export import (
    ADJUDICATED,
    MAJORITY,
    ONE_READER,
    Export,
    export_labels,
)
from eegdash.workflows.labels_import import read_labels, save_import
from eegdash.workflows.readers import Reader

CHIEF = Reader("Chief")
SCZORE_HEADER = "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"


@pytest.fixture
def sha256(desk: Desk) -> str:
    return add_recording(desk, "Smith_John.edf")


@pytest.fixture
def elsewhere(tmp_path: Path, desk: Desk) -> Desk:
    """Another workspace with the same recording."""
    other = open_desk(Settings(workspace=tmp_path / "elsewhere"))
    add_recording(other, "copy.edf")
    return other


def content(export: Export, ending: str) -> bytes:
    (found,) = [file.content for file in export.files if file.name.endswith(ending)]
    return found


def seizures(desk: Desk, sha256: str, reader: str) -> list[tuple[float, float, str, float | None]]:
    labels = desk.labels.current(sha256, reviewer=reader, kind="label").labels
    return sorted((x.onset_s, x.end_s, x.event_type, x.confidence) for x in labels)


def three_readers(desk: Desk, sha256: str) -> None:
    """Two of three see a seizure at 20-30 s, one at 100 s; one is unsure at 200 s; C read half."""
    for reader, onset in (("A", 10), ("B", 20)):
        say(desk, reader, sha256, onset, onset + 20, event_type="sz_foc")
    say(desk, "A", sha256, 100, 110, event_type="sz_gen", confidence=0.4)
    say(desk, "A", sha256, 200, 210, "unsure")
    say(desk, "B", sha256, 200, 210, "unsure")
    state_whole(desk, "A", sha256)
    state_whole(desk, "B", sha256)
    state_whole(desk, "C", sha256, (0.0, 150.0))


# -- what is claimed -----------------------------------------------------------------------


def test_majority_ties_and_unsure_stay_unknown(desk: Desk, sha256: str) -> None:
    three_readers(desk, sha256)
    found = export_labels(desk, CHIEF, "szcore")
    assert (found.n_recordings, found.n_seizures) == (1, 1)
    rows = content(found, "_events.tsv").decode().splitlines()[1:]
    assert [row.split("\t")[:4] for row in rows] == [["20.00", "10.00", "sz_foc", "0.67"]]
    coverage = content(found, "coverage.tsv").decode().splitlines()[1:]
    assert [row.split("\t")[1:3] for row in coverage] == [["0.000", "200.000"],
                                                          ["210.000", "300.000"]]  # fmt: skip
    assert (found.known_s, found.unknown_s) == (290.0, 10.0)
    assert any("Spans called unsure and left unknown: 2" in loss for loss in found.losses)
    assert any("known in part only" in loss for loss in found.losses)
    assert export_labels(desk, CHIEF, "szcore", min_readers=3).known_s == 150.0


def test_one_reader_and_adjudicated_only(desk: Desk, sha256: str) -> None:
    three_readers(desk, sha256)
    one = export_labels(desk, CHIEF, "szcore", rule=ONE_READER, one_reader="A")
    rows = [x.split("\t")[:4] for x in content(one, "_events.tsv").decode().splitlines()[1:]]
    assert rows == [["10.00", "20.00", "sz_foc", "n/a"], ["100.00", "10.00", "sz_gen", "0.40"]]
    with pytest.raises(WorkspaceError, match="Nothing was adjudicated"):
        export_labels(desk, CHIEF, "szcore", rule=ADJUDICATED)
    for onset, event_type in ((10, "bckg"), (100, "sz")):
        say(
            desk, "Chief", sha256, onset, onset + 30, "adjudicated",
            role="adjudicator", event_type=event_type,
        )  # fmt: skip
    decided = export_labels(desk, CHIEF, "szcore", rule=ADJUDICATED)
    assert decided.known_s == 60.0
    rows = [x.split("\t")[:3] for x in content(decided, "_events.tsv").decode().splitlines()[1:]]
    assert rows == [["100.00", "30.00", "sz"]]
    both = export_labels(desk, CHIEF, "szcore", rule=MAJORITY)
    rows = [x.split("\t")[:3] for x in content(both, "_events.tsv").decode().splitlines()[1:]]
    assert rows == [["100.00", "30.00", "sz"]]  # the majority of 20-30 s was overruled


def test_what_was_not_read_is_never_called_free_of_seizures(desk: Desk, sha256: str) -> None:
    say(desk, "A", sha256, 10, 20, "disagree")
    one = export_labels(desk, CHIEF, "szcore", rule=ONE_READER, one_reader="A")
    rows = [x.split("\t")[:3] for x in content(one, "_events.tsv").decode().splitlines()[1:]]
    assert rows == [["10.00", "10.00", "bckg"]]
    assert one.known_s == 10.0
    with pytest.raises(WorkspaceError, match="claim more than the readers said"):
        export_labels(desk, CHIEF, "chbmit", rule=ONE_READER, one_reader="A")
    state_whole(desk, "A", sha256)
    whole = export_labels(desk, CHIEF, "szcore", rule=ONE_READER, one_reader="A")
    rows = [x.split("\t")[:3] for x in content(whole, "_events.tsv").decode().splitlines()[1:]]
    assert rows == [["0.00", "300.00", "bckg"]]
    summary = export_labels(desk, CHIEF, "chbmit", rule=ONE_READER, one_reader="A")
    assert b"Number of Seizures in File: 0" in content(summary, "summary.txt")


def test_the_products_own_reader_takes_the_coverage(
    desk: Desk, sha256: str, tmp_path: Path
) -> None:
    three_readers(desk, sha256)
    found = export_labels(desk, CHIEF, "szcore")
    alias = alias_of(sha256)
    source = desk.workspace.recordings / "Smith_John.edf"
    (tmp_path / f"{alias}.edf").write_bytes(source.read_bytes())
    for file in found.files:
        (tmp_path / file.name).write_bytes(file.content)
    recording = open_recording(tmp_path / f"{alias}.edf")
    reference = read_reference(recording.path, recording)
    assert reference is not None
    assert reference.coverage == ((0.0, 200.0), (210.0, 300.0))
    assert [(a.onset_s, a.end_s) for a in reference.seizures] == [(20.0, 30.0)]


def test_nothing_names_the_file_or_a_withheld_reader(desk: Desk, sha256: str) -> None:
    three_readers(desk, sha256)
    for kind in ("szcore", "edf", "chbmit", "csv"):
        found = export_labels(desk, CHIEF, kind)
        every = b"".join(x.name.encode() + x.content for x in (*found.files, found.as_zip()))
        assert b"Smith" not in every
        assert b"John" not in every
    hidden = replace(desk, settings=replace(desk.settings, others_hidden=True))
    rows = content(export_labels(hidden, Reader("B"), "csv"), ".csv").decode()
    assert {row["reviewer"] for row in csv.DictReader(io.StringIO(rows))} == {"B"}
    with pytest.raises(WorkspaceError, match="enough readers"):
        export_labels(hidden, Reader("B"), "szcore")


def test_the_zip_says_what_was_lost_and_is_the_same_each_time(desk: Desk, sha256: str) -> None:
    three_readers(desk, sha256)
    found = export_labels(desk, CHIEF, "szcore").as_zip()
    assert export_labels(desk, CHIEF, "szcore").as_zip() == found
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        words = archive.read("LOSSES.txt").decode()
    assert "known in part only" in words
    assert "not for diagnosis" in words


# -- round trips ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["szcore", "edf"])
def test_spans_types_confidence_and_coverage_come_back(
    desk: Desk, elsewhere: Desk, sha256: str, kind: str
) -> None:
    say(desk, "A", sha256, 10.5, 30.25, event_type="sz_foc_ia", confidence=0.75)
    say(desk, "A", sha256, 100, 110.5)
    state_whole(desk, "A", sha256, (0.0, 150.0), (160.0, 250.0))
    out = export_labels(desk, CHIEF, kind, rule=ONE_READER, one_reader="A")
    (file,) = [x for x in out.files if x.name != "coverage.tsv"]
    coverage = content(out, "coverage.tsv") if kind == "szcore" else None
    found = read_labels(elsewhere, file.name, file.content, said_by="A", coverage=coverage)
    assert found.recordings == (sha256,)
    unread = "does not say which time was read"
    assert not any(unread in loss for loss in found.losses)
    if kind == "szcore":
        alone = read_labels(elsewhere, file.name, file.content, said_by="A")
        assert sum(unread in loss for loss in alone.losses) == 1
    saved = save_import(elsewhere, CHIEF, found)
    assert [x.reviewer for x in saved] == ["A", "A", "A"]
    assert all("read in by Chief" in x.source for x in saved)
    assert seizures(elsewhere, sha256, "A") == [
        (10.5, 30.25, "sz_foc_ia", 0.75),
        (100.0, 110.5, "sz", None),
    ]
    back = export_labels(elsewhere, CHIEF, kind, rule=ONE_READER, one_reader="A")
    assert back.files == out.files
    again = read_labels(elsewhere, file.name, file.content, said_by="A", coverage=coverage)
    assert again.n_known == 3
    save_import(elsewhere, CHIEF, again)
    assert len(elsewhere.labels.all()) == 3


def test_milliseconds_are_kept_by_edf_and_said_to_be_lost_by_szcore(
    desk: Desk, sha256: str
) -> None:
    say(desk, "A", sha256, 10.123, 30.456, confidence=0.123)
    edf = export_labels(desk, CHIEF, "edf", rule=ONE_READER, one_reader="A")
    assert b"+10.123\x1520.333\x14sz; confidence 0.123" in content(edf, ".edf")
    assert not any("rounded" in loss for loss in edf.losses)
    tsv = export_labels(desk, CHIEF, "szcore", rule=ONE_READER, one_reader="A")
    assert sum("rounded" in loss for loss in tsv.losses) == 2


def test_a_summary_comes_back_in_whole_seconds(desk: Desk, elsewhere: Desk, sha256: str) -> None:
    say(desk, "A", sha256, 10.4, 30.6, event_type="sz_foc", confidence=0.5)
    state_whole(desk, "A", sha256)
    out = export_labels(desk, CHIEF, "chbmit", rule=ONE_READER, one_reader="A")
    assert len([x for x in out.losses if "whole seconds" in x or "Types" in x
                or "Confidence" in x]) == 3  # fmt: skip
    found = read_labels(elsewhere, "rec-summary.txt", content(out, ".txt"), said_by="A")
    save_import(elsewhere, CHIEF, found)
    assert seizures(elsewhere, sha256, "A") == [(10.0, 31.0, "sz", None)]
    again = export_labels(elsewhere, CHIEF, "chbmit", rule=ONE_READER, one_reader="A")
    assert again.files == out.files


def everything(desk: Desk, sha256: str) -> None:
    first = say(
        desk, "Dr. Weiß", sha256, 10.001, 30, "agree", comment="=1+1\n'=x\ty", reason="@x",
        confidence=0.25, model="net", model_sha256="b" * 64, threshold_pm=700,
        probability_pm=801, postprocessing={"smoothing_s": 4.5}, guideline="1.2",
    )  # fmt: skip
    second = say(desk, "Dr. Weiß", sha256, 11, 30, "disagree", supersedes=first.uuid, reason="LPD")
    say(desk, "Dr. Weiß", sha256, 11, 30, "unsure", repeat_of=second.uuid, comment="'quoted'")
    gone = say(desk, "B", sha256, 50, 60, blinded=True, comment="-\r\n\x00")
    say(desk, "B", sha256, 50, 60, "retract", supersedes=gone.uuid, reason="oops")
    say(desk, "C", sha256, 5, 60, "adjudicated", role="adjudicator", event_type="sz_gen")
    state_whole(desk, "B", sha256, (0.0, 10.5), (20.0, 30.0), kind="first_read", blinded=True)


def said(label: Label, every: list[Label]) -> dict[str, object]:
    """What a record says, with other records named by their place in the file."""
    place = {x.uuid: i for i, x in enumerate(every)}
    found = label.as_dict()
    for name in ("uuid", "seq", "time_utc", "idempotency_id", "source"):
        found.pop(name, None)
    for name in ("supersedes", "repeat_of"):
        found[name] = place.get(found.get(name))
    return found


def test_the_table_of_all_records_comes_back_whole(
    desk: Desk, elsewhere: Desk, sha256: str
) -> None:
    everything(desk, sha256)
    out = export_labels(desk, CHIEF, "csv")
    assert out.losses == ()
    found = read_labels(elsewhere, "labels.csv", content(out, ".csv"), said_by="Nobody")
    assert (found.problems, found.n_known) == ((), 0)
    assert any("new uuid" in loss for loss in found.losses)
    saved = save_import(elsewhere, CHIEF, found)
    ours, theirs = desk.labels.all(), elsewhere.labels.all()
    assert [said(x, theirs) for x in theirs] == [said(x, ours) for x in ours]
    for mine, new in zip(ours, saved, strict=True):
        assert mine.uuid in new.source
        assert mine.time_utc in new.source
    # neither a second import, nor the way back, doubles anything
    assert read_labels(elsewhere, "x.csv", content(out, ".csv"), said_by="N").n_known == len(ours)
    assert save_import(elsewhere, CHIEF, found) == ()
    assert elsewhere.labels.all() == theirs
    back = content(export_labels(elsewhere, CHIEF, "csv"), ".csv")
    home = read_labels(desk, "back.csv", back, said_by="N")
    assert home.n_known == len(ours)
    save_import(desk, CHIEF, home)
    assert desk.labels.all() == ours


def test_an_import_that_failed_half_way_goes_on(
    desk: Desk, elsewhere: Desk, sha256: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything(desk, sha256)
    out = content(export_labels(desk, CHIEF, "csv"), ".csv")
    found = read_labels(elsewhere, "labels.csv", out, said_by="N")
    append = type(elsewhere.labels).append
    count = itertools.count()

    def failing(store: object, draft: object) -> Label:
        if next(count) == 3:
            raise WorkspaceError("disk full")
        return append(store, draft)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(type(elsewhere.labels), "append", failing)
        with pytest.raises(WorkspaceError):
            save_import(elsewhere, CHIEF, found)
    assert len(elsewhere.labels.all()) == 3
    save_import(elsewhere, CHIEF, found)
    ours, theirs = desk.labels.all(), elsewhere.labels.all()
    assert [said(x, theirs) for x in theirs] == [said(x, ours) for x in ours]


def test_an_import_says_how_far_it_is_and_can_be_stopped(
    desk: Desk, elsewhere: Desk, sha256: str
) -> None:
    everything(desk, sha256)
    out = content(export_labels(desk, CHIEF, "csv"), ".csv")
    found = read_labels(elsewhere, "labels.csv", out, said_by="N")
    told: list[tuple[int, int]] = []

    def stop_at_two(done: int, of: int) -> None:
        told.append((done, of))
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        save_import(elsewhere, CHIEF, found, report=stop_at_two)
    assert told == [(0, 7), (1, 7), (2, 7)]
    assert len(elsewhere.labels.all()) == 2
    assert len(save_import(elsewhere, CHIEF, found)) == 5


# -- what comes from elsewhere -------------------------------------------------------------


def test_an_events_file_without_coverage_counts_whole_as_szcore_has_it(
    desk: Desk, sha256: str
) -> None:
    text = SCZORE_HEADER + "12.5\t20.0\tsz_foc\t0.9\tFp1-F7\t2021-03-02 10:20:30\t300.00\n"
    found = read_labels(desk, "Smith_John_desc-net_events.tsv", text.encode(), said_by="Net")
    assert [x.kind for x in found.drafts] == ["label", "sign_off"]
    assert found.drafts[1].seen == ((0.0, LENGTH_S),)
    words = " ".join(found.losses)
    assert "Channels are not kept (events that name some: 1)" in words
    assert "counts as read" in words
    assert "start that the file states" in words


def test_background_rows_say_which_time_was_read(desk: Desk, sha256: str) -> None:
    text = SCZORE_HEADER + "0\t100\tbckg\tn/a\tn/a\tn/a\t300\n"
    found = read_labels(desk, "any.tsv", text.encode(), said_by="X", recording_sha256=sha256)
    (draft,) = found.drafts
    assert (draft.kind, draft.event_type, draft.seen) == ("sign_off", "bckg", ((0.0, 100.0),))


def test_annotations_of_an_edf_that_name_no_seizure_are_left_out_and_said(
    desk: Desk, sha256: str, tmp_path: Path
) -> None:
    from eegdash.export import write_edf_annotations

    path = tmp_path / "notes.edf"
    notes = [Annotation(5, 10, text="Seizure"), Annotation(50, 0, text="eyes closed")]
    write_edf_annotations(path, [*notes, Annotation(60, 0, text="sz")])
    found = read_labels(desk, "notes.edf", path.read_bytes(), said_by="X", recording_sha256=sha256)
    assert [(x.onset_s, x.duration_s, x.verdict) for x in found.drafts] == [(5.0, 10.0, "missed")]
    assert found.problems == ("Annotations left out, as they name no seizure with a duration: 2.",)
    assert any("stays unknown" in loss for loss in found.losses)


def test_a_short_table_typed_by_hand_is_enough(desk: Desk, sha256: str) -> None:
    text = "recording_alias,onset_s,duration_s\nSmith_John.edf,5,10\nnobody,5,10\nSmith_John,x,1\n"
    found = read_labels(desk, "mine.csv", text.encode(), said_by="X")
    assert [(x.reviewer, x.verdict, x.onset_s) for x in found.drafts] == [("X", "missed", 5.0)]
    assert len(found.problems) == 2
    assert "Row 3 is left out: its recording is not in the workspace." in found.problems


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("x.docx", "", "not a file of labels"),
        ("../../other_events.tsv", SCZORE_HEADER, "names no recording"),
        ("Smith_John_events.tsv", "", "is empty"),
        ("Smith_John_events.tsv", "onset\tduration\n1\t2\n", "lacks the columns"),
        ("Smith_John_events.tsv", SCZORE_HEADER + "nan\t2\tsz\n", "seconds, 0 or more"),
        ("Smith_John_annotations.edf", "hello", "Smith_John_annotations.edf"),
        ("rec-summary.txt", "hello", "lists no recording"),
        ("rec-summary.txt", "File Name: zzz.edf\nNumber of Seizures in File: 0\n", "no recording"),
        ("x.csv", "a,b\n1,2\n", "needs the columns"),
        ("x.csv", "\x00\xff", "cannot be read as a table"),
    ],
)
def test_what_cannot_be_read_is_a_sentence_and_nothing_is_saved(
    desk: Desk, sha256: str, name: str, text: str, says: str
) -> None:
    with pytest.raises(AnnotationError, match=says):
        read_labels(desk, name, text.encode("latin-1"), said_by="X")
    assert desk.labels.all() == []


def test_real_clips_go_out_and_come_back(desk: Desk, data_pack: Path) -> None:
    """The summary of CHB-MIT's chb01 and the events of a clip, through labels and out again."""
    clip = data_pack / "seizure_clips" / "chb01_03_2986-3036s.edf"
    target = desk.workspace.recordings / clip.name
    target.write_bytes(clip.read_bytes())
    events = clip.with_name(f"{clip.stem}_events.tsv")
    found = read_labels(desk, events.name, events.read_bytes(), said_by="CHB-MIT")
    (label, _) = save_import(desk, CHIEF, found)
    assert (label.onset_s, label.end_s) == pytest.approx((10.0, 50.0), abs=0.1)
    out = export_labels(desk, CHIEF, "szcore", rule=ONE_READER, one_reader="CHB-MIT")
    rows = content(out, "_events.tsv").decode().splitlines()[1:]
    original = events.read_text().splitlines()[1:]
    assert [row.split("\t")[:3] for row in rows if "\tsz" in row] == [
        [f"{float(a):.2f}", f"{float(b):.2f}", c]
        for a, b, c in (row.split("\t")[:3] for row in original if "\tsz" in row)
    ]
