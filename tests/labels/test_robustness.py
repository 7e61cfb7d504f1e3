"""No acknowledged label is lost; each trial is passed by the store and failed by a broken one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BROKEN = [
    ("kill_9", "AcknowledgesEarly"),
    ("eight_at_once", "Unlocked"),
    ("disk_full", "LeavesHalfLines"),
    ("disk_full", "SwallowsErrors"),
    ("hand_edits", "DropsEdits"),
    ("clock_set_back", "OrdersByClock"),
    ("double_clicks", "CountsClicks"),
    ("two_servers", "ReadsOnce"),
]


def outcome(trial: str, store: str, folder: Path, *more: str) -> list[str]:
    """Run a trial in a process of its own and return what went wrong."""
    command = [sys.executable, "tests/store_trials.py", trial, store, str(folder), *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stderr
    problems = json.loads(done.stdout)
    assert isinstance(problems, list)
    return problems


@pytest.mark.parametrize("trial", list(dict.fromkeys(trial for trial, _ in BROKEN)))
def test_the_store_passes(trial: str, tmp_path: Path) -> None:
    assert outcome(trial, "LabelStore", tmp_path / "labels") == []


@pytest.mark.parametrize(("trial", "store"), BROKEN)
def test_a_broken_store_fails(trial: str, store: str, tmp_path: Path) -> None:
    fewer = ("20",) if trial == "kill_9" else ()
    assert outcome(trial, store, tmp_path / "labels", *fewer) != []
