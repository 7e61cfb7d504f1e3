"""The labels of a recording as the viewer shows them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eegdash.detection import Event, PostProcessing, ProbabilityTrace, find_events
from eegdash.labels import Label
from eegdash.workflows.desk import Desk
from eegdash.workflows.review import PROGRAM_REASONS

_SHARED_LEAST = 0.5


def shown_labels(
    desk: Desk,
    recording_sha256: str,
    reviewer: str,
    trace: ProbabilityTrace | None = None,
    *,
    own_only: bool = False,
) -> list[dict[str, Any]]:
    """Return the standing labels of a recording as the viewer shows them, ordered by onset.

    Parameters
    ----------
    desk : Desk
    recording_sha256 : str
    reviewer : str
    trace : ProbabilityTrace, optional
        With it, a label whose times were corrected says to which detection it belongs (``about``).
    own_only : bool
        Leave out what other readers said.
    """
    reviewer = reviewer.strip()
    only = reviewer if own_only else None
    if own_only and not reviewer:
        return []
    current = desk.labels.current(recording_sha256, reviewer=only, kind="label")
    conflicting = {
        label.uuid
        for conflict in current.conflicts
        for label in conflict.labels
        if only is None or all(x.reviewer == only for x in conflict.labels)
    }
    detections = _Detections(trace)
    shown = [
        {
            "uuid": label.uuid,
            "supersedes": label.supersedes,
            "verdict": label.verdict,
            "reviewer": label.reviewer,
            "own": label.reviewer == reviewer,
            "onset_s": label.onset_s,
            "duration_s": label.duration_s,
            "about": detections.corrected(label),
            "event_type": label.event_type,
            "reason": "" if label.reason in PROGRAM_REASONS else label.reason,
            "comment": label.comment,
            "confidence": label.confidence,
            "blinded": label.blinded,
            "status": str(label.status),
            "conflict": label.uuid in conflicting,
        }
        for label in current.labels
    ]
    return sorted(shown, key=lambda label: (label["onset_s"], label["uuid"]))


def reviewed(events: Sequence[Event], shown: Sequence[Mapping[str, Any]]) -> list[Event]:
    """Return the detections that the reader labelled, by the rule of the viewer (matching.js).

    Parameters
    ----------
    events : sequence of Event
    shown : sequence of mapping
        As :func:`shown_labels` gives them. A label is about the detection whose times it corrected
        (``about``), or about its own span, where that is at least half of what both cover.
    """
    spans = [
        label["about"] or (label["onset_s"], label["onset_s"] + label["duration_s"])
        for label in shown
        if label["own"] and label["verdict"] != "missed"
    ]
    onset, end = np.asarray(spans, dtype=np.float64).reshape(-1, 2).T

    def has_label(event: Event) -> bool:
        both = np.minimum(end, event.end_s) - np.maximum(onset, event.onset_s)
        either = np.maximum(end, event.end_s) - np.minimum(onset, event.onset_s)
        return bool((both >= _SHARED_LEAST * either).any())

    return [event for event in events if has_label(event)]


class _Detections:
    """Detections of a trace at the operating points at which labels were made, found once each."""

    def __init__(self, trace: ProbabilityTrace | None) -> None:
        self._trace = trace
        self._found: dict[tuple[Any, ...], _Spans | None] = {}

    def corrected(self, label: Label) -> list[float] | None:
        """Return the span of the detection that ``label`` is about, where its own differs."""
        trace = self._trace
        if trace is None or label.model_sha256 != trace.model_sha256 or label.verdict == "missed":
            return None
        if label.threshold_pm is None or not label.postprocessing:
            return None
        key = (label.threshold_pm, *label.postprocessing.items())
        if key not in self._found:
            try:
                post = PostProcessing(**label.postprocessing)
            except (TypeError, ValueError):  # a line that was written by another version
                self._found[key] = None
            else:
                self._found[key] = _Spans(find_events(trace, label.threshold_pm, post))
        spans = self._found[key]
        return spans.differing(label) if spans else None


class _Spans:
    """Events in order, none touching another, asked for the one that a label is about."""

    def __init__(self, events: list[Event]) -> None:
        self._events = events
        self._onsets = [event.onset_s for event in events]
        self._exact = {(round(e.onset_s, 3), round(e.duration_s, 3)) for e in events}

    def differing(self, label: Label) -> list[float] | None:
        """Return the event that shares most with a label that is none of the events itself."""
        if (label.onset_s, label.duration_s) in self._exact:
            return None
        last = bisect_right(self._onsets, label.end_s)
        first = max(bisect_right(self._onsets, label.onset_s) - 1, 0)
        shared = [
            (min(e.end_s, label.end_s) - max(e.onset_s, label.onset_s), e)
            for e in self._events[first:last]
        ]
        most, best = max(shared, key=lambda pair: pair[0], default=(0.0, None))
        return [best.onset_s, best.end_s] if best is not None and most > 0 else None
