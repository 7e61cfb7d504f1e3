"""What the lines of a labels file say together: order, supersession, conflicts.

Pure and in memory, so that every store (file, database) shares one meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

from eegdash.labels.record import Label, LineStatus, parse_line

_TORN_TEXT_LIMIT = 2000
_numbers = count(1)
_REPEATED = "the same record as in an earlier line"


@dataclass(frozen=True, slots=True)
class LabelLine:
    """One line of the labels file as it was read.

    Parameters
    ----------
    number : int
        Line number, from 1, blank lines included.
    status : LineStatus
    label : Label or None
        The record; None where the line is torn.
    note : str
        What is odd about the line, in words; empty for a verified line.
    text : str
        Beginning of a torn line, for display as plain text; otherwise empty.
    """

    number: int
    status: LineStatus
    label: Label | None
    note: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Records that compete for the place of one, or that carry the same uuid.

    Parameters
    ----------
    superseded : str
        uuid of the record that all of them replace (or that all of them carry).
    labels : tuple of Label
        The competing records, by sequence.
    """

    superseded: str
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class CurrentLabels:
    """The labels that hold now, and where two records contradict each other.

    Parameters
    ----------
    labels : tuple of Label
        Neither superseded nor retracted, by sequence.
    conflicts : tuple of Conflict
        Both sides of a conflict stay among ``labels`` unless one is a retraction.
    """

    labels: tuple[Label, ...]
    conflicts: tuple[Conflict, ...]


def read_line(number: int, line: bytes) -> LabelLine:
    """Return one line with its status; nothing raises, because no line may hide the others."""
    try:
        label = parse_line(line)
    except ValueError as error:
        note = str(error).removeprefix("NOT saved: ")
        text = line[:_TORN_TEXT_LIMIT].decode(errors="replace")
        return LabelLine(number, LineStatus.TORN, None, note, text)
    note = ""
    if label.status is LineStatus.HAND_EDITED:
        note = "the checksum is absent or does not match the content"
    return LabelLine(number, label.status, label, note)


class LabelIndex:
    """Records by recording, uuid and idempotency id, in the order of their lines."""

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.lines: list[LabelLine] = []
        self.counts: dict[LineStatus, int] = dict.fromkeys(LineStatus, 0)
        self.max_seq = 0
        self._by_recording: dict[str, list[Label]] = {}
        self._by_uuid: dict[str, list[Label]] = {}
        self._by_idempotency: dict[str, Label] = {}
        self._successors: dict[str, list[Label]] = {}

    def add(self, line: LabelLine) -> None:
        """Take in the next line."""
        self.counts[line.status] += 1
        label = line.label
        twins = [] if label is None else self._by_uuid.setdefault(label.uuid, [])
        repeated = label in twins  # e.g. after two copies of the file were joined
        self.lines.append(replace(line, note=_REPEATED) if repeated else line)
        if label is None or repeated:
            return
        self.max_seq = max(self.max_seq, label.seq)
        twins.append(label)
        self._by_recording.setdefault(label.recording_sha256, []).append(label)
        if label.idempotency_id:
            self._by_idempotency.setdefault(label.idempotency_id, label)
        if label.supersedes is not None:
            self._successors.setdefault(label.supersedes, []).append(label)

    def __iter__(self) -> Iterator[Label]:
        """Yield every record, by sequence."""
        every = [label for labels in self._by_recording.values() for label in labels]
        return iter(_ordered(every))

    def __len__(self) -> int:
        return sum(len(labels) for labels in self._by_recording.values())

    def recordings(self) -> dict[str, int]:
        """Return the number of records per recording hash."""
        return {sha256: len(labels) for sha256, labels in self._by_recording.items()}

    def find(self, uuid: str) -> Label | None:
        """Return the record of a uuid, the first line if there are two."""
        twins = self._by_uuid.get(uuid)
        return twins[0] if twins else None

    def repeated(self, idempotency_id: str) -> Label | None:
        """Return the record that was saved under an idempotency id."""
        return self._by_idempotency.get(idempotency_id)

    def for_recording(self, sha256: str) -> list[Label]:
        """Return every record of a recording, by sequence."""
        return _ordered(self._by_recording.get(sha256, []))

    def current(
        self,
        sha256: str,
        *,
        reviewer: str | None = None,
        kind: str | None = None,
        repeats: bool = False,
    ) -> CurrentLabels:
        """Return what holds now for a recording; see :class:`CurrentLabels`."""
        records = self.for_recording(sha256)

        def wanted(label: Label) -> bool:
            return (
                (reviewer is None or label.reviewer == reviewer)
                and (kind is None or label.kind == kind)
                and (repeats or label.repeat_of is None)
            )

        labels = tuple(
            label
            for label in records
            if not label.is_retraction and not self._is_superseded(label) and wanted(label)
        )
        conflicts = tuple(
            conflict
            for uuid in dict.fromkeys(label.supersedes or label.uuid for label in records)
            for conflict in self._conflicts(uuid)
            if any(wanted(label) for label in conflict.labels)
        )
        return CurrentLabels(labels, conflicts)

    def history(self, uuid: str) -> list[Label]:
        """Return every record connected to ``uuid`` by superseding, by sequence."""
        found: dict[int, Label] = {}
        seen: set[str] = set()
        waiting = [uuid]
        while waiting:  # a loop typed by hand must not hang the page: each uuid is visited once
            position = waiting.pop()
            if position in seen:
                continue
            seen.add(position)
            for label in self._by_uuid.get(position, []):
                found[id(label)] = label
                if label.supersedes is not None:
                    waiting.append(label.supersedes)
            waiting.extend(label.uuid for label in self._successors.get(position, []))
        return _ordered(list(found.values()))

    def _is_superseded(self, label: Label) -> bool:
        # A hand-edited record that supersedes itself would otherwise vanish from the screen.
        return any(other.uuid != label.uuid for other in self._successors.get(label.uuid, []))

    def _conflicts(self, uuid: str) -> list[Conflict]:
        rivals = self._successors.get(uuid, [])
        if len(rivals) > 1:
            rivals = [label for label in rivals if self._is_open(label)]
        groups = [rivals, self._by_uuid.get(uuid, [])]
        return [Conflict(uuid, tuple(_ordered(g))) for g in groups if len(g) > 1]

    def _is_open(self, label: Label) -> bool:
        """Tell whether a superseding record, or what replaced it, still states something.

        A branch that was itself withdrawn by a retraction is settled: that is how a reviewer
        resolves a conflict.
        """
        if not self._is_superseded(label):
            return True
        seen: set[str] = set()
        waiting = [label]
        while waiting:
            position = waiting.pop()
            if position.uuid in seen:
                continue
            seen.add(position.uuid)
            successors = self._successors.get(position.uuid, [])
            if not successors and not position.is_retraction:
                return True
            waiting.extend(successors)
        return False


def _ordered(labels: list[Label]) -> list[Label]:
    """Sort by sequence, not by clock; equal numbers keep the order of their lines."""
    return sorted(labels, key=lambda label: label.seq)
