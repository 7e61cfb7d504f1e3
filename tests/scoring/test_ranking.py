"""Areas and curves against scikit-learn, and intervals against a bootstrap written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score, roc_curve

from eegdash.scoring import auroc, auroc_difference, average_precision, rank_curve, separation


def drawn(seed: int, n: int = 400, levels: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Values with many ties, and a truth that follows them."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, levels, n) * 7
    return values, rng.random(n) < values / values.max()


@pytest.mark.parametrize("seed", range(5))
def test_areas_equal_those_of_scikit_learn(seed: int) -> None:
    values, seizure = drawn(seed)
    assert auroc(values, seizure) == pytest.approx(roc_auc_score(seizure, values), abs=1e-12)
    expected = average_precision_score(seizure, values)
    assert average_precision(values, seizure) == pytest.approx(expected, abs=1e-12)
    noisy = values + np.random.default_rng(seed).normal(size=len(values))
    assert auroc(noisy, seizure) == pytest.approx(roc_auc_score(seizure, noisy), abs=1e-12)


@pytest.mark.parametrize("seizure", [np.zeros(5, bool), np.ones(5, bool), np.zeros(0, bool)])
def test_one_class_alone_has_no_area(seizure: np.ndarray) -> None:
    values = np.arange(len(seizure))
    assert math.isnan(auroc(values, seizure))
    assert math.isnan(average_precision(values, seizure))


def test_a_value_without_information_scores_half_and_the_share_of_seizures() -> None:
    seizure = np.arange(100) < 30
    assert auroc(np.ones(100), seizure) == 0.5
    assert average_precision(np.ones(100), seizure) == pytest.approx(0.3)


def test_the_curve_passes_through_the_points_of_scikit_learn() -> None:
    values, seizure = drawn(1)
    curve = rank_curve(values, seizure)
    fpr, tpr, thresholds = roc_curve(seizure, values, drop_intermediate=False)
    np.testing.assert_allclose(curve.threshold, thresholds[1:])
    np.testing.assert_allclose(curve.sensitivity, tpr[1:])
    np.testing.assert_allclose(curve.false_positive_share, fpr[1:])
    expected = [f1_score(seizure, values >= threshold) for threshold in curve.threshold]
    np.testing.assert_allclose(curve.f1, expected)


def by_person(seed: int, n_persons: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(n_persons), 50)
    seizure = rng.random(len(person)) < 0.3
    shift = rng.normal(0, 1, n_persons)[person]
    return rng.normal(size=len(person)) + shift + 1.2 * seizure, seizure, person


@pytest.mark.parametrize("distinct", [20, None])
def test_the_interval_is_the_one_of_resampling_persons_one_by_one(distinct: int | None) -> None:
    values, seizure, person = by_person(0)
    if distinct:
        values = np.round(values * distinct / 8)
    found = separation("x", values, seizure, recording=person, person=person, n_resamples=600)
    rng = np.random.default_rng(99)  # other draws, so that only the method is the same
    areas, precisions = [], []
    for _ in range(600):
        chosen = rng.integers(0, 6, 6)
        index = np.concatenate([np.flatnonzero(person == k) for k in chosen])
        areas.append(roc_auc_score(seizure[index], values[index]))
        precisions.append(average_precision_score(seizure[index], values[index]))
    assert found.auroc.value == pytest.approx(roc_auc_score(seizure, values))
    for estimate, sample in ((found.auroc, areas), (found.auprc, precisions)):
        low, high = np.quantile(sample, (0.025, 0.975))
        assert estimate.low == pytest.approx(low, abs=0.03)
        assert estimate.high == pytest.approx(high, abs=0.03)
        assert (estimate.n_used, estimate.n_resamples) == (600, 600)


def test_persons_widen_the_interval_that_windows_alone_would_give() -> None:
    person = np.repeat(np.arange(6), 50)
    seizure = np.arange(300) % 50 < np.array([40, 35, 10, 5, 30, 8])[person]
    values = np.array([2.0, 1.0, 1.5, 0.0, 0.5, 2.5])[person]  # nothing but who it is
    each = np.arange(len(person))
    honest = separation("x", values, seizure, recording=person, person=person, n_resamples=500)
    naive = separation("x", values, seizure, recording=person, person=each, n_resamples=500)
    assert honest.auroc.high - honest.auroc.low > 3 * (naive.auroc.high - naive.auroc.low)


def test_more_values_than_bins_move_the_interval_by_nothing_that_matters(monkeypatch) -> None:
    values, seizure, person = by_person(2)
    fine = separation("x", values, seizure, recording=person, person=person, n_resamples=300)
    monkeypatch.setattr("eegdash.scoring.ranking._MAX_BINS", 100)
    coarse = separation("x", values, seizure, recording=person, person=person, n_resamples=300)
    assert coarse.auroc.value == fine.auroc.value
    assert coarse.auroc.low == pytest.approx(fine.auroc.low, abs=0.01)
    assert coarse.auprc.high == pytest.approx(fine.auprc.high, abs=0.02)


def test_the_difference_of_two_is_resampled_by_the_same_persons() -> None:
    values, seizure, person = by_person(5)
    others = values + np.random.default_rng(1).normal(0, 0.5, len(values))
    others[:3] = np.nan
    found = auroc_difference(values, others, seizure, person=person, n_resamples=600)
    used = np.isfinite(others)
    rng = np.random.default_rng(7)
    sample = []
    for _ in range(600):
        index = np.concatenate(
            [np.flatnonzero((person == k) & used) for k in rng.integers(0, 6, 6)]
        )
        pair = [roc_auc_score(seizure[index], row[index]) for row in (values, others)]
        sample.append(pair[0] - pair[1])
    pair = [roc_auc_score(seizure[used], row[used]) for row in (values, others)]
    assert found.value == pytest.approx(pair[0] - pair[1])
    assert found.low == pytest.approx(np.quantile(sample, 0.025), abs=0.01)
    assert found.high == pytest.approx(np.quantile(sample, 0.975), abs=0.01)
    nothing = auroc_difference(values, values, seizure, person=person)
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, 0)
    alone = auroc_difference(values, others, seizure, person=np.zeros(len(person), int))
    assert math.isnan(alone.low)


def test_one_person_gives_a_figure_without_an_interval_and_missing_values_are_left_out() -> None:
    values, seizure, person = by_person(1, n_persons=1)
    values[:10] = np.nan
    found = separation("x", values, seizure, recording=person, person=person)
    assert found.auroc.value == pytest.approx(roc_auc_score(seizure[10:], values[10:]))
    assert math.isnan(found.auroc.low)
    assert math.isnan(found.auprc.high)
    assert (found.n_windows, found.n_recordings, found.n_persons) == (40, 1, 1)
    assert found.n_seizure == seizure[10:].sum()


def test_resamples_without_both_classes_are_left_out_and_counted() -> None:
    person = np.array([0] * 10 + [1] * 10)
    seizure = person == 0
    found = separation("x", person * 1.0, seizure, recording=person, person=person)
    # half of the draws of two persons take the same one twice
    assert 850 < found.auroc.n_used < 1150
    assert found.auroc.high == 0.0
