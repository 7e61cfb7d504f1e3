"""Clauses of SzCORE event and sample scoring (Dan et al. 2025, doi 10.1111/epi.18113).

The last tests compare with an independent implementation in whole tenths of a second.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from eegdash.annotations import Annotation, Reference
from eegdash.detection import Event
from eegdash.scoring import Scores, score_events

HOUR = 3600.0


def detections(*spans: tuple[float, float]) -> list[Event]:
    return [Event(a, b - a, 900, 0, 1) for a, b in spans]


def reference(*spans: tuple[float, float], coverage=((0.0, 1e9),)) -> Reference:
    seizures = tuple(Annotation(a, b - a, "sz") for a, b in spans)
    return Reference(seizures, tuple(coverage), "test")


def score(ref, hyp, duration_s: float = HOUR, **kwargs) -> Scores:
    return score_events(reference(*ref, **kwargs), detections(*hyp), duration_s)


def counts(scores: Scores) -> tuple[int, int, int]:
    return scores.events.tp, scores.events.fp, scores.events.n_ref


# -- worked cases --------------------------------------------------------------------------


@pytest.mark.parametrize("hour", [0, 7])
@pytest.mark.parametrize(("onset_s", "fp"), [(1900, 11), (1800, 10)])
def test_szcore_always_on_detector_has_11_false_positives_in_an_hour(hour, onset_s, fp):
    # 12 parts of 300 s; the extended seizure touches one of them, or two if it spans a border
    at = hour * HOUR
    seizure = (at + onset_s, at + onset_s + 60)
    whole = (at, at + HOUR)
    scores = score([seizure], [whole], at + HOUR, coverage=[whole])
    assert counts(scores) == (1, fp, 1)
    assert scores.events.sensitivity == 1
    assert scores.events.fp_per_24h == 24 * fp


def test_szcore_no_detections_precision_is_undefined_and_f1_is_0():
    scores = score([(1800, 1860)], [])
    assert (scores.events.sensitivity, scores.events.f1, scores.events.fp_per_24h) == (0, 0, 0)
    assert math.isnan(scores.events.precision)
    assert math.isnan(scores.samples.precision)


def test_szcore_no_seizures_sensitivity_is_undefined():
    scores = score([], [(100, 110)])
    assert math.isnan(scores.events.sensitivity)
    assert (scores.events.precision, scores.events.f1, scores.events.fp_per_24h) == (0, 0, 24)


def test_szcore_neither_seizures_nor_detections_only_the_false_positive_rate_is_defined():
    events = score([], []).events
    assert all(math.isnan(v) for v in (events.sensitivity, events.precision, events.f1))
    assert events.fp_per_24h == 0


def test_szcore_a_seizure_of_20_min_counts_as_4_events():
    assert counts(score([(600, 1800)], []))[2] == 4


@pytest.mark.parametrize(("length_s", "n"), [(300, 1), (300.1, 2), (600, 2), (601, 3)])
def test_szcore_splits_events_longer_than_300_s(length_s, n):
    assert counts(score([(1000, 1000 + length_s)], []))[2] == n
    assert counts(score([], [(1000, 1000 + length_s)]))[1] == n


@pytest.mark.parametrize("at", [0.0, 1000.1, 1000.7, 2000.3])
@pytest.mark.parametrize(("gap_s", "n"), [(89, 1), (89.9, 1), (90, 2), (90.1, 2)])
def test_szcore_merges_gap_of_89_s_and_not_of_90_s(at, gap_s, n):
    spans = [(at, at + 10), (at + 10 + gap_s, at + 20 + gap_s)]
    assert counts(score(spans, []))[2] == n
    assert counts(score([], spans))[1] == n


@pytest.mark.parametrize(
    ("span", "tp"),
    [
        ((960, 970), 0),
        ((960, 970.1), 1),
        ((1119.9, 1130), 1),
        ((1120, 1130), 0),
    ],
)
def test_szcore_extends_the_reference_by_30_s_before_and_60_s_after(span, tp):
    assert counts(score([(1000, 1060)], [span])) == (tp, 1 - tp, 1)


def test_szcore_a_long_detection_is_split_before_its_parts_are_judged():
    assert counts(score([(1000, 1060)], [(700, 1600)])) == (1, 1, 1)


def test_szcore_extension_is_clipped_to_the_file():
    assert counts(score([(10, 20)], [(3590, 3600)])) == (0, 1, 1)
    assert counts(score([(3590, 3600)], [(0, 10)])) == (0, 1, 1)


def test_szcore_sample_scores_count_seconds():
    samples = score([(100, 160)], [(130, 190)]).samples
    assert (samples.tp, samples.fp, samples.fn, samples.n_ref) == (30, 30, 30, 60)
    assert (samples.sensitivity, samples.precision, samples.f1) == (0.5, 0.5, 0.5)
    assert samples.fp_per_24h == 30 * 24


def test_szcore_only_seizure_types_are_reference_events():
    annotations = (
        Annotation(0, 3600, "bckg"),
        Annotation(100, 10, "sz_foc_ia"),
        Annotation(500, 10, "", text="szzz"),
    )
    found = score_events(Reference(annotations, ((0, HOUR),), "test"), [], HOUR)
    assert found.events.n_ref == 1


# -- coverage ------------------------------------------------------------------------------


def test_coverage_nothing_outside_enters():
    scores = score([(100, 110)], [(300, 310), (2000, 2010)], coverage=[(0, 600)])
    assert counts(scores) == (0, 1, 1)
    assert scores.covered_s == 600
    assert scores.events.fp_per_24h == 144


def test_coverage_the_tolerance_does_not_leak_out_of_an_interval():
    # 20 s before the seizure, so within its tolerance, but in an interval of its own
    scores = score([(100, 110)], [(70, 80)], coverage=[(0, 90), (95, 200)])
    assert counts(scores) == (0, 1, 1)
    assert counts(score([(100, 110)], [(70, 80)], coverage=[(0, 200)])) == (1, 0, 1)


def test_coverage_events_do_not_merge_across_unknown_time():
    spans = [(80, 90), (110, 120)]
    assert counts(score(spans, [], coverage=[(0, 100), (105, 200)]))[2] == 2
    assert counts(score(spans, [], coverage=[(0, 200)]))[2] == 1


def test_coverage_a_detection_partly_outside_is_clipped():
    scores = score([], [(0, 50)], duration_s=50, coverage=[(20, 30)])
    assert counts(scores) == (0, 1, 0)
    assert scores.samples.fp == 10
    assert score([], [(0, 20)], duration_s=50, coverage=[(20, 30)]).events.fp == 0


def test_coverage_overlapping_and_touching_intervals_count_once():
    scores = score([(95, 105)], [], coverage=[(50, 100), (100, 150), (60, 90)])
    assert scores.covered_s == 100
    assert counts(scores)[2] == 1


def test_coverage_is_clipped_to_the_recording():
    assert score([], [], duration_s=50, coverage=[(-10, 20), (40, 90)]).covered_s == 30


@pytest.mark.parametrize("coverage", [(), ((10.0, 10.0),), ((30.0, 20.0),), ((70.0, 80.0),)])
def test_coverage_of_nothing_leaves_every_rate_undefined(coverage):
    scores = score([(5, 10)], [(5, 10)], duration_s=60, coverage=coverage)
    assert counts(scores) == (0, 0, 0)
    events = scores.events
    rates = (events.sensitivity, events.precision, events.f1, events.fp_per_24h)
    assert all(math.isnan(rate) for rate in rates)


def test_coverage_of_the_pack_knows_only_10_s_of_a_50_s_clip():
    # sparcnet_SZ: the expert label holds for 20-30 s only
    scores = score([(20, 30)], [(0, 19), (31, 50)], duration_s=50, coverage=[(20, 30)])
    assert counts(scores) == (0, 0, 1)


# -- odd input -----------------------------------------------------------------------------


@pytest.mark.parametrize("duration_s", [0.0, 0.01, 0.04, 0.1, 0.3, 0.49, 0.5, 0.51, 0.99, 1.0])
def test_recordings_shorter_than_a_second(duration_s):
    scores = score([(0, duration_s)], [(0, duration_s)], duration_s)
    assert scores.events.tp == scores.events.n_ref == (1 if duration_s > 0.05 else 0)
    assert scores.samples.n_ref == (1 if duration_s > 0.9 else 0)
    assert scores.covered_s == pytest.approx(duration_s, abs=1e-6)


def test_events_beyond_the_end_are_clipped():
    scores = score([(3590, 5000)], [(3595, 9000)])
    assert counts(scores) == (1, 0, 1)
    assert counts(score([(4000, 5000)], [(4000, 5000)])) == (0, 0, 0)
    assert counts(score([], [(-50, 10)])) == (0, 1, 0)


def test_order_overlap_and_nesting_of_events_do_not_matter():
    plain = score([(1000, 1200)], [(100, 400)])
    assert score([(1000, 1200), (1050, 1060)], [(100, 400)]) == plain
    assert score([(1100, 1200), (1000, 1100)], [(200, 400), (100, 250)]) == plain


def test_a_sliver_at_the_edge_of_the_coverage_is_no_detection():
    scores = score([(100, 110)], [(0, 60.01)], coverage=[(60, 200)])
    assert counts(scores) == (0, 0, 1)


# -- an independent implementation ---------------------------------------------------------

Tenths = list[tuple[int, int]]


def _flat(spans: Tenths, n: int) -> list[bool]:
    return [any(a <= i < b for a, b in spans) for i in range(n)]


def _runs(mask: list[bool]) -> Tenths:
    runs: Tenths = []
    for i, inside in enumerate(mask):
        if inside and runs and runs[-1][1] == i:
            runs[-1] = (runs[-1][0], i + 1)
        elif inside:
            runs.append((i, i + 1))
    return runs


def _prepared(mask: list[bool]) -> Tenths:
    merged: Tenths = []
    for a, b in _runs(mask):
        if merged and a - merged[-1][1] < 900:
            merged[-1] = (merged[-1][0], b)
        else:
            merged.append((a, b))
    return [(lo, min(lo + 3000, b)) for a, b in merged for lo in range(a, b, 3000)]


def _brute(ref: Tenths, hyp: Tenths, n: int) -> tuple[int, int, int]:
    true, found = _prepared(_flat(ref, n)), _prepared(_flat(hyp, n))
    covered = {i for a, b in found for i in range(a, b)}
    matched: set[int] = set()
    tp = 0
    for a, b in true:
        extended = set(range(max(0, a - 300), min(n, b + 600)))
        if extended & covered:
            tp += 1
            matched |= extended
    fp = sum(not matched.intersection(range(a, b)) for a, b in found)
    return tp, fp, len(true)


def _brute_samples(ref: Tenths, hyp: Tenths, n: int) -> tuple[int, int, int]:
    def seconds(spans: Tenths) -> set[int]:
        last = round(Fraction(n, 10))
        return {
            s
            for a, b in _runs(_flat(spans, n))
            for s in range(round(Fraction(a, 10)), min(round(Fraction(b, 10)), last))
        }

    true, found = seconds(ref), seconds(hyp)
    return len(true & found), len(found - true), len(true)


@pytest.mark.parametrize("seed", range(60))
def test_scores_equal_an_independent_implementation(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 12000))
    longest = int(rng.choice([20, 200, 1500, 7000]))

    def spans() -> Tenths:
        starts = rng.integers(0, n, int(rng.integers(0, 9)))
        return [(int(a), int(a + rng.integers(1, longest))) for a in starts]

    ref, hyp = spans(), spans()
    seconds = [[(a / 10, b / 10) for a, b in group] for group in (ref, hyp)]
    scores = score(*seconds, duration_s=n / 10)
    assert counts(scores) == _brute(ref, hyp, n)
    samples = scores.samples
    assert (samples.tp, samples.fp, samples.n_ref) == _brute_samples(ref, hyp, n)


@pytest.mark.parametrize("seed", range(20))
def test_scores_of_several_intervals_are_the_sum_of_each_cut_out(seed):
    rng = np.random.default_rng(1000 + seed)
    edges = np.sort(rng.choice(np.arange(1, 9000), 6, replace=False)).tolist()
    intervals = [(edges[0], edges[1]), (edges[2], edges[3]), (edges[4], edges[5])]
    starts = rng.integers(0, 9000, (2, 6)).tolist()
    ref, hyp = ([(a, a + int(rng.integers(1, 900))) for a in row] for row in starts)
    total = np.zeros(3, dtype=int)
    for lo, hi in intervals:
        cut = [
            [(max(a, lo) - lo, min(b, hi) - lo) for a, b in group if a < hi and b > lo]
            for group in (ref, hyp)
        ]
        total += _brute(*cut, hi - lo)
    seconds = [[(a / 10, b / 10) for a, b in group] for group in (ref, hyp)]
    coverage = [(lo / 10, hi / 10) for lo, hi in intervals]
    assert counts(score(*seconds, duration_s=900.0, coverage=coverage)) == tuple(total)
