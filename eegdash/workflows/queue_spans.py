"""The spans that a reader could look at, and how much each deserves it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import Event, ProbabilityTrace, find_events
from eegdash.labels import Label
from eegdash.labels.opinions import NO_SEIZURE, SEIZURE, stance
from eegdash.labels.spans import Spans, union
from eegdash.workflows.desk import Desk
from eegdash.workflows.library import channel_map, mapping_key
from eegdash.workflows.score import post_of, stored_trace

DETECTOR, UNCERTAIN, READERS, TIME = "detector", "uncertain", "readers", "time"


@dataclass(slots=True)
class Candidate:
    """A span with what is known about it, from detections and labels that touch each other.

    Parameters
    ----------
    onset_s, end_s : float
    says : list of (str, str)
        Reader and stance of each label.
    events : list of Event
        Detections at the locked operating point.
    nearly : list of Event
        Detections at half the threshold, for the order by uncertainty.
    """

    onset_s: float
    end_s: float
    says: list[tuple[str, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    nearly: list[Event] = field(default_factory=list)

    def counts(self) -> tuple[int, int, int]:
        """Return how many readers say seizure, no seizure, and something else or both."""
        by_reader: dict[str, set[str]] = {}
        for reader, says in self.says:
            by_reader.setdefault(reader, set()).add(says)
        yes = sum(SEIZURE in x for x in by_reader.values())
        no = sum(x == {NO_SEIZURE} for x in by_reader.values())
        return yes, no, len(by_reader) - yes - no

    @property
    def peak_pm(self) -> int | None:
        """Highest probability of a detection, per mille."""
        return max((e.peak_pm for e in (*self.events, *self.nearly)), default=None)


@dataclass(frozen=True, slots=True, eq=False)
class Detected:
    """Detections of a recording: at the locked threshold, at half of it, and what was scored."""

    events: tuple[Event, ...]
    nearly: tuple[Event, ...]
    threshold_pm: int
    scored: Spans

    def touching(self, onset_s: float, end_s: float, *, nearly: bool = False) -> list[Event]:
        """Return the detections that share time with a span; events are in order and disjoint."""
        events = self.nearly if nearly else self.events
        first = bisect_right(events, onset_s, key=lambda e: e.end_s)
        last = bisect_left(events, end_s, key=lambda e: e.onset_s)
        return list(events[first:last])


_KEPT = 4096
_detected: OrderedDict[tuple[object, ...], Detected] = OrderedDict()


def detected(desk: Desk, recording_sha256: str, model: CheckpointInfo | None) -> Detected | None:
    """Return the detections of a recording by a model; None where it was not scored.

    Kept in memory: a list of a thousand recordings would else read a thousand traces each time.
    """
    if model is None:
        return None
    mapping = channel_map(desk, recording_sha256)
    post = tuple(sorted(model.post.items()))
    key = (
        desk.cache.folder,
        recording_sha256,
        mapping_key(mapping),
        model.sha256,
        model.threshold_pm,
        post,
    )
    known = _detected.get(key)
    if known is not None:
        return known
    trace = stored_trace(desk, recording_sha256, mapping, model)
    if trace is None:
        return None
    rules = post_of(model)
    found = Detected(
        events=tuple(find_events(trace, model.threshold_pm, rules)),
        nearly=tuple(find_events(trace, max(model.threshold_pm // 2, 1), rules)),
        threshold_pm=model.threshold_pm,
        scored=_scored(trace),
    )
    _detected[key] = found
    while len(_detected) > _KEPT:
        _detected.popitem(last=False)
    return found


def _scored(trace: ProbabilityTrace) -> Spans:
    """Return the time that scored windows stand for: each centre +- half a step."""
    onset_ms = np.rint(1000 * (trace.time_s[trace.scored] - trace.step_s / 2)).astype(np.int64)
    return union(np.stack([onset_ms, onset_ms + round(1000 * trace.step_s)], axis=1))


def candidates(found: Detected | None, others: Iterable[Label], order: str) -> list[Candidate]:
    """Return the spans of one recording, by onset; what touches is one span.

    Parameters
    ----------
    found : Detected or None
    others : iterable of Label
        Standing labels of other readers that may be told.
    order : str
        By uncertainty also spans near the threshold are candidates.
    """
    labels = [(x.onset_s, x.end_s, x) for x in others]
    events = [(e.onset_s, e.end_s, e) for e in found.events] if found else []
    nearly = [(e.onset_s, e.end_s, e) for e in found.nearly] if found and order == UNCERTAIN else []
    pieces: list[tuple[float, float, Label | Event]] = [*labels, *events, *nearly]
    near = {id(e) for *_, e in nearly}
    merged: list[Candidate] = []
    for onset_s, end_s, piece in sorted(pieces, key=itemgetter(0, 1)):
        if not merged or onset_s >= merged[-1].end_s:
            merged.append(Candidate(onset_s, end_s))
        last = merged[-1]
        last.end_s = max(last.end_s, end_s)
        if isinstance(piece, Label):
            last.says.append((piece.reviewer, stance(piece)))
        else:
            (last.nearly if id(piece) in near else last.events).append(piece)
    return merged


def score(candidate: Candidate, order: str, threshold_pm: int) -> float:
    """Return how much a span deserves to be looked at in an order, larger first.

    Parameters
    ----------
    candidate : Candidate
    order : str
        ``detector``: distance between the share of readers who say seizure (unsure is a half) and
        the probability. ``uncertain``: nearness of the probability to the threshold. ``readers``:
        1 where as many say seizure as not, 0 where all say the same. ``time``: no difference.
    threshold_pm : int
    """
    yes, no, other = candidate.counts()
    n = yes + no + other
    peak_pm = candidate.peak_pm
    if order == DETECTOR:
        apart = abs((yes + other / 2) / n - (peak_pm or 0) / 1000) if n else 0.0
        return apart + 1e-3 * (peak_pm or 0) / 1000
    if order == UNCERTAIN:
        return -1.0 if peak_pm is None else 1 - abs(peak_pm - threshold_pm) / 1000
    if order == READERS:
        return 1 - abs(yes - no) / n if n else 0.0
    return 0.0


def words(candidate: Candidate, threshold_pm: int) -> str:
    """Return why a span is worth a look, for a clinician."""
    yes, no, other = candidate.counts()
    parts: list[str] = []
    if yes + no + other:
        said = ((yes, "seizure"), (no, "no seizure"), (other, "unsure"))
        parts.append("others say " + ", ".join(f"{what} ({n})" for n, what in said if n))
    peak_pm = candidate.peak_pm
    if candidate.events:
        parts.append(f"detected, highest probability {(peak_pm or 0) / 1000:.2f}")
    elif candidate.nearly:
        parts.append(
            f"just missed: highest probability {(peak_pm or 0) / 1000:.2f}, "
            f"threshold {threshold_pm / 1000:.2f}"
        )
    elif threshold_pm:
        parts.append("not detected")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]
