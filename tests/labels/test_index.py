"""Records that contradict each other, also after somebody edited the file."""

from __future__ import annotations

from dataclasses import replace

from eegdash.labels import Label, LabelLine, LineStatus
from eegdash.labels.index import LabelIndex
from eegdash.labels.record import DraftLabel, from_draft

SHA = "cd" * 32


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def record(number: int, *, supersedes: int | None = None, comment: str = "") -> Label:
    draft = DraftLabel(
        idempotency_id=f"i{number}",
        reviewer="A",
        recording_sha256=SHA,
        onset_s=0,
        duration_s=1,
        verdict="agree",
        reason="r",
        comment=comment,
        supersedes=None if supersedes is None else uuid(supersedes),
    )
    return from_draft(draft, uuid=uuid(number), seq=number, time_utc="2026-01-01T00:00:00Z")


def index_of(*labels: Label) -> LabelIndex:
    index = LabelIndex()
    for number, label in enumerate(labels, start=1):
        index.add(LabelLine(number, LineStatus.VERIFIED, label))
    return index


def test_order_is_by_sequence_not_by_line_or_clock():
    index = index_of(record(3), record(1), replace(record(2), time_utc="2030-01-01T00:00:00Z"))
    assert [label.seq for label in index.for_recording(SHA)] == [1, 2, 3]


def test_an_identical_line_counts_once_and_is_noted():
    index = index_of(record(1), record(1))
    assert len(index) == 1
    assert [bool(line.note) for line in index.lines] == [False, True]


def test_two_different_records_with_one_uuid_are_both_kept_as_a_conflict():
    first, copy = record(1), record(1, comment="copied line, changed by hand")
    current = index_of(first, copy).current(SHA)
    assert current.labels == (first, copy)
    assert current.conflicts[0].labels == (first, copy)


def test_history_ends_for_records_that_supersede_each_other_in_a_circle():
    index = index_of(record(1, supersedes=2), record(2, supersedes=1))
    assert [label.seq for label in index.history(uuid(1))] == [1, 2]
    assert index.current(SHA).conflicts == ()


def test_a_record_that_supersedes_itself_stays_visible():
    assert len(index_of(record(1, supersedes=1)).current(SHA).labels) == 1


def test_history_of_a_long_chain_and_of_an_unknown_uuid():
    chain = [record(i, supersedes=i - 1 if i > 1 else None) for i in range(1, 3001)]
    index = index_of(*chain)
    assert index.history(uuid(1500)) == chain
    assert index.current(SHA).labels == (chain[-1],)
    assert index.history(uuid(9999)) == []
