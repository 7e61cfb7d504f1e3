"""How well a value of each window separates seizure from seizure-free windows, at any threshold.

Intervals come from resampling persons, not windows: the windows of one person are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.scoring.counts import ratio

N_RESAMPLES = 2000
_MAX_BINS = 4096
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class RankCurve:
    """Counts when windows at or above each distinct value are called seizure, highest first.

    Parameters
    ----------
    threshold : ndarray of float64, shape (n_values,)
        Distinct values, falling.
    tp, fp : ndarray of int64, shape (n_values,)
        Seizure and seizure-free windows at or above the threshold.
    n_seizure, n_free : int
        All windows of either class.
    """

    threshold: NDArray[np.float64]
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    n_seizure: int
    n_free: int

    @property
    def sensitivity(self) -> NDArray[np.float64]:
        """TP / seizure windows (also called recall); NaN without one."""
        return _share(self.tp, self.n_seizure)

    @property
    def false_positive_share(self) -> NDArray[np.float64]:
        """FP / seizure-free windows, 1 - specificity; NaN without one."""
        return _share(self.fp, self.n_free)

    @property
    def precision(self) -> NDArray[np.float64]:
        """TP / (TP + FP)."""
        return np.asarray(self.tp / np.maximum(self.tp + self.fp, 1), dtype=np.float64)

    @property
    def f1(self) -> NDArray[np.float64]:
        """2 TP / (2 TP + FP + FN)."""
        return np.asarray(
            2 * self.tp / np.maximum(self.tp + self.fp + self.n_seizure, 1), dtype=np.float64
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval from resampled persons; NaN where undefined.

    ``n_used`` of ``n_resamples`` resamples had windows of both classes and enter the interval.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    n_used: int = 0
    n_resamples: int = 0


@dataclass(frozen=True, slots=True)
class Separation:
    """How one value per window separates the classes, and on how much data.

    Parameters
    ----------
    name : str
        What was ranked, e.g. ``"detector"``.
    auroc, auprc : Estimate
        The area under the precision-recall curve is the average precision.
    n_windows, n_seizure, n_recordings, n_persons : int
        ``n_seizure`` of ``n_windows`` are seizure windows.
    """

    name: str
    auroc: Estimate
    auprc: Estimate
    n_windows: int
    n_seizure: int
    n_recordings: int
    n_persons: int


def rank_curve(values: NDArray[Any], seizure: NDArray[np.bool_]) -> RankCurve:
    """Return the counts at every threshold; the ROC and the precision-recall curve follow.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Higher means more like a seizure; finite.
    seizure : ndarray of bool, shape (n,)
    """
    distinct, code = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)
    positive = np.bincount(code[seizure], minlength=len(distinct))[::-1]
    negative = np.bincount(code[~seizure], minlength=len(distinct))[::-1]
    return RankCurve(
        threshold=distinct[::-1],
        tp=np.cumsum(positive).astype(np.int64),
        fp=np.cumsum(negative).astype(np.int64),
        n_seizure=int(positive.sum()),
        n_free=int(negative.sum()),
    )


def auroc(values: NDArray[Any], seizure: NDArray[np.bool_]) -> float:
    """Return the probability that a seizure window outranks a seizure-free one, ties half.

    Parameters
    ----------
    values : ndarray, shape (n,)
        For example probability in per mille.
    seizure : ndarray of bool, shape (n,)

    Returns
    -------
    float
        The Mann-Whitney form of the area under the ROC curve (Hanley and McNeil 1982, doi
        10.1148/radiology.143.1.7063747); NaN if only one class is present.
    """
    curve = rank_curve(values, seizure)
    positive = np.diff(curve.tp, prepend=0)
    negative = np.diff(curve.fp, prepend=0)
    wins = float(np.sum(negative * (2 * curve.tp - positive)))
    return ratio(wins, 2.0 * curve.n_seizure * curve.n_free)


def average_precision(values: NDArray[Any], seizure: NDArray[np.bool_]) -> float:
    """Return the average precision, the step-wise area under the precision-recall curve.

    The sum over thresholds of the gain in sensitivity times the precision there, without
    interpolation (Davis and Goadrich 2006, doi 10.1145/1143844.1143874). A value without
    information scores the share of seizure windows. NaN if only one class is present.
    """
    curve = rank_curve(values, seizure)
    if not (curve.n_seizure and curve.n_free):
        return math.nan
    gained = np.diff(curve.tp, prepend=0) / curve.n_seizure
    return float(np.sum(gained * curve.precision))


def separation(
    name: str,
    values: NDArray[Any],
    seizure: NDArray[np.bool_],
    *,
    recording: NDArray[np.integer[Any]],
    person: NDArray[np.integer[Any]],
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Separation:
    """Return AUROC and AUPRC with intervals by person; windows without a value are left out.

    Parameters
    ----------
    name : str
    values : ndarray, shape (n,)
        NaN where a window has no value.
    seizure : ndarray of bool, shape (n,)
    recording, person : ndarray of int, shape (n,)
        Which recording and which person each window is of.
    n_resamples, seed : int
        Of the bootstrap.
    """
    values = np.asarray(values, dtype=np.float64)
    used = np.isfinite(values)
    values, seizure, person = values[used], seizure[used], person[used]
    low_high = _intervals(values, seizure, person, n_resamples, seed)
    return Separation(
        name=name,
        auroc=Estimate(auroc(values, seizure), *low_high[0]),
        auprc=Estimate(average_precision(values, seizure), *low_high[1]),
        n_windows=len(values),
        n_seizure=int(np.count_nonzero(seizure)),
        n_recordings=len(np.unique(recording[used])),
        n_persons=len(np.unique(person)),
    )


def auroc_difference(
    values: NDArray[Any],
    others: NDArray[Any],
    seizure: NDArray[np.bool_],
    *,
    person: NDArray[np.integer[Any]],
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Return the AUROC of ``values`` minus that of ``others`` on the same windows.

    Both are resampled by the same persons, so that the interval is that of the difference: two
    intervals that overlap say little about it.

    Parameters
    ----------
    values, others : ndarray, shape (n,)
        A window without either value is left out.
    seizure : ndarray of bool, shape (n,)
    person : ndarray of int, shape (n,)
    n_resamples, seed : int
    """
    both = np.asarray([values, others], dtype=np.float64)
    used = np.isfinite(both).all(axis=0)
    both, seizure, person = both[:, used], seizure[used], person[used]
    first, second = (_resampled(row, seizure, person, n_resamples, seed)[0] for row in both)
    point = auroc(both[0], seizure) - auroc(both[1], seizure)
    return Estimate(point, *_interval(first - second, n_resamples))


def _intervals(
    values: NDArray[np.float64],
    seizure: NDArray[np.bool_],
    person: NDArray[np.integer[Any]],
    n_resamples: int,
    seed: int,
) -> list[tuple[float, float, int, int]]:
    """Return (low, high, n_used, n_resamples) for AUROC and for AUPRC."""
    areas = _resampled(values, seizure, person, n_resamples, seed)
    return [_interval(area, n_resamples) for area in areas]


def _interval(areas: NDArray[np.float64], n_resamples: int) -> tuple[float, float, int, int]:
    """Percentile interval (Efron 1979, doi 10.1214/aos/1176344552) of the defined resamples."""
    known = areas[np.isfinite(areas)]
    low, high = np.quantile(known, (0.025, 0.975)) if len(known) else (math.nan, math.nan)
    return float(low), float(high), len(known), n_resamples


def _resampled(
    values: NDArray[np.float64],
    seizure: NDArray[np.bool_],
    person: NDArray[np.integer[Any]],
    n_resamples: int,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """AUROC and average precision of each resample; empty where there can be no interval."""
    persons, row = np.unique(person, return_inverse=True)
    if len(persons) < 2 or seizure.all() or not seizure.any():
        return np.empty(0), np.empty(0)
    positive, negative = _histograms(values, seizure, row, len(persons))
    rng = np.random.default_rng(seed)
    areas = [
        _areas(drawn @ positive, drawn @ negative)
        for drawn in _draws(rng, len(persons), n_resamples)
    ]
    return np.concatenate([roc for roc, _ in areas]), np.concatenate([pr for _, pr in areas])


def _draws(rng: np.random.Generator, n: int, n_resamples: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each of n persons is drawn, in chunks (n_chunk, n)."""
    for first in range(0, n_resamples, _CHUNK):
        size = min(_CHUNK, n_resamples - first)
        yield rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)


def _histograms(
    values: NDArray[np.float64],
    seizure: NDArray[np.bool_],
    row: NDArray[np.integer[Any]],
    n_rows: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Windows by person and falling value, (n_persons, n_bins), of either class.

    More than 4,096 distinct values share bins of equal count; that moves an interval by less than
    its own chance error, and the figure itself is computed without bins.
    """
    distinct, code = np.unique(values, return_inverse=True)
    if len(distinct) > _MAX_BINS:
        edges = np.unique(np.quantile(values, np.linspace(0, 1, _MAX_BINS + 1)[1:-1]))
        code = np.searchsorted(edges, values, side="right")
    n_bins = int(code.max()) + 1
    cell = row * n_bins + (n_bins - 1 - code)
    count = [
        np.bincount(cell[mask], minlength=n_rows * n_bins).reshape(n_rows, n_bins)
        for mask in (seizure, ~seizure)
    ]
    return count[0].astype(np.float64), count[1].astype(np.float64)


def _areas(
    positive: NDArray[np.float64], negative: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """AUROC and average precision of each resample (n_resamples, n_bins), falling values."""
    tp, fp = np.cumsum(positive, axis=1), np.cumsum(negative, axis=1)
    n_pos, n_neg = tp[:, -1], fp[:, -1]
    both = (n_pos > 0) & (n_neg > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        roc = np.sum(negative * (tp - positive / 2), axis=1) / (n_pos * n_neg)
        precision = np.where(tp + fp > 0, tp / (tp + fp), 0.0)
        pr = np.sum(positive * precision, axis=1) / n_pos
    return np.where(both, roc, np.nan), np.where(both, pr, np.nan)


def _share(count: NDArray[np.int64], total: int) -> NDArray[np.float64]:
    if not total:
        return np.full(len(count), np.nan)
    return np.asarray(count / total, dtype=np.float64)
