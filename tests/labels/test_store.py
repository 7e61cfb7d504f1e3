"""The labels file under hand edits, full disks, killed and competing processes."""

from __future__ import annotations

import csv
import errno
import json
import os
import stat
import time
from pathlib import Path

import numpy as np
import pytest

from eegdash.errors import LabelNotSavedError, WorkspaceError
from eegdash.labels import DraftLabel, LabelStore, LineStatus
from eegdash.labels.record import from_draft

SHA = "ab" * 32


def draft(key: str, **changes: object) -> DraftLabel:
    values: dict[str, object] = {
        "idempotency_id": key,
        "reviewer": "A",
        "recording_sha256": SHA,
        "onset_s": 12.0,
        "duration_s": 9.0,
        "verdict": "agree",
    }
    return DraftLabel(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> LabelStore:
    return LabelStore(tmp_path / "labels")


def counts(store: LabelStore) -> tuple[int, int, int]:
    found = store.status_counts()
    return found[LineStatus.VERIFIED], found[LineStatus.HAND_EDITED], found[LineStatus.TORN]


# -- lines ---------------------------------------------------------------------------------


def test_an_empty_folder_holds_no_labels_and_reading_makes_no_file(store):
    assert store.all() == []
    assert counts(store) == (0, 0, 0)
    assert not store.folder.exists()


def test_a_torn_tail_gets_a_newline_and_is_kept(store):
    store.append(draft("a"))
    whole = store.path.read_bytes()
    store.path.write_bytes(whole + whole[:100])
    assert counts(store) == (1, 0, 1)
    store.append(draft("b"))
    assert store.path.read_bytes().startswith(whole + whole[:100] + b"\n{")
    assert counts(store) == (2, 0, 1)
    assert [label.seq for label in store.all()] == [1, 2]


def test_a_valid_tail_without_newline_is_a_label_and_is_not_written_again(store):
    store.append(draft("a"))
    store.append(draft("b"))
    store.path.write_bytes(store.path.read_bytes().rstrip(b"\n"))
    fresh = LabelStore(store.folder)
    assert counts(fresh) == (2, 0, 0)
    assert fresh.append(draft("b")).seq == 2
    assert fresh.append(draft("c")).seq == 3
    assert counts(fresh) == counts(store) == (3, 0, 0)


def test_hand_edited_and_torn_lines_are_marked_counted_and_never_rewritten(store):
    for key in "abc":
        store.append(draft(key))
    lines = store.path.read_bytes().splitlines()
    lines[1] = lines[1].replace(b'"agree"', b'"unsure"')
    edited = b"\n".join([lines[0], lines[1], b"not json \xff", b"", lines[2]]) + b"\n"
    store.path.write_bytes(edited)
    assert counts(store) == (2, 1, 1)
    assert [label.verdict for label in store.for_recording(SHA)] == ["agree", "unsure", "agree"]
    assert [label.status.value for label in store.all()] == ["verified", "hand-edited", "verified"]
    torn = store.lines[2]
    assert (torn.number, torn.label, torn.text) == (3, None, "not json \ufffd")
    assert [line.number for line in store.lines] == [1, 2, 3, 5]
    store.append(draft("d"))
    assert store.path.read_bytes().startswith(edited)
    assert counts(store) == (3, 1, 1)


def test_a_hand_added_line_keeps_its_place_in_the_sequence(store):
    store.append(draft("a"))
    record = json.loads(store.path.read_bytes())
    record.update(seq=40, uuid="00000000-0000-4000-8000-000000000001", idempotency_id="x")
    with store.path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(record))  # no newline, wrong checksum
    assert store.append(draft("b")).seq == 41
    assert counts(store) == (2, 1, 0)


@pytest.mark.parametrize("how", ["replace", "shorten", "in place", "same length"])
def test_a_file_changed_by_another_program_is_read_again(store, how):
    for key in "abc":
        store.append(draft(key, comment="x" * 50))
    assert counts(store) == (3, 0, 0)
    lines = store.path.read_bytes().splitlines(keepends=True)
    edited = lines[1].replace(b'"agree"', b'"unsure"')
    before = store.path.stat()
    if how == "replace":
        other = store.folder / "new"
        other.write_bytes(lines[0] + edited + lines[2])
        other.replace(store.path)
    elif how == "shorten":
        store.path.write_bytes(lines[0] + edited)
    elif how == "in place":
        store.path.write_bytes(lines[0] + edited + lines[2])
    else:
        edited = lines[1].replace(b"xxxx", b"yyyy", 1)
        store.path.write_bytes(lines[0] + edited + lines[2])
        os.utime(store.path, ns=(before.st_atime_ns, before.st_mtime_ns + 10_000_000))
    assert counts(store) == (1 if how == "shorten" else 2, 1, 0)


def test_only_new_bytes_are_read(store, monkeypatch):
    for key in "abcdefgh":
        store.append(draft(key, comment="x" * 1000))
    other = LabelStore(store.folder)
    assert other.refresh() == 8
    store.append(draft("i"))
    read: list[int] = []
    pread = os.pread

    def counting(fd: int, n: int, offset: int) -> bytes:
        data = pread(fd, n, offset)
        read.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", counting)
    assert other.refresh() == 1
    assert 0 < sum(read) < 2000
    read.clear()
    assert other.refresh() == 0
    assert sum(read) == 0


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(store):
    store.append(draft("a"))
    store.append(draft("b"))
    text = store.path.read_bytes()
    store.path.write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert counts(store) == (2, 0, 0)


def test_an_unreadable_file_is_an_error_in_words(store):
    store.path.mkdir(parents=True)
    with pytest.raises(WorkspaceError, match=r"labels\.jsonl cannot be read"):
        store.refresh()
    with pytest.raises(LabelNotSavedError, match="NOT saved"):
        store.append(draft("a"))


# -- failing disks -------------------------------------------------------------------------


def fail_write(monkeypatch: pytest.MonkeyPatch, code: int, *, after: int) -> None:
    """Let the write of a label stop after some bytes, as a full disk does."""
    write = os.write

    def failing(fd: int, data: bytes) -> int:
        if b'"uuid"' not in data:
            return write(fd, data)
        if after:
            return write(fd, data[:after])
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "write", failing)


def fail_fsync(monkeypatch: pytest.MonkeyPatch, code: int, *, folders: bool) -> list[int]:
    fsync = os.fsync
    calls: list[int] = []

    def failing(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode) is folders:
            calls.append(fd)
            raise OSError(code, os.strerror(code))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", failing)
    return calls


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("after", [0, 1, 40, 200])
def test_a_full_disk_is_told_and_the_file_is_cut_back(store, monkeypatch, code, after):
    store.append(draft("a"))
    before = store.path.read_bytes()
    with monkeypatch.context() as patch:
        fail_write(patch, code, after=after)
        with pytest.raises(LabelNotSavedError, match=r"^NOT saved: labels\.jsonl"):
            store.append(draft("b"))
    assert store.path.read_bytes() == before
    assert len(store.all()) == 1
    assert store.append(draft("b")).seq == 2
    assert counts(LabelStore(store.folder)) == (2, 0, 0)


def test_a_failed_fsync_is_told_cut_back_and_not_repeated(store, monkeypatch):
    store.append(draft("a"))
    before = store.path.read_bytes()
    with monkeypatch.context() as patch:
        calls = fail_fsync(patch, errno.EIO, folders=False)
        with pytest.raises(LabelNotSavedError, match=r"^NOT saved: .*Input/output error"):
            store.append(draft("b"))
        assert len(calls) == 1
    assert store.path.read_bytes() == before
    assert store.append(draft("b")).seq == 2


def test_a_repeat_is_acknowledged_only_after_an_fsync(store, monkeypatch):
    store.append(draft("a"))
    with monkeypatch.context() as patch:
        fail_fsync(patch, errno.EIO, folders=False)
        with pytest.raises(LabelNotSavedError):
            LabelStore(store.folder).append(draft("a"))
    assert LabelStore(store.folder).append(draft("a")).seq == 1


def test_a_file_name_that_is_not_on_disk_is_not_acknowledged(store, monkeypatch):
    store.folder.mkdir()
    with monkeypatch.context() as patch:
        fail_fsync(patch, errno.EIO, folders=True)
        with pytest.raises(LabelNotSavedError):
            store.append(draft("a"))
    assert store.all() == []
    assert store.append(draft("a")).seq == 1


def test_a_line_that_could_neither_be_synced_nor_removed_is_never_acknowledged(store, monkeypatch):
    def no_truncate(fd: int, size: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        fail_fsync(patch, errno.EIO, folders=False)
        patch.setattr(os, "ftruncate", no_truncate)
        with pytest.raises(LabelNotSavedError):
            store.append(draft("a"))
    with pytest.raises(LabelNotSavedError, match="could not be undone"):
        store.append(draft("a"))


def test_cutting_back_never_removes_what_somebody_else_wrote(store, monkeypatch):
    store.append(draft("a"))
    fsync = os.fsync

    def foreign_write_then_fail(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            return fsync(fd)
        with store.path.open("ab") as stream:
            stream.write(b"a line typed meanwhile\n")
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", foreign_write_then_fail)
        with pytest.raises(LabelNotSavedError):
            store.append(draft("b"))
    assert b"a line typed meanwhile" in store.path.read_bytes()


@pytest.mark.parametrize("how", ["replaced", "removed"])
def test_a_file_replaced_during_the_append_gets_the_label_again(store, monkeypatch, how):
    store.append(draft("a"))
    old = store.path.read_bytes()
    fsync = os.fsync
    done: list[bool] = []

    def replacing(fd: int) -> None:
        fsync(fd)
        if not done and not stat.S_ISDIR(os.fstat(fd).st_mode):
            done.append(True)
            if how == "removed":
                store.path.unlink()
            else:
                (store.folder / "new").write_bytes(old)
                (store.folder / "new").replace(store.path)

    monkeypatch.setattr(os, "fsync", replacing)
    saved = store.append(draft("b"))
    assert done
    assert saved in LabelStore(store.folder).all()
    assert saved.seq == (1 if how == "removed" else 2)


def test_a_lock_held_too_long_is_told(store, monkeypatch):
    from filelock import FileLock

    monkeypatch.setattr("eegdash.labels.store._LOCK_TIMEOUT_S", 0.05)
    store.append(draft("a"))
    with (
        FileLock(store.folder / "labels.jsonl.lock"),
        pytest.raises(LabelNotSavedError, match="NOT saved: another program"),
    ):
        store.append(draft("b"))
    assert store.append(draft("b")).seq == 2


# -- several writers -----------------------------------------------------------------------


# -- the view and the budget ---------------------------------------------------------------


def test_csv_guards_text_and_leaves_numbers(store):
    for i, start in enumerate("=+-@\t\0"):
        store.append(draft(f"k{i}", comment=f"{start}1+1", postprocessing={"smoothing_s": 4.5}))
    with store.path.open("ab") as stream:
        stream.write(b"=torn\n")
    assert store.write_csv()
    with store.csv_path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["comment"][:2] for row in rows[:6]] == ["'=", "'+", "'-", "'@", "'\t", "'\0"]
    assert {row["onset_s"] for row in rows[:6]} == {"12.0"}
    assert rows[0]["postprocessing"] == '{"smoothing_s":4.5}'
    assert (rows[6]["status"], rows[6]["torn_text"]) == ("torn", "'=torn")


def test_csv_is_regenerated_only_after_a_change_and_as_a_whole(store):
    store.append(draft("a"))
    assert store.write_csv()
    assert not store.write_csv()
    store.append(draft("b"))
    assert store.write_csv()
    assert len(store.csv_path.read_text(encoding="utf-8").splitlines()) == 3
    store.csv_path.unlink()
    assert store.write_csv()
    assert sorted(p.suffix for p in store.folder.iterdir() if p.name.startswith(".")) == []


def test_csv_that_cannot_be_written_leaves_the_old_one_and_no_rubbish(store, monkeypatch):
    store.append(draft("a"))
    store.write_csv()
    old = store.csv_path.read_bytes()
    store.append(draft("b"))
    with monkeypatch.context() as patch:
        fail_fsync(patch, errno.ENOSPC, folders=False)
        with pytest.raises(WorkspaceError, match=r"labels\.csv could not be written"):
            store.write_csv()
    assert store.csv_path.read_bytes() == old
    assert not list(store.folder.glob(".writing-*"))


def test_append_stays_fast_at_100000_labels(store, record_property):
    store.folder.mkdir()
    with store.path.open("wb") as stream:
        for i in range(100_000):
            label = from_draft(
                draft(f"k{i}", recording_sha256=f"{i % 100:064x}"),
                uuid=f"00000000-0000-4000-8000-{i:012d}",
                seq=i + 1,
                time_utc="2026-11-03T12:34:56.789Z",
            )
            stream.write(label.to_line())
    assert store.refresh() == 100_000
    taken_ms = []
    for i in range(100):
        start = time.perf_counter()
        label = store.append(draft(f"new{i}"))
        taken_ms.append((time.perf_counter() - start) * 1000)
    p95_ms = float(np.percentile(taken_ms, 95))
    record_property("append_p95_ms", p95_ms)
    assert label.seq == 100_100
    assert p95_ms <= 100  # the budget is 20 ms; shared machines get slack here
