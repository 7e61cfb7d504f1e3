"""Exact intervals of shares, for windows that overlap as well as for events."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eegdash.scoring.counts import ratio

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its exact 95 % interval; NaN where it is undefined.

    Parameters
    ----------
    value, low, high : float
        0 to 1.
    n : int
        What the share is of.
    """

    value: float
    low: float
    high: float
    n: int


def share(k: int, n: int, *, overlap: float = 1.0) -> Share:
    """Return ``k / n`` with its interval.

    The interval is that of Clopper and Pearson (Biometrika 1934, doi 10.1093/biomet/26.4.404), with
    the effective number of observations ``n / overlap`` in the place of ``n`` (Korn and Graubard,
    Survey Methodology 1998;24:193-201): windows of 9 s that begin every 1.5 s share their samples,
    so that six of them say about as much as one. It does not shrink to a point at 0 or 1.

    Parameters
    ----------
    k, n : int
        ``k`` of ``n``; NaN if ``n`` is 0.
    overlap : float
        How many neighbouring observations share their samples, 1 or more.

    Returns
    -------
    Share
    """
    from scipy.special import betaincinv

    if n <= 0:
        return Share(math.nan, math.nan, math.nan, 0)
    hits, misses = k / overlap, (n - k) / overlap
    tail = (1 - LEVEL) / 2
    low = float(betaincinv(hits, misses + 1, tail)) if k else 0.0
    high = float(betaincinv(hits + 1, misses, 1 - tail)) if k < n else 1.0
    return Share(ratio(k, n), low, high, n)


def f1_share(tp: int, fp: int, fn: int, *, overlap: float = 1.0) -> Share:
    """Return F1 with its interval.

    F1 = 2 J / (1 + J) rises with the share J = TP / (TP + FP + FN), so that the interval of J
    gives that of F1.

    Parameters
    ----------
    tp, fp, fn : int
    overlap : float
        As in :func:`share`.
    """
    found = share(tp, tp + fp + fn, overlap=overlap)
    value, low, high = (2 * j / (1 + j) for j in (found.value, found.low, found.high))
    return Share(value, low, high, found.n)


def weighted_f1_share(tn: int, fp: int, fn: int, tp: int, *, overlap: float = 1.0) -> Share:
    """Return F1 weighted by the true windows of each class, with an interval that is too wide.

    Both classes are taken at their lower (upper) limits at once.
    """
    n = tn + fp + fn + tp
    if n == 0:
        return Share(math.nan, math.nan, math.nan, 0)
    totals = [0.0, 0.0, 0.0]
    classes = ((f1_share(tp, fp, fn, overlap=overlap), tp + fn),
               (f1_share(tn, fn, fp, overlap=overlap), tn + fp))  # fmt: skip
    for found, support in classes:
        if support:  # a class without a window has weight 0
            for place, part in enumerate((found.value, found.low, found.high)):
                totals[place] += support * part / n
    return Share(totals[0], totals[1], totals[2], n)
