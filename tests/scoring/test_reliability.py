"""Reliability against scikit-learn and the expected error written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from eegdash.scoring import calibration


@pytest.mark.parametrize("seed", range(4))
def test_bins_brier_and_expected_error(seed: int) -> None:
    rng = np.random.default_rng(seed)
    per_mille = rng.integers(0, 1001, 700)
    # scikit-learn counts an upper edge into the lower bin: keep off the edges here
    per_mille[per_mille % 100 == 0] += 1
    per_mille = np.minimum(per_mille, 999)
    seizure = rng.random(700) < (per_mille / 1000) ** 2
    found = calibration(per_mille, seizure)
    observed, stated = calibration_curve(seizure, per_mille / 1000, n_bins=10)
    np.testing.assert_allclose(found.observed[found.n > 0], observed)
    np.testing.assert_allclose(found.stated[found.n > 0], stated)
    assert found.brier == pytest.approx(brier_score_loss(seizure, per_mille / 1000))
    error = 0.0
    for low in range(10):
        inside = (per_mille >= 100 * low) & (per_mille < 100 * (low + 1))
        gap = abs(seizure[inside].mean() - per_mille[inside].mean() / 1000)
        error += inside.mean() * gap
    assert found.expected_error == pytest.approx(error)


def test_edges_belong_to_the_upper_bin_and_certainty_to_the_last() -> None:
    found = calibration(np.array([0, 100, 900, 999, 1000]), np.array([0, 0, 1, 1, 1], bool))
    assert found.n.tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 0, 3]
    assert found.low[1] == 0.1
    assert np.isnan(found.observed[2:9]).all()
    assert found.brier == pytest.approx((0.1**2 + 0.1**2 + 0.001**2) / 5)


def test_nothing_is_undefined_and_raises_no_warning() -> None:
    found = calibration(np.array([], dtype=np.int64), np.array([], dtype=bool))
    assert math.isnan(found.brier)
    assert math.isnan(found.expected_error)
