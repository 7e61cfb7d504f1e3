"""What the server's page says, and when the server is not ready."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simulated_files import write_noise

from eegdash.errors import WorkspaceError
from eegdash.jobs import Job
from eegdash.labels import LabelStore
from eegdash.workflows import library, server
from eegdash.workflows.desk import Desk

CANARY = "Canary-Patient-Name"


def test_the_facts_are_those_of_the_workspace_and_name_nobody(desk: Desk) -> None:
    path = write_noise(desk.workspace.recordings / f"{CANARY}.edf", seconds=12)
    library.open_path(desk, path)
    (desk.workspace.cache / "value").write_bytes(bytes(3_000_000))
    facts = server.server_facts(desk)
    assert facts.n_recordings == 1
    assert facts.cache_mb >= 3.0
    assert facts.problems == ()
    assert facts.labels == "labels.jsonl"
    said = server.report(facts, [Job("1", "score", f"{CANARY} model", "running")])
    text = json.dumps(said)
    assert CANARY not in text
    assert str(desk.workspace.root) not in text
    assert said["queue"] == [{"task": "score", "state": "running"}]
    assert {"open a recording"} <= {row["stage"] for row in said["stages"]}


def test_a_secret_of_the_settings_is_not_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    secret = replace(
        desk,
        settings=replace(
            desk.settings,
            labels_url="postgresql+psycopg://u:hidden@h/d",
            llm_api_key="hidden",
            llm_base_url="http://hidden",
            llm_model="some-model",
        ),
    )
    text = json.dumps(server.report(server.server_facts(secret), []))
    assert "hidden" not in text.replace('"EEGDASH_OTHERS_LABELS": "shown"', "")
    assert "some-model" in text


def test_a_full_disk_and_labels_that_cannot_be_read_are_problems(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.problems(desk) == []

    def fail(self: LabelStore) -> int:
        raise WorkspaceError(CANARY)

    monkeypatch.setattr(LabelStore, "refresh", fail)
    monkeypatch.setattr(server, "LEAST_FREE_MB", 10**12)
    first, second = server.problems(desk)
    assert "MB left" in first
    assert second == "Labels cannot be read (WorkspaceError)."
    facts = server.server_facts(desk)
    assert (facts.n_labels, len(facts.problems)) == ((), 2)


def test_a_workspace_that_may_not_be_written_is_a_problem(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != desk.workspace.root)
    assert server.problems(desk) == ["The workspace is not writable."]
