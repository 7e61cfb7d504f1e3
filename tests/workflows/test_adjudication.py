"""Cases, decisions as labels of their own, and conflicts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from labelled import add_recording, add_trace, say, state_whole

from eegdash.checkpoints import CheckpointInfo
from eegdash.errors import LabelNotSavedError
from eegdash.workflows.adjudication import DECIDED, OPEN, adjudicate, cases, settle
from eegdash.workflows.agreement import agreement
from eegdash.workflows.desk import Desk
from eegdash.workflows.labels_export import export_labels
from eegdash.workflows.readers import ADJUDICATOR, Reader, progress

SHA = "a" * 64
CHIEF = Reader("Chief", ADJUDICATOR)


def opinions(desk: Desk, **more: object) -> list[dict[str, str]]:
    return [{x.reader: x.says for x in case.opinions} for case in cases(desk, CHIEF, **more)]


def test_a_case_is_a_span_on_which_readers_differ(desk: Desk) -> None:
    say(desk, "A", SHA, 10, 30)
    say(desk, "B", SHA, 20, 40, "disagree")
    say(desk, "A", SHA, 100, 110)
    say(desk, "B", SHA, 101, 111)  # they agree here
    say(desk, "A", SHA, 200, 210)  # B read it and marked nothing
    say(desk, "B", SHA, 250, 260, "unsure")
    state_whole(desk, "B", SHA, (0.0, 220.0))
    state_whole(desk, "C", SHA, (0.0, 50.0))
    found = cases(desk, CHIEF)
    assert [(x.onset_s, x.end_s, x.state) for x in found] == [
        (10.0, 40.0, OPEN),
        (200.0, 210.0, OPEN),
        (250.0, 260.0, OPEN),
    ]
    assert opinions(desk) == [
        {"A": "seizure", "B": "no seizure", "C": "nothing marked"},
        {"A": "seizure", "B": "nothing marked", "C": "not read"},
        {"A": "not read", "B": "unsure", "C": "not read"},
    ]


def test_the_detector_is_told_beside_the_readers(desk: Desk, tiny_model: CheckpointInfo) -> None:
    sha256 = add_recording(desk, "a.edf")
    add_trace(desk, sha256, tiny_model, (100, 130, 900), (200, 230, 400))
    say(desk, "A", sha256, 100, 130, "agree")
    say(desk, "B", sha256, 100, 130, "disagree")
    say(desk, "A", sha256, 200, 230)
    say(desk, "B", sha256, 200, 230, "unsure")
    say(desk, "B", sha256, 20, 30, "unsure")
    quiet, detected, missed = cases(desk, CHIEF, tiny_model)
    assert detected.detector == "detection: highest probability 0.90, threshold 0.50"
    assert detected.probability_pm == 900
    assert missed.detector == "no detection: highest probability 0.40, threshold 0.50"
    assert quiet.detector == "no detection (threshold 0.50)"
    assert detected.name == "a.edf"


def test_what_was_worked_out_once_does_not_outlive_its_labels(
    desk: Desk, tiny_model: CheckpointInfo
) -> None:
    sha256 = add_recording(desk, "a.edf")
    add_trace(desk, sha256, tiny_model, (100, 130, 900))
    for reader, verdict in (("A", "agree"), ("B", "disagree")):
        say(desk, reader, sha256, 100, 130, verdict)
    (case,) = cases(desk, CHIEF, tiny_model)
    assert cases(desk, CHIEF, tiny_model)[0] is case  # nothing changed: it is the same one
    assert cases(desk, CHIEF)[0].detector == ""
    stricter = replace(tiny_model, threshold_pm=950)
    assert cases(desk, CHIEF, stricter)[0].detector.startswith("no detection")
    path = desk.workspace.labels / "labels.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"disagree"', b'"agree"'))  # edited by hand
    assert cases(desk, CHIEF, tiny_model) == ()
    say(desk, "C", sha256, 110, 120, "unsure")
    (case,) = cases(desk, CHIEF, tiny_model)
    assert [x.says for x in case.opinions] == ["seizure", "seizure", "unsure"]


def test_a_decision_is_a_label_of_its_own_and_opinions_stay(desk: Desk) -> None:
    said = [say(desk, "A", SHA, 10, 30), say(desk, "B", SHA, 20, 40, "disagree")]
    (case,) = cases(desk, CHIEF)
    label = adjudicate(
        desk, CHIEF, case, "sz_foc", onset_s=12, duration_s=20, comment="clear", decision_id="d"
    )
    assert (label.verdict, label.role, label.reviewer) == ("adjudicated", "adjudicator", "Chief")
    assert (label.event_type, label.onset_s, label.supersedes) == ("sz_foc", 12.0, None)
    assert desk.labels.all() == [*said, label]
    again = adjudicate(desk, CHIEF, case, "bckg", onset_s=12, duration_s=20, decision_id="d")
    assert again == label
    assert cases(desk, CHIEF) == ()
    (decided,) = cases(desk, CHIEF, state=DECIDED)
    assert decided.decided == (label,)
    assert [x.labels for x in decided.opinions] == [(said[0],), (said[1],)]


def test_a_decision_is_changed_with_a_reason_and_opened_by_new_opinions(desk: Desk) -> None:
    say(desk, "A", SHA, 10, 30)
    say(desk, "B", SHA, 20, 40, "disagree")
    (case,) = cases(desk, CHIEF)
    first = adjudicate(desk, CHIEF, case, "sz", onset_s=12, duration_s=20, decision_id="1")
    say(desk, "C", SHA, 15, 35, "disagree")
    (case,) = cases(desk, CHIEF)
    assert (case.state, case.decided) == (OPEN, (first,))
    with pytest.raises(LabelNotSavedError, match="why the earlier decision"):
        adjudicate(desk, CHIEF, case, "bckg", onset_s=12, duration_s=20, decision_id="2")
    second = adjudicate(
        desk, CHIEF, case, "bckg", onset_s=12, duration_s=20, reason="C is right", decision_id="2"
    )
    assert second.supersedes == first.uuid
    assert cases(desk, CHIEF) == ()


@pytest.mark.parametrize(
    ("reader", "span", "event_type", "says"),
    [
        (Reader("Chief"), (12, 20), "sz", "only an adjudicator"),
        (Reader(" ", ADJUDICATOR), (12, 20), "sz", "enter your name"),
        (Reader("X", ADJUDICATOR), (12, 20), "sz", "only an adjudicator"),
        (CHIEF, (50, 20), "sz", "where the opinions are"),
        (CHIEF, (12, 20), "", "event type"),
        (CHIEF, (12, 20), "seizure", "event type"),
        (replace(CHIEF, blinded=True), (12, 20), "sz", "blinded first read"),
    ],
)
def test_who_may_not_decide_and_what_makes_no_sense_is_refused(
    desk: Desk, reader: Reader, span: tuple[float, float], event_type: str, says: str
) -> None:
    desk = replace(desk, settings=replace(desk.settings, adjudicators=("Chief",)))
    say(desk, "A", SHA, 10, 30)
    say(desk, "B", SHA, 20, 40, "disagree")
    (case,) = cases(desk, CHIEF)
    with pytest.raises(LabelNotSavedError, match=says):
        adjudicate(
            desk, reader, case, event_type, onset_s=span[0], duration_s=span[1], decision_id="d"
        )
    assert len(desk.labels.all()) == 2


def test_a_blinded_reader_sees_no_case_of_others(desk: Desk) -> None:
    say(desk, "A", SHA, 10, 30)
    say(desk, "B", SHA, 20, 40, "disagree")
    assert cases(desk, replace(CHIEF, blinded=True)) == ()
    hidden = replace(desk, settings=replace(desk.settings, others_hidden=True))
    assert cases(hidden, Reader("A")) == ()
    assert len(cases(hidden, CHIEF)) == 1


@pytest.mark.parametrize("keep", [0, 1])
def test_a_conflict_is_a_case_and_settled_there(desk: Desk, keep: int) -> None:
    first = say(desk, "A", SHA, 10, 30)
    rivals = [
        say(desk, "A", SHA, 10, 30, verdict, supersedes=first.uuid, reason="second look")
        for verdict in ("unsure", "disagree")
    ]
    (case,) = cases(desk, CHIEF)
    (conflict,) = case.conflicts
    assert list(conflict.labels) == rivals
    with pytest.raises(LabelNotSavedError, match="say why"):
        settle(desk, CHIEF, conflict, rivals[keep].uuid, " ", decision_id="s")
    with pytest.raises(LabelNotSavedError, match="only an adjudicator"):
        settle(desk, Reader("B"), conflict, rivals[keep].uuid, "x", decision_id="s")
    done = settle(desk, CHIEF, conflict, rivals[keep].uuid, "two tabs", decision_id="s")
    assert settle(desk, CHIEF, conflict, rivals[keep].uuid, "two tabs", decision_id="s") == done
    current = desk.labels.current(SHA)
    assert (current.labels, current.conflicts) == ((rivals[keep],), ())
    assert [x.uuid for x in desk.labels.all()][:3] == [x.uuid for x in (first, *rivals)]


def test_what_an_adjudicator_withdrew_is_nobodys_opinion_any_more(desk: Desk) -> None:
    first = say(desk, "A", SHA, 10, 30)
    seizure = say(desk, "A", SHA, 10, 30, supersedes=first.uuid, reason="x")
    none = say(desk, "A", SHA, 10, 30, "disagree", supersedes=first.uuid, reason="y")
    for reader in "AB":
        state_whole(desk, reader, SHA)
    (case,) = cases(desk, CHIEF)
    settle(desk, CHIEF, case.conflicts[0], none.uuid, "two tabs", decision_id="s")
    assert seizure.uuid not in {x.uuid for x in desk.labels.current(SHA).labels}
    (pair,) = agreement(desk, CHIEF, None).pairs
    assert pair.confusion.counts.tolist() == [[0, 0], [0, 300]]
    out = export_labels(desk, CHIEF, "szcore", rule="reader", one_reader="A")
    assert out.n_seizures == 0
    assert {x.name: x.n_labels for x in progress(desk)} == {"A": 1, "B": 0, "Chief": 0}


def test_a_change_beside_a_retraction_is_settled_either_way(desk: Desk) -> None:
    for keep_retraction in (True, False):
        sha256 = ("b" if keep_retraction else "c") * 64
        first = say(desk, "A", sha256, 10, 30)
        change = say(desk, "A", sha256, 10, 30, "unsure", supersedes=first.uuid, reason="x")
        undo = say(desk, "A", sha256, 10, 30, "retract", supersedes=first.uuid, reason="y")
        (case,) = cases(desk, CHIEF, recording_sha256=sha256)
        keep = undo if keep_retraction else change
        own = Reader("A")  # both are A's own labels, so A may settle it
        settle(desk, own, case.conflicts[0], keep.uuid, "x", decision_id=sha256[:4])
        current = desk.labels.current(sha256)
        assert current.conflicts == ()
        assert current.labels == (() if keep_retraction else (change,))
