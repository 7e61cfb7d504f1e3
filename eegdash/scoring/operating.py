"""The operating point: what each threshold costs and gains over many recordings.

A table holds the counts of every recording at every threshold, so that moving the threshold sums a
few columns, however long the recordings are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from eegdash.scoring.counts import (
    EventScores,
    SampleScores,
    Scores,
    Spread,
    micro,
    spread,
)
from eegdash.scoring.thresholds import ThresholdTable
from eegdash.scoring.windows import WindowCounts, WindowScores

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PersonRates:
    """Mean over persons, with its spread, of the SzCORE rates; recordings are summed first."""

    event_sensitivity: Spread
    event_precision: Spread
    event_f1: Spread
    event_fp_per_24h: Spread
    sample_sensitivity: Spread
    sample_precision: Spread
    sample_f1: Spread


@dataclass(frozen=True, slots=True)
class OperatingCurve:
    """Micro-averaged rates by threshold; arrays of shape (n_thresholds,), NaN where undefined.

    The event figures follow SzCORE. ``accuracy`` to ``window_f1`` are by windows.
    """

    threshold_pm: Counts
    sensitivity: NDArray[np.float64]
    precision: NDArray[np.float64]
    f1: NDArray[np.float64]
    fp_per_24h: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    window_sensitivity: NDArray[np.float64]
    specificity: NDArray[np.float64]
    window_f1: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OperatingTable:
    """Counts of every recording at every threshold.

    Parameters
    ----------
    threshold_pm : ndarray of int64, shape (n_thresholds,)
        Rising.
    persons : tuple of str
        Person of each recording.
    n_events, tp, fp, n_ref : ndarray of int64, shape (n_recordings, n_thresholds)
        Detections, and SzCORE event counts.
    sample_tp, sample_fp, sample_n_ref : ndarray of int64, shape (n_recordings, n_thresholds)
        SzCORE sample counts, s.
    window_tp, window_fp : ndarray of int64, shape (n_recordings, n_thresholds)
    n_seizure_windows, n_free_windows : ndarray of int64, shape (n_recordings,)
        Both 0 where the detector gives no probability by window.
    covered_s, sampled_s : ndarray of float64, shape (n_recordings,)
    """

    threshold_pm: Counts
    persons: tuple[str, ...]
    n_events: Counts
    tp: Counts
    fp: Counts
    n_ref: Counts
    sample_tp: Counts
    sample_fp: Counts
    sample_n_ref: Counts
    window_tp: Counts
    window_fp: Counts
    n_seizure_windows: Counts
    n_free_windows: Counts
    covered_s: NDArray[np.float64]
    sampled_s: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        persons: Sequence[str],
        tables: Sequence[ThresholdTable],
        windows: Sequence[WindowCounts],
    ) -> OperatingTable:
        """Put the tables of single recordings, made at the same thresholds, on top of each other.

        Raises
        ------
        ValueError
            If there is no recording, or the thresholds differ.
        """
        if not tables:
            raise ValueError("an operating table needs a recording")
        threshold_pm = tables[0].threshold_pm
        if any(not np.array_equal(table.threshold_pm, threshold_pm) for table in tables):
            raise ValueError("the tables were made at different thresholds")

        def rows(name: str) -> Counts:
            return np.stack([getattr(table, name) for table in tables])

        return cls(
            threshold_pm=threshold_pm,
            persons=tuple(persons),
            n_events=rows("n_events"),
            tp=rows("tp"),
            fp=rows("fp"),
            n_ref=rows("n_ref"),
            sample_tp=rows("sample_tp"),
            sample_fp=rows("sample_fp"),
            sample_n_ref=rows("sample_n_ref"),
            window_tp=np.stack([w.tp for w in windows]),
            window_fp=np.stack([w.fp for w in windows]),
            n_seizure_windows=np.array([w.n_seizure for w in windows], dtype=np.int64),
            n_free_windows=np.array([w.n_free for w in windows], dtype=np.int64),
            covered_s=np.array([table.covered_s for table in tables]),
            sampled_s=np.array([table.sampled_s for table in tables]),
        )

    def index(self, threshold_pm: int) -> int:
        """Return the column of a threshold: that one or the next higher one in the table."""
        found = int(np.searchsorted(self.threshold_pm, threshold_pm))
        return min(found, len(self.threshold_pm) - 1)

    def recording(self, row: int, index: int) -> Scores:
        """Return event and sample scores of one recording at one threshold."""
        return Scores(
            EventScores(
                int(self.tp[row, index]),
                int(self.fp[row, index]),
                int(self.n_ref[row, index]),
                float(self.covered_s[row]),
            ),
            SampleScores(
                int(self.sample_tp[row, index]),
                int(self.sample_fp[row, index]),
                int(self.sample_n_ref[row, index]),
                float(self.sampled_s[row]),
            ),
        )

    def micro(self, index: int) -> Scores:
        """Return the counts summed over the recordings at one threshold."""
        return micro(self.recording(row, index) for row in range(len(self.persons)))

    def by_person(self, index: int) -> dict[str, Scores]:
        """Return the counts summed over the recordings of each person at one threshold."""
        rows: dict[str, list[int]] = {}
        for row, person in enumerate(self.persons):
            rows.setdefault(person, []).append(row)
        return {
            person: micro(self.recording(row, index) for row in mine)
            for person, mine in rows.items()
        }

    def over_persons(self, index: int) -> PersonRates:
        """Return mean and spread over persons at one threshold."""
        every = list(self.by_person(index).values())
        return PersonRates(
            event_sensitivity=spread(s.events.sensitivity for s in every),
            event_precision=spread(s.events.precision for s in every),
            event_f1=spread(s.events.f1 for s in every),
            event_fp_per_24h=spread(s.events.fp_per_24h for s in every),
            sample_sensitivity=spread(s.samples.sensitivity for s in every),
            sample_precision=spread(s.samples.precision for s in every),
            sample_f1=spread(s.samples.f1 for s in every),
        )

    def windows(self, index: int) -> WindowScores:
        """Return the confusion matrix over the windows of all recordings at one threshold."""
        tp, fp = int(self.window_tp[:, index].sum()), int(self.window_fp[:, index].sum())
        return WindowScores(
            tn=int(self.n_free_windows.sum()) - fp,
            fp=fp,
            fn=int(self.n_seizure_windows.sum()) - tp,
            tp=tp,
        )

    def curve(self) -> OperatingCurve:
        """Return the micro-averaged rates at every threshold, for drawing and for choosing."""
        tp, fp, n_ref = (x.sum(axis=0) for x in (self.tp, self.fp, self.n_ref))
        hit, alarm = self.window_tp.sum(axis=0), self.window_fp.sum(axis=0)
        n_seizure, n_free = self.n_seizure_windows.sum(), self.n_free_windows.sum()
        return OperatingCurve(
            threshold_pm=self.threshold_pm,
            sensitivity=_ratios(tp, n_ref),
            precision=_ratios(tp, tp + fp),
            f1=_ratios(2 * tp, tp + fp + n_ref),
            fp_per_24h=_ratios(86400.0 * fp, np.full(len(tp), self.covered_s.sum())),
            accuracy=_ratios(hit + n_free - alarm, np.full(len(hit), n_seizure + n_free)),
            window_sensitivity=_ratios(hit, np.full(len(hit), n_seizure)),
            specificity=_ratios(n_free - alarm, np.full(len(hit), n_free)),
            window_f1=_ratios(2 * hit, hit + alarm + n_seizure),
        )


class Criterion(Enum):
    """What a threshold is chosen for."""

    EVENT_F1 = "event-f1"
    """Highest SzCORE event F1."""
    WINDOW_F1 = "window-f1"
    """Highest F1 of the seizure class over windows."""
    ACCURACY_SENSITIVITY = "accuracy-sensitivity"
    """Highest (accuracy + sensitivity) / 2 over windows."""
    FP_PER_24H = "fp-per-24h"
    """Highest event sensitivity with at most the wanted number of false positives per 24 h."""
    SENSITIVITY = "sensitivity"
    """Fewest false positives per 24 h with at least the wanted event sensitivity."""

    @property
    def needs_target(self) -> bool:
        """Whether a number has to be stated."""
        return self in (Criterion.FP_PER_24H, Criterion.SENSITIVITY)


@dataclass(frozen=True, slots=True)
class Choice:
    """A threshold chosen on recordings, and what it reached there: optimistic, never a result.

    ``value`` is the figure that was maximised, or for a target the one that was held to it.
    """

    threshold_pm: int
    criterion: Criterion
    target: float | None
    value: float


def choose_threshold(
    curve: OperatingCurve, criterion: Criterion, target: float | None = None
) -> Choice | None:
    """Choose a threshold; among equally good ones the middle of the longest run.

    Parameters
    ----------
    curve : OperatingCurve
    criterion : Criterion
    target : float, optional
        False positives per 24 h, or sensitivity 0 to 1, for the criteria that have one.

    Returns
    -------
    Choice or None
        None if the figure is undefined everywhere, or no threshold reaches the target.

    Raises
    ------
    ValueError
        If a target is missing.
    """
    if criterion.needs_target and target is None:
        raise ValueError(f"{criterion.value} needs a target")
    goal, shown = _goal(curve, criterion, target or 0.0)
    if not np.isfinite(goal).any():
        return None
    index = _middle_of_longest_run(goal >= np.nanmax(goal) - 1e-12)
    return Choice(
        int(curve.threshold_pm[index]),
        criterion,
        target if criterion.needs_target else None,
        float(shown[index]),
    )


def _goal(
    curve: OperatingCurve, criterion: Criterion, target: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what to maximise (NaN where not allowed) and what to state."""
    if criterion is Criterion.FP_PER_24H:
        allowed = curve.fp_per_24h <= target
        return np.where(allowed, curve.sensitivity, np.nan), curve.fp_per_24h
    if criterion is Criterion.SENSITIVITY:
        allowed = curve.sensitivity >= target
        return np.where(allowed, -curve.fp_per_24h, np.nan), curve.sensitivity
    if criterion is Criterion.ACCURACY_SENSITIVITY:
        both = (curve.accuracy + curve.window_sensitivity) / 2
        return both, both
    figure = curve.f1 if criterion is Criterion.EVENT_F1 else curve.window_f1
    return figure, figure


def _middle_of_longest_run(best: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], best.astype(np.int8), [0]))))
    runs = edges.reshape(-1, 2)
    first, stop = runs[int(np.argmax(runs[:, 1] - runs[:, 0]))]
    return int(first + stop - 1) // 2


def _ratios(numerator: NDArray[np.number], denominator: NDArray[np.number]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.asarray(numerator, dtype=np.float64) / denominator
    return np.where(np.asarray(denominator) > 0, found, np.nan)
