"""Spans, what readers said as time, and consensus, against counting millisecond by millisecond."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from eegdash.labels import Label
from eegdash.labels.consensus import majority, of_one
from eegdash.labels.opinions import Reading, decisions_of, reading_of, stance
from eegdash.labels.record import DraftLabel, from_draft
from eegdash.labels.spans import (
    Spans,
    common,
    covered_ms,
    in_seconds,
    joined,
    spans_of,
    total_s,
    touches,
    without,
)

SHA = "ab" * 32
END = 60
_seq = itertools.count(1)


def label(reviewer: str, onset: float, end: float, verdict: str | None, **more: object) -> Label:
    seq = next(_seq)
    draft = DraftLabel(
        idempotency_id=f"i{seq}", reviewer=reviewer, recording_sha256=SHA, onset_s=onset,
        duration_s=end - onset, verdict=verdict, **more,  # type: ignore[arg-type]
    )  # fmt: skip
    return from_draft(
        draft, uuid=f"00000000-0000-4000-8000-{seq:012d}", seq=seq, time_utc="2026-01-01T00:00:00Z"
    )


def read(reviewer: str, *seen: tuple[float, float], **more: object) -> Label:
    more = {"kind": "sign_off", **more}
    return label(reviewer, 0, END, None, seen=seen or ((0, END),), **more)


def mask(spans: Spans, n: int = END) -> np.ndarray:
    found = np.zeros(n, dtype=bool)
    for start, stop in spans.tolist():
        found[start // 1000 : stop // 1000] = True
    return found


def drawn(rng: np.random.Generator) -> list[tuple[float, float]]:
    starts = rng.integers(0, END - 1, rng.integers(0, 8))
    return [(int(s), int(min(s + rng.integers(0, 12), END))) for s in starts]


def test_span_arithmetic_equals_counting() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        one, other = spans_of(drawn(rng)), spans_of(drawn(rng))
        a, b = mask(one), mask(other)
        assert (mask(joined(one, other)) == (a | b)).all()
        assert (mask(common(one, other)) == (a & b)).all()
        assert (mask(without(one, other)) == (a & ~b)).all()
        assert total_s(one) == a.sum()
        for (start, stop), touched, covered in zip(
            one.tolist(), touches(one, other), covered_ms(one, other), strict=True
        ):
            inside = b[start // 1000 : stop // 1000]
            assert touched == inside.any()
            assert covered == 1000 * inside.sum()


def test_times_between_milliseconds_do_not_drift() -> None:
    assert in_seconds(spans_of([(0.1, 0.3), (0.3, 0.7)])) == [(0.1, 0.7)]
    assert in_seconds(spans_of([(86399.999, 86400.001)])) == [(86399.999, 86400.001)]


@pytest.mark.parametrize(
    ("verdict", "event_type", "says"),
    [
        ("agree", "", "seizure"), ("missed", "sz_foc", "seizure"), ("disagree", "", "no seizure"),
        ("disagree", "sz", "no seizure"), ("unsure", "sz", "unsure"), ("unsure", "bckg", "unsure"),
        ("missed", "bckg", "no seizure"), ("agree", "bckg", "no seizure"),
    ],
)  # fmt: skip
def test_what_a_label_says(verdict: str, event_type: str, says: str) -> None:
    assert stance(label("A", 0, 1, verdict, event_type=event_type)) == says


def test_seizure_wins_over_unsure_and_unsure_over_background() -> None:
    found = reading_of(
        [
            label("A", 10, 30, "disagree"),
            label("A", 15, 20, "unsure"),
            label("A", 18, 25, "missed"),
            read("A", (0, 40)),
        ]
    )
    assert found is not None
    assert in_seconds(found.seizure) == [(18, 25)]
    assert in_seconds(found.unsure) == [(15, 18)]
    assert in_seconds(found.background) == [(0, 15), (25, 40)]


def test_a_sign_off_without_what_was_seen_counts_for_its_span() -> None:
    old = label("A", 5, 50, None, kind="sign_off")
    found = reading_of([old])
    assert found is not None
    assert in_seconds(found.background) == [(5, 50)]
    part = reading_of([read("A", (0, 10))])
    whole = reading_of([read("A", (0, 10))], whole_after_sign_off=True)
    assert part is not None
    assert whole is not None
    assert (total_s(part.background), total_s(whole.background)) == (10, END)


def test_nothing_said_is_no_reading() -> None:
    first = label("A", 10, 20, "missed")
    gone = label("A", 10, 20, "retract", supersedes=first.uuid, reason="x")
    assert reading_of([first, gone]) is None
    assert reading_of([label("A", 10, 20, "missed", repeat_of=first.uuid)]) is None
    assert reading_of([first], blinded_only=True) is None


def test_decisions_that_contradict_leave_the_overlap_unknown() -> None:
    role = {"role": "adjudicator"}
    found = decisions_of(
        [
            label("X", 10, 30, "adjudicated", event_type="sz", **role),
            label("Y", 20, 40, "adjudicated", event_type="bckg", **role),
            label("A", 0, 50, "missed"),
        ]
    )
    assert in_seconds(found.seizure) == [(10, 20)]
    assert in_seconds(found.background) == [(30, 40)]


def test_majority_equals_counting_votes() -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        readings: dict[str, Reading] = {}
        votes = np.zeros((2, END), dtype=int)
        for name in "ABCD":
            seizure = spans_of(drawn(rng))
            background = without(spans_of(drawn(rng)), seizure)
            readings[name] = Reading(seizure, spans_of([]), background)
            votes += np.stack([mask(seizure), mask(background)])
        for enough in (1, 2, 3):
            found = majority(readings, [], min_readers=enough)
            stated = votes.sum(axis=0) >= enough
            expected = stated & (votes[0] > votes[1])
            assert (mask(found.known) == (stated & (votes[0] != votes[1]))).all()
            seizures = spans_of((a.onset_s, a.end_s) for a in found.seizures)
            assert (mask(seizures) == expected).all()
            for one in found.seizures:
                inside = slice(int(one.onset_s), int(one.end_s))
                share = votes[0, inside] / votes[:, inside].sum(axis=0)
                assert one.confidence == pytest.approx(share.mean(), abs=6e-4)


def test_the_type_is_what_most_say_and_sz_where_none_stands_out() -> None:
    labels = [
        label(name, 10, 20, "missed", event_type=kind)
        for name, kind in zip("ABC", ("sz_foc", "sz_foc", "sz_gen"), strict=True)
    ]
    reading = Reading(spans_of([(10, 20)]), spans_of([]), spans_of([]))
    assert of_one(reading, labels).seizures[0].event_type == "sz_foc"
    assert of_one(reading, labels[1:]).seizures[0].event_type == "sz"
    assert of_one(reading, []).seizures[0].event_type == "sz"
    # a long label from before reaches into the span, a short one in between does not
    far = [label("A", 0, 50, "missed", event_type="sz_uo"), label("B", 2, 3, "missed")]
    assert of_one(reading, far).seizures[0].event_type == "sz_uo"
