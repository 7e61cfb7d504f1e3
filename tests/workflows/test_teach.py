"""Teaching from the labels of a workspace: the candidate, its record, resuming, promotion."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from taught_workspace import QUICK, model, put, say

from eegdash.checkpoints import CheckpointInfo, load_checkpoint, read_config, save_checkpoint
from eegdash.errors import CheckpointError, DatasetError, JobCancelledError, WorkspaceError
from eegdash.workflows.desk import Desk
from eegdash.workflows.model_decisions import (
    NAME,
    Action,
    Status,
    decide_model,
    decision_history,
)
from eegdash.workflows.tasks import tasks
from eegdash.workflows.teach import (
    TeachRequest,
    before_after,
    request_now,
    teach,
    throw_away,
    unfinished,
)
from eegdash.workflows.teach_labels import TeachChoice

EARLIER = "cd" * 32


@pytest.fixture
def labelled(desk: Desk) -> Desk:
    """Two recordings with labels, and one with a reference that is kept aside."""
    for number in range(2):
        sha256 = put(desk, f"labelled{number}", number)
        say(desk, sha256, "missed", 20, 50)
        say(desk, sha256, "disagree", 70, 90)
    say(desk, sha256, None)
    put(desk, "aside", 5, seizures=[(40.0, 60.0)])
    return desk


def ask(desk: Desk) -> TeachRequest:
    return request_now(
        desk, model(desk), choice=TeachChoice(keep_aside=0.0), parameters=QUICK, reviewer="AB"
    )


def training(info: CheckpointInfo) -> dict:
    return json.loads((info.folder / "config.json").read_text())["training"]


def test_the_candidate_says_where_it_comes_from(labelled: Desk) -> None:
    parent, labels = model(labelled), labelled.labels.path.read_bytes()
    shares: list[float] = []
    found = teach(labelled, ask(labelled), shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert found.name == "tiny-taught-1"
    assert found.folder.parent == labelled.workspace.models
    record, own = training(found), load_checkpoint(found.folder)
    assert own.config.sha256 == found.sha256 != parent.sha256
    assert record["parent"]["sha256"] == found.parent_sha256 == parent.sha256
    assert own.config.threshold_pm == parent.threshold_pm
    assert record["labels"]["sha256"] == hashlib.sha256(labels).hexdigest()
    assert record["labels"]["used"] == {"missed": 2, "disagree": 2}
    assert record["labels"]["n_used"] == 4
    card = (found.folder / "README.md").read_text()
    for words in ("Research use, not for diagnosis.", parent.sha256, record["labels"]["sha256"],
                  "2 disagree, 2 missed", "Before and after"):  # fmt: skip
        assert words in card
    everything = card + json.dumps(record)
    for secret in ("labelled0", "aside.edf", '"AB"'):
        assert secret not in everything
    assert not unfinished(labelled)
    assert not list(labelled.workspace.models.glob(".teach-*"))
    # nothing that is scored was taught
    scored = {entry["sha256"] for entry in record["before_after"]["aside"]["recordings"]}
    assert len(scored) == 1
    assert not scored & set(record["recordings_sha256"])
    assert len(record["recordings_sha256"]) == 2
    assert before_after(found)["simulated"]["n_recordings"] == QUICK.tested


def test_a_killed_teaching_goes_on_and_ends_where_the_whole_one_does(labelled: Desk) -> None:
    request = ask(labelled)
    whole = teach(labelled, request)

    def kill(share: float) -> None:
        if share > 0.72:
            raise JobCancelledError("killed")

    with pytest.raises(JobCancelledError):
        teach(labelled, request, kill)
    [run] = unfinished(labelled)
    state = json.loads(next(labelled.workspace.models.glob(".teach-*/fit/state.json")).read_text())
    assert state["epoch"] >= 1
    assert run.request == request
    # a label of later does not change what is taught
    say(labelled, next(iter(labelled.labels.recordings())), "missed", 100, 110)
    result = tasks(labelled)["teach"](
        {"request": json.loads(json.dumps(run.request.as_dict()))}, lambda share: None
    )
    assert result == {"name": whole.name, "sha256": whole.sha256}
    assert state["recipe"] == run.key
    assert not unfinished(labelled)


def test_what_was_stopped_can_be_thrown_away(labelled: Desk) -> None:
    def kill(share: float) -> None:
        if share > 0.3:
            raise JobCancelledError("killed")

    with pytest.raises(JobCancelledError):
        teach(labelled, ask(labelled), kill)
    [run] = unfinished(labelled)
    throw_away(labelled, run.key)
    assert not unfinished(labelled)
    assert [info.name for info in labelled.models()] == ["other", "tiny"]


def test_without_labels_there_is_nothing_to_teach(desk: Desk) -> None:
    put(desk, "one")
    with pytest.raises(DatasetError, match="no label to be taught from"):
        teach(desk, request_now(desk, model(desk)))


def test_a_labels_file_that_was_changed_is_refused(labelled: Desk) -> None:
    request = ask(labelled)
    path = labelled.labels.path
    path.write_bytes(path.read_bytes().replace(b'"missed"', b'"agree"', 1))
    with pytest.raises(DatasetError, match="were changed since"):
        teach(labelled, request)


# ---- promotion ---------------------------------------------------------------------------------


@pytest.fixture
def candidate(labelled: Desk) -> CheckpointInfo:
    """A copy of a detector under another hash that says it was taught; no fitting needed."""
    parent = load_checkpoint(model(labelled).folder)
    folder = labelled.workspace.models / "tiny-taught-1"
    other = load_checkpoint(model(labelled, "other").folder)
    record = {
        "parent": {"sha256": parent.config.sha256},
        "recordings_sha256": [EARLIER],
        "persons": ["persons/P"],
    }
    config = replace(
        parent.config, name="tiny-taught-1", training=record, temperature=1.5,
    )  # fmt: skip
    save_checkpoint(folder, config, other.network, card="# taught\n")
    return next(m for m in labelled.checkpoints() if m.name == "tiny-taught-1")


def names(desk: Desk) -> list[str]:
    return [info.name for info in desk.models()]


def decide(desk: Desk, info: CheckpointInfo, action: Action, *, default: bool = False) -> None:
    decide_model(
        desk.workspace, info, action, reviewer="AB", comment="looked at it",
        decision_id=f"{action}-{len(decision_history(desk.workspace).decisions)}", default=default,
    )  # fmt: skip


def test_nothing_is_in_use_before_it_is_promoted(labelled: Desk, candidate: CheckpointInfo) -> None:
    assert names(labelled) == ["other", "tiny"]
    with pytest.raises(CheckpointError, match="not promoted"):
        labelled.model("tiny-taught-1")
    decide(labelled, candidate, Action.PROMOTE)
    assert names(labelled) == ["other", "tiny", "tiny-taught-1"]
    decide(labelled, candidate, Action.PROMOTE, default=True)
    assert names(labelled)[0] == "tiny-taught-1"
    decide(labelled, candidate, Action.DISCARD)
    assert names(labelled) == ["other", "tiny"]
    history = decision_history(labelled.workspace)
    assert history.status(candidate) is Status.DISCARDED
    assert candidate.folder.is_dir(), "what was discarded can be brought back"
    decide(labelled, candidate, Action.WITHDRAW)
    assert decision_history(labelled.workspace).status(candidate) is Status.CANDIDATE
    actions = [d.action for d in decision_history(labelled.workspace).of_model(candidate.sha256)]
    assert actions == [Action.PROMOTE, Action.PROMOTE, Action.DISCARD, Action.WITHDRAW]


def test_a_decision_needs_a_name_and_a_reason_and_counts_once(
    labelled: Desk, candidate: CheckpointInfo
) -> None:
    for reviewer, comment in (("", "why"), ("AB", " ")):
        with pytest.raises(WorkspaceError, match="NOT saved"):
            decide_model(
                labelled.workspace, candidate, Action.PROMOTE, reviewer=reviewer, comment=comment,
                decision_id="x",
            )  # fmt: skip
    with pytest.raises(WorkspaceError, match="not taught from labels"):
        decide(labelled, model(labelled), Action.DISCARD)
    for _ in range(2):
        decide_model(
            labelled.workspace, candidate, Action.PROMOTE, reviewer="AB", comment="good",
            decision_id="once",
        )  # fmt: skip
    assert len(decision_history(labelled.workspace).decisions) == 1


def test_a_promotion_that_was_forged_by_hand_promotes_nothing(
    labelled: Desk, candidate: CheckpointInfo
) -> None:
    decide(labelled, candidate, Action.DISCARD)
    path: Path = labelled.workspace.state / f"{NAME}.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"discard"', b'"promote"'))
    history = decision_history(labelled.workspace)
    assert (history.decisions, history.n_unreadable) == ((), 1)
    assert names(labelled) == ["other", "tiny"]


def test_what_a_parent_was_taught_stays_in_the_record_of_its_children(
    labelled: Desk, candidate: CheckpointInfo
) -> None:
    decide(labelled, candidate, Action.PROMOTE)
    request = request_now(labelled, candidate, choice=TeachChoice(keep_aside=1.0), parameters=QUICK)
    second = teach(labelled, request)
    assert second.name == "tiny-taught-2"
    record = read_config(second.folder).training
    assert EARLIER in record["recordings_sha256"]
    assert "persons/P" in record["persons"]
