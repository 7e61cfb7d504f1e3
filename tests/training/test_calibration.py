"""Temperature and threshold from held-out people, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from eegdash.detection import Event
from eegdash.training.calibration import (
    THRESHOLDS_PM,
    choose_threshold,
    count_events,
    fit_temperature,
)


def test_temperature_recovers_the_factor_of_overconfident_logits() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 20_000)
    seizure = rng.random(20_000) < 1 / (1 + np.exp(-logits))
    assert fit_temperature(3 * logits, seizure, np.ones(20_000)) == pytest.approx(3, rel=0.05)
    assert fit_temperature(logits / 3, seizure, np.ones(20_000)) == pytest.approx(1, rel=0.01)


def test_events_count_by_overlap_with_the_extended_seizure() -> None:
    def event(onset: float, duration: float) -> Event:
        return Event(onset, duration, 900, 0, 1)

    counts = count_events([event(60, 9), event(300, 10)], [(100, 130), (600, 620)])
    assert (counts.found, counts.missed, counts.false) == (0, 2, 2)
    counts = count_events([event(65, 6), event(185, 10), event(400, 9)], [(100, 130)])
    assert (counts.found, counts.missed, counts.false) == (1, 0, 1)
    assert counts.f1 == pytest.approx(2 / 3)


def test_threshold_is_the_middle_of_the_best_plateau() -> None:
    probability = np.full(200, 0.3)
    probability[50:80] = 0.7
    seizure = probability > 0.5
    threshold, scores = choose_threshold(probability, seizure, np.ones(200))
    assert abs(threshold - 500) <= 10
    assert max(scores) == 1.0
    assert len(scores) == len(THRESHOLDS_PM)


def test_windows_of_unsure_truth_do_not_decide_the_threshold() -> None:
    probability = np.array([0.2, 0.2, 0.9, 0.9, 0.6, 0.6])
    seizure = np.array([False, False, True, True, True, True])
    weight = np.array([1, 1, 1, 1, 0, 0])
    low, _ = choose_threshold(probability, seizure, np.ones(6))
    high, _ = choose_threshold(probability, seizure, weight)
    assert 200 < low <= 600
    assert high > low


def test_weights_count_as_that_many_windows() -> None:
    rng = np.random.default_rng(1)
    probability = rng.random(300)
    seizure = rng.random(300) < probability
    weight = np.where(seizure, 1, 4)
    repeated = np.repeat(np.arange(300), weight)
    _, scores = choose_threshold(probability, seizure, weight)
    _, expected = choose_threshold(probability[repeated], seizure[repeated], np.ones(len(repeated)))
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_rarer_seizures_raise_the_threshold() -> None:
    rng = np.random.default_rng(2)
    logits = np.concatenate([rng.normal(-1, 1, 2000), rng.normal(1, 1, 1000)])
    probability = 1 / (1 + np.exp(-logits))
    seizure = np.arange(3000) >= 2000
    plain, _ = choose_threshold(probability, seizure, np.ones(3000))
    rare, _ = choose_threshold(probability, seizure, np.where(seizure, 1.0, 20.0))
    assert rare > plain
