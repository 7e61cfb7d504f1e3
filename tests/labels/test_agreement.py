"""Agreement figures against published worked examples and an independent implementation."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from eegdash.labels.agreement import (
    cohen_kappa,
    event_counts,
    fleiss_kappa,
    gwet_ac1,
    gwet_ac1_several,
    interval,
    observed_agreement,
    patterns,
    specific_agreement,
)
from eegdash.labels.spans import on_epochs, spans_of

# ten subjects, fourteen raters, five categories; kappa 0.210
# (https://en.wikipedia.org/wiki/Fleiss%27_kappa, "Worked example")
FLEISS_EXAMPLE = np.array(
    [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]
)  # fmt: skip
# four raters, twelve subjects, some not rated (0), of Gwet, Handbook of Inter-Rater Reliability
# (2014), as printed at https://irrcac.readthedocs.io/en/stable/usage/usage_raw_data.html
FOUR_RATERS = np.array(
    [
        [1, 1, 0, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
        [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [0, 5, 5, 5], [0, 0, 1, 1], [0, 0, 3, 0],
    ]
)  # fmt: skip


def table_of(ratings: np.ndarray, n_categories: int) -> np.ndarray:
    return np.stack([(ratings == k + 1).sum(axis=1) for k in range(n_categories)], axis=1)


@pytest.mark.parametrize("n_categories", [2, 3, 5])
def test_cohens_kappa_equals_scikit_learn(n_categories: int) -> None:
    rng = np.random.default_rng(n_categories)
    for _ in range(20):
        one = rng.integers(0, n_categories, 200)
        other = np.where(rng.random(200) < 0.6, one, rng.integers(0, n_categories, 200))
        counts = np.zeros((n_categories, n_categories), dtype=np.int64)
        np.add.at(counts, (one, other), 1)
        assert cohen_kappa(counts) == pytest.approx(cohen_kappa_score(one, other), abs=1e-12)


def test_fleiss_kappa_of_the_worked_example() -> None:
    assert fleiss_kappa(FLEISS_EXAMPLE) == pytest.approx(0.20993, abs=5e-6)


def test_several_raters_with_missing_ratings_equal_the_handbook() -> None:
    table = table_of(FOUR_RATERS, 5)
    assert gwet_ac1_several(table) == pytest.approx(0.77544, abs=5e-6)
    assert fleiss_kappa(table) == pytest.approx(0.76117, abs=5e-6)


def by_pairs(ratings: np.ndarray, n_categories: int) -> tuple[Fraction, Fraction, Fraction]:
    """Observed agreement, Fleiss' kappa and AC1 in exact fractions, counted pair by pair.

    As the definitions say it in words (Fleiss 1971, doi 10.1037/h0031619; Gwet 2008, doi
    10.1348/000711006X126600): observed is the mean, over the subjects that two or more rated, of
    the share of pairs of raters who agree; a category's share is the mean, over the subjects that
    anybody rated, of the share of raters who chose it. Chance agreement is the sum of the squared
    shares for kappa, and sum share (1 - share) / (q - 1) for AC1.
    """
    agreed: list[Fraction] = []
    shares = [Fraction(0)] * n_categories
    n_rated = 0
    for row in ratings.tolist():
        said = [one for one in row if one]
        pairs = list(combinations(said, 2))
        if pairs:
            agreed.append(Fraction(sum(one == other for one, other in pairs), len(pairs)))
        if said:
            n_rated += 1
            for one in said:
                shares[one - 1] += Fraction(1, len(said))
    observed = sum(agreed, Fraction(0)) / len(agreed)
    pi = [share / n_rated for share in shares]
    for_kappa = sum(p * p for p in pi)
    for_ac1 = sum(p * (1 - p) for p in pi) / (n_categories - 1)
    return (
        observed,
        (observed - for_kappa) / (1 - for_kappa),
        (observed - for_ac1) / (1 - for_ac1),
    )


def test_the_worked_example_by_hand() -> None:
    # twelve subjects: of the eleven that two or more rated, seven are unanimous (3, 4, 5, 7, 9,
    # 10, 11) and subject 1 with its three equal ratings is the eighth; 2 and 8 agree in 3 of 6
    # pairs, 6 in none: (8 + 1/2 + 1/2) / 11 = 9/11
    observed, kappa, ac1 = by_pairs(FOUR_RATERS, 5)
    assert observed == Fraction(9, 11)
    # shares of the categories, twelfths: 1: 1 + 1/4 + 3/4 + 1 = 3; 2: 3/4 + 1 + 1/4 + 1/4 + 1 =
    # 13/4; 3: 1/4 + 1 + 1 + 1/4 + 1 = 7/2; 4: 1/4 + 1 = 5/4; 5: 1
    pi = [Fraction(x) / 12 for x in (3, Fraction(13, 4), Fraction(7, 2), Fraction(5, 4), 1)]
    assert sum(pi) == 1
    chance = sum(p * p for p in pi)
    assert chance == Fraction(550, 2304)  # 9 + 169/16 + 49/4 + 25/16 + 1, over 144
    assert kappa == (observed - chance) / (1 - chance)
    assert ac1 == (observed - (1 - chance) / 4) / (1 - (1 - chance) / 4)
    assert (float(kappa), float(ac1)) == pytest.approx((0.76117, 0.77544), abs=5e-6)


@pytest.mark.parametrize("n_categories", [2, 3, 5])
def test_several_raters_equal_counting_pair_by_pair(n_categories: int) -> None:
    rng = np.random.default_rng(n_categories)
    for n_raters in (2, 3, 6):
        true = rng.integers(1, n_categories + 1, (60, 1))
        noise = rng.integers(1, n_categories + 1, (60, n_raters))
        ratings = np.where(rng.random((60, n_raters)) < 0.7, true, noise)
        ratings[rng.random(ratings.shape) < 0.25] = 0  # not rated, some subjects by nobody
        _, kappa, ac1 = by_pairs(ratings, n_categories)
        table = table_of(ratings, n_categories)
        assert float(fleiss_kappa(table)) == pytest.approx(float(kappa), abs=1e-12)
        assert float(gwet_ac1_several(table)) == pytest.approx(float(ac1), abs=1e-12)


def test_two_raters_equal_the_published_table() -> None:
    # 100 pregnancies, two abstractors (ectopic, abnormal and normal intrauterine): kappa
    # 0.7964094, AC1 0.8493305, agreement 0.89 as printed by the author of AC1
    # (https://cran.r-project.org/web/packages/irrCAC/vignettes/overview.html)
    counts = np.array([[13, 0, 0], [0, 20, 7], [0, 4, 56]])
    assert cohen_kappa(counts) == pytest.approx(0.7964094, abs=5e-8)
    assert gwet_ac1(counts) == pytest.approx(0.8493305, abs=5e-8)
    assert observed_agreement(counts) == pytest.approx(0.89)


def test_ac1_of_gwets_paradox_where_kappa_is_negative() -> None:
    # Gwet 2002, "Kappa statistic is not satisfactory for assessing the extent of agreement
    # between raters": 118 + 0 of 125 agree; kappa -0.0234, AC1 0.9408
    counts = np.array([[118, 5], [2, 0]])
    assert cohen_kappa(counts) == pytest.approx(-0.0234, abs=5e-5)
    assert gwet_ac1(counts) == pytest.approx(0.9408, abs=5e-5)
    assert observed_agreement(counts) == pytest.approx(118 / 125)


def test_two_raters_are_a_case_of_several() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.integers(0, 3, (2, 300))
    counts = np.zeros((3, 3), dtype=np.int64)
    np.add.at(counts, (one, other), 1)
    table = np.stack([(one == k).astype(int) + (other == k) for k in range(3)], axis=1)
    assert gwet_ac1_several(table) == pytest.approx(float(gwet_ac1(counts)), abs=1e-12)


def test_weights_count_like_repeated_rows() -> None:
    often = np.array([3, 0, 1, 2, 1, 1, 4, 1, 1, 2])
    repeated = np.repeat(FLEISS_EXAMPLE, often, axis=0)
    for statistic in (fleiss_kappa, gwet_ac1_several):
        assert statistic(FLEISS_EXAMPLE, often) == pytest.approx(float(statistic(repeated)))
        both = statistic(FLEISS_EXAMPLE, np.stack([often, np.ones(10)]))
        assert both == pytest.approx([float(statistic(repeated)), float(statistic(FLEISS_EXAMPLE))])


@pytest.mark.parametrize("counts", [np.zeros((2, 2)), np.array([[7, 0], [0, 0]])])
def test_what_is_undefined_is_nan_not_zero(counts: np.ndarray) -> None:
    assert math.isnan(float(cohen_kappa(counts)))


def test_events_match_by_overlap_on_both_sides() -> None:
    one = spans_of([(10, 20), (30, 40), (100, 110)])
    other = spans_of([(15, 35), (200, 210)])
    counts = event_counts(one, other)
    assert counts.tolist() == [3, 2, 2, 1]
    assert specific_agreement(counts) == pytest.approx(3 / 5)
    assert event_counts(spans_of([(0, 10)]), spans_of([(10, 20)])).tolist() == [1, 0, 1, 0]
    assert math.isnan(float(specific_agreement(np.zeros(4))))


def test_pattern_counts_equal_counting_epoch_by_epoch() -> None:
    rng = np.random.default_rng(5)
    recordings, expected = [], []
    for _ in range(6):
        codes = rng.integers(-1, 2, (4, 50)).astype(np.int8)
        codes = np.repeat(codes, rng.integers(1, 4, 50), axis=1)
        expected.append(codes)
        recordings.append([_spans(row) for row in codes])
    found = patterns("abcd", recordings)
    for one, i in zip("abcd", range(4), strict=True):
        for other, j in zip("abcd", range(4), strict=True):
            for number, codes in enumerate(expected):
                counted = [
                    [int(((codes[i] == p) & (codes[j] == q)).sum()) for q in range(2)]
                    for p in range(2)
                ]
                assert found.pair(one, other)[number].tolist() == counted
    both = np.concatenate(expected, axis=1)
    table = np.stack([(both == k).sum(axis=0) for k in range(2)], axis=1)
    by_pattern = fleiss_kappa(found.table("abcd"), found.counts.sum(axis=0))
    assert by_pattern == pytest.approx(float(fleiss_kappa(table)))


def _spans(row: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    if (row == -1).all():
        return None
    seizure, background = (
        [(i / 1000, (i + 1) / 1000) for i in np.flatnonzero(row == k)] for k in range(2)
    )
    return spans_of(seizure), spans_of(background)


def test_epochs_belong_to_the_span_that_holds_their_middle() -> None:
    spans = spans_of([(0.6, 2.4), (5.0, 7.0), (10.7, 11.2)])
    assert on_epochs(spans, 1000).tolist() == [[1, 2], [5, 7], [10, 11]]


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    truth, covered = 0.7, 0
    for trial in range(200):
        rates = np.clip(rng.normal(truth, 0.1, 40), 0, 1)
        agreed = rng.binomial(50, rates)
        counts = np.zeros((40, 2, 2), dtype=np.int64)
        counts[:, 0, 0], counts[:, 0, 1] = agreed, 50 - agreed
        found = interval(counts, observed_agreement, n_boot=300, seed=trial)
        covered += found.low <= truth <= found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_one_recording_gives_a_value_without_bounds() -> None:
    found = interval(np.array([[[4, 1], [0, 5]]]), cohen_kappa)
    assert found.value == pytest.approx(0.8)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isnan(interval(np.zeros((0, 2, 2)), cohen_kappa).value)


def test_recordings_that_are_all_alike_give_a_value_without_bounds() -> None:
    alike = np.array([[[4, 0], [0, 5]], [[1, 0], [0, 30]], [[3, 0], [0, 3]]])
    found = interval(alike, observed_agreement)
    assert found.value == 1
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    one_differs = np.array([[[4, 0], [0, 5]], [[1, 0], [0, 30]], [[3, 1], [0, 3]]])
    assert interval(one_differs, observed_agreement).low < 0.95
