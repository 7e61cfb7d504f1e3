"""What a reader decides, and how it stands in the labels file."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from eegdash.detection import PostProcessing, ProbabilityTrace, find_events
from eegdash.errors import LabelNotSavedError
from eegdash.labels import Label
from eegdash.workflows.desk import Desk
from eegdash.workflows.label_view import shown_labels
from eegdash.workflows.review import CHANGED, EVENT_TYPES, REASONS, decide
from eegdash.workflows.undo import UNDONE, undo

SHA = "c" * 64
POST = PostProcessing()
_ids = (f"id-{i}" for i in itertools.count())


@pytest.fixture
def trace() -> ProbabilityTrace:
    """Two detections at 500 per mille, one of them at 800."""
    pm = np.full(200, 100, np.uint16)
    pm[20:40] = 900
    pm[100:120] = 600
    return ProbabilityTrace(pm, 4.5, 1.5, 310.0, "tiny", "a" * 64, SHA)


def on(trace: ProbabilityTrace, which: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a decision about a detection, as the viewer sends it."""
    event = find_events(trace, 500, POST)[which]
    return {
        "id": next(_ids), "action": "label", "recording_sha256": SHA, "verdict": "agree",
        "first": event.first, "stop": event.stop, "threshold_pm": 500, "post": POST.as_dict(),
        **changes,
    }  # fmt: skip


def standing(desk: Desk) -> list[tuple[str, str]]:
    return [(x.reviewer, x.verdict or "") for x in desk.labels.current(SHA).labels]


@pytest.mark.parametrize("verdict", ["agree", "disagree", "unsure"])
def test_a_verdict_on_a_detection_carries_all_that_was_on_screen(
    desk: Desk, trace: ProbabilityTrace, verdict: str
) -> None:
    sent = on(
        trace, verdict=verdict, reason="muscle", comment="chewing\n=1+1", confidence=0.8,
        event_type="sz_foc_ia",
    )  # fmt: skip
    label = decide(desk, SHA, "  AB ", sent, trace)
    (event, _) = find_events(trace, 500, POST)
    assert (label.onset_s, label.duration_s) == (event.onset_s, event.duration_s)
    assert (label.reviewer, label.verdict, label.reason) == ("AB", verdict, "muscle")
    assert (label.comment, label.confidence) == ("chewing\n=1+1", 0.8)
    assert label.event_type == "sz_foc_ia"
    assert (label.model, label.model_sha256) == ("tiny", "a" * 64)
    assert (label.threshold, label.probability) == (0.5, event.peak_pm / 1000)
    assert label.postprocessing == POST.as_dict()
    assert desk.labels.for_recording(SHA) == [label]


def test_a_missed_seizure_is_a_span_with_the_highest_probability_inside(
    desk: Desk, trace: ProbabilityTrace
) -> None:
    sent = {
        "id": "m", "action": "label", "verdict": "missed", "onset_s": 150.0, "duration_s": 20.5,
        "threshold_pm": 500, "post": POST.as_dict(), "event_type": "sz",
    }  # fmt: skip
    label = decide(desk, SHA, "AB", sent, trace)
    assert (label.verdict, label.onset_s, label.duration_s) == ("missed", 150.0, 20.5)
    # windows 100 to 119 (600 per mille) are centred at 154.5 to 183 s
    assert label.probability == 0.6


def test_a_seizure_may_be_marked_without_any_detector(desk: Desk) -> None:
    sent = {"id": "m", "action": "label", "verdict": "missed", "onset_s": 3, "duration_s": 9}
    label = decide(desk, SHA, "AB", sent, None)
    assert (label.model, label.threshold, label.probability) == ("", None, None)
    assert label.postprocessing is None


@pytest.mark.parametrize("verdict", ["disagree", "unsure"])
def test_a_span_of_the_queue_without_a_detection_can_be_judged(
    desk: Desk, trace: ProbabilityTrace, verdict: str
) -> None:
    sent = {
        "id": "q", "action": "label", "verdict": verdict, "moved": True, "onset_s": 60.0,
        "duration_s": 12.5, "threshold_pm": 500, "post": POST.as_dict(),
    }  # fmt: skip
    label = decide(desk, SHA, "AB", sent, trace)
    assert (label.verdict, label.onset_s, label.duration_s) == (verdict, 60.0, 12.5)
    # what the detector said there, although it is no detection
    assert (label.model, label.threshold) == ("tiny", 0.5)
    assert label.probability is not None
    # whoever reads blinded has seen no detector to disagree with
    with pytest.raises(LabelNotSavedError, match="you read this recording blinded"):
        decide(desk, SHA, "AB", {**sent, "id": "b"}, None, blinded=True)


@pytest.mark.parametrize("reviewer", ["", "   ", "\t"])
def test_without_a_name_nothing_is_saved(
    desk: Desk, trace: ProbabilityTrace, reviewer: str
) -> None:
    with pytest.raises(LabelNotSavedError, match=r"^NOT saved: enter your name"):
        decide(desk, SHA, reviewer, on(trace), trace)
    with pytest.raises(LabelNotSavedError, match=r"^NOT saved: enter your name"):
        decide(desk, SHA, reviewer, {"id": "u", "action": "undo"}, trace)
    assert desk.labels.all() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold_pm": 800},  # the second detection is none at 0.8
        {"first": 0, "stop": 5},
        {"post": PostProcessing(min_duration_s=60).as_dict()},
        {"post": PostProcessing(smoothing_s=30).as_dict()},
    ],
)
def test_a_detection_that_is_not_there_is_refused(
    desk: Desk, trace: ProbabilityTrace, changes: dict[str, Any]
) -> None:
    with pytest.raises(LabelNotSavedError, match="not there any more"):
        decide(desk, SHA, "AB", on(trace, 1, **changes), trace)
    assert desk.labels.all() == []


def test_without_a_trace_a_detection_is_refused(desk: Desk, trace: ProbabilityTrace) -> None:
    with pytest.raises(LabelNotSavedError, match="Score the recording first"):
        decide(desk, SHA, "AB", on(trace), None)
    with pytest.raises(LabelNotSavedError, match="Score the recording first"):
        decide(desk, SHA, "AB", on(trace, post=None), trace)
    assert desk.labels.all() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "certainly"},
        {"confidence": 2},
        {"event_type": "<script>"},
        {"verdict": "missed", "onset_s": float("nan"), "duration_s": 3},
        {"verdict": "missed", "onset_s": -5, "duration_s": 3},
        {"supersedes": "00000000-0000-4000-8000-000000000000"},
    ],
)
def test_what_no_label_may_say_is_not_saved(
    desk: Desk, trace: ProbabilityTrace, changes: dict[str, Any]
) -> None:
    with pytest.raises(LabelNotSavedError, match="NOT saved"):
        decide(desk, SHA, "AB", on(trace, **changes), trace)
    assert desk.labels.all() == []


def test_the_same_decision_sent_twice_is_one_label(desk: Desk, trace: ProbabilityTrace) -> None:
    sent = on(trace)
    first = decide(desk, SHA, "AB", sent, trace)
    assert decide(desk, SHA, "AB", sent, trace) == first
    assert len(desk.labels.all()) == 1


def test_a_change_supersedes_and_keeps_what_was_before(desk: Desk, trace: ProbabilityTrace) -> None:
    first = decide(desk, SHA, "AB", on(trace), trace)
    second = decide(desk, SHA, "AB", on(trace, verdict="disagree", supersedes=first.uuid), trace)
    assert (second.supersedes, second.reason) == (first.uuid, CHANGED)
    assert standing(desk) == [("AB", "disagree")]
    assert desk.labels.for_recording(SHA) == [first, second]


def take_back(desk: Desk, reviewer: str = "AB") -> Label:
    return decide(desk, SHA, reviewer, {"id": next(_ids), "action": "undo"}, None)


def test_undo_retracts_the_last_label(desk: Desk, trace: ProbabilityTrace) -> None:
    decide(desk, SHA, "AB", on(trace, 0), trace)
    last = decide(desk, SHA, "AB", on(trace, 1, verdict="unsure"), trace)
    taken = take_back(desk)
    assert (taken.verdict, taken.supersedes, taken.reason) == ("retract", last.uuid, UNDONE)
    assert standing(desk) == [("AB", "agree")]


def test_undo_twice_takes_back_two_labels_and_then_says_that_there_is_none(
    desk: Desk, trace: ProbabilityTrace
) -> None:
    decide(desk, SHA, "AB", on(trace, 0), trace)
    decide(desk, SHA, "AB", on(trace, 1), trace)
    take_back(desk)
    take_back(desk)
    assert standing(desk) == []
    with pytest.raises(LabelNotSavedError, match="no label of yours"):
        take_back(desk)
    assert len(desk.labels.all()) == 4


def test_undo_of_a_change_restores_and_the_next_undo_retracts(
    desk: Desk, trace: ProbabilityTrace
) -> None:
    first = decide(desk, SHA, "AB", on(trace, comment="sure", reason="LPD"), trace)
    second = decide(desk, SHA, "AB", on(trace, verdict="disagree", supersedes=first.uuid), trace)
    restored = take_back(desk)
    assert restored.supersedes == second.uuid
    assert (restored.verdict, restored.comment) == ("agree", "sure")
    assert (restored.onset_s, restored.threshold) == (first.onset_s, first.threshold)
    assert standing(desk) == [("AB", "agree")]
    assert take_back(desk).verdict == "retract"
    assert standing(desk) == []


def test_undo_of_two_changes_goes_back_step_by_step(desk: Desk, trace: ProbabilityTrace) -> None:
    label = decide(desk, SHA, "AB", on(trace), trace)
    for verdict in ("disagree", "unsure"):
        label = decide(desk, SHA, "AB", on(trace, verdict=verdict, supersedes=label.uuid), trace)
    take_back(desk)
    assert standing(desk) == [("AB", "disagree")]


def test_undo_sent_twice_takes_back_one_label(desk: Desk, trace: ProbabilityTrace) -> None:
    decide(desk, SHA, "AB", on(trace, 0), trace)
    decide(desk, SHA, "AB", on(trace, 1), trace)
    first = undo(desk, SHA, "AB", "once")
    assert undo(desk, SHA, "AB", "once") == first
    assert len(standing(desk)) == 1


def test_undo_never_touches_another_reader(desk: Desk, trace: ProbabilityTrace) -> None:
    decide(desk, SHA, "AB", on(trace), trace)
    decide(desk, SHA, "CD", on(trace, verdict="disagree"), trace)
    take_back(desk, "AB")
    assert standing(desk) == [("CD", "disagree")]
    with pytest.raises(LabelNotSavedError, match="no label of yours"):
        take_back(desk, "AB")


def test_labels_are_shown_by_onset_with_whose_they_are(desk: Desk, trace: ProbabilityTrace) -> None:
    decide(desk, SHA, "CD", on(trace, 1, verdict="disagree", comment="<b>x</b>"), trace)
    decide(desk, SHA, "AB", on(trace, 0), trace)
    shown = shown_labels(desk, SHA, " AB ")
    assert [(x["reviewer"], x["own"], x["verdict"]) for x in shown] == [
        ("AB", True, "agree"),
        ("CD", False, "disagree"),
    ]
    assert shown[0]["onset_s"] < shown[1]["onset_s"]
    assert [x["conflict"] for x in shown] == [False, False]
    assert shown[1]["comment"] == "<b>x</b>"  # made harmless where it is drawn
    assert shown[0]["status"] == "verified"
    assert shown_labels(desk, "d" * 64, "AB") == []


def test_two_changes_of_one_label_are_shown_as_a_conflict(
    desk: Desk, trace: ProbabilityTrace
) -> None:
    first = decide(desk, SHA, "AB", on(trace), trace)
    for reviewer, verdict in (("AB", "disagree"), ("AB", "unsure")):  # in two tabs
        sent = on(trace, verdict=verdict, supersedes=first.uuid)
        decide(desk, SHA, reviewer, sent, trace)
    shown = shown_labels(desk, SHA, "AB")
    assert [x["conflict"] for x in shown] == [True, True]
    assert {x["verdict"] for x in shown} == {"disagree", "unsure"}


def test_every_offered_type_and_reason_can_be_saved(desk: Desk, trace: ProbabilityTrace) -> None:
    for event_type, _ in EVENT_TYPES:
        assert decide(desk, SHA, "AB", on(trace, event_type=event_type), trace)
    for reason in REASONS:
        assert decide(desk, SHA, "AB", on(trace, verdict="disagree", reason=reason), trace)
