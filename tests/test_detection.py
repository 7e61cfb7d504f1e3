"""Smoothing and events, against a plain re-implementation and a file of cases.

The file ``fixtures/detection_cases.json`` is shared with the test of the browser's twin. It is
made by ``PYTHONPATH=. python tests/test_detection.py``.
"""

from __future__ import annotations

import json
import random
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegdash.detection import (
    UNSCORED,
    Event,
    PostProcessing,
    ProbabilityTrace,
    find_events,
    smooth,
)

CASES = Path(__file__).resolve().parent / "fixtures" / "detection_cases.json"
RAW = PostProcessing(smoothing_s=0, hysteresis=1, merge_gap_s=0, min_duration_s=0)


def trace_of(values: object, step_s: float = 1.5, first_centre_s: float = 4.5) -> ProbabilityTrace:
    array = np.array(values, dtype=np.uint16)
    duration_s = first_centre_s * 2 + step_s * max(len(array) - 1, 0)
    return ProbabilityTrace(array, first_centre_s, step_s, duration_s, "m", "a" * 64, "b" * 64)


def spans(events: list[Event]) -> list[tuple[int, int, int]]:
    return [(event.first, event.stop, event.peak_pm) for event in events]


# -- a plain re-implementation: one window at a time, in fractions ----------------------------


def plain_smooth(values: list[int], n_windows: int) -> list[int]:
    half = max(n_windows, 1) // 2
    means = []
    for i, value in enumerate(values):
        if value == UNSCORED:
            means.append(-1)
            continue
        near = [value]
        for direction in (-1, 1):
            for k in range(1, half + 1):
                j = i + direction * k
                if not 0 <= j < len(values) or values[j] == UNSCORED:
                    break
                near.append(values[j])
        means.append(floor(Fraction(sum(near), len(near)) + Fraction(1, 2)))
    return means


def plain_events(
    values: list[int], step_ms: int, threshold_pm: int, post: dict[str, float]
) -> list[tuple[int, int, int]]:
    ms = {name: int(Fraction(str(value)) * 1000) for name, value in post.items()}
    level = plain_smooth(values, ms["smoothing_s"] // step_ms)
    lower = floor(Fraction(threshold_pm * ms["hysteresis"], 1000) + Fraction(1, 2))
    found: list[list[int]] = []
    i = 0
    while i < len(level):
        j = i
        while j < len(level) and level[j] != -1 and level[j] >= lower:
            j += 1
        if j > i and max(level[i:j]) >= threshold_pm:
            gap = level[found[-1][1] : i] if found else []
            if found and len(gap) * step_ms < ms["merge_gap_s"] and -1 not in gap:
                found[-1][1] = j
            else:
                found.append([i, j])
        i = max(j, i + 1)
    return [(a, b, max(level[a:b])) for a, b in found if (b - a) * step_ms >= ms["min_duration_s"]]


# -- smoothing -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_smoothing_equals_the_plain_mean(seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 1001, int(rng.integers(1, 80)))
    values[rng.random(len(values)) < rng.choice([0, 0.05, 0.5])] = UNSCORED
    for n_windows in (0, 1, 2, 3, 4, 7, 200):
        smoothed = smooth(values.astype(np.uint16), n_windows)
        assert smoothed.tolist() == plain_smooth(values.tolist(), n_windows)


def test_smoothing_rounds_half_up_in_integers():
    assert smooth(np.array([0, 1], np.uint16), 3).tolist() == [1, 1]  # 0.5
    assert smooth(np.array([0, 0, 1], np.uint16), 3).tolist() == [0, 0, 1]  # 0, 1/3, 1/2
    assert smooth(np.full(60_000, 1000, np.uint16), 31).tolist() == [1000] * 60_000


def test_an_even_length_is_rounded_up_to_the_next_odd_one():
    values = np.array([0, 0, 900, 0, 0], np.uint16)
    assert smooth(values, 2).tolist() == smooth(values, 3).tolist() == [0, 300, 300, 300, 0]


def test_a_mean_never_reaches_across_an_unscored_window():
    values = np.array([1000, 1000, UNSCORED, 0, 0], np.uint16)
    assert smooth(values, 5).tolist() == [1000, 1000, -1, 0, 0]


# -- events --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(150))
def test_events_equal_the_plain_ones(seed):
    rng = np.random.default_rng(seed)
    values = np.clip(rng.normal(500, 300, int(rng.integers(1, 150))), 0, 1000).astype(int)
    values[rng.random(len(values)) < rng.choice([0, 0.02, 0.3])] = UNSCORED
    step_ms = int(rng.choice([250, 1000, 1500, 3000]))
    post = {
        "smoothing_s": float(rng.choice([0, 1, 3, 4.5, 9, 10.1])),
        "hysteresis": float(rng.choice([1, 0.999, 0.8, 0.5, 0])),
        "merge_gap_s": float(rng.choice([0, 1.5, 3, 3.001, 20])),
        "min_duration_s": float(rng.choice([0, 1.5, 6, 6.001, 30])),
    }
    for threshold_pm in (0, 1, 333, 500, 501, 700, 999, 1000):
        found = find_events(trace_of(values, step_ms / 1000), threshold_pm, PostProcessing(**post))
        assert spans(found) == plain_events(values.tolist(), step_ms, threshold_pm, post)


def test_times_of_an_event_are_centres_plus_minus_half_a_step():
    (event,) = find_events(trace_of([0, 0, 800, 900, 0]), 700, RAW)
    assert (event.onset_s, event.duration_s, event.end_s) == (6.75, 3.0, 9.75)
    assert (event.first, event.stop, event.peak_pm) == (2, 4, 900)


@pytest.mark.parametrize(("threshold_pm", "n"), [(699, 1), (700, 1), (701, 0)])
def test_a_window_at_the_threshold_counts(threshold_pm, n):
    assert len(find_events(trace_of([0, 700, 0]), threshold_pm, RAW)) == n


def test_threshold_0_marks_every_scored_window_and_no_other():
    values = [0, 0, UNSCORED, UNSCORED, 0, 5]
    assert spans(find_events(trace_of(values), 0, RAW)) == [(0, 2, 0), (4, 6, 5)]


def test_threshold_1000_marks_only_certainty():
    assert spans(find_events(trace_of([999, 1000, 999]), 1000, RAW)) == [(1, 2, 1000)]


def test_hysteresis_extends_an_event_down_to_the_lower_threshold():
    values = [100, 400, 800, 400, 399, 400, 100]
    post = PostProcessing(0, 0.5, 0, 0)
    assert spans(find_events(trace_of(values), 800, post)) == [(1, 4, 800)]
    assert spans(find_events(trace_of(values), 798, post)) == [(1, 6, 800)]


@pytest.mark.parametrize(("gap", "n"), [(1, 1), (2, 2)])
def test_only_gaps_shorter_than_the_merge_gap_are_closed(gap, n):
    values = [900, *[0] * gap, 900]
    assert len(find_events(trace_of(values), 500, PostProcessing(0, 1, 3.0, 0))) == n


def test_nothing_merges_across_an_unscored_window():
    values = [900, UNSCORED, 900]
    assert len(find_events(trace_of(values), 500, PostProcessing(0, 1, 60, 0))) == 2


def test_merging_comes_before_the_minimum_duration():
    values = [900, 900, 0, 900, 900]  # 2 x 3 s with 1.5 s between
    post = PostProcessing(0, 1, 3.0, 6.0)
    assert spans(find_events(trace_of(values), 500, post)) == [(0, 5, 900)]
    assert find_events(trace_of(values), 500, PostProcessing(0, 1, 1.5, 6.0)) == []


@pytest.mark.parametrize(("n", "kept"), [(3, 0), (4, 1)])
def test_an_event_of_exactly_the_minimum_duration_is_kept(n, kept):
    values = [0, *[900] * n, 0]
    assert len(find_events(trace_of(values), 500, PostProcessing(0, 1, 0, 6.0))) == kept


@pytest.mark.parametrize("values", [[], [UNSCORED], [UNSCORED] * 5])
@pytest.mark.parametrize("threshold_pm", [0, 500, 1000])
def test_a_trace_without_scored_windows_has_no_events(values, threshold_pm):
    assert find_events(trace_of(values), threshold_pm) == []


def test_time_and_scored_windows_of_a_trace():
    trace = trace_of([1, UNSCORED, 3])
    assert trace.time_s.tolist() == [4.5, 6.0, 7.5]
    assert trace.time_s.dtype == np.float64
    assert trace.scored.tolist() == [True, False, True]


# -- the cases shared with the browser --------------------------------------------------------


def make_cases() -> list[dict[str, Any]]:
    """Return the cases; ``random.Random.random`` gives the same numbers in every version."""
    source = random.Random(20261120)

    def pick(*options: float) -> float:
        return options[int(source.random() * len(options))]

    cases = []
    for number in range(60):
        # A walk makes runs of every length; plain noise would be smoothed to nothing.
        value, values, spread = 500.0, [], pick(40, 150, 600)
        unscored_share = pick(0, 0.03, 0.2)
        for _ in range(int(pick(1, 5, 30, 60, 90))):
            value += (source.random() - 0.5) * 2 * spread + (500 - value) * 0.05
            scored = source.random() >= unscored_share
            values.append(min(max(floor(value), 0), 1000) if scored else UNSCORED)
        post = {
            "smoothing_s": pick(0, 3, 4.5, 7.5, 9),
            "hysteresis": pick(1, 1, 0.9, 0.75, 0.5),
            "merge_gap_s": pick(0, 1.5, 3, 4.5, 10),
            "min_duration_s": pick(0, 3, 6, 10),
        }
        step_s = pick(1.5, 1.5, 1.0, 0.5)
        threshold_pm = int(pick(0, 250, 400, 500, 500, 600, 750, 1000))
        events = plain_events(values, round(step_s * 1000), threshold_pm, post)
        cases.append(
            {
                "name": f"case {number}",
                "step_s": step_s,
                "first_centre_s": 4.5,
                "probability_pm": values,
                "post": post,
                "threshold_pm": threshold_pm,
                "events": [list(event) for event in events],
            }
        )
    return cases


def write_cases() -> None:
    """Write the file of cases, one case per line."""
    lines = ",\n".join(json.dumps(case) for case in make_cases())
    CASES.parent.mkdir(exist_ok=True)
    CASES.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def stored_cases() -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads(CASES.read_text(encoding="utf-8"))
    return cases


def test_the_stored_cases_are_those_that_are_made():
    assert stored_cases() == make_cases()


def test_the_stored_cases_are_worth_comparing():
    numbers = [len(case["events"]) for case in stored_cases()]
    assert len(numbers) == 60
    assert sum(n > 0 for n in numbers) >= 30
    assert sum(n > 2 for n in numbers) >= 5
    assert sum(n == 0 for n in numbers) >= 5


@pytest.mark.parametrize("number", range(60))
def test_events_of_the_stored_cases(number):
    case = stored_cases()[number]
    trace = trace_of(case["probability_pm"], case["step_s"], case["first_centre_s"])
    events = find_events(trace, case["threshold_pm"], PostProcessing(**case["post"]))
    assert [[e.first, e.stop, e.peak_pm] for e in events] == case["events"]


if __name__ == "__main__":
    write_cases()
