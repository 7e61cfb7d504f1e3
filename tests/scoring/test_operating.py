"""The operating table equals scoring anew at every threshold; choices equal a plain search."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from timescoring import annotations as ts_annotations
from timescoring import scoring as ts_scoring

from eegdash.annotations import Annotation, Reference
from eegdash.detection import PostProcessing, ProbabilityTrace, find_events
from eegdash.scoring import (
    Criterion,
    OperatingCurve,
    OperatingTable,
    choose_threshold,
    micro,
    score_events,
    spread,
    threshold_grid,
    threshold_table,
    window_counts,
    window_scores,
)


def trace_of(seed: int, n: int = 1195) -> ProbabilityTrace:
    rng = np.random.default_rng(seed)
    level = np.convolve(rng.normal(size=n + 30), np.ones(31) / 6, "valid")[:n]
    values = np.clip(450 + 220 * level, 0, 1000).astype(np.uint16)
    return ProbabilityTrace(values, 4.5, 1.5, n * 1.5 + 7.5, "m", "a" * 64, "b" * 64)


def truth(*spans: tuple[float, float]) -> Reference:
    return Reference(tuple(Annotation(a, b - a, "sz") for a, b in spans), ((0.0, 1e9),), "test")


REFERENCES = (truth((300, 380), (900, 990)), truth(), truth((1200, 1600)))
PERSONS = ("a", "a", "b")


@pytest.fixture(scope="module")
def table() -> OperatingTable:
    grid = threshold_grid(587)
    traces = [trace_of(seed) for seed in range(3)]
    return OperatingTable.of(
        PERSONS,
        [
            threshold_table(t, r, thresholds_pm=grid)
            for t, r in zip(traces, REFERENCES, strict=True)
        ],
        [window_counts(t, r, grid) for t, r in zip(traces, REFERENCES, strict=True)],
    )


@pytest.mark.parametrize("threshold", [0, 300, 587, 720, 1000])
def test_every_column_equals_scoring_at_that_threshold(
    table: OperatingTable, threshold: int
) -> None:
    index = table.index(threshold)
    assert table.threshold_pm[index] == threshold
    scores, windows = [], []
    for seed, reference in enumerate(REFERENCES):
        trace = trace_of(seed)
        events = find_events(trace, threshold, PostProcessing())
        scores.append(score_events(reference, events, trace.duration_s))
        windows.append(window_scores(trace, reference, threshold))
        assert table.recording(seed, index) == scores[-1]
    assert table.micro(index) == micro(scores)
    assert table.by_person(index) == {"a": micro(scores[:2]), "b": micro(scores[2:])}
    summed = table.windows(index)
    for name in ("tn", "fp", "fn", "tp"):
        assert getattr(summed, name) == sum(getattr(w, name) for w in windows)
    rates = table.over_persons(index)
    values = [micro(scores[:2]).events.fp_per_24h, micro(scores[2:]).events.fp_per_24h]
    assert rates.event_fp_per_24h.mean == pytest.approx(np.mean(values))
    assert rates.event_fp_per_24h.sd == pytest.approx(np.std(values, ddof=1))


def test_counts_of_a_column_equal_those_of_timescoring_itself(table: OperatingTable) -> None:
    index = table.index(500)
    for row, reference in enumerate(REFERENCES):
        trace = trace_of(row)
        n = round(trace.duration_s * 10)
        spans = [(e.onset_s, e.end_s) for e in find_events(trace, 500)]
        ref = ts_annotations.Annotation([(a.onset_s, a.end_s) for a in reference.seizures], 10, n)
        hyp = ts_annotations.Annotation(spans, 10, n)
        events, samples = ts_scoring.EventScoring(ref, hyp), ts_scoring.SampleScoring(ref, hyp)
        found = table.recording(row, index)
        assert (found.events.tp, found.events.fp) == (events.tp, events.fp)
        assert found.events.n_ref == events.refTrue
        assert (found.samples.tp, found.samples.fp) == (samples.tp, samples.fp)
        np.testing.assert_equal(found.samples.f1, float(samples.f1))


def test_the_curve_is_the_micro_average_of_every_column(table: OperatingTable) -> None:
    curve = table.curve()
    for index in range(len(table.threshold_pm)):
        events, windows = table.micro(index).events, table.windows(index)
        for name in ("sensitivity", "precision", "f1", "fp_per_24h"):
            np.testing.assert_allclose(getattr(curve, name)[index], getattr(events, name))
        for name, ours in (
            ("accuracy", windows.accuracy),
            ("window_sensitivity", windows.sensitivity),
            ("specificity", windows.specificity),
            ("window_f1", windows.f1),
        ):
            np.testing.assert_allclose(getattr(curve, name)[index], ours)


def test_a_threshold_between_two_columns_takes_the_next_higher_one(table: OperatingTable) -> None:
    assert table.threshold_pm[table.index(583)] == 587
    assert table.threshold_pm[table.index(588)] == 590
    assert table.index(2000) == len(table.threshold_pm) - 1


def test_tables_at_different_thresholds_are_not_put_together() -> None:
    trace = trace_of(0)
    tables = [
        threshold_table(trace, None),
        threshold_table(trace, None, thresholds_pm=np.array([1])),
    ]
    counts = [window_counts(trace, truth(), table.threshold_pm) for table in tables]
    with pytest.raises(ValueError, match="different thresholds"):
        OperatingTable.of(["a", "b"], tables, counts)
    with pytest.raises(ValueError, match="needs a recording"):
        OperatingTable.of([], [], [])


def test_moving_the_threshold_of_24_h_takes_less_than_a_tenth_of_a_second() -> None:
    trace = trace_of(5, n=57_595)
    reference = truth(*((3600.0 * k, 3600.0 * k + 70) for k in range(1, 24)))
    grid = threshold_grid()
    table = OperatingTable.of(
        ["a"],
        [threshold_table(trace, reference)],
        [window_counts(trace, reference, grid)],
    )
    times = []
    for threshold in range(100, 1000, 50):
        start = time.perf_counter()
        index = table.index(threshold)
        table.micro(index), table.over_persons(index), table.windows(index)
        times.append(time.perf_counter() - start)
    assert np.median(times) < 0.1


# ---- choosing ------------------------------------------------------------------------------


def test_each_criterion_finds_what_a_plain_search_finds(table: OperatingTable) -> None:
    curve = table.curve()
    at = {int(t): k for k, t in enumerate(curve.threshold_pm)}
    for criterion, figure in (
        (Criterion.EVENT_F1, curve.f1),
        (Criterion.WINDOW_F1, curve.window_f1),
        (Criterion.ACCURACY_SENSITIVITY, (curve.accuracy + curve.window_sensitivity) / 2),
    ):
        choice = choose_threshold(curve, criterion)
        assert choice is not None
        assert figure[at[choice.threshold_pm]] == pytest.approx(np.nanmax(figure))
        assert (choice.value, choice.target) == (pytest.approx(np.nanmax(figure)), None)
    choice = choose_threshold(curve, Criterion.FP_PER_24H, 60)
    assert choice is not None
    allowed = curve.sensitivity[curve.fp_per_24h <= 60]
    assert curve.fp_per_24h[at[choice.threshold_pm]] == choice.value <= 60
    assert curve.sensitivity[at[choice.threshold_pm]] == allowed.max()
    choice = choose_threshold(curve, Criterion.SENSITIVITY, 0.5)
    assert choice is not None
    assert curve.sensitivity[at[choice.threshold_pm]] == choice.value >= 0.5
    best = curve.fp_per_24h[curve.sensitivity >= 0.5].min()
    assert curve.fp_per_24h[at[choice.threshold_pm]] == best


def test_a_threshold_that_reaches_a_target_exactly_is_allowed(table: OperatingTable) -> None:
    curve = table.curve()
    for target in np.unique(curve.fp_per_24h):
        choice = choose_threshold(curve, Criterion.FP_PER_24H, float(target))
        assert choice is not None
        at = list(curve.threshold_pm).index(choice.threshold_pm)
        assert curve.sensitivity[at] == curve.sensitivity[curve.fp_per_24h <= target].max()
    for target in np.unique(curve.sensitivity):
        choice = choose_threshold(curve, Criterion.SENSITIVITY, float(target))
        assert choice is not None
        at = list(curve.threshold_pm).index(choice.threshold_pm)
        assert curve.fp_per_24h[at] == curve.fp_per_24h[curve.sensitivity >= target].min()


def curve_of(f1: list[float]) -> OperatingCurve:
    values = np.array(f1)
    nan = np.full(len(values), np.nan)
    return OperatingCurve(
        np.arange(len(values)) * 10, nan, nan, values, nan, nan, nan, nan, nan
    )  # fmt: skip


def test_among_equals_the_middle_of_the_longest_run_is_chosen() -> None:
    choice = choose_threshold(curve_of([0.9, 0.1, 0.9, 0.9, 0.9, 0.2]), Criterion.EVENT_F1)
    assert choice is not None
    assert choice.threshold_pm == 30


def test_what_is_undefined_or_out_of_reach_gives_no_choice() -> None:
    curve = curve_of([math.nan, math.nan])
    assert choose_threshold(curve, Criterion.EVENT_F1) is None
    assert choose_threshold(curve, Criterion.SENSITIVITY, 0.5) is None
    with pytest.raises(ValueError, match="needs a target"):
        choose_threshold(curve, Criterion.FP_PER_24H)


def test_spread_is_over_those_who_have_a_value() -> None:
    found = spread([1.0, math.nan, 3.0])
    assert (found.mean, found.sd, found.n) == (2.0, pytest.approx(math.sqrt(2)), 2)
    assert math.isnan(spread([]).mean)
    assert math.isnan(spread([1.0]).sd)
