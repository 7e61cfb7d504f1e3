"""How well detections agree with a reference: by events, by seconds, by windows.

Event and sample scores follow SzCORE (Dan et al., Epilepsia 2025, doi 10.1111/epi.18113) as
implemented in ``timescoring``. Only time in which the truth is known enters: each covered interval
is scored as a recording of its own, so that no tolerance leaks into unknown time; counts are added
and rates follow from the sums. What is undefined is NaN, to be shown as "n/a" and never as 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Reference
from eegdash.detection import Event, PostProcessing, ProbabilityTrace, find_events

MERGE_GAP_S = 90.0
MAX_EVENT_S = 300.0
TOLERANCE_START_S = 30.0
TOLERANCE_END_S = 60.0
EVENT_RATE_HZ = 10
THRESHOLD_STEP_PM = 10

_DAY_S = 86400.0
# Times are put on a binary grid of a microsecond, so that a gap of 90 s is 90 s in floating point
# wherever it lies: 1090.1 - 1000.1 < 90 otherwise.
_GRID_PER_S = 2.0**20

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Counts:
    """Counts over ``duration_s`` seconds of known truth and the rates that follow from them."""

    tp: int = 0
    fp: int = 0
    n_ref: int = 0
    duration_s: float = 0.0

    @property
    def fn(self) -> int:
        """Reference units that were missed."""
        return self.n_ref - self.tp

    @property
    def sensitivity(self) -> float:
        """TP / n_ref; NaN without a reference."""
        return _ratio(self.tp, self.n_ref)

    @property
    def precision(self) -> float:
        """TP / (TP + FP); NaN without a detection."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); NaN if there is neither a reference nor a false detection."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def fp_per_24h(self) -> float:
        """False positives per 24 h of known truth; NaN without known truth."""
        return _ratio(self.fp * _DAY_S, self.duration_s)


@dataclass(frozen=True, slots=True)
class EventScores(_Counts):
    """Scores by events, in the sense of SzCORE; ``duration_s`` is the known truth in seconds."""


@dataclass(frozen=True, slots=True)
class SampleScores(_Counts):
    """Scores by seconds: TP, FP and n_ref count samples of the 1 Hz masks."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Event and sample scores of one recording, or summed over several."""

    events: EventScores = EventScores()
    samples: SampleScores = SampleScores()

    @property
    def covered_s(self) -> float:
        """Seconds of known truth that were scored."""
        return self.events.duration_s


@dataclass(frozen=True, slots=True)
class MeanRates:
    """Mean over subjects of each rate, subjects without a value left out (``nanmean``)."""

    sensitivity: float
    precision: float
    f1: float
    fp_per_24h: float


@dataclass(frozen=True, slots=True)
class MeanScores:
    """Mean over subjects of event and sample rates; differs from the micro-average."""

    events: MeanRates
    samples: MeanRates
    n_subjects: int


@dataclass(frozen=True, slots=True)
class ThresholdTable:
    """What follows from each threshold; all arrays have shape (n_thresholds,).

    Parameters
    ----------
    threshold_pm : ndarray of int64
        0, 10 ... 1000 per mille.
    n_events : ndarray of int64
        Detections in the whole recording, also where the truth is not known.
    tp, fp, n_ref : ndarray of int64
        SzCORE event counts where the truth is known.
    sensitivity, precision, f1, fp_per_24h : ndarray of float64
        SzCORE event rates; NaN where undefined.
    sample_sensitivity, sample_precision, sample_f1 : ndarray of float64
        SzCORE sample rates; NaN where undefined.
    burden_percent : ndarray of float64
        Percentage of the scored time that lies in events.
    burden_min_per_h : ndarray of float64
        Minutes in events per hour of recording.
    covered_s : float
        Seconds of known truth.
    post : PostProcessing
        Parameters the events were found with.
    """

    threshold_pm: NDArray[np.int64]
    n_events: NDArray[np.int64]
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    n_ref: NDArray[np.int64]
    sensitivity: NDArray[np.float64]
    precision: NDArray[np.float64]
    f1: NDArray[np.float64]
    fp_per_24h: NDArray[np.float64]
    sample_sensitivity: NDArray[np.float64]
    sample_precision: NDArray[np.float64]
    sample_f1: NDArray[np.float64]
    burden_percent: NDArray[np.float64]
    burden_min_per_h: NDArray[np.float64]
    covered_s: float
    post: PostProcessing

    @property
    def n_thresholds(self) -> int:
        """Number of rows."""
        return len(self.threshold_pm)


@dataclass(frozen=True, slots=True)
class WindowScores:
    """Confusion matrix over windows and the rates that follow from it."""

    tn: int
    fp: int
    fn: int
    tp: int

    @property
    def n(self) -> int:
        """Windows that were scored."""
        return self.tn + self.fp + self.fn + self.tp

    @property
    def accuracy(self) -> float:
        """(TP + TN) / n."""
        return _ratio(self.tp + self.tn, self.n)

    @property
    def sensitivity(self) -> float:
        """TP / (TP + FN); NaN without a seizure window."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """TN / (TN + FP); NaN without a seizure-free window."""
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def precision(self) -> float:
        """TP / (TP + FP); NaN without a positive window."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """F1 of the seizure class, 2 TP / (2 TP + FP + FN)."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def weighted_f1(self) -> float:
        """F1 of both classes, weighted by the number of true windows of each."""
        total = 0.0
        for hits, support in ((self.tp, self.tp + self.fn), (self.tn, self.tn + self.fp)):
            if support:  # a class without a window has weight 0
                total += support * _ratio(2 * hits, 2 * hits + self.fp + self.fn)
        return _ratio(total, self.n)


@dataclass(frozen=True, slots=True)
class WindowLabels:
    """Truth of each window: ``known`` and ``seizure``, both of shape (n_windows,)."""

    known: NDArray[np.bool_]
    seizure: NDArray[np.bool_]


def score_events(reference: Reference, events: Sequence[Event], duration_s: float) -> Scores:
    """Score detections against a reference, where the truth is known.

    Parameters
    ----------
    reference : Reference
        Its coverage restricts the scoring; seizures and detections are clipped to it.
    events : sequence of Event
    duration_s : float
        Length of the recording, s.

    Returns
    -------
    Scores
        All counts are 0 and all rates NaN if nothing is covered.
    """
    truth = _union((a.onset_s, a.end_s) for a in reference.seizures)
    covered = _coverage(reference, duration_s)
    return _score(truth, _union((e.onset_s, e.end_s) for e in events), covered)


def threshold_table(
    trace: ProbabilityTrace, reference: Reference | None, post: PostProcessing | None = None
) -> ThresholdTable:
    """Score a trace at every threshold from 0 to 1000 per mille in steps of 10.

    Parameters
    ----------
    trace : ProbabilityTrace
    reference : Reference or None
        None: the truth is not known, only event counts and burden are filled.
    post : PostProcessing, optional

    Returns
    -------
    ThresholdTable
    """
    post = post or PostProcessing()
    thresholds = np.arange(0, 1001, THRESHOLD_STEP_PM)
    truth = [] if reference is None else _union((a.onset_s, a.end_s) for a in reference.seizures)
    covered = [] if reference is None else _coverage(reference, trace.duration_s)
    rows: list[tuple[int, Scores, float]] = []
    last: list[tuple[int, int]] | None = None
    for threshold in thresholds:
        events = find_events(trace, int(threshold), post)
        spans = [(event.first, event.stop) for event in events]
        if spans == last:  # neighbouring thresholds often give the same events
            rows.append(rows[-1])
            continue
        last = spans
        found = _union((event.onset_s, event.end_s) for event in events)
        in_events_s = sum(stop - first for first, stop in spans) * trace.step_s
        rows.append((len(events), _score(truth, found, covered), in_events_s))
    return _table(thresholds, rows, trace, post, sum(stop - start for start, stop in covered))


def window_labels(trace: ProbabilityTrace, reference: Reference) -> WindowLabels:
    """Return the truth of each window of a trace.

    A window stands for its centre +- ``step_s / 2``. It is a seizure window if seizures overlap at
    least half of that, and its truth is known if all of it is covered by the reference.
    """
    start = trace.time_s - trace.step_s / 2
    seizures = _union((a.onset_s, a.end_s) for a in reference.seizures)
    covered = _coverage(reference, trace.duration_s)
    slack = 1e-5 * trace.step_s + 4 / _GRID_PER_S
    return WindowLabels(
        known=_overlap(start, trace.step_s, covered) >= trace.step_s - slack,
        seizure=_overlap(start, trace.step_s, seizures) >= trace.step_s / 2 - slack,
    )


def window_scores(trace: ProbabilityTrace, reference: Reference, threshold_pm: int) -> WindowScores:
    """Return the confusion matrix over the windows that carry a probability and a known truth.

    The probability is compared as it is, without smoothing; a window at the threshold is positive.
    See :func:`window_labels` for what a seizure window is.
    """
    labels = window_labels(trace, reference)
    used = labels.known & trace.scored
    seizure = labels.seizure[used]
    positive = trace.probability_pm[used] >= threshold_pm
    return WindowScores(
        tn=int(np.count_nonzero(~seizure & ~positive)),
        fp=int(np.count_nonzero(~seizure & positive)),
        fn=int(np.count_nonzero(seizure & ~positive)),
        tp=int(np.count_nonzero(seizure & positive)),
    )


def window_auroc(trace: ProbabilityTrace, reference: Reference) -> float:
    """Return the area under the ROC curve over windows; NaN if only one class is present."""
    labels = window_labels(trace, reference)
    used = labels.known & trace.scored
    return auroc(trace.probability_pm[used], labels.seizure[used])


def auroc(probability_pm: NDArray[np.integer[Any]], seizure: NDArray[np.bool_]) -> float:
    """Return the probability that a seizure window outranks a seizure-free one, ties half.

    Parameters
    ----------
    probability_pm : ndarray of int, shape (n,)
        0 to 1000 per mille.
    seizure : ndarray of bool, shape (n,)

    Returns
    -------
    float
        The Mann-Whitney form of the area under the ROC curve (Hanley and McNeil 1982, doi
        10.1148/radiology.143.1.7063747); NaN if only one class is present.
    """
    positive = np.bincount(probability_pm[seizure], minlength=1001)
    negative = np.bincount(probability_pm[~seizure], minlength=1001)
    below = np.cumsum(negative) - negative
    wins = float(np.sum(positive * (2 * below + negative)))
    return _ratio(wins, 2.0 * float(positive.sum()) * float(negative.sum()))


def micro(scores: Iterable[Scores]) -> Scores:
    """Return the sum of counts over recordings; its rates are the micro-average."""
    every = list(scores)
    return Scores(
        EventScores(**_sums([s.events for s in every])),
        SampleScores(**_sums([s.samples for s in every])),
    )


def mean_over_subjects(scores: Mapping[str, Sequence[Scores]]) -> MeanScores:
    """Return the mean over subjects; a subject's recordings are summed first.

    Parameters
    ----------
    scores : mapping of str to sequence of Scores
        Scores of the recordings of each person.
    """
    subjects = [micro(recordings) for recordings in scores.values()]
    return MeanScores(
        events=_mean_rates([s.events for s in subjects]),
        samples=_mean_rates([s.samples for s in subjects]),
        n_subjects=len(subjects),
    )


def _score(truth: list[Span], found: list[Span], covered: list[Span]) -> Scores:
    return micro(
        _score_interval(_within(truth, interval), _within(found, interval), stop - start)
        for interval in covered
        for start, stop in [interval]
    )


def _score_interval(truth: list[Span], found: list[Span], duration_s: float) -> Scores:
    """Score one interval with times relative to its start."""
    from timescoring.annotations import Annotation
    from timescoring.scoring import EventScoring, SampleScoring

    n_event = round(duration_s * EVENT_RATE_HZ)
    n_sample = round(n_event / EVENT_RATE_HZ)
    if n_event == 0:  # timescoring divides by the number of samples
        return Scores(EventScores(duration_s=duration_s), SampleScores(duration_s=0.0))
    ref = Annotation(_sampled(truth), EVENT_RATE_HZ, n_event)
    hyp = Annotation(_sampled(found), EVENT_RATE_HZ, n_event)
    parameters = EventScoring.Parameters(
        toleranceStart=TOLERANCE_START_S,
        toleranceEnd=TOLERANCE_END_S,
        minOverlap=0,
        maxEventDuration=MAX_EVENT_S,
        minDurationBetweenEvents=MERGE_GAP_S,
    )
    by_event = EventScoring(ref, hyp, parameters)
    events = EventScores(
        tp=int(by_event.tp),
        fp=int(by_event.fp),
        n_ref=int(by_event.refTrue),
        duration_s=duration_s,
    )
    if n_sample == 0:
        return Scores(events, SampleScores())
    by_sample = SampleScoring(ref, hyp, fs=1)
    samples = SampleScores(
        tp=int(by_sample.tp),
        fp=int(by_sample.fp),
        n_ref=int(by_sample.refTrue),
        duration_s=float(by_sample.numSamples),
    )
    return Scores(events, samples)


def _sampled(spans: list[Span]) -> list[Span]:
    """Leave out spans without a sample at 10 Hz, such as slivers cut off by the coverage.

    ``timescoring`` would count an empty detection as false even inside a seizure.
    """
    return [s for s in spans if round(s[0] * EVENT_RATE_HZ) < round(s[1] * EVENT_RATE_HZ)]


def _union(spans: Iterable[Span]) -> list[Span]:
    """Return sorted, disjoint spans on the time grid.

    ``timescoring`` expects order, and shortens an event that contains the next one.
    """
    merged: list[Span] = []
    for start, stop in sorted((_on_grid(a), _on_grid(b)) for a, b in spans):
        if stop <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _within(spans: list[Span], interval: Span) -> list[Span]:
    """Clip spans to an interval and return them relative to its start."""
    begin, end = interval
    return [
        (max(start, begin) - begin, min(stop, end) - begin)
        for start, stop in spans
        if start < end and stop > begin
    ]


def _coverage(reference: Reference, duration_s: float) -> list[Span]:
    return [
        (start, stop)
        for start, stop in _union(
            (max(start, 0.0), min(stop, duration_s)) for start, stop in reference.coverage
        )
        if stop > start
    ]


def _on_grid(time_s: float) -> float:
    return round(time_s * _GRID_PER_S) / _GRID_PER_S


def _overlap(start: NDArray[np.float64], length_s: float, spans: list[Span]) -> Any:
    """Return how many seconds of ``[start, start + length_s)`` lie in disjoint sorted spans."""
    if not spans:
        return np.zeros(len(start))
    edges = np.array(spans).ravel()
    inside = np.where(np.arange(len(edges) - 1) % 2 == 0, np.diff(edges), 0.0)
    before = np.concatenate(([0.0], np.cumsum(inside)))
    return np.interp(start + length_s, edges, before) - np.interp(start, edges, before)


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan


def _sums(counts: Sequence[_Counts]) -> dict[str, Any]:
    return {
        "tp": sum(c.tp for c in counts),
        "fp": sum(c.fp for c in counts),
        "n_ref": sum(c.n_ref for c in counts),
        "duration_s": math.fsum(c.duration_s for c in counts),
    }


def _mean_rates(counts: Sequence[_Counts]) -> MeanRates:
    def mean(values: Iterable[float]) -> float:
        known = [value for value in values if not math.isnan(value)]
        return _ratio(math.fsum(known), len(known))

    return MeanRates(
        sensitivity=mean(c.sensitivity for c in counts),
        precision=mean(c.precision for c in counts),
        f1=mean(c.f1 for c in counts),
        fp_per_24h=mean(c.fp_per_24h for c in counts),
    )


def _table(
    thresholds: NDArray[np.int64],
    rows: list[tuple[int, Scores, float]],
    trace: ProbabilityTrace,
    post: PostProcessing,
    covered_s: float,
) -> ThresholdTable:
    def whole(name: str) -> NDArray[np.int64]:
        return np.array([getattr(scores.events, name) for _, scores, _ in rows], dtype=np.int64)

    def rate(group: str, name: str) -> NDArray[np.float64]:
        return np.array([getattr(getattr(scores, group), name) for _, scores, _ in rows])

    in_events_s = np.array([seconds for _, _, seconds in rows])
    scored_s = int(np.count_nonzero(trace.scored)) * trace.step_s
    unknown = np.full(len(rows), np.nan)
    return ThresholdTable(
        threshold_pm=thresholds,
        n_events=np.array([n for n, _, _ in rows], dtype=np.int64),
        tp=whole("tp"),
        fp=whole("fp"),
        n_ref=whole("n_ref"),
        sensitivity=rate("events", "sensitivity"),
        precision=rate("events", "precision"),
        f1=rate("events", "f1"),
        fp_per_24h=rate("events", "fp_per_24h"),
        sample_sensitivity=rate("samples", "sensitivity"),
        sample_precision=rate("samples", "precision"),
        sample_f1=rate("samples", "f1"),
        burden_percent=100 * in_events_s / scored_s if scored_s else unknown,
        burden_min_per_h=60 * in_events_s / trace.duration_s if trace.duration_s else unknown,
        covered_s=covered_s,
        post=post,
    )
