"""Scores by windows: the truth of each window and the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.annotations import Reference
from eegdash.detection import ProbabilityTrace
from eegdash.scoring.counts import ratio
from eegdash.scoring.intervals import GRID_PER_S, coverage_of, overlap_s, union
from eegdash.scoring.ranking import auroc


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
        return ratio(self.tp + self.tn, self.n)

    @property
    def sensitivity(self) -> float:
        """TP / (TP + FN); NaN without a seizure window."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """TN / (TN + FP); NaN without a seizure-free window."""
        return ratio(self.tn, self.tn + self.fp)

    @property
    def precision(self) -> float:
        """TP / (TP + FP); NaN without a positive window."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """F1 of the seizure class, 2 TP / (2 TP + FP + FN)."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def weighted_f1(self) -> float:
        """F1 of both classes, weighted by the number of true windows of each."""
        total = 0.0
        for hits, support in ((self.tp, self.tp + self.fn), (self.tn, self.tn + self.fp)):
            if support:  # a class without a window has weight 0
                total += support * ratio(2 * hits, 2 * hits + self.fp + self.fn)
        return ratio(total, self.n)


@dataclass(frozen=True, slots=True)
class WindowLabels:
    """Truth of each window: ``known`` and ``seizure``, both of shape (n_windows,)."""

    known: NDArray[np.bool_]
    seizure: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """Windows of known truth of one recording at or above each threshold.

    Parameters
    ----------
    tp, fp : ndarray of int64, shape (n_thresholds,)
    n_seizure, n_free : int
        All windows of either class.
    """

    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    n_seizure: int
    n_free: int


def window_labels(trace: ProbabilityTrace, reference: Reference) -> WindowLabels:
    """Return the truth of each window of a trace.

    A window stands for its centre +- ``step_s / 2``. It is a seizure window if seizures overlap at
    least half of that, and its truth is known if all of it is covered by the reference.
    """
    start = trace.time_s - trace.step_s / 2
    seizures = union((a.onset_s, a.end_s) for a in reference.seizures)
    covered = coverage_of(reference, trace.duration_s)
    slack = 1e-5 * trace.step_s + 4 / GRID_PER_S
    return WindowLabels(
        known=overlap_s(start, trace.step_s, covered) >= trace.step_s - slack,
        seizure=overlap_s(start, trace.step_s, seizures) >= trace.step_s / 2 - slack,
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


def window_counts(
    trace: ProbabilityTrace, reference: Reference, thresholds_pm: NDArray[np.int64]
) -> WindowCounts:
    """Return the windows of known truth at or above each threshold.

    Parameters
    ----------
    trace : ProbabilityTrace
    reference : Reference
    thresholds_pm : ndarray of int64, shape (n_thresholds,)
        0 to 1000 per mille.
    """
    labels = window_labels(trace, reference)
    used = labels.known & trace.scored
    probability_pm, seizure = trace.probability_pm[used], labels.seizure[used]
    reaching = [
        np.cumsum(np.bincount(probability_pm[mask], minlength=1001)[::-1])[::-1]
        for mask in (seizure, ~seizure)
    ]
    return WindowCounts(
        tp=reaching[0][thresholds_pm].astype(np.int64),
        fp=reaching[1][thresholds_pm].astype(np.int64),
        n_seizure=int(reaching[0][0]),
        n_free=int(reaching[1][0]),
    )
