"""First read, sign-off, and what a blinded reader may say: every record that is written."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eegdash.detection import PostProcessing, ProbabilityTrace, find_events
from eegdash.errors import LabelNotSavedError
from eegdash.labels import Label
from eegdash.workflows.desk import Desk
from eegdash.workflows.label_view import shown_labels
from eegdash.workflows.reading import (
    WITHDRAWN,
    decide,
    first_read,
    is_blind,
    seen_share,
    sign_offs,
)
from eegdash.workflows.review import CHANGED

SHA = "c" * 64
LENGTH_S = 310.0
POST = PostProcessing()
_ids = (f"id-{i}" for i in itertools.count())


@pytest.fixture
def trace() -> ProbabilityTrace:
    """Two detections at 500 per mille."""
    pm = np.full(200, 100, np.uint16)
    pm[20:40] = 900
    pm[100:120] = 600
    return ProbabilityTrace(pm, 4.5, 1.5, LENGTH_S, "tiny", "a" * 64, SHA)


def say(
    desk: Desk,
    action: str,
    reviewer: str = "AB",
    trace: ProbabilityTrace | None = None,
    *,
    blinded: bool = False,
    shown_before: bool = False,
    **more: Any,
) -> Label:
    sent = {"id": next(_ids), "action": action, **more}
    return decide(
        desk, SHA, LENGTH_S, reviewer, sent, trace, blinded=blinded, shown_before=shown_before
    )


def mark(desk: Desk, onset_s: float, reviewer: str = "AB", *, blinded: bool = True) -> Label:
    return say(
        desk, "label", reviewer, blinded=blinded, verdict="missed", onset_s=onset_s,
        duration_s=12.0, event_type="sz",
    )  # fmt: skip


def agree(desk: Desk, trace: ProbabilityTrace, which: int = 0, reviewer: str = "AB") -> Label:
    event = find_events(trace, 500, POST)[which]
    return say(
        desk, "label", reviewer, trace, verdict="agree", first=event.first, stop=event.stop,
        threshold_pm=500, post=POST.as_dict(), event_type="sz",
    )  # fmt: skip


# ---- who reads blinded -----------------------------------------------------------------------


def test_a_reader_is_blind_until_the_first_read_is_committed(desk: Desk) -> None:
    assert not is_blind(desk, SHA, "AB", wanted=False)
    assert is_blind(desk, SHA, "AB", wanted=True)
    say(desk, "first_read", blinded=True)
    assert not is_blind(desk, SHA, "AB", wanted=True)
    assert not is_blind(desk, SHA, " AB ", wanted=True)
    assert is_blind(desk, SHA, "CD", wanted=True)
    assert is_blind(desk, "d" * 64, "AB", wanted=True)
    assert is_blind(desk, SHA, "  ", wanted=True)


def test_the_setting_makes_it_compulsory(desk: Desk) -> None:
    strict = replace(desk, settings=replace(desk.settings, blinded=True))
    assert is_blind(strict, SHA, "AB", wanted=False)
    assert is_blind(strict, SHA, "", wanted=False)
    say(strict, "first_read", blinded=True)
    assert not is_blind(strict, SHA, "AB", wanted=False)


# ---- the first read ----------------------------------------------------------------------------


def test_a_first_read_spans_the_recording_and_says_what_was_marked_and_seen(desk: Desk) -> None:
    mark(desk, 20.0)
    mark(desk, 100.0)
    record = say(desk, "first_read", blinded=True, viewed=[[0, 77.5], [0, 155.0]])
    assert (record.kind, record.verdict, record.blinded) == ("first_read", None, True)
    assert (record.onset_s, record.duration_s) == (0.0, LENGTH_S)
    assert record.comment == "2 marked by hand; 50 % of the recording seen"
    assert (record.model, record.threshold, record.probability) == ("", None, None)
    assert first_read(desk, SHA, "AB") == record


def test_a_first_read_without_a_mark_counts_and_a_second_is_the_first(desk: Desk) -> None:
    record = say(desk, "first_read", blinded=True)
    assert record.comment == "0 marked by hand; 0 % of the recording seen"
    assert say(desk, "first_read", blinded=True) == record
    assert len(desk.labels.all()) == 1


def test_output_that_had_been_seen_before_is_said_in_the_record(desk: Desk) -> None:
    record = say(desk, "first_read", blinded=True, shown_before=True)
    assert record.comment.endswith("the detector's output had been on this reader's screen before")


def test_a_first_read_is_not_taken_back(desk: Desk) -> None:
    say(desk, "first_read", blinded=True)
    with pytest.raises(LabelNotSavedError, match="no label of yours"):
        say(desk, "undo")
    label = mark(desk, 20.0, blinded=False)
    assert say(desk, "undo").supersedes == label.uuid
    assert first_read(desk, SHA, "AB") is not None


@pytest.mark.parametrize("action", ["first_read", "sign_off", "withdraw"])
def test_a_statement_needs_a_name(desk: Desk, action: str) -> None:
    with pytest.raises(LabelNotSavedError, match=r"^NOT saved: enter your name"):
        say(desk, action, " ")
    assert desk.labels.all() == []


# ---- labels of a blinded reader ------------------------------------------------------------------


def test_what_is_marked_blinded_carries_nothing_of_the_detector(
    desk: Desk, trace: ProbabilityTrace
) -> None:
    label = mark(desk, 20.0)
    assert (label.blinded, label.verdict) == (True, "missed")
    assert (label.model, label.model_sha256) == ("", "")
    assert (label.threshold, label.probability, label.postprocessing) == (None, None, None)
    say(desk, "first_read", blinded=True)
    assert agree(desk, trace).blinded is False
    assert mark(desk, 200.0, blinded=False).blinded is False


def test_marks_are_taken_back_and_split_before_the_commitment(desk: Desk) -> None:
    label = mark(desk, 20.0)
    second = say(desk, "split", blinded=True, at_s=25.0, supersedes=label.uuid, verdict="missed")
    assert second.blinded
    assert say(desk, "undo", blinded=True).blinded
    assert [x.onset_s for x in desk.labels.current(SHA).labels] == [20.0]
    say(desk, "undo", blinded=True)
    assert desk.labels.current(SHA).labels == ()


def test_a_blinded_reader_cannot_label_detections_or_sign_off(
    desk: Desk, trace: ProbabilityTrace
) -> None:
    event = find_events(trace, 500, POST)[0]
    about = {"first": event.first, "stop": event.stop, "threshold_pm": 500, "post": POST.as_dict()}
    with pytest.raises(LabelNotSavedError, match="you read this recording blinded"):
        say(desk, "label", trace=None, blinded=True, verdict="agree", **about)
    with pytest.raises(LabelNotSavedError, match="commit your first read before"):
        say(desk, "sign_off", blinded=True)
    assert desk.labels.all() == []


def test_a_blinded_reader_is_told_of_own_labels_only(desk: Desk, trace: ProbabilityTrace) -> None:
    agree(desk, trace, reviewer="CD")
    say(desk, "sign_off", "CD", trace)
    mark(desk, 20.0)
    assert {x["reviewer"] for x in shown_labels(desk, SHA, "AB")} == {"AB", "CD"}
    assert {x["reviewer"] for x in shown_labels(desk, SHA, "AB", own_only=True)} == {"AB"}
    assert shown_labels(desk, SHA, "", own_only=True) == []
    assert [x["reviewer"] for x in sign_offs(desk, SHA, "AB")] == ["CD"]
    assert sign_offs(desk, SHA, "AB", own_only=True) == []


# ---- sign-off ----------------------------------------------------------------------------------


def test_a_sign_off_says_what_was_seen_and_labelled(desk: Desk, trace: ProbabilityTrace) -> None:
    agree(desk, trace)
    record = say(
        desk, "sign_off", trace=trace, viewed=[[0, 308.0]], threshold_pm=500, post=POST.as_dict()
    )
    assert (record.kind, record.verdict, record.event_type) == ("sign_off", None, "")
    assert (record.onset_s, record.duration_s) == (0.0, LENGTH_S)
    assert record.comment == (
        "99 % of the recording seen; 1 of 2 detections labelled at threshold 0.50"
    )
    assert (record.model, record.threshold) == ("tiny", 0.5)
    assert record.postprocessing == POST.as_dict()


def test_a_sign_off_without_a_seizure_says_so(desk: Desk) -> None:
    record = say(desk, "sign_off", viewed=[[0, LENGTH_S]])
    assert (record.event_type, record.comment) == ("bckg", "100 % of the recording seen")
    (shown,) = sign_offs(desk, SHA, "AB")
    assert (shown["reviewer"], shown["own"], shown["nothing_found"]) == ("AB", True, True)
    assert shown["time_utc"] == record.time_utc[:16].replace("T", " ") + " UTC"


def test_another_readers_seizure_is_not_this_readers(desk: Desk, trace: ProbabilityTrace) -> None:
    agree(desk, trace, reviewer="CD")
    assert say(desk, "sign_off", trace=trace).event_type == "bckg"


def test_a_second_sign_off_takes_the_place_of_the_first(desk: Desk) -> None:
    first = say(desk, "sign_off")
    second = say(desk, "sign_off", viewed=[[0, LENGTH_S]])
    assert (second.supersedes, second.reason) == (first.uuid, CHANGED)
    assert len(sign_offs(desk, SHA, "AB")) == 1


def test_a_label_after_the_sign_off_says_that_it_is_out_of_date(
    desk: Desk, trace: ProbabilityTrace
) -> None:
    say(desk, "sign_off", trace=trace)
    assert [x["changed"] for x in sign_offs(desk, SHA, "AB")] == [False]
    agree(desk, trace, reviewer="CD")  # another reader's label changes nothing of this one's
    assert [x["changed"] for x in sign_offs(desk, SHA, "AB")] == [False]
    agree(desk, trace)
    assert [x["changed"] for x in sign_offs(desk, SHA, "AB")] == [True]
    say(desk, "sign_off", trace=trace)
    assert [x["changed"] for x in sign_offs(desk, SHA, "AB")] == [False]


def test_a_sign_off_sent_twice_is_one(desk: Desk) -> None:
    sent = {"id": "once", "action": "sign_off"}
    first = decide(desk, SHA, LENGTH_S, "AB", sent, None, blinded=False)
    assert decide(desk, SHA, LENGTH_S, "AB", sent, None, blinded=False) == first
    assert len(desk.labels.all()) == 1


def test_a_sign_off_is_withdrawn_by_a_retraction_and_only_by_its_reader(desk: Desk) -> None:
    record = say(desk, "sign_off")
    with pytest.raises(LabelNotSavedError, match="no sign-off of yours"):
        say(desk, "withdraw", "CD")
    sent = {"id": "back", "action": "withdraw"}
    taken = decide(desk, SHA, LENGTH_S, "AB", sent, None, blinded=False)
    assert (taken.verdict, taken.supersedes, taken.reason) == ("retract", record.uuid, WITHDRAWN)
    assert decide(desk, SHA, LENGTH_S, "AB", sent, None, blinded=False) == taken
    assert sign_offs(desk, SHA, "AB") == []
    with pytest.raises(LabelNotSavedError, match="no sign-off of yours"):
        say(desk, "withdraw")


def test_undo_leaves_a_sign_off_alone(desk: Desk) -> None:
    mark(desk, 20.0, blinded=False)
    say(desk, "sign_off")
    say(desk, "undo")
    assert len(sign_offs(desk, SHA, "AB")) == 1


# ---- what was seen -------------------------------------------------------------------------------


def test_the_share_that_was_seen_equals_counting_moments() -> None:
    rng = np.random.default_rng(5)
    for _ in range(100):
        spans = [sorted(rng.integers(-20, 230, 2).tolist()) for _ in range(rng.integers(0, 9))]
        seen = np.zeros(200, bool)
        for a, b in spans:
            seen[max(a, 0) : max(b, 0)] = True
        assert seen_share(spans, 200.0) == pytest.approx(seen.mean())
    assert seen_share([[0, 5]], 0.0) == 0.0


@pytest.mark.parametrize(
    ("seen_s", "words"), [(0, "0 %"), (1, "< 1 %"), (309.9, "99 %"), (310, "100 %")]
)
def test_a_share_is_rounded_so_that_all_means_all(desk: Desk, seen_s: float, words: str) -> None:
    record = say(desk, "sign_off", viewed=[[0, seen_s]] if seen_s else [])
    assert record.comment == f"{words} of the recording seen"
