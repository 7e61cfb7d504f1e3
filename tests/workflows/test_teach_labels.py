"""Which labels teach, which do not and why, and who stays aside."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from taught_workspace import SECONDS, model, put, say

from eegdash.errors import DatasetError
from eegdash.training.opinions import Meaning, Opinion
from eegdash.workflows.desk import Desk
from eegdash.workflows.teach_labels import (
    ALL,
    ASIDE,
    BLINDED_ONLY,
    HELD,
    TAUGHT,
    UNUSED,
    WITHOUT_BLINDED,
    TeachChoice,
    TeachPlan,
    labels_at,
    labels_now,
    refuse_leaks,
    teach_plan,
    truth_of_labels,
)

NOTHING_ASIDE = TeachChoice(keep_aside=0.0)


def test_what_labels_mean(desk: Desk) -> None:
    sha256 = put(desk, "one")
    say(desk, sha256, "agree", 10, 20)
    say(desk, sha256, "disagree", 30, 40)
    say(desk, sha256, "missed", 50, 60)
    say(desk, sha256, "unsure", 70, 80)
    gone = say(desk, sha256, "missed", 90, 100)
    say(desk, sha256, "retract", 90, 100, supersedes=gone.uuid, reason="slip")
    moved = say(desk, sha256, "missed", 100, 105)
    say(desk, sha256, "missed", 102, 110, supersedes=moved.uuid, reason="moved")
    plan = teach_plan(desk, model(desk), NOTHING_ASIDE)
    assert plan.used == {"agree": 1, "disagree": 1, "missed": 2}
    assert plan.left_out == {"unsure": 1}
    [file] = plan.on(TAUGHT)
    assert [(o.onset_s, o.end_s, o.meaning) for o in file.opinions] == [
        (10, 20, Meaning.SEIZURE),
        (30, 40, Meaning.FREE),
        (50, 60, Meaning.SEIZURE),
        (70, 80, Meaning.UNSURE),
        (102, 110, Meaning.SEIZURE),
    ]
    assert not file.finished


def test_conflicts_and_contradictions_are_left_out_and_said(desk: Desk) -> None:
    sha256 = put(desk, "one")
    first = say(desk, sha256, "missed", 10, 20)
    for verdict in ("disagree", "agree"):
        say(desk, sha256, verdict, 10, 20, supersedes=first.uuid, reason="two tabs")
    say(desk, sha256, "agree", 40, 50)
    say(desk, sha256, "disagree", 42, 52, reviewer="CD")
    say(desk, sha256, "missed", 60, 70)
    plan = teach_plan(desk, model(desk), NOTHING_ASIDE)
    assert plan.used == {"missed": 1}
    assert plan.left_out == {
        "in conflict: two records change the same label": 2,
        "contradicted by another reader, not adjudicated": 2,
    }
    assert plan.files[0].contested == ((10.0, 20.0), (10.0, 20.0))


def test_adjudicated_wins(desk: Desk) -> None:
    sha256 = put(desk, "one")
    say(desk, sha256, "agree", 40, 50)
    say(desk, sha256, "disagree", 40, 50, reviewer="CD")
    say(desk, sha256, "adjudicated", 40, 50, reviewer="EF", role="adjudicator", event_type="bckg")
    plan = teach_plan(desk, model(desk), NOTHING_ASIDE)
    assert plan.used == {"adjudicated": 1}
    assert plan.left_out == {"replaced by an adjudication": 2}


@pytest.mark.parametrize(("choice", "used"), [(ALL, 2), (BLINDED_ONLY, 1), (WITHOUT_BLINDED, 1)])
def test_blinded_first_reads_count_as_chosen(desk: Desk, choice: str, used: int) -> None:
    sha256 = put(desk, "one")
    say(desk, sha256, "missed", 10, 20, blinded=True)
    say(desk, sha256, "missed", 40, 50)
    plan = teach_plan(desk, model(desk), TeachChoice(blinded=choice, keep_aside=0.0))
    assert plan.n_used == used
    assert len(plan.files[0].opinions) == used


def test_labels_of_other_readers_and_of_lost_recordings_are_said(desk: Desk) -> None:
    sha256 = put(desk, "one")
    say(desk, sha256, "missed", 10, 20)
    say(desk, sha256, "missed", 30, 40, reviewer="CD")
    say(desk, "ab" * 32, "missed", 10, 20)
    plan = teach_plan(desk, model(desk), TeachChoice(readers=("AB",), keep_aside=0.0))
    assert plan.used == {"missed": 1}
    assert plan.left_out == {
        "of other readers": 1,
        "recording not in the workspace, or not scorable": 1,
    }


def test_the_labels_file_is_named_by_its_first_lines(desk: Desk) -> None:
    sha256 = put(desk, "one")
    say(desk, sha256, "missed", 10, 20)
    then = labels_now(desk)
    content = desk.labels.path.read_bytes()
    assert then.sha256 == hashlib.sha256(content).hexdigest()
    say(desk, sha256, "missed", 30, 40)
    assert labels_at(desk, then.n_lines) == then
    assert teach_plan(desk, model(desk), NOTHING_ASIDE, then).n_used == 1
    assert teach_plan(desk, model(desk), NOTHING_ASIDE).n_used == 2


# ---- sides -------------------------------------------------------------------------------------


def test_a_reference_without_labels_is_kept_aside_and_labels_without_truth_are_taught(
    desk: Desk,
) -> None:
    labelled = put(desk, "labelled", 1)
    say(desk, labelled, "missed", 10, 20)
    put(desk, "scored", 2, seizures=[(40.0, 60.0)])
    put(desk, "bare", 3)
    sides = {f.path.stem: f.side for f in teach_plan(desk, model(desk)).files}
    assert sides == {"labelled": TAUGHT, "scored": ASIDE, "bare": UNUSED}


def test_signed_off_people_are_kept_aside_for_good(desk: Desk) -> None:
    for number in range(12):
        sha256 = put(desk, f"r{number}", number)
        say(desk, sha256, "missed", 40, 60)
        say(desk, sha256, None)
    first = teach_plan(desk, model(desk), TeachChoice(keep_aside=0.4))
    aside = {file.sha256 for file in first.on(ASIDE)}
    assert 0 < len(aside) < 12
    assert first.on(HELD)
    assert first.left_out == {"kept aside for the comparison before and after": len(aside)}
    again = teach_plan(desk, model(desk), TeachChoice(keep_aside=0.6))
    assert aside <= {file.sha256 for file in again.on(ASIDE)}
    for file in first.on(ASIDE):
        assert file.reference is not None
        assert [(a.onset_s, a.end_s) for a in file.reference.seizures] == [(40.0, 60.0)]


def test_all_recordings_of_a_person_stand_on_one_side(desk: Desk) -> None:
    folder = desk.workspace.recordings / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    a = put(desk, "sub-01/eeg/sub-01_task-szMonitoring_run-01_eeg", 1)
    b = put(desk, "sub-01/eeg/sub-01_task-szMonitoring_run-02_eeg", 2, seizures=[(40.0, 60.0)])
    say(desk, a, "missed", 10, 20)
    for share in (0.0, 1.0):
        plan = teach_plan(desk, model(desk), TeachChoice(keep_aside=share))
        side = {file.sha256: file.side for file in plan.files}
        persons = {file.person_key for file in plan.files}
        if len(persons) > 1:
            pytest.fail("the layout did not state the person")
        assert not {side[a], side[b]} >= {TAUGHT, ASIDE}


def leaking(plan: TeachPlan) -> TeachPlan:
    """A split that is wrong on purpose: a taught recording is scored, too."""
    [file] = plan.on(TAUGHT)
    return replace(plan, files=(*plan.files, replace(file, side=ASIDE)))


def test_a_leaking_split_is_refused(desk: Desk) -> None:
    sha256 = put(desk, "one")
    say(desk, sha256, "missed", 10, 20)
    plan = teach_plan(desk, model(desk), NOTHING_ASIDE)
    with pytest.raises(DatasetError, match="two sides"):
        leaking(plan)
    other = replace(plan.files[0], sha256="ab" * 32, alias="rec-abababab", side=HELD)
    with pytest.raises(DatasetError, match="the same person"):
        refuse_leaks([plan.files[0], other])


def test_what_an_ancestor_was_taught_is_never_scored(desk: Desk) -> None:
    sha256 = put(desk, "one", seizures=[(40.0, 60.0)])
    plan = teach_plan(desk, model(desk))
    assert [file.side for file in plan.files] == [ASIDE]
    with pytest.raises(DatasetError, match="trained on this recording"):
        replace(plan, ancestors=(frozenset({sha256}), frozenset()))
    with pytest.raises(DatasetError, match="or person before"):
        replace(plan, ancestors=(frozenset(), frozenset({plan.files[0].person_key})))


def test_truth_of_a_finished_reading_is_unknown_where_readers_do_not_agree() -> None:
    def said(meaning: Meaning, onset_s: float, end_s: float, reader: str = "A") -> Opinion:
        return Opinion(onset_s, end_s, meaning, reader)

    truth = truth_of_labels(
        [
            said(Meaning.SEIZURE, 10, 20),
            said(Meaning.UNSURE, 30, 40),
            said(Meaning.SEIZURE, 50, 60),
            said(Meaning.FREE, 55, 65, "B"),
        ],
        [(80.0, 90.0)],
        SECONDS,
    )
    assert truth.coverage == ((0.0, 30.0), (40.0, 50.0), (65.0, 80.0), (90.0, 120.0))
