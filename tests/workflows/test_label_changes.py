"""Moving, splitting and taking back labels: what each leaves in the labels file."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest

from eegdash.detection import PostProcessing, ProbabilityTrace, find_events
from eegdash.errors import LabelNotSavedError
from eegdash.labels import Label
from eegdash.workflows.desk import Desk
from eegdash.workflows.label_view import shown_labels
from eegdash.workflows.review import CHANGED, END_MOVED, MOVED, ONSET_MOVED, decide
from eegdash.workflows.undo import SPLIT, UNDONE, undo_words

SHA = "c" * 64
POST = PostProcessing()
_ids = (f"id-{i}" for i in itertools.count())


@pytest.fixture
def trace() -> ProbabilityTrace:
    """Two detections at 500 per mille: windows 20 to 39 and 100 to 119."""
    pm = np.full(200, 100, np.uint16)
    pm[20:40] = 900
    pm[100:120] = 600
    return ProbabilityTrace(pm, 4.5, 1.5, 310.0, "tiny", "a" * 64, SHA)


def on(trace: ProbabilityTrace, which: int = 0, **changes: Any) -> dict[str, Any]:
    event = find_events(trace, 500, POST)[which]
    return {
        "id": next(_ids), "action": "label", "verdict": "agree", "first": event.first,
        "stop": event.stop, "threshold_pm": 500, "post": POST.as_dict(), **changes,
    }  # fmt: skip


def marked(desk: Desk, onset_s: float = 200.0, duration_s: float = 20.0, **changes: Any) -> Label:
    sent = {
        "id": next(_ids), "action": "label", "verdict": "missed", "onset_s": onset_s,
        "duration_s": duration_s, "event_type": "sz", **changes,
    }  # fmt: skip
    return decide(desk, SHA, "AB", sent, None)


def take_back(desk: Desk, reviewer: str = "AB") -> Label:
    return decide(desk, SHA, reviewer, {"id": next(_ids), "action": "undo"}, None)


def split(desk: Desk, label: Label, at_s: float) -> Label:
    sent = {"id": next(_ids), "action": "split", "at_s": at_s, "supersedes": label.uuid}
    return decide(desk, SHA, "AB", sent, None)


def spans(desk: Desk) -> list[tuple[float, float]]:
    return sorted((x.onset_s, x.end_s) for x in desk.labels.current(SHA).labels)


# ---- moved -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("onset_s", "duration_s", "reason"),
    [(198.0, 22.0, ONSET_MOVED), (200.0, 25.5, END_MOVED), (190.0, 12.0, MOVED),
     (200.0, 20.0, CHANGED), (201.0, 20.0, MOVED)],
)  # fmt: skip
def test_a_moved_label_supersedes_and_says_what_moved(
    desk: Desk, onset_s: float, duration_s: float, reason: str
) -> None:
    before = marked(desk)
    after = marked(desk, onset_s, duration_s, supersedes=before.uuid, moved=True)
    assert (after.onset_s, after.duration_s) == (onset_s, duration_s)
    assert (after.supersedes, after.reason, after.verdict) == (before.uuid, reason, "missed")
    assert desk.labels.for_recording(SHA) == [before, after]
    assert shown_labels(desk, SHA, "AB")[0]["reason"] == ""  # the program's words, not a reader's


def test_a_reason_that_the_reader_gave_stays(desk: Desk) -> None:
    before = marked(desk)
    after = marked(desk, 190.0, supersedes=before.uuid, moved=True, reason="LPD")
    assert after.reason == "LPD"


def test_a_detection_with_corrected_times_is_an_agreement_that_knows_its_detection(
    desk: Desk, trace: ProbabilityTrace
) -> None:
    event = find_events(trace, 500, POST)[0]
    sent = on(trace, moved=True, onset_s=40.0, duration_s=9.5)
    label = decide(desk, SHA, "AB", sent, trace)
    assert (label.verdict, label.onset_s, label.duration_s) == ("agree", 40.0, 9.5)
    assert (label.model, label.threshold, label.probability) == ("tiny", 0.5, event.peak_pm / 1000)
    (shown,) = shown_labels(desk, SHA, "AB", trace)
    assert shown["about"] == [event.onset_s, event.end_s]
    # an ordinary label is about its own span, and without the trace nothing is claimed
    decide(desk, SHA, "AB", on(trace, 1), trace)
    assert [x["about"] for x in shown_labels(desk, SHA, "AB", trace)] == [shown["about"], None]
    assert [x["about"] for x in shown_labels(desk, SHA, "AB")] == [None, None]


def test_a_label_whose_detection_is_not_on_screen_keeps_what_was_on_screen(
    desk: Desk, trace: ProbabilityTrace
) -> None:
    before = decide(desk, SHA, "AB", on(trace), trace)
    sent = {
        "id": next(_ids), "action": "label", "verdict": "unsure", "supersedes": before.uuid,
        "threshold_pm": 950, "post": POST.as_dict(),
    }  # fmt: skip
    after = decide(desk, SHA, "AB", sent, trace)
    assert (after.onset_s, after.duration_s) == (before.onset_s, before.duration_s)
    assert (after.threshold, after.probability) == (before.threshold, before.probability)
    moved = {**sent, "id": next(_ids), "supersedes": after.uuid, "moved": True}
    last = decide(desk, SHA, "AB", {**moved, "onset_s": 33.0, "duration_s": 30.0}, trace)
    assert (last.onset_s, last.duration_s, last.threshold) == (33.0, 30.0, 0.5)


@pytest.mark.parametrize("duration_s", [0.49, 0.0, -3.0])
def test_a_span_is_never_shorter_than_half_a_second(desk: Desk, duration_s: float) -> None:
    with pytest.raises(LabelNotSavedError, match=r"at least 0\.5 s"):
        marked(desk, duration_s=duration_s)
    assert desk.labels.all() == []


def test_another_readers_label_is_not_changed(desk: Desk) -> None:
    before = marked(desk)
    sent = {
        "id": next(_ids), "action": "label", "verdict": "missed", "onset_s": 1, "duration_s": 5,
        "supersedes": before.uuid,
    }  # fmt: skip
    with pytest.raises(LabelNotSavedError, match="not among your labels"):
        decide(desk, SHA, "CD", sent, None)
    with pytest.raises(LabelNotSavedError, match="not among your labels"):
        decide(desk, SHA, "CD", {**sent, "action": "split", "at_s": 210}, None)
    assert desk.labels.all() == [before]


# ---- split -----------------------------------------------------------------------------------


def test_a_split_label_is_two_the_first_in_place_of_the_whole(
    desk: Desk, trace: ProbabilityTrace
) -> None:
    whole = decide(desk, SHA, "AB", on(trace, comment="two of them", confidence=0.75), trace)
    second = split(desk, whole, 50.0)
    _, first, last = desk.labels.for_recording(SHA)
    assert last == second
    assert spans(desk) == [(whole.onset_s, 50.0), (50.0, whole.end_s)]
    assert (first.supersedes, second.supersedes) == (whole.uuid, None)
    for half in (first, second):
        assert (half.verdict, half.comment, half.confidence) == ("agree", "two of them", 0.75)
        assert (half.threshold, half.probability) == (whole.threshold, whole.probability)
        assert half.reason == SPLIT


def test_a_marked_span_is_split_when_it_is_saved(desk: Desk) -> None:
    sent = {
        "id": "s", "action": "split", "at_s": 12.0, "onset_s": 10.0, "duration_s": 6.0,
        "event_type": "sz_foc",
    }  # fmt: skip
    decide(desk, SHA, "AB", sent, None)
    assert decide(desk, SHA, "AB", sent, None).onset_s == 12.0  # sent again: saved once
    assert spans(desk) == [(10.0, 12.0), (12.0, 16.0)]
    assert {x.event_type for x in desk.labels.all()} == {"sz_foc"}
    take_back(desk)
    assert spans(desk) == []


@pytest.mark.parametrize("at_s", [200.0, 200.4, 219.6, 220.0, 100.0, 300.0])
def test_a_split_outside_or_at_the_edge_is_refused(desk: Desk, at_s: float) -> None:
    whole = marked(desk)
    with pytest.raises(LabelNotSavedError, match="each part of a split"):
        split(desk, whole, at_s)
    assert desk.labels.all() == [whole]


def test_one_undo_joins_what_a_split_parted(desk: Desk) -> None:
    whole = marked(desk, reason="LPD")
    split(desk, whole, 210.0)
    assert undo_words(desk, SHA, "AB") == {"what": "the split", "onset_s": 200.0}
    take_back(desk)
    assert spans(desk) == [(200.0, 220.0)]
    assert desk.labels.current(SHA).labels[0].reason == "LPD"
    take_back(desk)
    assert spans(desk) == []


def test_an_undo_of_a_split_that_was_interrupted_is_completed_when_sent_again(desk: Desk) -> None:
    whole = marked(desk)
    second = split(desk, whole, 210.0)
    sent = {"id": "u", "action": "undo"}
    appended = desk.labels.append
    calls = iter([appended])

    def once(draft: Any) -> Label:
        write = next(calls, None)
        if write is None:
            raise LabelNotSavedError("NOT saved: the disk is full.")
        return write(draft)

    desk.labels.append = once  # type: ignore[method-assign]
    with pytest.raises(LabelNotSavedError, match="disk is full"):
        decide(desk, SHA, "AB", sent, None)
    desk.labels.append = appended  # type: ignore[method-assign]
    assert second not in desk.labels.current(SHA).labels
    decide(desk, SHA, "AB", sent, None)
    assert spans(desk) == [(200.0, 220.0)]


def test_a_half_that_was_changed_since_is_taken_back_first(desk: Desk) -> None:
    whole = marked(desk)
    second = split(desk, whole, 210.0)
    marked(desk, 211.0, 9.0, supersedes=second.uuid, moved=True)
    take_back(desk)
    assert spans(desk) == [(200.0, 210.0), (210.0, 220.0)]
    take_back(desk)
    assert spans(desk) == [(200.0, 220.0)]


# ---- taken back ------------------------------------------------------------------------------


def test_agree_disagree_agree_goes_back_one_step_at_a_time(
    desk: Desk, trace: ProbabilityTrace
) -> None:
    label = None
    for verdict in ("agree", "disagree", "agree"):
        uuid = label.uuid if label else None
        label = decide(desk, SHA, "AB", on(trace, verdict=verdict, supersedes=uuid), trace)
    seen = []
    for _ in range(3):
        take_back(desk)
        seen.append([x.verdict for x in desk.labels.current(SHA).labels])
    assert seen == [["disagree"], ["agree"], []]


def test_undo_follows_the_order_of_decisions_across_labels(desk: Desk) -> None:
    first = marked(desk, 10.0)
    marked(desk, 50.0)
    marked(desk, 11.0, 5.0, supersedes=first.uuid, moved=True)
    seen = []
    for _ in range(3):
        take_back(desk)
        seen.append([onset for onset, _ in spans(desk)])
    assert seen == [[10.0, 50.0], [10.0], []]


def test_any_run_of_decisions_is_taken_back_to_nothing_in_reverse(desk: Desk) -> None:
    """Against a plain list of the states that stood after each decision."""
    rng = random.Random(3)
    states: list[list[tuple[float, float]]] = [[]]
    for i in range(40):
        standing = list(desk.labels.current(SHA).labels)
        kind = rng.choice(["new", "move", "split", "undo"])
        if kind == "undo" and len(states) > 1:
            take_back(desk)
            states.pop()
        elif kind == "move" and standing:
            label = rng.choice(standing)
            marked(desk, label.onset_s + 0.25, label.duration_s, supersedes=label.uuid, moved=True)
            states.append(spans(desk))
        elif kind == "split" and standing and (label := rng.choice(standing)).duration_s > 2:
            split(desk, label, label.onset_s + label.duration_s / 2)
            states.append(spans(desk))
        else:
            marked(desk, 100.0 * i, 16.0)
            states.append(spans(desk))
        assert spans(desk) == states[-1]
    while len(states) > 1:
        assert undo_words(desk, SHA, "AB") is not None
        take_back(desk)
        states.pop()
        assert spans(desk) == states[-1]
    assert undo_words(desk, SHA, "AB") is None


def test_what_the_next_undo_takes_back_is_said(desk: Desk, trace: ProbabilityTrace) -> None:
    assert undo_words(desk, SHA, "AB") is None
    first = decide(desk, SHA, "AB", on(trace), trace)
    assert undo_words(desk, SHA, "AB") == {"what": "agree", "onset_s": first.onset_s}
    second = decide(desk, SHA, "AB", on(trace, verdict="unsure", supersedes=first.uuid), trace)
    assert undo_words(desk, SHA, "AB") == {
        "what": "the change to unsure",
        "onset_s": second.onset_s,
    }
    assert undo_words(desk, SHA, "CD") is None
    assert undo_words(desk, SHA, "  ") is None


def test_a_restored_label_carries_the_readers_own_reason(
    desk: Desk, trace: ProbabilityTrace
) -> None:
    first = decide(desk, SHA, "AB", on(trace, verdict="disagree", reason="muscle"), trace)
    decide(desk, SHA, "AB", on(trace, verdict="agree", supersedes=first.uuid), trace)
    assert take_back(desk).reason == "muscle"
    assert take_back(desk).reason == UNDONE
