"""What readers said, for a report: labels, agreement, disagreements with reasons.

Comments and free text are left out: a reader may have written a name there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eegdash.annotations import Annotation
from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import Event, find_events
from eegdash.labels import Label
from eegdash.workflows.agreement import agreement, as_json
from eegdash.workflows.desk import Desk
from eegdash.workflows.report_windows import ScoredRecording
from eegdash.workflows.review import REASONS
from eegdash.workflows.score import post_of

VERDICTS = ("agree", "disagree", "unsure", "missed", "adjudicated")
_JUDGED = ("agree", "disagree", "unsure", "adjudicated")
_SHARED_LEAST = 0.5
_MOST = 60
WITHHELD = (
    "Readers do not see each other's labels in this installation, so that what they said is left "
    "out of reports; the page Labels shows it to those who may."
)


def reviews_of(
    desk: Desk, recordings: Sequence[ScoredRecording], model: CheckpointInfo
) -> dict[str, Any]:
    """Return labels by reader, agreement between readers, and disagreements, as JSON values.

    A label is about a detection where it shares at least half of what both cover, as in the
    viewer. Agreement is that of the page Labels (:mod:`eegdash.workflows.agreement`). Where readers
    must not see each other's labels, nothing of it is in a report that any of them may open.
    """
    if desk.settings.others_hidden:
        return {**_reviews({}, (), None), "withheld": WITHHELD}
    readers: dict[str, Counter[str]] = {}
    disagreements: list[dict[str, Any]] = []
    for recording in recordings:
        sha256 = recording.opened.recording.sha256
        labels = desk.labels.current(sha256, kind="label").labels
        events = find_events(recording.trace, model.threshold_pm, post_of(model))
        for label in labels:
            counts = readers.setdefault(label.reviewer, Counter())
            counts[label.verdict or ""] += 1
            counts["blinded"] += label.blinded
        alias = recording.opened.recording.alias
        for event in events:
            disagreements += _about_event(alias, event, _verdicts(labels, event))
        disagreements += _missed(alias, labels)
        disagreements += _with_reference(recording, alias, labels)
    hashes = [recording.opened.recording.sha256 for recording in recordings]
    found = as_json(agreement(desk, None, model, recordings=hashes)) if readers else None
    return _reviews(readers, disagreements, found)


def _reviews(
    readers: Mapping[str, Counter[str]],
    disagreements: Sequence[dict[str, Any]],
    found: Mapping[str, Any] | None,
) -> dict[str, Any]:
    return {
        "withheld": "",
        "n_readers": len(readers),
        "n_labels": sum(sum(c[v] for v in VERDICTS) for c in readers.values()),
        "verdicts": {v: sum(c[v] for c in readers.values()) for v in VERDICTS},
        "readers": [
            {"reader": name, **{key: counts[key] for key in (*VERDICTS, "blinded")}}
            for name, counts in sorted(readers.items())
        ],
        "agreement": found,
        "disagreements": list(disagreements[:_MOST]),
        "n_disagreements": len(disagreements),
    }


def _verdicts(labels: Sequence[Label], event: Event) -> list[Label]:
    """Return the newest verdict of each reader about a detection."""
    newest: dict[str, Label] = {}
    for label in labels:
        if label.verdict in _JUDGED and _same(label.onset_s, label.end_s, event):
            newest[label.reviewer] = label
    return [newest[name] for name in sorted(newest)]


def _same(onset_s: float, end_s: float, event: Event) -> bool:
    both = min(end_s, event.end_s) - max(onset_s, event.onset_s)
    either = max(end_s, event.end_s) - min(onset_s, event.onset_s)
    return both >= _SHARED_LEAST * either


def _about_event(alias: str, event: Event, verdicts: Sequence[Label]) -> Iterator[dict[str, Any]]:
    said = {label.verdict for label in verdicts}
    what = ""
    if len(said) > 1:
        what = "readers differ about a detection"
    elif "disagree" in said:
        what = "no seizure, says who read the detection"
    if what:
        yield _row(alias, event.onset_s, event.end_s, what, verdicts)


def _missed(alias: str, labels: Sequence[Label]) -> Iterator[dict[str, Any]]:
    for label in labels:
        if label.verdict == "missed":
            what = "a seizure that the detector did not call"
            yield _row(alias, label.onset_s, label.end_s, what, [label])


def _with_reference(
    recording: ScoredRecording, alias: str, labels: Sequence[Label]
) -> Iterator[dict[str, Any]]:
    reference = recording.opened.reference
    if reference is None or not reference.coverage:
        return
    for label in labels:
        known = any(a <= label.onset_s and label.end_s <= b for a, b in reference.coverage)
        in_seizure = any(_overlaps(label, seizure) for seizure in reference.seizures)
        if label.verdict == "agree" and known and not in_seizure:
            what = "a seizure for the reader, none in the reference"
            yield _row(alias, label.onset_s, label.end_s, what, [label])
        elif label.verdict == "disagree" and in_seizure:
            what = "no seizure for the reader, one in the reference"
            yield _row(alias, label.onset_s, label.end_s, what, [label])


def _overlaps(label: Label, seizure: Annotation) -> bool:
    return label.onset_s < seizure.end_s and label.end_s > seizure.onset_s


def _row(
    alias: str, onset_s: float, end_s: float, what: str, labels: Sequence[Label]
) -> dict[str, Any]:
    return {
        "alias": alias,
        "onset_s": onset_s,
        "end_s": end_s,
        "what": what,
        "who": [f"{label.reviewer}: {label.verdict}{_because(label)}" for label in labels],
    }


def _because(label: Label) -> str:
    reasons = [part.strip() for part in label.reason.split(",")]
    known = [reason for reason in reasons if reason in REASONS]
    return f" ({', '.join(known)})" if known else ""
