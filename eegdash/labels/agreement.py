"""Agreement between raters: Cohen's and Fleiss' kappa, Gwet's AC1, agreement on events.

Everything is computed from counts per recording, so that an interval is one resampling of
recordings: seconds of one recording depend on each other, recordings do not.

Undefined values are NaN, to be shown as "n/a" and never as 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.labels.spans import Spans, touches

UNKNOWN = -1
N_BOOT = 1000
_SAME = 1e-9  # resamples that differ by rounding alone
_DEFINED = 0.5  # share of resamples that must have a value for an interval to be stated

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval; NaN where undefined (shown as "n/a")."""

    value: float
    low: float
    high: float


UNDEFINED = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Counts of two raters' categories.

    Parameters
    ----------
    categories : tuple of str
        In words.
    counts : ndarray of int64, shape (n_categories, n_categories)
        Rows: the first rater (or statement); columns: the second.
    unit : str
        What is counted, e.g. ``"epochs of 1 s"``.
    """

    categories: tuple[str, ...]
    counts: Counts
    unit: str


def cohen_kappa(counts: NDArray[Any]) -> Floats:
    """Cohen's kappa of two raters: (p_o - p_e) / (1 - p_e), p_e from both raters' margins.

    Cohen J., Educ Psychol Meas 1960;20:37-46 (doi 10.1177/001316446002000104).

    Parameters
    ----------
    counts : ndarray, shape (..., n_categories, n_categories)

    Returns
    -------
    ndarray, shape (...)
        NaN without counts, and where both raters use one category only.
    """
    share = _shares(counts)
    observed = np.trace(share, axis1=-2, axis2=-1)
    expected = (share.sum(axis=-1) * share.sum(axis=-2)).sum(axis=-1)
    return _beyond_chance(observed, expected)


def gwet_ac1(counts: NDArray[Any]) -> Floats:
    """Gwet's AC1 of two raters: chance agreement is sum pi (1 - pi) / (q - 1), pi the mean share.

    Gwet K.L., Br J Math Stat Psychol 2008;61:29-48 (doi 10.1348/000711006X126600). Unlike kappa
    it does not fall when one category (here: no seizure) is almost everything.

    Parameters
    ----------
    counts : ndarray, shape (..., n_categories, n_categories)

    Returns
    -------
    ndarray, shape (...)
        NaN without counts.
    """
    share = _shares(counts)
    observed = np.trace(share, axis1=-2, axis2=-1)
    pi = (share.sum(axis=-1) + share.sum(axis=-2)) / 2
    return _beyond_chance(observed, (pi * (1 - pi)).sum(axis=-1) / (counts.shape[-1] - 1))


def fleiss_kappa(table: NDArray[Any], weights: NDArray[Any] | None = None) -> Floats:
    """Fleiss' kappa of any number of raters, who need not all have rated every subject.

    Fleiss J.L., Psychol Bull 1971;76:378-382 (doi 10.1037/h0031619); with missing ratings as in
    Gwet K.L., Handbook of Inter-Rater Reliability, 4th ed. 2014: subjects with two ratings or more
    enter the observed agreement, all that were rated enter the shares of the categories.

    Parameters
    ----------
    table : ndarray, shape (n_subjects, n_categories)
        How many raters put each subject into each category.
    weights : ndarray, shape (..., n_subjects), optional
        How often each row counts; once by default.

    Returns
    -------
    ndarray, shape (...)
    """
    observed, pi = _several(table, weights)
    return _beyond_chance(observed, (pi**2).sum(axis=-1))


def gwet_ac1_several(table: NDArray[Any], weights: NDArray[Any] | None = None) -> Floats:
    """Gwet's AC1 of any number of raters; see :func:`gwet_ac1` and :func:`fleiss_kappa`."""
    observed, pi = _several(table, weights)
    return _beyond_chance(observed, (pi * (1 - pi)).sum(axis=-1) / (table.shape[1] - 1))


def observed_agreement(counts: NDArray[Any]) -> Floats:
    """Return the share on which two raters agree; shapes as in :func:`cohen_kappa`."""
    return np.asarray(np.trace(_shares(counts), axis1=-2, axis2=-1))


def specific_agreement(counts: NDArray[Any]) -> Floats:
    """Proportion of specific agreement on events: matched events over all events of both raters.

    The 2a / (2a + b + c) of Cicchetti D.V. and Feinstein A.R., J Clin Epidemiol 1990;43:551-558
    (doi 10.1016/0895-4356(90)90159-M), with 2a counted on each side by overlap: one long event of
    one rater may match two of the other.

    Parameters
    ----------
    counts : ndarray, shape (..., 4)
        Events of one rater, those of them that overlap an event of the other, and the same for
        the other rater.

    Returns
    -------
    ndarray, shape (...)
        NaN where neither marked an event.
    """
    total = (counts[..., 0] + counts[..., 2]).astype(np.float64)
    matched = (counts[..., 1] + counts[..., 3]).astype(np.float64)
    return _divide(matched, total)


def event_counts(one: Spans, other: Spans) -> Counts:
    """Return (events of one, matched, events of the other, matched) for two unions of spans."""
    return np.array(
        [len(one), touches(one, other).sum(), len(other), touches(other, one).sum()],
        dtype=np.int64,
    )


def interval(
    per_recording: NDArray[Any],
    statistic: Callable[[NDArray[Any]], Floats],
    *,
    n_boot: int = N_BOOT,
    seed: int = 0,
) -> Interval:
    """Return a statistic of summed counts, with a 95 % percentile bootstrap over recordings.

    Efron B., Tibshirani R.J., An Introduction to the Bootstrap, 1993 (doi 10.1201/9780429246593),
    with recordings as the units that are drawn.

    Parameters
    ----------
    per_recording : ndarray, shape (n_recordings, ...)
        Counts of each recording.
    statistic : callable
        Takes summed counts of shape (n_boot, ...), returns shape (n_boot,).

    Returns
    -------
    Interval
        Without bounds where there are fewer than two recordings, where half of the resamples have
        no value, and where all have the same: recordings without any variation say nothing about
        further ones, least of all "1.00 to 1.00".
    """
    n = len(per_recording)
    if n == 0:
        return UNDEFINED
    value = float(statistic(per_recording.sum(axis=0)[np.newaxis])[0])
    if n < 2 or math.isnan(value):
        return Interval(value, math.nan, math.nan)
    flat = per_recording.reshape(n, -1).astype(np.float64)
    sums = (_drawn(n, n_boot, seed) @ flat).reshape(n_boot, *per_recording.shape[1:])
    values = statistic(sums)
    defined = values[~np.isnan(values)]
    if len(defined) < _DEFINED * n_boot:
        return Interval(value, math.nan, math.nan)
    if np.ptp(defined) < _SAME:
        return Interval(value, math.nan, math.nan)
    low, high = np.percentile(defined, [2.5, 97.5])
    return Interval(value, float(low), float(high))


@lru_cache(maxsize=4)
def _drawn(n: int, n_boot: int, seed: int) -> Floats:
    """How often each recording is drawn in each resample; a report asks for the same again."""
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=n_boot).astype(np.float64)
    drawn.flags.writeable = False
    return drawn


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """How often each combination of the raters' statements occurs, by recording.

    Parameters
    ----------
    raters : tuple of str
    codes : ndarray of int8, shape (n_patterns, n_raters)
        Category of each rater, :data:`UNKNOWN` where nothing was stated.
    counts : ndarray of int64, shape (n_recordings, n_patterns)
        Epochs.
    """

    raters: tuple[str, ...]
    codes: NDArray[np.int8]
    counts: Counts

    def pair(self, one: str, other: str) -> Counts:
        """Return 2 x 2 counts by recording, shape (n_recordings, 2, 2); ``one`` in rows."""
        a = self.codes[:, self.raters.index(one)]
        b = self.codes[:, self.raters.index(other)]
        found = np.zeros((len(self.counts), 2, 2), dtype=np.int64)
        for i in range(2):
            for j in range(2):
                found[:, i, j] = self.counts[:, (a == i) & (b == j)].sum(axis=1)
        return found

    def table(self, raters: Sequence[str]) -> Counts:
        """Return how many of the raters chose each category, shape (n_patterns, 2)."""
        chosen = self.codes[:, [self.raters.index(name) for name in raters]]
        return np.stack([(chosen == k).sum(axis=1) for k in range(2)], axis=1).astype(np.int64)


def patterns(
    raters: Sequence[str], recordings: Sequence[Sequence[tuple[Spans, Spans] | None]]
) -> Patterns:
    """Return the combinations of statements over all recordings.

    Parameters
    ----------
    raters : sequence of str
    recordings : sequence of sequence of (Spans, Spans) or None
        For each recording and rater: the epochs called seizure, and those called background; in
        epochs, as :func:`~eegdash.labels.spans.on_epochs` gives them. None: nothing stated.
    """
    index: dict[bytes, int] = {}
    rows: list[dict[int, int]] = []
    for statements in recordings:
        codes, lengths = _segments(statements)
        row: dict[int, int] = {}
        for code, length in zip(codes, lengths.tolist(), strict=True):
            position = index.setdefault(code.tobytes(), len(index))
            row[position] = row.get(position, 0) + length
        rows.append(row)
    counts = np.zeros((len(rows), len(index)), dtype=np.int64)
    for number, row in enumerate(rows):
        counts[number, list(row)] = list(row.values())
    found = np.frombuffer(b"".join(index), dtype=np.int8).reshape(len(index), len(raters))
    return Patterns(tuple(raters), found, counts)


def _segments(
    statements: Sequence[tuple[Spans, Spans] | None],
) -> tuple[NDArray[np.int8], Counts]:
    """Cut time where any rater's statement changes: codes (n, n_raters) and lengths (n,)."""
    edges = np.unique(
        np.concatenate(
            [np.empty(0, dtype=np.int64)]
            + [spans.ravel() for one in statements if one is not None for spans in one]
        )
    )
    if len(edges) < 2:
        return np.empty((0, len(statements)), dtype=np.int8), np.empty(0, dtype=np.int64)
    codes = np.full((len(edges) - 1, len(statements)), UNKNOWN, dtype=np.int8)
    for rater, one in enumerate(statements):
        for category, spans in reversed(list(enumerate(one or ()))):
            codes[_inside(edges[:-1], spans), rater] = category
    stated = (codes != UNKNOWN).any(axis=1)
    return codes[stated], np.diff(edges)[stated]


def _inside(starts: Counts, spans: Spans) -> NDArray[np.bool_]:
    if not len(spans):
        return np.zeros(len(starts), dtype=np.bool_)
    position = np.searchsorted(spans[:, 0], starts, side="right") - 1
    return np.asarray((position >= 0) & (starts < spans[position, 1]))


def _shares(counts: NDArray[Any]) -> Floats:
    numbers = np.asarray(counts, dtype=np.float64)
    return _divide(numbers, numbers.sum(axis=(-2, -1), keepdims=True))


def _several(table: NDArray[Any], weights: NDArray[Any] | None) -> tuple[Floats, Floats]:
    """Return observed agreement, shape (...), and shares of the categories, shape (..., q)."""
    rated = np.asarray(table, dtype=np.float64)
    raters = rated.sum(axis=1)
    often = np.ones(len(rated)) if weights is None else np.asarray(weights, dtype=np.float64)
    two = raters >= 2
    agreeing = _divide((rated * (rated - 1)).sum(axis=1), raters * (raters - 1))
    observed = _divide(often[..., two] @ agreeing[two], often[..., two].sum(axis=-1))
    some = raters >= 1
    shares = rated[some] / raters[some, np.newaxis]
    return observed, _divide(often[..., some] @ shares, often[..., some].sum(-1, keepdims=True))


def _beyond_chance(observed: Floats, expected: Floats) -> Floats:
    # 1 - p_e of 1e-12 and less is 0 but for rounding: one category only
    room = np.where(1 - expected < 1e-12, 0.0, 1 - expected)
    return _divide(observed - expected, room)


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    numerator, denominator = np.asarray(numerator), np.asarray(denominator)
    found = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    np.divide(numerator, denominator, out=found, where=denominator != 0)
    return found
