"""The labels file: ``labels.jsonl``, one record per line, append-only, the source of truth.

An append is acknowledged only after the line is on disk: lock, open for appending, give a torn
tail its newline, one write, fsync, check that the path still names the same file, fsync the folder
once. On failure the file is cut back to its old length and the caller is told "NOT saved". A failed
fsync is never repeated, because the kernel may report the second one as successful although the
data were lost. Never put the folder on a network share: locks and fsync do not hold there.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid as uuids
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from eegdash.errors import LabelNotSavedError, WorkspaceError
from eegdash.labels.checks import InvalidLabelError
from eegdash.labels.index import CurrentLabels, LabelIndex, LabelLine, read_line
from eegdash.labels.record import (
    MAX_SEQ,
    DraftLabel,
    Label,
    LineStatus,
    from_draft,
)
from eegdash.labels.table import write_table

FILE_NAME = "labels.jsonl"
LOCK_NAME = "labels.jsonl.lock"
CSV_NAME = "labels.csv"

_LOCK_TIMEOUT_S = 20.0
_REPLACED_ATTEMPTS = 5
_MARK_BYTES = 256

_log = logging.getLogger(__name__)


class LabelStore:
    """Labels of one workspace, shared by threads and processes of one machine.

    Every reading method first takes in what was appended since, so that it is never stale.

    Parameters
    ----------
    folder : Path
        Holds ``labels.jsonl``, its lock and the view ``labels.csv``. Made at the first append.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self.csv_path = folder / CSV_NAME
        self._mutex = threading.RLock()
        self._folder_synced = False
        self._doubtful: set[str] = set()
        self._csv_of: tuple[int, int, int] | None = None
        self._forget()

    # -- writing ---------------------------------------------------------------------------

    def append(self, draft: DraftLabel) -> Label:
        """Append a label and return its record once it is safely on disk.

        Parameters
        ----------
        draft : DraftLabel
            A repeat of an ``idempotency_id`` returns the first record and appends nothing.

        Returns
        -------
        Label

        Raises
        ------
        LabelNotSavedError
            If anything prevented it; the file is as before and the form should stay filled.
        """
        with self._mutex, self._locked():
            try:
                return self._append_locked(draft)
            except OSError as error:
                self._forget()
                raise _not_saved(error) from error

    def _append_locked(self, draft: DraftLabel) -> Label:
        for _ in range(_REPLACED_ATTEMPTS):
            fd, created = self._open()
            try:
                self._sync_folder(created)
                self._refresh()
                first = self._index.repeated(draft.idempotency_id)
                if first is not None:
                    self._confirm(fd, first)
                    return first
                label = self._next_label(draft)
                if self._write_line(fd, label):
                    self._doubtful.discard(label.idempotency_id)
                    self._take_in_own_line()
                    return label
                # The file was replaced meanwhile, e.g. by an editor: the new one counts.
                self._folder_synced = False
            finally:
                os.close(fd)
        raise LabelNotSavedError(
            f"NOT saved: {FILE_NAME} is being replaced again and again by another program. "
            "Close the program that edits it and save again."
        )

    def _open(self) -> tuple[int, bool]:
        """Open the labels file for appending; tell whether it was created."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        try:
            return os.open(self.path, flags | os.O_CREAT | os.O_EXCL, 0o600), True
        except FileExistsError:
            return os.open(self.path, flags), False

    def _next_label(self, draft: DraftLabel) -> Label:
        if draft.supersedes is not None:
            replaced = self._index.find(draft.supersedes)
            if replaced is None or replaced.recording_sha256 != draft.recording_sha256:
                raise InvalidLabelError(
                    "NOT saved: the label to be changed is not among the labels of this "
                    "recording. Reload the page and try again."
                )
        if draft.repeat_of is not None:
            first = self._index.find(draft.repeat_of)
            if first is None or first.recording_sha256 != draft.recording_sha256:
                raise InvalidLabelError(
                    "NOT saved: what this label repeats is not among the labels of this "
                    "recording. Reload the page and try again."
                )
        if self._index.max_seq >= MAX_SEQ:
            raise LabelNotSavedError(
                f"NOT saved: the sequence numbers of {FILE_NAME} are used up. Begin a new folder."
            )
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return from_draft(draft, uuid=str(uuids.uuid4()), seq=self._index.max_seq + 1, time_utc=now)

    def _confirm(self, fd: int, label: Label) -> None:
        """Make sure that a record found in the file is on disk before it is acknowledged."""
        if label.idempotency_id in self._doubtful:
            raise LabelNotSavedError(
                "NOT saved: an earlier attempt failed on the disk and could not be undone. "
                f"Have the disk and the end of {FILE_NAME} checked, then restart."
            )
        os.fsync(fd)  # its writer may have died between write and fsync

    def _write_line(self, fd: int, label: Label) -> bool:
        """Append one line durably; False if the path names another file by then."""
        old_size = os.fstat(fd).st_size
        line = label.to_line()
        if old_size and os.pread(fd, 1, old_size - 1) != b"\n":
            line = b"\n" + line  # a tail without newline may be a valid hand edit: kept
        try:
            written = os.write(fd, line)
            if written != len(line):
                raise OSError(f"the disk took {written} of {len(line)} bytes and is probably full")
            os.fsync(fd)
            return self._is_still_at_path(fd)
        except OSError:
            self._cut_back(fd, old_size, len(line), label.idempotency_id)
            raise

    def _cut_back(self, fd: int, old_size: int, written: int, idempotency_id: str) -> None:
        """Undo a failed append, unless somebody else wrote behind it."""
        try:
            if os.fstat(fd).st_size <= old_size + written:
                os.ftruncate(fd, old_size)
                return
        except OSError:
            _log.exception("a failed append to the labels file could not be undone")
        self._doubtful.add(idempotency_id)

    def _is_still_at_path(self, fd: int) -> bool:
        try:
            there = os.stat(self.path)  # noqa: PTH116 - both sides as os.stat_result
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(fd))

    def _sync_folder(self, created: bool) -> None:
        """Make the file's name durable; once per store, as its creator may have died before."""
        if self._folder_synced and not created:
            return
        _fsync_folder(self.folder)
        self._folder_synced = True

    def _take_in_own_line(self) -> None:
        # The label is saved; trouble while reading it back must not say otherwise.
        try:
            self._refresh()
        except OSError:
            _log.exception("the labels file could not be read back after an append")
            self._forget()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        try:
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True, exist_ok=True)
                _fsync_folder(self.folder.parent)
            lock = FileLock(self.folder / LOCK_NAME, timeout=_LOCK_TIMEOUT_S)
            lock.acquire()
        except Timeout:
            raise LabelNotSavedError(
                f"NOT saved: another program has held {LOCK_NAME} for {_LOCK_TIMEOUT_S:.0f} s. "
                "Try again; if it stays, restart the dashboard."
            ) from None
        except OSError as error:
            raise _not_saved(error) from error
        try:
            yield
        finally:
            lock.release()

    # -- reading ---------------------------------------------------------------------------

    def refresh(self) -> int:
        """Read what is new in the file and return the number of new lines.

        Only bytes behind the last known line are read. A file that was replaced, shortened or
        edited in place is read again from the start.

        Raises
        ------
        WorkspaceError
            If the file exists but cannot be read.
        """
        with self._mutex:
            try:
                return self._refresh()
            except OSError as error:
                self._forget()
                raise WorkspaceError(
                    f"{FILE_NAME} cannot be read ({error.strerror or error}). "
                    "Check the workspace folder and its permissions."
                ) from error

    def reload(self) -> int:
        """Read the whole file again and return the number of lines."""
        with self._mutex:
            self._forget()
            return self.refresh()

    @property
    def lines(self) -> tuple[LabelLine, ...]:
        """Every line with its status, in the order of the file."""
        with self._current() as index:
            return tuple(index.lines)

    def status_counts(self) -> dict[LineStatus, int]:
        """Return how many lines are verified, hand-edited and torn."""
        with self._current() as index:
            return dict(index.counts)

    def all(self) -> list[Label]:
        """Return every record of every recording, by sequence."""
        with self._current() as index:
            return list(index)

    def recordings(self) -> dict[str, int]:
        """Return the number of records per recording hash."""
        with self._current() as index:
            return index.recordings()

    def find(self, uuid: str) -> Label | None:
        """Return the record of a uuid, the first line if there are two."""
        with self._current() as index:
            return index.find(uuid)

    def saved_as(self, idempotency_id: str) -> Label | None:
        """Return the record that was saved under an idempotency id, if any was."""
        with self._current() as index:
            return index.repeated(idempotency_id)

    def for_recording(self, sha256: str) -> list[Label]:
        """Return every record of a recording, superseded and retracting ones included."""
        with self._current() as index:
            return index.for_recording(sha256)

    def current(
        self,
        sha256: str,
        *,
        reviewer: str | None = None,
        kind: str | None = None,
        repeats: bool = False,
    ) -> CurrentLabels:
        """Return the records of a recording that hold now, and the conflicts among them.

        Parameters
        ----------
        sha256 : str
        reviewer : str, optional
            Only what this reviewer said (blinded reading).
        kind : str, optional
            Only records of this kind, e.g. ``"label"``.
        repeats : bool
            Also hidden repeats, which are no further opinions.
        """
        with self._current() as index:
            return index.current(sha256, reviewer=reviewer, kind=kind, repeats=repeats)

    def history(self, uuid: str) -> list[Label]:
        """Return a record with all that it superseded and all that superseded it, by sequence."""
        with self._current() as index:
            return index.history(uuid)

    def write_csv(self) -> bool:
        """Regenerate ``labels.csv`` if the labels changed; return whether it was written.

        Takes seconds at 10^5 labels, so it runs on demand and not with every append.

        Raises
        ------
        WorkspaceError
            If the view cannot be written; the labels themselves are not affected.
        """
        with self._current() as index:
            lines, state = list(index.lines), (self._inode, self._offset, self._mtime_ns)
        if state == self._csv_of and self.csv_path.exists():
            return False
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_table(self.csv_path, lines)
        except OSError as error:
            raise WorkspaceError(
                f"{CSV_NAME} cannot be written ({error.strerror or error}). "
                f"The labels are safe in {FILE_NAME}; free disk space and try again."
            ) from error
        self._csv_of = state
        return True

    @contextmanager
    def _current(self) -> Iterator[LabelIndex]:
        with self._mutex:
            self.refresh()
            yield self._index

    def _forget(self) -> None:
        self._index = LabelIndex()
        self._inode = 0
        self._mtime_ns = 0
        self._offset = 0  # end of the last complete line
        self._size = 0  # what was read, an incomplete last line included
        self._n_lines = 0
        self._mark = b""  # the bytes before the offset; they differ after an edit in place

    def _refresh(self) -> int:
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._forget()
            return 0
        try:
            found = os.fstat(fd)
            if self._inode and not self._continues(fd, found):
                self._forget()
            if found.st_size == self._size and self._inode:
                return 0
            new = _pread_all(fd, self._offset, found.st_size)
            if len(new) != found.st_size - self._offset:
                self._forget()  # shortened while being read: start again next time
                return 0
        finally:
            os.close(fd)
        before = len(self._index.lines)
        self._inode, self._mtime_ns, self._size = found.st_ino, found.st_mtime_ns, found.st_size
        self._take_in(new)
        return len(self._index.lines) - before

    def _continues(self, fd: int, found: os.stat_result) -> bool:
        """Tell whether the file is the known one with at most new bytes behind the known."""
        if found.st_ino != self._inode or found.st_size < self._size:
            return False
        if found.st_size == self._size:
            return found.st_mtime_ns == self._mtime_ns
        if self._size != self._offset:
            return False  # the incomplete last line has grown: take it in anew
        return os.pread(fd, len(self._mark), self._offset - len(self._mark)) == self._mark

    def _take_in(self, new: bytes) -> None:
        *complete, tail = new.split(b"\n")
        for line in complete:
            self._add(line)
        self._offset += len(new) - len(tail)
        self._mark = (self._mark + new[: len(new) - len(tail)])[-_MARK_BYTES:]
        if tail:
            self._add(tail)  # shown as it is; read again once it has its newline

    def _add(self, line: bytes) -> None:
        self._n_lines += 1
        if line.strip():
            self._index.add(read_line(self._n_lines, line))


def _pread_all(fd: int, start: int, stop: int) -> bytes:
    parts: list[bytes] = []
    while start < stop:
        part = os.pread(fd, stop - start, start)
        if not part:
            break
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _not_saved(error: OSError) -> LabelNotSavedError:
    return LabelNotSavedError(
        f"NOT saved: {FILE_NAME} could not be written ({error.strerror or error}). The form is "
        "kept; free disk space or check the workspace folder, then save again."
    )
