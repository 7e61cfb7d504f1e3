"""Area under the ROC curve by unit, intervals from resampled groups, and percentiles of nulls.

A group is a recording, or a person where it is known: its windows are not independent, so groups
are resampled and kept together, never windows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Whole = NDArray[np.int64]

N_RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval over resampled groups; NaN where undefined.

    ``n_groups`` groups were resampled; with fewer than two there is no interval.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    n_groups: int = 0

    def as_dict(self) -> dict[str, float | int | None]:
        """Return the figures as JSON values; undefined ones are None."""
        return {k: plain(v) for k, v in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class AgainstNull:
    """Where a figure stands among the same figure under a null.

    Parameters
    ----------
    value : float
    null_mean, null_low, null_high : float
        Mean and 2.5th and 97.5th percentile of the null.
    percentile : float
        Share of the null below the value, ties half, 0 to 100.
    p : float
        Share of the null at least as large, (1 + #) / (1 + n) (Phipson and Smyth 2010,
        doi:10.2202/1544-6115.1585), so that it is never 0.
    n : int
        Draws of the null.
    """

    value: float
    null_mean: float
    null_low: float
    null_high: float
    percentile: float
    p: float
    n: int

    def as_dict(self) -> dict[str, float | int | None]:
        """Return the figures as JSON values; undefined ones are None."""
        return {k: plain(v) for k, v in asdict(self).items()}


def plain(value: Any) -> Any:
    """Return a number as a JSON value; one that is not finite is None."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else None


def against_null(value: float, null: NDArray[Any]) -> AgainstNull:
    """Return where ``value`` stands among the draws of a null, shape (n,); NaN draws are left out.

    Without a draw, or for a value that is NaN, everything that depends on it is NaN.
    """
    draws = np.asarray(null, dtype=np.float64)
    draws = draws[np.isfinite(draws)]
    if len(draws) == 0 or not math.isfinite(value):
        return AgainstNull(value, *(math.nan,) * 5, len(draws))
    low, high = np.quantile(draws, [0.025, 0.975])
    # sums in another order differ in the last digits: those are ties, not wins
    slack = 1e-9 * max(abs(value), 1e-9)
    less, more = draws < value - slack, draws > value + slack
    ties = len(draws) - int(less.sum()) - int(more.sum())
    return AgainstNull(
        value=value,
        null_mean=float(draws.mean()),
        null_low=float(low),
        null_high=float(high),
        percentile=100 * (int(less.sum()) + ties / 2) / len(draws),
        p=(1 + int(more.sum()) + ties) / (1 + len(draws)),
        n=len(draws),
    )


def auroc(values: NDArray[Any], positive: Bools) -> Floats:
    """Return the area under the ROC curve of each column.

    The Mann-Whitney form, ties half (Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747).

    Parameters
    ----------
    values : ndarray, shape (n,) or (n, n_columns)
    positive : ndarray of bool, shape (n,)

    Returns
    -------
    ndarray of float64, shape () or (n_columns,)
        NaN if only one class is present.
    """
    from scipy.stats import rankdata

    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    shape = np.shape(values)[1:]
    if n_positive == 0 or n_negative == 0:
        return np.full(shape, np.nan)
    ranks = rankdata(np.asarray(values, dtype=np.float64), axis=0)
    wins = ranks[positive].sum(axis=0) - n_positive * (n_positive + 1) / 2
    return np.asarray(wins / (n_positive * n_negative), dtype=np.float64)


def group_interval(
    statistic: Callable[[Whole], float],
    group: NDArray[np.integer[Any]],
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return a statistic with its 95 % percentile interval over resampled groups.

    Parameters
    ----------
    statistic : callable
        Of the indices of the windows that take part, shape (n_used,), repeats included.
    group : ndarray of int, shape (n,)
    n_resamples, seed : int

    Notes
    -----
    The cluster bootstrap (Field and Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x). Resamples
    in which the statistic is undefined are left out.
    """
    value = float(statistic(np.arange(len(group))))
    names, code = np.unique(group, return_inverse=True)
    if len(names) < 2:
        return Interval(value, n_groups=len(names))
    members = [np.flatnonzero(code == k) for k in range(len(names))]
    rng = np.random.default_rng(seed)
    found = np.empty(n_resamples)
    for k in range(n_resamples):
        drawn = rng.integers(len(names), size=len(names))
        found[k] = statistic(np.concatenate([members[i] for i in drawn]))
    found = found[np.isfinite(found)]
    if len(found) < n_resamples // 2:
        return Interval(value, n_groups=len(names))
    low, high = np.quantile(found, [0.025, 0.975])
    return Interval(value, float(low), float(high), len(names))
