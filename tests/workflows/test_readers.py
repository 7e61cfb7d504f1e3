"""Who may do and see what, what is assigned, how far everybody is, which guideline holds."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from labelled import LENGTH_S, add_recording, say, state_whole

from eegdash.errors import WorkspaceError
from eegdash.settings import Settings
from eegdash.workflows import readers
from eegdash.workflows.desk import Desk
from eegdash.workflows.readers import ADJUDICATOR, Reader, Sight
from eegdash.workflows.reading_plan import NAME

SHA = "a" * 64


def with_settings(desk: Desk, **changes: object) -> Desk:
    return replace(desk, settings=replace(desk.settings, **changes))


def test_settings_name_adjudicators_and_hide_others_unless_clearly_shown() -> None:
    found = Settings.from_environment({"EEGDASH_ADJUDICATORS": "Dr. A, B ,", "OTHER": "1"})
    assert (found.adjudicators, found.others_hidden) == (("Dr. A", "B"), False)
    for text, hidden in (("hidden", True), ("shown", False), ("", False), ("hiden", True)):
        assert Settings.from_environment({"EEGDASH_OTHERS_LABELS": text}).others_hidden is hidden


def test_everybody_with_a_name_may_adjudicate_unless_some_are_named(desk: Desk) -> None:
    assert readers.may_adjudicate(desk, "A")
    assert not readers.may_adjudicate(desk, " ")
    named = with_settings(desk, adjudicators=("B",))
    assert not readers.may_adjudicate(named, "A")
    assert readers.may_adjudicate(named, " B ")


def test_what_a_reader_sees_of_others(desk: Desk) -> None:
    say(desk, "B", SHA, 10, 20)
    assert readers.sees_others(desk, SHA, Reader("A"))
    assert not readers.sees_others(desk, SHA, Reader("A", blinded=True))
    hidden = with_settings(desk, others_hidden=True, adjudicators=("C",))
    assert not readers.sees_others(hidden, SHA, Reader("A"))
    assert not readers.sees_others(hidden, SHA, Reader("A", ADJUDICATOR))  # says so, but is none
    assert readers.sees_others(hidden, SHA, Reader("C", ADJUDICATOR))


def test_a_blinded_reader_sees_others_after_the_own_first_read_only(desk: Desk) -> None:
    blinded = with_settings(desk, blinded=True)
    other = say(desk, "B", SHA, 10, 20)
    own = say(desk, "A", SHA, 30, 40, blinded=True)
    state_whole(desk, "B", SHA, kind="first_read", blinded=True)
    before = Sight(blinded, Reader("A"))
    assert (before.sees(own), before.sees(other), before.blind(SHA)) == (True, False, True)
    assert not Sight(blinded, Reader("A", ADJUDICATOR)).sees(other)
    assert not Sight(blinded, Reader("")).sees(other)
    first_read = state_whole(desk, "A", SHA, kind="first_read", blinded=True)
    assert Sight(blinded, Reader("A")).sees(other)
    say(desk, "A", SHA, 0, 300, "retract", supersedes=first_read.uuid, reason="by mistake")
    assert not Sight(blinded, Reader("A")).sees(other)


def test_labels_carry_the_guideline_that_held_when_they_were_said(desk: Desk) -> None:
    assert readers.guideline(desk) is None
    first = say(desk, "A", SHA, 10, 20)
    readers.set_guideline(desk, " 1.0 ", "Ward rules", "A", decision_id="g1")
    second = say(desk, "A", SHA, 30, 40)
    readers.set_guideline(desk, "1.1", "", "B", decision_id="g2")
    readers.set_guideline(desk, "9.9", "", "B", decision_id="g2")  # sent twice
    third = say(desk, "A", SHA, 50, 60)
    assert [x.guideline for x in (first, second, third)] == ["", "1.0", "1.1"]
    assert [(x.version, x.title, x.by) for x in readers.guidelines(desk)] == [
        ("1.0", "Ward rules", "A"),
        ("1.1", "", "B"),
    ]
    for version in ("", " ", "x" * 61):
        with pytest.raises(WorkspaceError, match="NOT saved"):
            readers.set_guideline(desk, version, "", "A", decision_id="g3")


def test_assignments_are_added_kept_and_taken_away(desk: Desk) -> None:
    other = "b" * 64
    readers.assign(desk, [SHA, other], "A", "Chief", decision_id="1")
    readers.assign(desk, [SHA], "A", "Somebody", decision_id="2")
    readers.assign(desk, [SHA], "B", "Chief", decision_id="3")
    held = readers.assignments(desk, "A")
    assert [(x.recording_sha256, x.by, x.alias) for x in held] == [
        (SHA, "Chief", "rec-aaaaaaaa"),
        (other, "Chief", "rec-bbbbbbbb"),
    ]
    readers.unassign(desk, [other], "A", "Chief", decision_id="4")
    assert [x.reader for x in readers.assignments(desk)] == ["A", "B"]
    with pytest.raises(WorkspaceError, match="at least one recording"):
        readers.assign(desk, [], "A", "Chief", decision_id="5")


@pytest.mark.parametrize("share", [-0.1, 0.51, math.nan])
def test_the_share_of_repeats_is_stated_and_checked(desk: Desk, share: float) -> None:
    assert readers.repeat_share(desk) == 0
    readers.set_repeat_share(desk, 0.2, "A", decision_id="1")
    assert readers.repeat_share(desk) == 0.2
    with pytest.raises(WorkspaceError, match=r"from 0 to 0\.5"):
        readers.set_repeat_share(desk, share, "A", decision_id="2")


def test_a_line_of_the_plan_that_was_changed_by_hand_does_not_count(desk: Desk) -> None:
    readers.set_guideline(desk, "1.0", "", "A", decision_id="1")
    readers.set_guideline(desk, "2.0", "", "A", decision_id="2")
    path = desk.workspace.state / f"{NAME}.jsonl"
    path.write_text(path.read_text().replace('"2.0"', '"3.0"') + "torn {")
    assert [x.version for x in readers.guidelines(desk)] == ["1.0"]
    readers.set_guideline(desk, "4.0", "", "A", decision_id="3")
    assert [x.version for x in readers.guidelines(desk)] == ["1.0", "4.0"]


def test_a_full_disk_is_told_and_nothing_is_assigned(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(WorkspaceError, match="NOT saved"):
            readers.assign(desk, [SHA], "A", "Chief", decision_id="1")
    assert readers.assignments(desk) == ()
    readers.assign(desk, [SHA], "A", "Chief", decision_id="1")
    assert len(readers.assignments(desk)) == 1


def test_progress_counts_labels_open_work_and_pace(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eegdash.labels import book

    one, two = add_recording(desk, "a.edf"), add_recording(desk, "b.edf", seed=1)
    readers.assign(desk, [one, two], "A", "Chief", decision_id="1")
    readers.assign(desk, [two], "C", "Chief", decision_id="2")
    minute = iter([0, 1, 3, 60, 59, 61])  # a pause of an hour, and a clock set back

    class Clock(book.datetime):  # type: ignore[misc, valid-type]
        @classmethod
        def now(cls, tz: object = None) -> object:
            return book.datetime(2026, 11, 3, 10, tzinfo=book.UTC) + timedelta(minutes=next(minute))

    from datetime import timedelta

    monkeypatch.setattr(book, "datetime", Clock)
    say(desk, "A", one, 10, 20)
    first = say(desk, "A", one, 50, 60, "unsure")
    say(desk, "A", one, 50, 60, "agree", repeat_of=first.uuid)
    say(desk, "A", one, 100, 120, "disagree")
    state_whole(desk, "A", one, (0.0, 100.0), (150.0, 250.0))
    say(desk, "B", one, 10, 20)
    found = {x.name: x for x in readers.progress(desk)}
    assert list(found) == ["A", "B", "C"]
    mine = found["A"]
    assert (mine.n_labels, mine.n_unsure, mine.n_repeats) == (3, 1, 1)
    assert (mine.n_assigned, mine.n_done, mine.open_recordings) == (2, 1, (two,))
    assert (mine.assigned_s, mine.done_s, mine.read_s) == (2 * LENGTH_S, LENGTH_S, 200.0)
    assert mine.worked_s == 180.0
    assert mine.labels_per_hour == pytest.approx(60)
    assert mine.eeg_hours_per_hour == pytest.approx(200 / 180)
    assert math.isnan(found["B"].labels_per_hour)
    assert (found["C"].n_labels, found["C"].n_assigned) == (0, 1)
