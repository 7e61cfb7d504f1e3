"""What follows from each threshold of one recording, computed once so that moving it is free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Reference
from eegdash.detection import Event, PostProcessing, ProbabilityTrace, find_events
from eegdash.scoring.counts import Scores
from eegdash.scoring.intervals import Span, coverage_of, union
from eegdash.scoring.szcore import score_spans

THRESHOLD_STEP_PM = 10

EventsAt = Callable[[int], Sequence[Event]]
"""Gives the detections at a threshold in per mille."""


@dataclass(frozen=True, slots=True)
class ThresholdTable:
    """What follows from each threshold; all arrays have shape (n_thresholds,).

    Parameters
    ----------
    threshold_pm : ndarray of int64
        Rising, per mille; 0, 10 ... 1000 unless others were asked for.
    n_events : ndarray of int64
        Detections in the whole recording, also where the truth is not known.
    tp, fp, n_ref : ndarray of int64
        SzCORE event counts where the truth is known.
    sensitivity, precision, f1, fp_per_24h : ndarray of float64
        SzCORE event rates; NaN where undefined.
    sample_tp, sample_fp, sample_n_ref : ndarray of int64
        SzCORE sample counts, s.
    sample_sensitivity, sample_precision, sample_f1 : ndarray of float64
        SzCORE sample rates; NaN where undefined.
    burden_percent : ndarray of float64
        Percentage of the scored time that lies in events.
    burden_min_per_h : ndarray of float64
        Minutes in events per hour of recording.
    covered_s, sampled_s : float
        Seconds of known truth, and those of them that are whole samples at 1 Hz.
    post : PostProcessing or None
        Parameters the events were found with; None where another program found them.
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
    sample_tp: NDArray[np.int64]
    sample_fp: NDArray[np.int64]
    sample_n_ref: NDArray[np.int64]
    sample_sensitivity: NDArray[np.float64]
    sample_precision: NDArray[np.float64]
    sample_f1: NDArray[np.float64]
    burden_percent: NDArray[np.float64]
    burden_min_per_h: NDArray[np.float64]
    covered_s: float
    sampled_s: float
    post: PostProcessing | None

    @property
    def n_thresholds(self) -> int:
        """Number of rows."""
        return len(self.threshold_pm)


def threshold_grid(*more_pm: int) -> NDArray[np.int64]:
    """Return 0, 10 ... 1000 per mille and further thresholds, rising and without repeats."""
    return np.unique(np.array([*range(0, 1001, THRESHOLD_STEP_PM), *more_pm], dtype=np.int64))


def threshold_table(
    trace: ProbabilityTrace,
    reference: Reference | None,
    post: PostProcessing | None = None,
    *,
    thresholds_pm: NDArray[np.int64] | None = None,
) -> ThresholdTable:
    """Score a trace at every threshold, from 0 to 1000 per mille in steps of 10 by default.

    Parameters
    ----------
    trace : ProbabilityTrace
    reference : Reference or None
        None: the truth is not known, only event counts and burden are filled.
    post : PostProcessing, optional
    thresholds_pm : ndarray of int64, optional
        Rising.

    Returns
    -------
    ThresholdTable
    """
    chosen = post or PostProcessing()
    return events_table(
        lambda threshold_pm: find_events(trace, threshold_pm, chosen),
        reference,
        duration_s=trace.duration_s,
        scored_s=trace.scored_s,
        post=chosen,
        thresholds_pm=thresholds_pm,
    )


def events_table(
    events_at: EventsAt,
    reference: Reference | None,
    *,
    duration_s: float,
    scored_s: float,
    post: PostProcessing | None = None,
    thresholds_pm: NDArray[np.int64] | None = None,
) -> ThresholdTable:
    """Score the detections that any detector makes at every threshold.

    Parameters
    ----------
    events_at : callable
        Gives the detections at a threshold.
    reference : Reference or None
    duration_s, scored_s : float
        Length of the recording and how much of it was scored, s.
    post : PostProcessing, optional
        What the detections were found with.
    thresholds_pm : ndarray of int64, optional
        Rising.
    """
    thresholds = threshold_grid() if thresholds_pm is None else thresholds_pm
    truth = [] if reference is None else union((a.onset_s, a.end_s) for a in reference.seizures)
    covered = [] if reference is None else coverage_of(reference, duration_s)
    rows: list[tuple[int, Scores, float]] = []
    last: list[Span] | None = None
    for threshold in thresholds:
        events = events_at(int(threshold))
        spans = [(event.onset_s, event.end_s) for event in events]
        if spans == last:  # neighbouring thresholds often give the same events
            rows.append(rows[-1])
            continue
        last = spans
        found = union(spans)
        in_events_s = sum(stop - start for start, stop in found)
        rows.append((len(events), score_spans(truth, found, covered), in_events_s))
    return _table(
        thresholds, rows, duration_s, scored_s, post, sum(stop - start for start, stop in covered)
    )


def _table(
    thresholds: NDArray[np.int64],
    rows: list[tuple[int, Scores, float]],
    duration_s: float,
    scored_s: float,
    post: PostProcessing | None,
    covered_s: float,
) -> ThresholdTable:
    def whole(group: str, name: str) -> NDArray[np.int64]:
        values = [getattr(getattr(scores, group), name) for _, scores, _ in rows]
        return np.array(values, dtype=np.int64)

    def rate(group: str, name: str) -> NDArray[np.float64]:
        return np.array([getattr(getattr(scores, group), name) for _, scores, _ in rows])

    in_events_s = np.array([seconds for _, _, seconds in rows])
    unknown = np.full(len(rows), np.nan)
    return ThresholdTable(
        threshold_pm=thresholds,
        n_events=np.array([n for n, _, _ in rows], dtype=np.int64),
        tp=whole("events", "tp"),
        fp=whole("events", "fp"),
        n_ref=whole("events", "n_ref"),
        sensitivity=rate("events", "sensitivity"),
        precision=rate("events", "precision"),
        f1=rate("events", "f1"),
        fp_per_24h=rate("events", "fp_per_24h"),
        sample_tp=whole("samples", "tp"),
        sample_fp=whole("samples", "fp"),
        sample_n_ref=whole("samples", "n_ref"),
        sample_sensitivity=rate("samples", "sensitivity"),
        sample_precision=rate("samples", "precision"),
        sample_f1=rate("samples", "f1"),
        burden_percent=100 * in_events_s / scored_s if scored_s else unknown,
        burden_min_per_h=60 * in_events_s / duration_s if duration_s else unknown,
        covered_s=covered_s,
        sampled_s=rows[0][1].samples.duration_s if rows else 0.0,
        post=post,
    )
