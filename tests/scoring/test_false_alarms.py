"""Alarm rates with exact intervals, and the gain test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import poisson

from eegdash.scoring import alarm_rate, gain_test, passing_threshold


@pytest.mark.parametrize(("n", "hours"), [(0, 2.0), (1, 0.5), (7, 24.0)])
def test_the_interval_holds_the_count_with_a_tail_of_a_fortieth_on_either_side(
    n: int, hours: float
) -> None:
    found = alarm_rate(n, hours)
    assert found.per_hour == pytest.approx(n / hours)
    assert poisson.cdf(n, found.high * hours) == pytest.approx(0.025)
    if n:
        assert poisson.sf(n - 1, found.low * hours) == pytest.approx(0.025)
    else:
        assert found.low == 0
        assert found.high == pytest.approx(-math.log(0.025) / hours)


def test_no_recording_has_no_rate() -> None:
    found = alarm_rate(0, 0.0)
    assert all(math.isnan(value) for value in (found.per_hour, found.low, found.high))


@pytest.mark.parametrize("seed", range(5))
def test_the_threshold_is_the_lowest_that_lets_five_percent_pass(seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 1001, 317)
    threshold = passing_threshold(values)
    shares = [(values >= level).mean() for level in range(1001)]
    assert threshold == next(level for level in range(1001) if shares[level] <= 0.05)


def test_a_detector_of_loudness_passes_everything_that_is_louder() -> None:
    rng = np.random.default_rng(0)
    amplitude = rng.uniform(10, 60, 1000)

    def loudness_pm(gain: float) -> np.ndarray:
        return np.minimum(amplitude * gain * 5, 1000).astype(np.int64)

    found = gain_test(loudness_pm(1), {3.0: loudness_pm(3), 1 / 3: loudness_pm(1 / 3)})
    assert found.share <= 0.05
    assert found.shares[3.0] == pytest.approx((loudness_pm(3) >= found.threshold_pm).mean())
    assert found.shares[3.0] > 0.6
    assert found.shares[1 / 3] == 0
    shape = rng.integers(0, 1001, 1000)
    same = gain_test(shape, {3.0: shape, 1 / 3: shape})
    assert same.shares == {3.0: same.share, 1 / 3: same.share}


def test_where_too_many_windows_stand_at_the_top_there_is_no_threshold() -> None:
    top = np.full(100, 1000)
    found = gain_test(top, {3.0: top})
    assert found.threshold_pm is None
    assert math.isnan(found.shares[3.0])
    assert passing_threshold(np.array([], dtype=np.int64)) is None
