"""One label: its fields, and its line in the labels file.

The line is one JSON object in the order of :class:`Label`, closed by ``crc32``: the CRC-32
(eight hex digits) of the canonical JSON of the other keys, that is keys sorted, no spaces, UTF-8.
The fields of :data:`ADDED_NAMES` came later and are written only where they say something, so that
a line from before them is still the same, byte for byte, and a program from before them can read
a line that has them.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from eegdash.labels.checks import (
    RETRACT,
    UUID_FORM,
    InvalidLabelError,
    check_fields,
    check_sense,
    checked_number,
    checked_per_mille,
    checked_postprocessing,
    checked_seen,
)
from eegdash.recording import alias_of

SCHEMA = 1
# A typing error in a hand-edited sequence number must not push every later label out of range.
MAX_HAND_EDITED_SEQ = 10**12
MAX_SEQ = 2**53 - 1

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


class LineStatus(StrEnum):
    """What the reader of the labels file found about a line."""

    VERIFIED = "verified"
    HAND_EDITED = "hand-edited"
    TORN = "torn"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLabel:
    """What a reviewer states; the store adds uuid, sequence, time and checksum.

    Parameters
    ----------
    idempotency_id : str
        Chosen when the form is drawn; the same id is saved once, however often it is sent.
    reviewer : str
        Who says it.
    recording_sha256 : str
        Hash of the recording's bytes, 64 hex digits.
    onset_s, duration_s : float
        Span in seconds from the start of the file; stored to the millisecond. A first read or a
        sign-off states the span that was read.
    verdict : str or None
        One of :data:`~eegdash.labels.checks.VERDICTS`; None for a first read or a sign-off.
    kind, role : str
        Of :data:`~eegdash.labels.checks.KINDS` and :data:`~eegdash.labels.checks.ROLES`.
    event_type : str
        SzCORE type (``sz``, ``sz_foc_ia``, ``bckg`` ...) or empty.
    reason, comment : str
        Why; a label that supersedes another needs a reason.
    confidence : float or None
        0 to 1 as the reviewer states it.
    blinded : bool
        True if the model's output was hidden from the reviewer.
    model, model_sha256 : str
        The detector on screen, empty if none was.
    threshold_pm, probability_pm : int or None
        Threshold and probability on screen, per mille.
    postprocessing : mapping of str to float, or None
        Parameters of the events on screen.
    supersedes : str or None
        uuid of the record that this one replaces or retracts.
    guideline : str
        Version of the labelling guideline that held; empty where none was stated.
    source : str
        Where an imported label comes from; empty for one that was made here.
    repeat_of : str or None
        uuid of the reader's own label whose span was shown again without it. Such a repeat
        measures how far readers agree with themselves and is no further opinion.
    seen : tuple of (float, float), or None
        With a first read or a sign-off: the spans that had been on screen, s; None is not known.

    Raises
    ------
    InvalidLabelError
        If a value is not allowed; the message says which, and what is.
    """

    idempotency_id: str
    reviewer: str
    recording_sha256: str
    onset_s: float
    duration_s: float
    verdict: str | None = None
    kind: str = "label"
    role: str = "reader"
    event_type: str = ""
    reason: str = ""
    comment: str = ""
    confidence: float | None = None
    blinded: bool = False
    model: str = ""
    model_sha256: str = ""
    threshold_pm: int | None = None
    postprocessing: Mapping[str, float] | None = field(default=None, hash=False)
    probability_pm: int | None = None
    supersedes: str | None = None
    guideline: str = ""
    source: str = ""
    repeat_of: str | None = None
    seen: tuple[tuple[float, float], ...] | None = None

    def __post_init__(self) -> None:
        """Bring numbers to their stored form, then check every field."""
        put = object.__setattr__
        put(self, "onset_s", checked_number(self.onset_s, "onset", ndigits=3))
        put(self, "duration_s", checked_number(self.duration_s, "duration", ndigits=3))
        if self.confidence is not None:
            put(self, "confidence", checked_number(self.confidence, "confidence"))
        for name in ("threshold_pm", "probability_pm"):
            put(self, name, checked_per_mille(getattr(self, name), name.removesuffix("_pm")))
        if self.postprocessing is not None:
            put(self, "postprocessing", checked_postprocessing(self.postprocessing))
        if self.seen is not None:
            put(self, "seen", checked_seen(self.seen))
        check_fields(self)
        check_sense(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One record of the labels file, in the order of its line.

    Fields are those of :class:`DraftLabel` and what the store added. ``threshold`` and
    ``probability`` are 0 to 1 with three decimals, derived from per mille. ``status`` says whether
    the line still carries its checksum; it is found when reading and is not part of the line.
    """

    schema: int
    kind: str
    uuid: str
    idempotency_id: str
    seq: int
    time_utc: str
    reviewer: str
    role: str
    recording_sha256: str
    recording_alias: str
    onset_s: float
    duration_s: float
    verdict: str | None
    event_type: str
    reason: str
    comment: str
    confidence: float | None
    blinded: bool
    model: str
    model_sha256: str
    threshold: float | None
    postprocessing: Mapping[str, float] | None = field(hash=False)
    probability: float | None
    supersedes: str | None
    guideline: str = ""
    source: str = ""
    repeat_of: str | None = None
    seen: tuple[tuple[float, float], ...] | None = None
    status: LineStatus = field(default=LineStatus.VERIFIED, compare=False)

    @property
    def end_s(self) -> float:
        """End of the span, s."""
        return self.onset_s + self.duration_s

    @property
    def threshold_pm(self) -> int | None:
        """Threshold on screen, per mille."""
        return None if self.threshold is None else round(self.threshold * 1000)

    @property
    def probability_pm(self) -> int | None:
        """Probability on screen, per mille."""
        return None if self.probability is None else round(self.probability * 1000)

    @property
    def is_retraction(self) -> bool:
        """True for a record that only withdraws another."""
        return self.verdict == RETRACT

    def as_dict(self) -> dict[str, Any]:
        """Return the stored keys in their order, without ``crc32`` and ``status``."""
        record = {name: getattr(self, name) for name in FIELD_NAMES}
        if self.postprocessing is not None:
            record["postprocessing"] = dict(self.postprocessing)
        for name in ADDED_NAMES:
            value = getattr(self, name)
            if value not in (None, ""):
                record[name] = [list(span) for span in value] if name == "seen" else value
        return record

    def to_line(self) -> bytes:
        """Return the line of the labels file, ended by a newline."""
        record = self.as_dict()
        record["crc32"] = crc32_of(record)
        return _ENCODER.encode(record).encode() + b"\n"


ADDED_NAMES = ("guideline", "source", "repeat_of", "seen")
"""Fields that came after the first lines were written; absent where they say nothing."""
FIELD_NAMES = tuple(f.name for f in fields(Label) if f.name not in ("status", *ADDED_NAMES))
# A line that someone typed by hand is usable with these; the rest has defaults.
_REQUIRED = frozenset(
    {"kind", "uuid", "seq", "time_utc", "reviewer", "recording_sha256", "onset_s", "duration_s"}
    | {"verdict"}
)
_OPTIONAL: dict[str, Any] = {
    "schema": SCHEMA,
    "idempotency_id": "",
    "role": "reader",
    "event_type": "",
    "reason": "",
    "comment": "",
    "confidence": None,
    "blinded": False,
    "model": "",
    "model_sha256": "",
    "threshold": None,
    "postprocessing": None,
    "probability": None,
    "supersedes": None,
    "guideline": "",
    "source": "",
    "repeat_of": None,
    "seen": None,
}
# Built once: json.dumps with options makes a new encoder on every call.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_CANONICAL = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
)


def crc32_of(record: Mapping[str, Any]) -> str:
    """Return the CRC-32 of the canonical JSON of ``record`` without ``crc32``, 8 hex digits."""
    others = {key: value for key, value in record.items() if key != "crc32"}
    return f"{zlib.crc32(_CANONICAL.encode(others).encode()):08x}"


def from_draft(draft: DraftLabel, *, uuid: str, seq: int, time_utc: str) -> Label:
    """Return the record of a draft with what the store adds."""
    same = {name: getattr(draft, name) for name in _DRAFT_NAMES & _STORED_NAMES}
    return Label(
        **same,
        schema=SCHEMA,
        uuid=uuid,
        seq=seq,
        time_utc=time_utc,
        recording_alias=alias_of(draft.recording_sha256),
        threshold=_fraction(draft.threshold_pm),
        probability=_fraction(draft.probability_pm),
    )


_DRAFT_NAMES = frozenset(f.name for f in fields(DraftLabel))
_STORED_NAMES = frozenset((*FIELD_NAMES, *ADDED_NAMES))


def parse_line(line: bytes) -> Label:
    """Return the record of one line, marked verified or hand-edited.

    Raises
    ------
    ValueError
        If the line is not a JSON object or lacks what a record needs; the message says what.
    """
    try:
        record = _DECODER.decode(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("the line is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("the line is nested too deeply") from None
    except ValueError:
        raise ValueError("the line is not complete JSON") from None
    if not isinstance(record, dict):
        raise ValueError("the line is not a JSON object")
    missing = sorted(_REQUIRED - record.keys())
    if missing:
        raise ValueError(f"the record lacks {', '.join(missing)}")
    try:
        verified = record.get("crc32") == crc32_of(record)
    except RecursionError:
        raise ValueError("the line is nested too deeply") from None
    except ValueError:  # an unpaired surrogate (UnicodeEncodeError) cannot have been written here
        raise ValueError("the record holds text that is not Unicode") from None
    status = LineStatus.VERIFIED if verified else LineStatus.HAND_EDITED
    return _label_from(record, status)


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _label_from(record: dict[str, Any], status: LineStatus) -> Label:
    values = {name: record.get(name, default) for name, default in _OPTIONAL.items()}
    values.update({name: record[name] for name in _REQUIRED})
    limit = MAX_SEQ if status is LineStatus.VERIFIED else MAX_HAND_EDITED_SEQ
    if type(values["seq"]) is not int or not 1 <= values["seq"] <= limit:
        raise ValueError("seq is not a positive whole number in range")
    if type(values["schema"]) is not int or values["schema"] < 1:
        raise ValueError("schema is not a positive whole number")
    for name, pattern in (("uuid", UUID_FORM), ("time_utc", _TIME)):
        if not isinstance(values[name], str) or not pattern.fullmatch(values[name]):
            raise ValueError(f"{name} is not written as expected")
    for name in ("threshold", "probability"):
        if values[name] is not None:
            values[name] = checked_number(values[name], name)
    if values["confidence"] is not None:
        values["confidence"] = checked_number(values["confidence"], "confidence")
    values["onset_s"] = checked_number(values["onset_s"], "onset")
    values["duration_s"] = checked_number(values["duration_s"], "duration")
    if values["postprocessing"] is not None:
        values["postprocessing"] = _shared_postprocessing(values["postprocessing"])
    if values["seen"] is not None:
        values["seen"] = checked_seen(values["seen"])
    for name in ("kind", "role", "verdict", "reviewer", "recording_sha256", "model", "guideline"):
        if isinstance(values[name], str):
            values[name] = sys.intern(values[name])  # 10^5 labels repeat a few values
    sha256 = values["recording_sha256"]
    alias = sys.intern(alias_of(sha256)) if isinstance(sha256, str) else ""
    label = Label(**values, recording_alias=alias, status=status)
    check_fields(label)
    return label


def _shared_postprocessing(value: object) -> Mapping[str, float]:
    """Return the parameters; equal ones share one object, because a label file repeats few."""
    if not isinstance(value, dict):
        raise InvalidLabelError("NOT saved: the post-processing is not a set of named numbers.")
    key = tuple(value.items())
    try:
        found = _SEEN_POSTPROCESSING.get(key)
    except TypeError:  # an unhashable value: not a number
        raise InvalidLabelError("NOT saved: a post-processing value is not a number.") from None
    if found is None:
        found = checked_postprocessing(value)
        if len(_SEEN_POSTPROCESSING) < 1000:
            _SEEN_POSTPROCESSING[key] = found
    return found


_SEEN_POSTPROCESSING: dict[tuple[tuple[str, Any], ...], Mapping[str, float]] = {}


def _fraction(value_pm: int | None) -> float | None:
    return None if value_pm is None else value_pm / 1000
