"""Points that are tried, points that are locked, and what a lock says about itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock
from simulated_files import write_events, write_noise

from eegdash.checkpoints import CheckpointInfo
from eegdash.detection import PostProcessing
from eegdash.errors import WorkspaceError
from eegdash.workflows import reading
from eegdash.workflows.desk import Desk
from eegdash.workflows.locked_points import NAME, locked_history, with_locked_point
from eegdash.workflows.operating_point import (
    TriedPoint,
    TriedPoints,
    checked_rules,
    keep_points,
    kept_points,
    lock_point,
    own_point,
    shipped_point,
    tried_point,
)
from eegdash.workflows.operating_sets import NOT_SCORED, candidates, training_record
from eegdash.workflows.operating_tables import TableRequest, compute_tables
from eegdash.workflows.reference_sets import NO_REFERENCE, WITHHELD, sets_of
from eegdash.workflows.score import Scored, score

POINT = TriedPoint(620, PostProcessing(hysteresis=0.8).as_dict(), "event-f1", None, ("a" * 64,))


@pytest.fixture
def scored(desk: Desk, tiny_model: CheckpointInfo) -> Path:
    path = write_noise(desk.workspace.recordings / "ward" / "chb03_07.edf", seconds=60)
    write_events(path, [(20, 25)], 60)
    assert isinstance(score(desk, path, tiny_model), Scored)
    return path


def lock(desk: Desk, model: CheckpointInfo, path: Path, point: TriedPoint, **more: str):
    post = PostProcessing(**point.post)
    tables = compute_tables(desk, TableRequest((path,), model), post)
    given = {"reviewer": " Dr A ", "comment": "ward round", "decision_id": "one", **more}
    return lock_point(desk, model, point, tables, **given)


# ---- locked points -------------------------------------------------------------------------


def test_the_installation_uses_the_point_that_was_locked(
    desk: Desk, tiny_model: CheckpointInfo, scored: Path
) -> None:
    assert desk.model("tiny").threshold_pm == tiny_model.threshold_pm == 500
    lock(desk, tiny_model, scored, POINT)
    used = desk.model("tiny")
    assert (used.threshold_pm, used.post["hysteresis"]) == (620, 0.8)
    assert desk.model("other").threshold_pm == 500
    # what cannot be read must not take the EEG away
    (desk.workspace.state / f"{NAME}.jsonl").unlink()
    (desk.workspace.state / f"{NAME}.jsonl").mkdir()
    assert desk.model("tiny").threshold_pm == 500


def test_a_locked_point_carries_its_provenance_and_no_file_name(
    desk: Desk, tiny_model: CheckpointInfo, scored: Path
) -> None:
    locked = lock(desk, tiny_model, scored, POINT)
    text = (desk.workspace.state / f"{NAME}.jsonl").read_text(encoding="utf-8")
    record = json.loads(text)
    assert record["reviewer"] == "Dr A"
    assert record["time_utc"].endswith("Z")
    assert record["model_sha256"] == tiny_model.sha256
    assert record["threshold_pm"] == 620
    assert record["post"] == dict(POINT.post)
    assert record["criterion"] == "event-f1"
    assert record["chosen_on"] == ["a" * 64]
    (recording,) = record["recordings"]
    assert recording["alias"] == f"rec-{recording['sha256'][:8]}"
    assert recording["person"] == "chb03"
    assert record["figures"]["recordings"] == 1
    assert "chb03_07" not in text
    assert locked_history(desk.workspace).points == (locked,)


def test_the_newest_lock_of_a_model_holds_and_touches_no_other_model(
    desk: Desk, tiny_model: CheckpointInfo, other_model: CheckpointInfo, scored: Path
) -> None:
    assert with_locked_point(desk.workspace, tiny_model) == tiny_model
    lock(desk, tiny_model, scored, POINT)
    later = TriedPoint(300, PostProcessing().as_dict(), "by hand")
    lock(desk, tiny_model, scored, later, decision_id="two")
    held = with_locked_point(desk.workspace, tiny_model)
    assert (held.threshold_pm, dict(held.post)) == (300, PostProcessing().as_dict())
    assert held.sha256 == tiny_model.sha256
    assert with_locked_point(desk.workspace, other_model) == other_model
    assert own_point(desk, tiny_model).threshold_pm == 300
    assert own_point(desk, other_model) == TriedPoint(
        other_model.threshold_pm, dict(other_model.post)
    )
    assert shipped_point(held).threshold_pm == tiny_model.threshold_pm
    first = (desk.workspace.state / f"{NAME}.jsonl").read_bytes().splitlines()[0]
    assert json.loads(first)["threshold_pm"] == 620, "nothing that was locked is ever edited"


def test_the_point_that_holds_remembers_what_it_was_chosen_on(
    desk: Desk, tiny_model: CheckpointInfo, scored: Path
) -> None:
    assert own_point(desk, tiny_model) == shipped_point(tiny_model)
    lock(desk, tiny_model, scored, POINT)
    assert own_point(desk, tiny_model) == POINT, "or its figures would not be called optimistic"


def test_two_who_lock_at_once_wait_for_each_other(
    desk: Desk, tiny_model: CheckpointInfo, scored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eegdash.workflows.journal._LOCK_TIMEOUT_S", 0.2)
    with (
        FileLock(desk.workspace.state / "operating_points.lock"),
        pytest.raises(WorkspaceError, match="NOT locked"),
    ):
        lock(desk, tiny_model, scored, POINT)
    assert locked_history(desk.workspace).points == ()
    lock(desk, tiny_model, scored, POINT)
    assert len(locked_history(desk.workspace).points) == 1


def test_the_same_decision_is_kept_once(
    desk: Desk, tiny_model: CheckpointInfo, scored: Path
) -> None:
    first = lock(desk, tiny_model, scored, POINT)
    assert lock(desk, tiny_model, scored, POINT) == first
    assert len(locked_history(desk.workspace).points) == 1


def test_a_lock_without_a_name_is_refused_in_words(
    desk: Desk, tiny_model: CheckpointInfo, scored: Path
) -> None:
    with pytest.raises(WorkspaceError, match="NOT locked: enter your name"):
        lock(desk, tiny_model, scored, POINT, reviewer="  ")
    assert locked_history(desk.workspace).points == ()


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line.replace(b'"threshold_pm": 620', b'"threshold_pm": 200'),
        lambda line: line[:-40],
        lambda line: b"[" * 5000,
        lambda line: b"\xff\xfe",
        lambda line: b'{"crc32": "00000000"}',
    ],
    ids=["edited", "torn", "deep", "no text", "empty"],
)
def test_a_line_that_was_changed_is_counted_and_never_used(
    desk: Desk, tiny_model: CheckpointInfo, scored: Path, damage
) -> None:
    lock(desk, tiny_model, scored, POINT)
    path = desk.workspace.state / f"{NAME}.jsonl"
    path.write_bytes(damage(path.read_bytes().rstrip(b"\n")))
    assert locked_history(desk.workspace).n_unreadable == 1
    assert with_locked_point(desk.workspace, tiny_model) == tiny_model
    # the next one is a line of its own, and holds
    lock(desk, tiny_model, scored, POINT, decision_id="two")
    found = locked_history(desk.workspace)
    assert (len(found.points), found.n_unreadable) == (1, 1)


def test_a_file_that_cannot_be_written_is_said(
    desk: Desk, tiny_model: CheckpointInfo, scored: Path
) -> None:
    (desk.workspace.state / f"{NAME}.jsonl").mkdir()
    with pytest.raises(WorkspaceError):
        lock(desk, tiny_model, scored, POINT)


# ---- points that are tried -----------------------------------------------------------------


def test_points_are_kept_by_reader_and_model(
    desk: Desk, tiny_model: CheckpointInfo, other_model: CheckpointInfo
) -> None:
    points = TriedPoints(POINT, TriedPoint(100, PostProcessing().as_dict(), "by hand"), "B")
    keep_points(desk, "Dr A", tiny_model, points)
    assert kept_points(desk, " Dr A", tiny_model) == points
    assert kept_points(desk, "Dr B", tiny_model) is None
    assert kept_points(desk, "Dr A", other_model) is None
    keep_points(desk, "", tiny_model, points)
    assert kept_points(desk, "", tiny_model) is None, "nothing is kept for nobody"


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold_pm": 1001},
        {"threshold_pm": "x"},
        {"criterion": "best"},
        {"target": float("nan")},
        {"target": -1},
        {"post": {"smoothing_s": 4.5}},
        {"post": {**PostProcessing().as_dict(), "hysteresis": 0}},
        {"post": {**PostProcessing().as_dict(), "merge_gap_s": float("inf")}},
    ],
)
def test_what_is_no_operating_point_is_refused(changes: dict) -> None:
    assert tried_point(POINT.as_dict()) == POINT
    with pytest.raises((KeyError, TypeError, ValueError)):
        tried_point({**POINT.as_dict(), **changes})


def test_rules_outside_their_limits_are_refused() -> None:
    assert checked_rules(PostProcessing().as_dict()) == PostProcessing()
    with pytest.raises(ValueError, match="min_duration_s lies between 0 and 600"):
        checked_rules({**PostProcessing().as_dict(), "min_duration_s": 601})


# ---- recordings ----------------------------------------------------------------------------


def test_recordings_without_reference_or_result_are_left_out_with_the_reason(
    desk: Desk, tiny_model: CheckpointInfo, scored: Path
) -> None:
    top = desk.workspace.recordings
    write_noise(top / "plain.edf", seconds=30, seed=1)
    write_events(write_noise(top / "chb21_01.edf", seconds=30, seed=2), [(5, 9)], 30)
    (top / "broken.edf").write_bytes(b"no recording")
    (top / "copy.edf").write_bytes(scored.read_bytes())
    found = {c.path.name: c for c in candidates(desk, tiny_model)}
    assert "broken.edf" not in found
    assert len(found) == 3, "the same content counts once"
    assert found["plain.edf"].why_not == NO_REFERENCE
    assert found["plain.edf"].person == found["plain.edf"].alias
    assert found["chb21_01.edf"].why_not == NOT_SCORED
    assert found["chb21_01.edf"].person == "chb01", "chb21 is the same person as chb01"


def test_a_blinded_reader_gets_no_figure_of_an_unread_recording(
    desk: Desk, tiny_model: CheckpointInfo, scored: Path
) -> None:
    (seen,) = candidates(desk, tiny_model, reviewer="AB")
    assert seen.why_not == ""
    (hidden,) = candidates(desk, tiny_model, reviewer="AB", blinded=True)
    assert hidden.why_not == WITHHELD
    reading.decide(
        desk,
        hidden.sha256,
        60.0,
        "AB",
        {"id": "x", "action": "first_read", "viewed": [[0, 60]]},
        None,
        blinded=True,
    )
    (read,) = candidates(desk, tiny_model, reviewer="AB", blinded=True)
    assert read.why_not == ""


def test_sets_by_folder_and_person_are_offered_where_they_hold_several(
    desk: Desk, tiny_model: CheckpointInfo
) -> None:
    top = desk.workspace.recordings
    for i, name in enumerate(("a/chb01_01", "a/chb02_01", "b/chb21_05", "c/night")):
        write_events(write_noise(top / f"{name}.edf", seconds=12, seed=i), [(2, 5)], 12)
    found = sets_of(candidates(desk, tiny_model))
    assert [key for key in found if not key.startswith("recording:")] == [
        "all",
        "folder:a",
        "person:chb01",
    ]
    assert {c.path.name for c in found["person:chb01"]} == {"chb01_01.edf", "chb21_05.edf"}
    assert len([key for key in found if key.startswith("recording:")]) == 4


def test_training_recordings_and_persons_are_read_from_the_model(
    tiny_model: CheckpointInfo, tmp_path: Path
) -> None:
    assert training_record(tiny_model) == (frozenset(), frozenset())
    from dataclasses import replace

    training = {"recordings_sha256": ["b" * 64], "persons": ["CHB-MIT/chb01"]}
    (tmp_path / "config.json").write_text(json.dumps({"training": training}))
    found = training_record(replace(tiny_model, folder=tmp_path))
    assert found == (frozenset({"b" * 64}), frozenset({"CHB-MIT/chb01"}))
    (tmp_path / "config.json").write_text("[")
    assert training_record(replace(tiny_model, folder=tmp_path)) == (frozenset(), frozenset())
