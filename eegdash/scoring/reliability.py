"""Whether a probability of 0.7 is right seven times in ten."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_BINS = 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """Stated against observed probability in bins of equal width; arrays of shape (n_bins,).

    Parameters
    ----------
    low, high : ndarray of float64
        Edges of the bins; a bin includes its lower edge, the last one both.
    n : ndarray of int64
        Windows in each bin.
    stated, observed : ndarray of float64
        Mean probability and share of seizure windows; NaN in an empty bin.
    brier : float
        Mean squared difference of probability and truth (Brier 1950, doi
        10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2).
    expected_error : float
        Expected calibration error, the mean of ``|observed - stated|`` weighted by ``n`` (Guo et
        al. 2017, arXiv 1706.04599).
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: NDArray[np.int64]
    stated: NDArray[np.float64]
    observed: NDArray[np.float64]
    brier: float
    expected_error: float


def calibration(
    probability_pm: NDArray[np.integer[Any]],
    seizure: NDArray[np.bool_],
    *,
    n_bins: int = N_BINS,
) -> Calibration:
    """Compare the probability of windows with their truth.

    Parameters
    ----------
    probability_pm : ndarray of int, shape (n,)
        0 to 1000 per mille.
    seizure : ndarray of bool, shape (n,)
    n_bins : int
    """
    per_mille = np.asarray(probability_pm, dtype=np.int64)
    code = np.minimum(per_mille * n_bins // 1000, n_bins - 1)
    n = np.bincount(code, minlength=n_bins)
    edges = np.arange(n_bins + 1) / n_bins
    with np.errstate(invalid="ignore"):
        stated = np.bincount(code, weights=per_mille / 1000, minlength=n_bins) / n
        observed = np.bincount(code, weights=seizure.astype(np.float64), minlength=n_bins) / n
    total = len(per_mille)
    gap = np.nan_to_num(np.abs(observed - stated))
    return Calibration(
        low=edges[:-1],
        high=edges[1:],
        n=n.astype(np.int64),
        stated=stated,
        observed=observed,
        brier=float(np.mean((per_mille / 1000 - seizure) ** 2)) if total else math.nan,
        expected_error=float(np.sum(gap * n) / total) if total else math.nan,
    )
