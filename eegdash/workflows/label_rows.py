"""Rows of a table of labels (``labels.csv``, or a simpler one) as labels to be saved."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from eegdash.errors import AnnotationError
from eegdash.labels import DraftLabel, InvalidLabelError
from eegdash.labels.table import unguarded
from eegdash.recording import ALIAS_PREFIX

MAX_ROWS = 200_000
_TEXTS = ("event_type", "reason", "comment", "model", "model_sha256", "guideline")
_KEPT = {"kind": "label", "role": "reader"}
_MOST_TOLD = 20
ORIGIN = re.compile(r"uuid ([0-9a-f-]{36}), said ([0-9TZ:.-]*)")
"""Part of a label's source: under which uuid and when it was said first."""
MAX_SOURCE = 180
"""Characters kept of where a label comes from; who read it in is added."""


class Places(Protocol):
    """Finds a recording's hash."""

    def of(self, stem: str) -> str:
        """Return the hash by alias or file stem; empty where there is none."""
        ...


@dataclass(slots=True)
class Rows:
    """What a table holds; ``uuids`` are the table's own names of the drafts."""

    drafts: list[DraftLabel] = field(default_factory=list)
    uuids: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_rows(base: str, content: bytes, who: str, mark: str, places: Places) -> Rows:
    """Read a table of labels.

    Needed are ``onset_s`` and ``duration_s`` and, to say the recording, ``recording_sha256`` or
    ``recording_alias`` (an alias or the stem of a file name). Everything else that ``labels.csv``
    has is taken over where it is there.

    Parameters
    ----------
    base : str
        Name of the file, for messages.
    content : bytes
    who : str
        Whose labels these are where a row does not say.
    mark : str
        Hash of the content.
    places : Places

    Raises
    ------
    AnnotationError
        If the content is no such table.
    """
    header, table = _table(base, content)
    found = Rows()
    ordered = sorted(enumerate(table, start=2), key=lambda x: (_sequence(x[1]), x[0]))
    unknown_uuids: set[str] = set()
    torn = 0
    for number, row in ordered:
        if row.get("status") == "torn":
            torn += 1
            continue
        try:
            draft = _draft(row, who, mark, number, places)
        except (AnnotationError, InvalidLabelError, ValueError) as error:
            unknown_uuids.add(row.get("uuid", ""))
            text = str(error).removeprefix("NOT saved: ")
            found.problems.append(f"Row {number} is left out: {text}")
            continue
        if draft.supersedes in unknown_uuids:
            unknown_uuids.add(row.get("uuid", ""))
            found.problems.append(f"Row {number} is left out: it changes a row that is left out.")
            continue
        found.drafts.append(draft)
        found.uuids.append(row.get("uuid", "") or f"row {number}")
    if torn:
        found.problems.append(f"Torn lines of the table left out: {torn}.")
    _say_losses(found, header)
    if len(found.problems) > _MOST_TOLD:
        rest = len(found.problems) - _MOST_TOLD
        found.problems[_MOST_TOLD:] = [f"More rows left out: {rest}."]
    return found


def _say_losses(found: Rows, header: Iterable[str]) -> None:
    if "uuid" in header:
        found.losses.append(
            "Labels get a new uuid, sequence number and time of saving here; when each was said "
            "first, and under which uuid, stands in its field source."
        )
    if "status" in header:
        found.losses.append("Whether a line had been edited by hand is not carried over.")


def _table(base: str, content: bytes) -> tuple[list[str], list[dict[str, str]]]:
    try:
        text = content.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(
            f"{base[:80]} cannot be read as a table. Save it as CSV in UTF-8, separated by commas."
        ) from error
    header = [name.strip() for name in rows[0]] if rows else []
    needed = {"onset_s", "duration_s"}
    if not needed <= set(header) or not {"recording_sha256", "recording_alias"} & set(header):
        raise AnnotationError(
            f"{base[:80]} needs the columns onset_s, duration_s and recording_alias (or "
            "recording_sha256) in its first row."
        )
    if len(rows) > MAX_ROWS:
        raise AnnotationError(f"{base[:80]} has more than {MAX_ROWS} rows; cut it into parts.")
    table = [
        {name: unguarded(cell) for name, cell in zip(header, row, strict=False)}
        for row in rows[1:]
        if any(row)
    ]
    return header, table


def _sequence(row: Mapping[str, str]) -> float:
    try:
        return float(row.get("seq", "") or 0)
    except ValueError:
        return 0.0


def _draft(row: Mapping[str, str], who: str, mark: str, number: int, places: Places) -> DraftLabel:
    uuid = _first_uuid(row)
    kind = row.get("kind") or _KEPT["kind"]
    verdict = row.get("verdict") or ("missed" if kind == "label" else None)
    texts: dict[str, Any] = {name: row.get(name, "") for name in _TEXTS}
    return DraftLabel(
        # by uuid: the same label in two exports is one; else by place in this very file
        idempotency_id=f"import:{uuid}" if uuid else f"import:{mark[:24]}:{number}",
        reviewer=row.get("reviewer", "").strip() or who,
        recording_sha256=_recording(row, places),
        onset_s=float(row["onset_s"]),
        duration_s=float(row["duration_s"]),
        verdict=verdict,
        kind=kind,
        role=row.get("role") or _KEPT["role"],
        confidence=_number(row, "confidence"),
        blinded=row.get("blinded", "").lower() in ("true", "1", "yes"),
        threshold_pm=_per_mille(row, "threshold"),
        probability_pm=_per_mille(row, "probability"),
        postprocessing=_json(row, "postprocessing"),
        supersedes=row.get("supersedes") or None,
        repeat_of=row.get("repeat_of") or None,
        seen=_json(row, "seen"),
        source=_source(row, mark),
        **texts,
    )


def _source(row: Mapping[str, str], mark: str) -> str:
    """Say the file, and when and under which uuid the label was said first."""
    said, uuid = row.get("time_utc", ""), row.get("uuid", "")
    older = ORIGIN.search(row.get("source", ""))
    if older:
        uuid, said = older[1], older[2]
    origin = f"; uuid {uuid}, said {said}" if uuid else ""
    return f"table of labels, file {mark[:12]}{origin}"[:MAX_SOURCE]


def _first_uuid(row: Mapping[str, str]) -> str:
    """Return the uuid under which a label was said first, also where it came a longer way."""
    older = ORIGIN.search(row.get("source", ""))
    return older[1] if older else row.get("uuid", "")


def _recording(row: Mapping[str, str], places: Places) -> str:
    sha256 = row.get("recording_sha256", "").strip()
    if sha256:
        return sha256
    name = row.get("recording_alias", "").strip()
    stem = name.rpartition(".")[0] if "." in name and not name.startswith(ALIAS_PREFIX) else name
    found = places.of(name) or places.of(stem)
    if not found:
        raise AnnotationError("its recording is not in the workspace.")
    return found


def _number(row: Mapping[str, str], name: str) -> float | None:
    text = row.get(name, "").strip()
    return None if text in ("", "n/a") else float(text)


def _per_mille(row: Mapping[str, str], name: str) -> int | None:
    value = _number(row, name)
    return None if value is None else round(1000 * value)


def _json(row: Mapping[str, str], name: str) -> Any:
    text = row.get(name, "").strip()
    return json.loads(text) if text else None
