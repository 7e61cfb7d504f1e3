"""The list of labels: filters, who sees what, history, changes, undo."""

from __future__ import annotations

from dataclasses import replace

import pytest
from labelled import add_recording, say, state_whole

from eegdash.errors import LabelNotSavedError
from eegdash.workflows.desk import Desk
from eegdash.workflows.labels_list import (
    ALL,
    LabelFilter,
    change,
    history,
    listing,
    odd_lines,
    take_back,
    undo_change,
)
from eegdash.workflows.readers import Reader

A, B = Reader("A"), Reader("B")


@pytest.fixture
def recordings(desk: Desk) -> tuple[str, str]:
    return (
        add_recording(desk, "chb21_03.edf"),
        add_recording(desk, "sub-07_ses-01_eeg.edf", seed=1),
    )


def texts(desk: Desk, reader: Reader = A, **wanted: object) -> list[str]:
    found = listing(desk, reader, LabelFilter(**wanted))  # type: ignore[arg-type]
    return [row.label.comment for row in found.rows]


def test_every_filter_keeps_what_matches_newest_first(
    desk: Desk, recordings: tuple[str, str]
) -> None:
    one, two = recordings
    gone = "f" * 64
    say(desk, "A", one, 10, 20, comment="k1", reason="muscle", model="net")
    say(desk, "B", one, 10, 20, "disagree", comment="K2 Chewing", reason="LPD")
    say(desk, "A", two, 30, 40, "unsure", comment="k3", guideline="1.2")
    say(desk, "A", gone, 30, 40, comment="k4")
    state_whole(desk, "A", one, comment="k5")
    assert texts(desk) == ["k4", "k3", "K2 Chewing", "k1"]
    for wanted, expected in (
        ({"recording_sha256": two}, ["k3"]),
        ({"person": "chb01"}, ["K2 Chewing", "k1"]),  # chb21 is the same person
        ({"person": "sub-07"}, ["k3"]),
        ({"reviewer": "B"}, ["K2 Chewing"]),
        ({"verdict": "unsure"}, ["k3"]),
        ({"reason": "muscle"}, ["k1"]),
        ({"model": "net"}, ["k1"]),
        ({"guideline": "1.2"}, ["k3"]),
        ({"kind": "sign_off"}, ["k5"]),
        ({"kind": ""}, ["k5", "k4", "k3", "K2 Chewing", "k1"]),
        ({"text": "CHEW"}, ["K2 Chewing"]),
        ({"text": "chb21"}, ["K2 Chewing", "k1"]),
        ({"text": "rec-ffff"}, ["k4"]),
        ({"status": "hand-edited"}, []),
        ({"from_date": "2999-01-01"}, []),
        ({"to_date": "1999-01-01"}, []),
        ({"from_date": "2020-01-01", "to_date": "2999-01-01", "verdict": "unsure"}, ["k3"]),
    ):
        assert texts(desk, **wanted) == expected, wanted
    found = listing(desk, A, limit=2, offset=1)
    assert [row.label.comment for row in found.rows] == ["k3", "K2 Chewing"]
    assert (found.n_matching, found.n_visible, found.n_withheld) == (4, 5, 0)
    assert found.choices["reviewer"] == ("A", "B")
    assert found.choices["person"] == ("chb01", "sub-07")
    assert found.names[one] == "chb21_03.edf"
    assert found.names[gone] == "rec-ffffffff"
    assert not listing(desk, A, LabelFilter(text="k4")).rows[0].in_workspace


def test_superseded_labels_and_retractions_are_listed_on_demand(
    desk: Desk, recordings: tuple[str, str]
) -> None:
    label = say(desk, "A", recordings[0], 10, 20, comment="first")
    new = change(
        desk, A, label.uuid, {"comment": "second", "verdict": "unsure"}, "looked again",
        decision_id="c",
    )  # fmt: skip
    assert texts(desk) == ["second"]
    assert texts(desk, which=ALL) == ["second", "first"]
    row = listing(desk, A).rows[0]
    assert (row.standing, row.changed, row.own, row.conflict) == (True, True, True, False)
    take_back(desk, A, new.uuid, "not mine to say", decision_id="t")
    assert texts(desk) == []
    assert len(texts(desk, which=ALL)) == 3


def test_lines_that_are_torn_or_edited_by_hand_are_counted_and_shown(
    desk: Desk, recordings: tuple[str, str]
) -> None:
    say(desk, "A", recordings[0], 10, 20, comment="fine")
    say(desk, "A", recordings[0], 30, 40, comment="was this")
    path = desk.labels.path
    path.write_bytes(path.read_bytes().replace(b"was this", b"is that!") + b"{torn")
    found = listing(desk, A, LabelFilter(status="hand-edited"))
    assert [row.label.comment for row in found.rows] == ["is that!"]
    assert found.lines == {"verified": 1, "hand-edited": 1, "torn": 1}
    odd = odd_lines(desk, A)
    assert [(x.number, x.status) for x in odd] == [(3, "torn"), (2, "hand-edited")]
    assert odd[0].text == "{torn"


def test_a_blinded_reader_is_told_of_own_labels_only(
    desk: Desk, recordings: tuple[str, str]
) -> None:
    one, two = recordings
    say(desk, "B", one, 10, 20, comment="secret", reason="LPD")
    say(desk, "B", two, 10, 20, comment="known")
    say(desk, "A", one, 10, 20, comment="mine", blinded=True)
    state_whole(desk, "A", two, kind="first_read", blinded=True)
    desk.labels.path.write_bytes(desk.labels.path.read_bytes() + b"{torn secret")
    blinded = replace(A, blinded=True)
    found = listing(desk, blinded)
    assert [row.label.comment for row in found.rows] == ["mine", "known"]
    assert found.n_withheld == 1
    assert "LPD" not in found.choices["reason"]
    secret = desk.labels.for_recording(one)[0]
    assert history(desk, blinded, secret.uuid) == ()
    assert "secret" not in repr(odd_lines(desk, blinded))
    assert len(history(desk, A, secret.uuid)) == 1


def test_history_says_who_when_before_after_why(desk: Desk, recordings: tuple[str, str]) -> None:
    label = say(desk, "A", recordings[0], 10, 20)
    changes = {"verdict": "unsure", "onset_s": 12.5, "duration_s": 9.0, "confidence": 0.5}
    second = change(desk, A, label.uuid, changes, "chewing at the start", decision_id="c")
    third = take_back(desk, A, second.uuid, "wrong patient", decision_id="t")
    undo_change(desk, A, third.uuid, decision_id="u")
    steps = history(desk, A, label.uuid)
    assert [x.what for x in steps] == ["said", "changed", "taken back", "brought back"]
    assert [x.standing for x in steps] == [False, False, False, True]
    assert steps[1].why == "chewing at the start"
    assert steps[1].changes == (
        ("verdict", "missed", "unsure"),
        ("onset (s)", "10", "12.5"),
        ("duration (s)", "10", "9"),
        ("confidence", "none", "0.5"),
    )
    assert steps[3].label.verdict == "unsure"
    assert all(x.label.reviewer == "A" and x.label.time_utc for x in steps)


def test_undo_goes_back_one_step_and_a_double_click_is_one_step(
    desk: Desk, recordings: tuple[str, str]
) -> None:
    label = say(desk, "A", recordings[0], 10, 20)
    new = change(desk, A, label.uuid, {"verdict": "disagree"}, "muscle", decision_id="c")
    assert change(desk, A, label.uuid, {"verdict": "disagree"}, "x", decision_id="c") == new
    back = undo_change(desk, A, new.uuid, decision_id="u")
    assert undo_change(desk, A, new.uuid, decision_id="u") == back
    assert back.verdict == "missed"
    first = desk.labels.current(recordings[0]).labels
    assert first == (back,)
    with pytest.raises(LabelNotSavedError, match="changed since"):
        undo_change(desk, A, new.uuid, decision_id="u2")


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"verdict": "unsure"}, " ", "say why"),
        ({"verdict": "retract"}, "x", "taking it back"),
        ({"verdict": "adjudicated"}, "x", "adjudication page"),
        ({"duration_s": 0.1}, "x", "at least 0.5 s"),
        ({"reviewer": "B"}, "x", "cannot be changed"),
        ({"onset_s": float("nan")}, "x", "finite number"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(
    desk: Desk, recordings: tuple[str, str], changes: dict[str, object], reason: str, says: str
) -> None:
    label = say(desk, "A", recordings[0], 10, 20)
    with pytest.raises(LabelNotSavedError, match=says):
        change(desk, A, label.uuid, changes, reason, decision_id="c")
    assert desk.labels.all() == [label]


def test_another_readers_label_is_neither_changed_nor_taken_back(
    desk: Desk, recordings: tuple[str, str]
) -> None:
    label = say(desk, "A", recordings[0], 10, 20)
    for act in (
        lambda: change(desk, B, label.uuid, {"verdict": "unsure"}, "x", decision_id="1"),
        lambda: take_back(desk, B, label.uuid, "x", decision_id="2"),
        lambda: undo_change(desk, B, label.uuid, decision_id="3"),
        lambda: change(desk, Reader(" "), label.uuid, {}, "x", decision_id="4"),
    ):
        with pytest.raises(LabelNotSavedError):
            act()
    assert desk.labels.all() == [label]


def test_a_blinded_label_changed_after_the_first_read_is_not_blinded(
    desk: Desk, recordings: tuple[str, str]
) -> None:
    blinded = replace(A, blinded=True)
    label = say(desk, "A", recordings[0], 10, 20, blinded=True)
    before = change(desk, blinded, label.uuid, {"onset_s": 11.0}, "later", decision_id="1")
    state_whole(desk, "A", recordings[0], kind="first_read", blinded=True)
    after = change(desk, blinded, before.uuid, {"onset_s": 12.0}, "detector", decision_id="2")
    assert (before.blinded, after.blinded) == (True, False)


def test_conflicting_labels_are_marked_until_one_goes(
    desk: Desk, recordings: tuple[str, str]
) -> None:
    first = say(desk, "A", recordings[0], 10, 20)
    left = say(desk, "A", recordings[0], 10, 20, "unsure", supersedes=first.uuid, reason="x")
    right = say(desk, "A", recordings[0], 10, 20, "disagree", supersedes=first.uuid, reason="y")
    assert len(listing(desk, A, LabelFilter(conflicts_only=True)).rows) == 2
    take_back(desk, A, right.uuid, "two tabs", decision_id="t")
    rows = listing(desk, A).rows
    assert [(row.label.uuid, row.conflict) for row in rows] == [(left.uuid, False)]
