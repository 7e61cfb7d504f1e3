"""What every store of labels does alike: one index, the same reading, the same rules for the next.

A store keeps the lines (:mod:`eegdash.labels.store` in a file, :mod:`eegdash.labels.database` in
PostgreSQL); what they mean together is the same everywhere.
"""

from __future__ import annotations

import threading
import uuid as uuids
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from eegdash.errors import LabelNotSavedError
from eegdash.labels.checks import InvalidLabelError
from eegdash.labels.index import CurrentLabels, LabelIndex, LabelLine
from eegdash.labels.record import MAX_SEQ, DraftLabel, Label, LineStatus, from_draft
from eegdash.labels.table import write_table

CSV_NAME = "labels.csv"


class LabelBook(ABC):
    """Labels of one installation, only ever appended to.

    Every reading method first takes in what was appended since, so that it is never stale.

    Parameters
    ----------
    folder : Path
        Holds the view ``labels.csv``.
    place : str
        Where the labels are, in words for messages.
    """

    def __init__(self, folder: Path, place: str) -> None:
        self.folder = folder
        self.place = place
        self.csv_path = folder / CSV_NAME
        self._mutex = threading.RLock()
        self._csv_of: tuple[int, ...] | None = None
        self._index = LabelIndex()

    @abstractmethod
    def append(self, draft: DraftLabel) -> Label:
        """Append a label and return its record once it is safely kept.

        Parameters
        ----------
        draft : DraftLabel
            A repeat of an ``idempotency_id`` returns the first record and appends nothing.

        Raises
        ------
        LabelNotSavedError
            If anything prevented it; the form should stay filled.
        """

    @abstractmethod
    def refresh(self) -> int:
        """Take in what is new and return the number of new lines.

        Raises
        ------
        WorkspaceError
            If the labels cannot be read.
        """

    @abstractmethod
    def raw_lines(self) -> list[bytes]:
        """Return every line as it is kept, blank ones included, in order.

        Raises
        ------
        WorkspaceError
            If the labels cannot be read.
        """

    def close(self) -> None:  # noqa: B027 - a file holds nothing open
        """Let go of connections, where there are any; the next call opens new ones."""

    @abstractmethod
    def _state(self) -> tuple[int, ...]:
        """Return what differs whenever the lines do."""

    @abstractmethod
    def _forget(self) -> None:
        """Drop what was read, so that the next reading begins anew."""

    def mark(self) -> tuple[int, ...]:
        """Return what differs after every change of the labels, as the key of what follows."""
        with self._current():
            return self._state()

    def reading(self) -> int:
        """Return a number that differs once the lines were read again from the first one.

        Within one reading a record stays as it is, so that its uuid says what it says.
        """
        with self._current() as index:
            return index.number

    def reload(self) -> int:
        """Read everything again and return the number of lines."""
        with self._mutex:
            self._forget()
            return self.refresh()

    @property
    def lines(self) -> tuple[LabelLine, ...]:
        """Every line with its status, in order."""
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
            lines, state = list(index.lines), self._state()
        if state == self._csv_of and self.csv_path.exists():
            return False
        with suppress(OSError):  # then the file cannot be written either, and that is said
            self.folder.mkdir(parents=True, exist_ok=True)
        remedy = f"The labels are safe in {self.place}; free disk space and try again."
        write_table(self.csv_path, lines, remedy=remedy)
        self._csv_of = state
        return True

    @contextmanager
    def _current(self) -> Iterator[LabelIndex]:
        with self._mutex:
            self.refresh()
            yield self._index

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
                f"NOT saved: the sequence numbers of {self.place} are used up. Begin a new one."
            )
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return from_draft(draft, uuid=str(uuids.uuid4()), seq=self._index.max_seq + 1, time_utc=now)
