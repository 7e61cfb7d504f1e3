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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eegdash.errors import LabelNotSavedError, WorkspaceError
from eegdash.labels.book import LabelBook
from eegdash.labels.index import LabelIndex, read_line
from eegdash.labels.record import DraftLabel, Label

FILE_NAME = "labels.jsonl"
LOCK_NAME = "labels.jsonl.lock"

_LOCK_TIMEOUT_S = 20.0
_REPLACED_ATTEMPTS = 5
_MARK_BYTES = 256

_log = logging.getLogger(__name__)


class LabelStore(LabelBook):
    """Labels of one workspace, shared by threads and processes of one machine.

    Every reading method first takes in what was appended since, so that it is never stale.

    Parameters
    ----------
    folder : Path
        Holds ``labels.jsonl``, its lock and the view ``labels.csv``. Made at the first append.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, FILE_NAME)
        self.path = folder / FILE_NAME
        self._folder_synced = False
        self._doubtful: set[str] = set()
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
                raise _unreadable(error) from error

    def raw_lines(self) -> list[bytes]:
        """Return every line as it is kept, blank ones included, in order."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unreadable(error) from error
        # a last line without its newline gets one with the next append
        return content.removesuffix(b"\n").split(b"\n") if content else []

    def _state(self) -> tuple[int, ...]:
        return self._inode, self._offset, self._mtime_ns

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


def _unreadable(error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"{FILE_NAME} cannot be read ({error.strerror or error}). "
        "Check the workspace folder and its permissions."
    )
