"""What is offered next, never twice by accident, and hidden repeats."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from labelled import LENGTH_S, add_recording, add_trace, say, state_whole

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import LabelNotSavedError, WorkspaceError
from eegdash.workflows import queue, readers
from eegdash.workflows.desk import Desk
from eegdash.workflows.label_view import shown_labels
from eegdash.workflows.labels_list import listing
from eegdash.workflows.queue import QueueItem
from eegdash.workflows.readers import Reader
from eegdash.workflows.reading import decide

A = Reader("A")
_ids = (f"q-{i}" for i in itertools.count())


@pytest.fixture
def scored(desk: Desk, tiny_model: CheckpointInfo) -> str:
    """A recording with detections of 900, 600 and 700 per mille, and one of 400 below 500."""
    sha256 = add_recording(desk, "a.edf")
    add_trace(
        desk, sha256, tiny_model, (20, 40, 900), (80, 100, 600), (150, 170, 700), (220, 240, 400)
    )
    return sha256


def take(
    desk: Desk,
    model: CheckpointInfo | None,
    order: str = queue.TIME,
    reader: Reader = A,
    **more: bool,
) -> QueueItem | None:
    return queue.take_next(desk, reader, model, order, decision_id=next(_ids), **more)


def work_off(desk: Desk, model: CheckpointInfo, order: str, reader: Reader = A) -> list[int]:
    """Put aside whatever comes, and return the onsets in order."""
    onsets = []
    while (item := take(desk, model, order, reader)) is not None:
        onsets.append(round(item.onset_s))
        queue.put_aside(desk, reader, decision_id=next(_ids))
    return onsets


def test_order_by_time(desk: Desk, scored: str, tiny_model: CheckpointInfo) -> None:
    onsets = work_off(desk, tiny_model, queue.TIME)
    assert [round(x / 10) for x in onsets] == [2, 8, 15]


def test_what_was_ranked_once_does_not_outlive_its_labels(
    desk: Desk, scored: str, tiny_model: CheckpointInfo
) -> None:
    def why(reader: Reader = A) -> list[str]:
        return [x.why for x in queue.state(desk, reader, tiny_model, queue.TIME).coming]

    before = why()
    assert why() == before
    say(desk, "B", scored, 80, 100, "disagree")
    assert [one != other for one, other in zip(why(), before, strict=True)] == [False, True, False]
    assert "no seizure (1)" in why()[1]
    path = desk.workspace.labels / "labels.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"disagree"', b'"agree"'))  # edited by hand
    assert "say seizure (1)" in why()[1]
    assert len(why(Reader("B"))) == 2  # B has labelled it, and is not told of B
    say(desk, "A", scored, 80, 100, "agree")
    assert len(why()) == 2
    stricter = replace(tiny_model, threshold_pm=800)
    assert len(queue.state(desk, A, stricter, queue.TIME).coming) == 1


def test_order_by_nearness_to_the_threshold_also_below_it(
    desk: Desk, scored: str, tiny_model: CheckpointInfo
) -> None:
    waiting = queue.state(desk, A, tiny_model, queue.UNCERTAIN).coming
    assert len(waiting) == 4
    assert [item.score for item in waiting] == sorted((x.score for x in waiting), reverse=True)
    # 600 and 400 are equally near, then 700, then 900
    assert [round(x.onset_s / 50) for x in waiting][2:] == [3, 0]


def test_order_by_disagreement_with_the_detector(
    desk: Desk, scored: str, tiny_model: CheckpointInfo
) -> None:
    say(desk, "B", scored, 20, 40, "disagree")  # detected at 0.9, a reader says no
    say(desk, "B", scored, 150, 170, "agree")
    say(desk, "C", scored, 250, 270)  # not detected, a reader says seizure
    coming = queue.state(desk, A, tiny_model, queue.DETECTOR).coming
    assert [round(x.onset_s) for x in coming][:2] == [250, 20]
    assert coming[0].why == "Others say seizure (1); not detected"
    assert coming[1].why.startswith("Others say no seizure (1); detected, highest probability 0.")


def test_order_by_disagreement_between_readers(
    desk: Desk, scored: str, tiny_model: CheckpointInfo
) -> None:
    for reader, verdict in (("B", "agree"), ("C", "disagree")):
        say(desk, reader, scored, 150, 170, verdict)
    for reader in "BC":
        say(desk, reader, scored, 20, 40, "agree")
    coming = queue.state(desk, A, tiny_model, queue.READERS).coming
    assert coming[0].score == 1.0
    assert 145 < coming[0].onset_s < 155


def test_the_same_span_is_not_offered_twice_unless_asked(
    desk: Desk, scored: str, tiny_model: CheckpointInfo
) -> None:
    say(desk, "A", scored, 80, 100, "agree")
    first = take(desk, tiny_model)
    assert first is not None
    assert take(desk, tiny_model) == first  # still open
    assert queue.state(desk, A, tiny_model, queue.TIME).open == first
    queue.judge(desk, A, tiny_model, "seizure", decision_id="j")
    second = take(desk, tiny_model)
    assert second is not None
    assert second.onset_s > first.end_s
    queue.put_aside(desk, A, decision_id="p")
    state = queue.state(desk, A, tiny_model, queue.TIME)
    assert (state.open, state.n_waiting, state.n_done, state.n_put_aside) == (None, 0, 1, 1)
    assert "Nothing is left" in state.note
    assert take(desk, tiny_model) is None
    again = queue.state(desk, A, tiny_model, queue.TIME, again=True)
    assert again.n_waiting == 3
    assert take(desk, tiny_model, again=True) is not None
    # what others were offered does not matter
    assert queue.state(desk, Reader("B"), tiny_model, queue.TIME).n_waiting == 3


def test_an_offer_sent_twice_is_one(desk: Desk, scored: str, tiny_model: CheckpointInfo) -> None:
    item = queue.take_next(desk, A, tiny_model, queue.TIME, decision_id="d")
    queue.put_aside(desk, A, decision_id="p")
    queue.put_aside(desk, A, decision_id="p")
    assert queue.state(desk, A, tiny_model, queue.TIME).n_put_aside == 1
    assert queue.take_next(desk, A, tiny_model, queue.TIME, decision_id="d") == item
    with pytest.raises(WorkspaceError, match="nothing open"):
        queue.put_aside(desk, A, decision_id="p2")


@pytest.mark.parametrize(
    ("says", "verdict"), [("seizure", "agree"), ("no seizure", "disagree"), ("unsure", "unsure")]
)
def test_a_judgement_is_a_label_with_what_was_on_screen(
    desk: Desk, scored: str, tiny_model: CheckpointInfo, says: str, verdict: str
) -> None:
    take(desk, tiny_model)
    label = queue.judge(desk, A, tiny_model, says, comment="x", decision_id="j")
    assert (label.verdict, label.comment, label.model) == (verdict, "x", "tiny")
    assert label.model_sha256 == tiny_model.sha256
    assert label.probability is not None
    assert label.probability > 0.8
    assert queue.judge(desk, A, tiny_model, says, decision_id="j") == label
    with pytest.raises(LabelNotSavedError, match="no span is open"):
        queue.judge(desk, A, tiny_model, says, decision_id="j2")


def test_a_span_that_was_not_detected_is_marked_as_missed(
    desk: Desk, scored: str, tiny_model: CheckpointInfo
) -> None:
    say(desk, "B", scored, 250, 270)
    take(desk, tiny_model, queue.DETECTOR)
    label = queue.judge(desk, A, tiny_model, "seizure", event_type="sz_foc", decision_id="j")
    assert (label.verdict, label.event_type, label.onset_s) == ("missed", "sz_foc", 250.0)
    assert label.probability is None


def test_only_assigned_recordings_are_in_the_queue(
    desk: Desk, scored: str, tiny_model: CheckpointInfo
) -> None:
    other = add_recording(desk, "b.edf", seed=3)
    readers.assign(desk, [other], "A", "Chief", decision_id="1")
    state = queue.state(desk, A, tiny_model)
    (item,) = state.coming
    assert (item.recording_sha256, item.whole, item.duration_s) == (other, True, LENGTH_S)
    state_whole(desk, "A", other)
    assert queue.state(desk, A, tiny_model).coming == ()


def test_a_blinded_reader_is_offered_whole_recordings_and_told_nothing(
    desk: Desk, scored: str, tiny_model: CheckpointInfo
) -> None:
    say(desk, "B", scored, 250, 270)
    blinded = replace(A, blinded=True)
    for order in queue.ORDERS:
        (item,) = queue.state(desk, blinded, tiny_model, order).coming
        assert (item.onset_s, item.duration_s, item.whole) == (0.0, LENGTH_S, True)
        assert "detect" not in item.why
        assert "others" not in item.why.lower()
    assert take(desk, tiny_model, reader=blinded) is not None
    with pytest.raises(LabelNotSavedError, match="no span is open"):
        queue.judge(desk, blinded, tiny_model, "seizure", decision_id="j")
    state_whole(desk, "A", scored, kind="first_read", blinded=True)
    state = queue.state(desk, blinded, tiny_model)
    assert (state.open, state.n_done, state.n_waiting) == (None, 1, 4)


def test_others_opinions_are_not_told_where_they_are_hidden(
    desk: Desk, scored: str, tiny_model: CheckpointInfo
) -> None:
    say(desk, "B", scored, 250, 270)
    hidden = replace(desk, settings=replace(desk.settings, others_hidden=True))
    coming = queue.state(hidden, A, tiny_model).coming
    assert len(coming) == 3
    assert all("thers" not in item.why for item in coming)


def test_why_nothing_waits_is_said(desk: Desk, tiny_model: CheckpointInfo) -> None:
    assert "Enter your name" in queue.state(desk, Reader(" "), tiny_model).note
    assert "Recordings page" in queue.state(desk, A, tiny_model).note
    add_recording(desk, "a.edf")
    assert "Recordings not scored yet: 1 of 1" in queue.state(desk, A, tiny_model).note
    readers.assign(desk, ["c" * 64], "A", "Chief", decision_id="1")
    assert "assigned to you" in queue.state(desk, A, tiny_model).note


# -- hidden repeats ------------------------------------------------------------------------


def with_repeats(desk: Desk, sha256: str, share: float) -> list[str]:
    readers.set_repeat_share(desk, share, "Chief", decision_id=f"share-{share}")
    return [say(desk, "A", sha256, 10 + 9 * i, 18 + 9 * i, "unsure").uuid for i in range(8)]


def until_repeat(desk: Desk, model: CheckpointInfo) -> QueueItem:
    """Answer what comes until a hidden repeat is open; return it."""
    for _ in range(40):
        item = take(desk, model, again=True)
        assert item is not None
        if queue.concealed(desk, item.recording_sha256, "A"):
            return item
        queue.put_aside(desk, A, decision_id=next(_ids))
    raise AssertionError("no repeat came")


def test_a_repeat_hides_the_first_label_and_is_no_further_opinion(
    desk: Desk, scored: str, tiny_model: CheckpointInfo
) -> None:
    own = with_repeats(desk, scored, 0.5)
    item = until_repeat(desk, tiny_model)
    (hidden,) = queue.concealed(desk, scored, "A")
    assert hidden in own
    assert hidden not in {x["uuid"] for x in shown_labels(desk, scored, "A")}
    before = listing(desk, A)
    assert hidden not in {row.label.uuid for row in before.rows}
    assert before.n_withheld == 0  # a number would tell
    assert hidden in {row.label.uuid for row in listing(desk, Reader("B")).rows}
    label = queue.judge(desk, A, tiny_model, "no seizure", decision_id="j")
    assert label.repeat_of == hidden
    assert hidden in {row.label.uuid for row in listing(desk, A).rows}
    assert (label.onset_s, label.duration_s) == (item.onset_s, item.duration_s)
    assert label.uuid not in {x.uuid for x in desk.labels.current(scored).labels}
    assert hidden in {x.uuid for x in desk.labels.current(scored).labels}
    shown = {x["uuid"] for x in shown_labels(desk, scored, "A")}
    assert label.uuid in shown  # what was just said is on the screen
    assert hidden not in shown
    take(desk, tiny_model, again=True)
    shown = {x["uuid"] for x in shown_labels(desk, scored, "A")}
    assert label.uuid not in shown
    assert hidden in shown


def test_a_repeat_labelled_on_the_review_page_is_known_as_one(
    desk: Desk, scored: str, tiny_model: CheckpointInfo
) -> None:
    with_repeats(desk, scored, 0.5)
    item = until_repeat(desk, tiny_model)
    (hidden,) = queue.concealed(desk, scored, "A")
    sent = {
        "id": "r", "action": "label", "verdict": "missed", "event_type": "sz",
        "onset_s": item.onset_s + 1, "duration_s": item.duration_s,
    }  # fmt: skip
    label = decide(desk, scored, LENGTH_S, "A", sent, None, blinded=False)
    assert label.repeat_of == hidden
    moved = {**sent, "id": "m", "supersedes": label.uuid, "moved": True, "onset_s": item.onset_s}
    changed = decide(desk, scored, LENGTH_S, "A", moved, None, blinded=False)
    assert changed.repeat_of == hidden
    undone = decide(desk, scored, LENGTH_S, "A", {"id": "u", "action": "undo"}, None, blinded=False)
    assert (undone.onset_s, undone.repeat_of) == (item.onset_s + 1, hidden)
    elsewhere = {**sent, "id": "e", "onset_s": 280.0}
    assert decide(desk, scored, LENGTH_S, "A", elsewhere, None, blinded=False).repeat_of is None


def test_the_share_of_repeats_is_about_what_was_asked_and_the_same_for_a_reader(
    desk: Desk, scored: str, tiny_model: CheckpointInfo
) -> None:
    own = [say(desk, "A", scored, i * 1.4, i * 1.4 + 1, "unsure").uuid for i in range(200)]
    readers.set_repeat_share(desk, 0.25, "Chief", decision_id="s")
    n = 0
    for _ in range(60):
        item = take(desk, tiny_model, again=True)
        assert item is not None
        n += bool(queue.concealed(desk, scored, "A"))
        queue.put_aside(desk, A, decision_id=next(_ids))
    assert 7 <= n <= 24  # 15 expected
    assert len(own) == 200


def test_without_a_share_nothing_is_repeated(
    desk: Desk, scored: str, tiny_model: CheckpointInfo
) -> None:
    with_repeats(desk, scored, 0.0)
    for _ in range(10):
        take(desk, tiny_model, again=True)
        assert not queue.concealed(desk, scored, "A")
        queue.put_aside(desk, A, decision_id=next(_ids))


def test_a_queue_that_cannot_be_read_keeps_no_label_from_being_saved(
    desk: Desk, scored: str, caplog: pytest.LogCaptureFixture
) -> None:
    (desk.workspace.state / "offers.jsonl").mkdir()
    sent = {"id": "r", "action": "label", "verdict": "missed", "onset_s": 5.0, "duration_s": 5.0}
    label = decide(desk, scored, LENGTH_S, "A", sent, None, blinded=False)
    assert label.repeat_of is None
    assert [x["uuid"] for x in shown_labels(desk, scored, "A")] == [label.uuid]
    assert "cannot be read" in caplog.text
