"""Calibration on held-out recordings: temperature, then a threshold that stays locked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.detection import Event, PostProcessing, ProbabilityTrace, find_events

THRESHOLDS_PM = range(100, 951, 10)


@dataclass(frozen=True, slots=True)
class EventCounts:
    """Seizures found (any overlap), seizures missed, and detections that touch no seizure."""

    found: int
    missed: int
    false: int

    @property
    def f1(self) -> float:
        """``2 TP / (2 TP + FP + FN)``; 0 if nothing was there and nothing found."""
        total = 2 * self.found + self.false + self.missed
        return 2 * self.found / total if total else 0.0


def fit_temperature(
    logits: NDArray[np.floating], seizure: NDArray[np.bool_], weight: NDArray[np.floating]
) -> float:
    """Return the temperature that minimises the weighted cross-entropy (Guo et al. 2017).

    Parameters
    ----------
    logits, seizure, weight : ndarray, shape (n_windows,)

    Returns
    -------
    float
        Between 1 and 20. It may only soften: simulated recordings are easier than real ones,
        and a surer answer than the training gave would be surer than anyone knows.
    """
    from scipy.optimize import minimize_scalar

    sign = np.where(seizure, -1.0, 1.0)

    def loss(log_temperature: float) -> float:
        terms = np.logaddexp(0.0, sign * logits / np.exp(log_temperature))
        return float(np.sum(weight * terms) / np.sum(weight))

    best = minimize_scalar(loss, bounds=(0.0, np.log(20.0)), method="bounded")
    return float(np.exp(best.x))


def trace_of(
    probability: NDArray[np.floating], *, step_s: float, window_s: float, duration_s: float
) -> ProbabilityTrace:
    """Return a trace of probabilities in per mille without provenance, for scoring in training."""
    per_mille = np.floor(1000 * probability + 0.5).astype(np.uint16)
    return ProbabilityTrace(per_mille, window_s / 2, step_s, duration_s, "", "", "")


def count_events(events: Sequence[Event], seizures: Sequence[tuple[float, float]]) -> EventCounts:
    """Count by any overlap, each seizure extended by 30 s before and 60 s after (SzCORE)."""
    extended = [(onset - 30, end + 60) for onset, end in seizures]
    found = sum(
        any(event.onset_s < end and event.end_s > onset for event in events)
        for onset, end in extended
    )
    false = sum(
        not any(event.onset_s < end and event.end_s > onset for onset, end in extended)
        for event in events
    )
    return EventCounts(found, len(seizures) - found, false)


def count_all(
    traces: Sequence[ProbabilityTrace],
    seizures: Sequence[Sequence[tuple[float, float]]],
    threshold_pm: int,
    post: PostProcessing,
) -> EventCounts:
    """Count events over several recordings."""
    counts = [
        count_events(find_events(trace, threshold_pm, post), truth)
        for trace, truth in zip(traces, seizures, strict=True)
    ]
    return EventCounts(
        sum(c.found for c in counts), sum(c.missed for c in counts), sum(c.false for c in counts)
    )


def choose_threshold(
    probability: NDArray[np.floating], seizure: NDArray[np.bool_], weight: NDArray[np.floating]
) -> tuple[int, list[float]]:
    """Return the threshold of the best window F1 and the F1 at every threshold tried.

    Windows rather than events decide: a detector that is always on has one event that touches
    every seizure. Where several are equally good, the middle of the longest run is taken: the
    choice that least depends on the recordings it was made on.

    Parameters
    ----------
    probability, seizure, weight : ndarray, shape (n_windows,)

    Returns
    -------
    threshold_pm : int
        One of :data:`THRESHOLDS_PM`.
    scores : list of float
    """
    sure = weight > 0
    per_mille, truth = np.floor(1000 * probability[sure] + 0.5), seizure[sure]
    scores = []
    for threshold in THRESHOLDS_PM:
        positive = per_mille >= threshold
        total = positive.sum() + truth.sum()
        scores.append(float(2 * (positive & truth).sum() / total) if total else 0.0)
    best = max(scores) - 0.002  # closer than this is chance
    runs: list[list[int]] = []
    for threshold, score in zip(THRESHOLDS_PM, scores, strict=True):
        if score < best:
            continue
        if runs and threshold - runs[-1][-1] == THRESHOLDS_PM.step:
            runs[-1].append(threshold)
        else:
            runs.append([threshold])
    longest = max(runs, key=len)
    return longest[len(longest) // 2], scores
