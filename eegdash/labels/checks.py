"""What is allowed in a label: one check per field, and what the fields mean together."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from eegdash.errors import LabelNotSavedError

if TYPE_CHECKING:
    from eegdash.labels.record import DraftLabel, Label

KINDS = ("label", "first_read", "sign_off")
ROLES = ("reader", "adjudicator")
VERDICTS = ("agree", "disagree", "unsure", "missed", "retract", "adjudicated")
RETRACT = "retract"
ADJUDICATED = "adjudicated"

MAX_LENGTH = {
    "idempotency_id": 100,
    "reviewer": 100,
    "event_type": 40,
    "reason": 200,
    "comment": 4000,
    "model": 200,
    "guideline": 60,
    "source": 300,
}
MAX_SEEN = 5000
MAX_SECONDS = 366 * 86400.0

_SHA256 = re.compile(r"[0-9a-f]{64}")
UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EVENT_TYPE = re.compile(r"bckg|sz(_[a-z0-9]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


class InvalidLabelError(LabelNotSavedError, ValueError):
    """A label was given values that the labels file does not take; nothing was appended."""


def checked_number(value: object, name: str, *, ndigits: int | None = None) -> float:
    """Return a finite float; ``True`` and text are no numbers here."""
    if isinstance(value, bool | str | bytes):
        number = math.nan
    else:
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = math.nan
    if not math.isfinite(number):
        raise InvalidLabelError(f"NOT saved: the {name} must be a finite number, found {value!r}.")
    # + 0.0 turns -0.0 into 0.0, so that equal values have equal text
    return (number if ndigits is None else round(number, ndigits)) + 0.0


def checked_per_mille(value: object, name: str) -> int | None:
    """Return a whole number from 0 to 1000, or None."""
    if value is None:
        return None
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if not 0 <= number <= 1000:
        raise InvalidLabelError(
            f"NOT saved: the {name} must be a whole number of per mille from 0 to 1000, "
            f"found {value!r}."
        )
    return number


def checked_postprocessing(value: Mapping[str, float]) -> Mapping[str, float]:
    """Return the named numbers as a read-only mapping."""
    if not isinstance(value, Mapping) or len(value) > 20:
        raise InvalidLabelError("NOT saved: the post-processing is not a set of named numbers.")
    numbers: dict[str, float] = {}
    for name, number in value.items():
        if not isinstance(name, str) or not 0 < len(name) <= 40:
            raise InvalidLabelError("NOT saved: a post-processing parameter has no proper name.")
        _check_encodable(name, "post-processing parameter")
        numbers[name] = checked_number(number, f"post-processing parameter {name}")
    return MappingProxyType(numbers)


def checked_seen(value: object) -> tuple[tuple[float, float], ...]:
    """Return spans in seconds, to the millisecond, in order; what touches is joined."""
    refused = InvalidLabelError("NOT saved: what was seen must be a list of spans in seconds.")
    if not isinstance(value, list | tuple):
        raise refused
    spans: list[tuple[float, float]] = []
    for span in value:
        if not isinstance(span, list | tuple) or len(span) != 2:
            raise refused
        start, stop = (checked_number(v, "time seen", ndigits=3) for v in span)
        if not 0 <= start <= stop <= MAX_SECONDS:
            raise refused
        spans.append((start, stop))
    joined: list[tuple[float, float]] = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        elif stop > start:
            joined.append((start, stop))
    if len(joined) > MAX_SEEN:
        raise InvalidLabelError(f"NOT saved: more than {MAX_SEEN} separate spans were seen.")
    return tuple(joined)


def check_fields(label: DraftLabel | Label) -> None:
    """Check each field by itself; holds for drafts and for every line that is read."""
    for name, limit in MAX_LENGTH.items():
        _check_text(getattr(label, name), name.replace("_", " "), limit)
    _check_choice(label.kind, "kind", KINDS)
    _check_choice(label.role, "role", ROLES)
    if label.verdict is not None:
        _check_choice(label.verdict, "verdict", VERDICTS)
    if not label.reviewer.strip() or _CONTROL.search(label.reviewer):
        raise InvalidLabelError("NOT saved: the reviewer's name is empty or not a single line.")
    if label.event_type and not _EVENT_TYPE.fullmatch(label.event_type):
        raise InvalidLabelError(
            "NOT saved: the event type must be bckg, sz or a SzCORE seizure type such as "
            f"sz_foc_ia, found {label.event_type!r}."
        )
    if not _is_hash(label.recording_sha256):
        raise InvalidLabelError("NOT saved: the recording's SHA-256 must be 64 hex digits.")
    if label.model_sha256 != "" and not _is_hash(label.model_sha256):
        raise InvalidLabelError("NOT saved: the model's SHA-256 must be 64 hex digits or empty.")
    if label.supersedes is not None and not _is_uuid(label.supersedes):
        raise InvalidLabelError("NOT saved: supersedes must be the uuid of a label or absent.")
    if label.repeat_of is not None and not _is_uuid(label.repeat_of):
        raise InvalidLabelError("NOT saved: what a label repeats must be the uuid of a label.")
    if type(label.blinded) is not bool:
        raise InvalidLabelError("NOT saved: blinded must be true or false.")
    _check_span(label.onset_s, label.duration_s)
    for name in ("confidence", "threshold", "probability"):
        value = getattr(label, name, None)  # a draft has the last two per mille, checked before
        if value is not None and not 0 <= value <= 1:
            raise InvalidLabelError(f"NOT saved: the {name} must lie from 0 to 1, found {value:g}.")


def _check_span(onset_s: float, duration_s: float) -> None:
    if not 0 <= onset_s <= MAX_SECONDS:
        raise InvalidLabelError(
            f"NOT saved: the onset must be 0 s or later (within a year), found {onset_s:g} s."
        )
    if not 0 < duration_s <= MAX_SECONDS:
        raise InvalidLabelError(
            f"NOT saved: the duration must be longer than 0 s (within a year), "
            f"found {duration_s:g} s."
        )


def check_sense(draft: DraftLabel) -> None:
    """Check what fields mean together; only for new labels, old lines are kept as they are."""
    if not draft.idempotency_id:
        raise InvalidLabelError("NOT saved: the idempotency id is empty; reload the page.")
    if (draft.verdict is None) == (draft.kind == "label"):
        raise InvalidLabelError(
            "NOT saved: a label needs a verdict; a first read and a sign-off carry none. "
            f"Found the kind {draft.kind} with the verdict {draft.verdict}."
        )
    if draft.kind == "label" and draft.seen is not None:
        raise InvalidLabelError("NOT saved: only a first read or a sign-off says what was seen.")
    if draft.verdict == RETRACT and draft.supersedes is None:
        raise InvalidLabelError("NOT saved: a retraction must name the label that it withdraws.")
    if draft.supersedes is not None and not draft.reason.strip():
        raise InvalidLabelError("NOT saved: changing or retracting a label needs a reason.")
    if draft.verdict == ADJUDICATED and (draft.role != "adjudicator" or not draft.event_type):
        raise InvalidLabelError(
            "NOT saved: an adjudicated verdict needs the role adjudicator and an event type "
            "that says what was decided (sz or bckg)."
        )


def _check_choice(value: object, name: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidLabelError(
            f"NOT saved: the {name} must be one of {', '.join(allowed)}; found {value!r}."
        )


def _check_text(value: object, name: str, limit: int) -> None:
    if not isinstance(value, str):
        raise InvalidLabelError(f"NOT saved: the {name} must be text.")
    if len(value) > limit:
        raise InvalidLabelError(
            f"NOT saved: the {name} has {len(value)} characters, at most {limit} are kept; "
            "shorten it."
        )
    if not value.isascii():
        _check_encodable(value, name)


def _check_encodable(value: str, name: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidLabelError(
            f"NOT saved: the {name} holds half of a character pair that cannot be stored; "
            "type it again."
        ) from None


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and UUID_FORM.fullmatch(value) is not None
