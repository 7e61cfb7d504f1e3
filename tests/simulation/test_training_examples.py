"""Training material: balanced, reproducible example by example, and fast."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest

from eegdash.simulation import PATTERNS, SEIZURES, example, examples, themes


def test_a_round_is_balanced() -> None:
    counts = Counter(theme.seizure for theme in themes())
    assert counts[""] == len(themes()) / 2
    assert {counts[kind] for kind in SEIZURES} == {2}
    lone = {theme.lookalike for theme in themes() if not theme.seizure}
    assert lone == {*PATTERNS, "plain", "artefacts"}
    assert any(theme.seizure and theme.lookalike for theme in themes())


def test_an_example_is_the_same_alone_and_in_a_row() -> None:
    row = list(examples(3, 3, duration_s=60))
    for index, one in enumerate(row):
        alone = example(3, index, duration_s=60)
        np.testing.assert_array_equal(alone.signal_uv, one.signal_uv)
        assert alone.truth == one.truth
    assert len({one.person for one in row}) == 3


def test_each_theme_is_what_it_says() -> None:
    for index, theme in enumerate(themes()):
        one = example(1, index, duration_s=60)
        seizures = [event.kind for event in one.truth if event.event_type]
        assert seizures == ([theme.seizure] if theme.seizure else [])
        if theme.lookalike in PATTERNS:
            assert theme.lookalike in one.person.patterns
        if not theme.seizure:
            assert one.annotations[0].event_type == "bckg"


def test_too_short_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 60 s"):
        next(examples(0, 1, duration_s=30))


def test_examples_are_made_1000_times_faster_than_real_time() -> None:
    next(examples(0, 1))
    started = time.process_time()  # of both cores: others may be busy on this machine
    assert sum(1 for _ in examples(1, 20)) == 20
    assert time.process_time() - started < 2 * 20 * 150 / 1000
