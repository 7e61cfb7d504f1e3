"""What a detector says where there is no seizure: how often it alarms, and whether size decides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.scoring.counts import ratio

PASSING_SHARE = 0.05
GAINS = (3.0, 1 / 3)


@dataclass(frozen=True, slots=True)
class AlarmRate:
    """False alarms on seizure-free recordings.

    Parameters
    ----------
    n_alarms : int
        Detections as a reader sees them, before SzCORE merges or splits any.
    hours : float
        Seizure-free recording that was scored, h.
    per_hour, low, high : float
        Rate and its exact 95 % interval for a Poisson count (Garwood 1936, doi
        10.1093/biomet/28.3-4.437); NaN without recording.
    """

    n_alarms: int
    hours: float
    per_hour: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GainTest:
    """Whether louder EEG alone makes seizures of background.

    Parameters
    ----------
    threshold_pm : int or None
        Lowest threshold that at most :data:`PASSING_SHARE` of the seizure-free windows reach, per
        mille; None if more of them stand at the highest possible value, or there is no window.
    share : float
        Share of the windows that reach it as recorded.
    shares : mapping of float to float
        The same when the recordings are multiplied by each gain.
    n_windows : int
    """

    threshold_pm: int | None
    share: float
    shares: Mapping[float, float]
    n_windows: int


def alarm_rate(n_alarms: int, hours: float) -> AlarmRate:
    """Return the rate of false alarms with its exact interval."""
    from scipy.special import gammaincinv

    if hours <= 0:
        return AlarmRate(n_alarms, hours, math.nan, math.nan, math.nan)
    # half the chi-squared quantile of 2 n degrees of freedom is a gamma quantile of shape n
    low = float(gammaincinv(n_alarms, 0.025)) if n_alarms else 0.0
    high = float(gammaincinv(n_alarms + 1, 0.975))
    return AlarmRate(n_alarms, hours, n_alarms / hours, low / hours, high / hours)


def gain_test(
    probability_pm: NDArray[np.integer[Any]],
    scaled_pm: Mapping[float, NDArray[np.integer[Any]]],
) -> GainTest:
    """Set a threshold on seizure-free windows and count what passes when they are louder.

    Parameters
    ----------
    probability_pm : ndarray of int, shape (n,)
        Per mille, of seizure-free windows.
    scaled_pm : mapping of float to ndarray of int
        The same windows of the recordings multiplied by each gain.
    """
    n = len(probability_pm)
    threshold_pm = passing_threshold(probability_pm)
    if threshold_pm is None:
        return GainTest(None, math.nan, dict.fromkeys(scaled_pm, math.nan), n)
    return GainTest(
        threshold_pm=threshold_pm,
        share=_passing(probability_pm, threshold_pm),
        shares={gain: _passing(values, threshold_pm) for gain, values in scaled_pm.items()},
        n_windows=n,
    )


def passing_threshold(
    probability_pm: NDArray[np.integer[Any]], share: float = PASSING_SHARE
) -> int | None:
    """Return the lowest threshold that at most ``share`` of the windows reach, or None."""
    if len(probability_pm) == 0:
        return None
    count = np.bincount(np.asarray(probability_pm, dtype=np.int64), minlength=1001)
    reaching = np.cumsum(count[::-1])[::-1]
    allowed = np.flatnonzero(reaching <= share * len(probability_pm))
    return int(allowed[0]) if len(allowed) else None


def _passing(values: NDArray[np.integer[Any]], threshold_pm: int) -> float:
    return ratio(int(np.count_nonzero(values >= threshold_pm)), len(values))
