"""Workspaces with recordings, traces and several readers' labels, for tests."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from simulated_files import write_noise

from eegdash.checkpoints import CheckpointInfo
from eegdash.io import hash_file
from eegdash.labels import DraftLabel, Label
from eegdash.workflows import score
from eegdash.workflows.desk import Desk

LENGTH_S = 300.0
_ids = (f"t-{i}" for i in itertools.count())


def add_recording(desk: Desk, name: str, *, seconds: float = LENGTH_S, seed: int = 0) -> str:
    """Write a small recording into the workspace and return its hash."""
    path = desk.workspace.recordings / name
    write_noise(path, seconds=seconds, names=["Fp1"], sfreq=16.0, seed=seed)
    return hash_file(path)


def add_trace(
    desk: Desk,
    sha256: str,
    model: CheckpointInfo,
    *detections: tuple[float, float, int],
    seconds: float = LENGTH_S,
) -> None:
    """Store a trace with detections (onset and end in s, per mille) as if it had been scored."""
    time_s = np.arange(4.5, seconds - 4.5, 1.5)
    pm = np.full(len(time_s), 50, dtype=np.uint16)
    for onset_s, end_s, level_pm in detections:
        pm[(time_s >= onset_s) & (time_s <= end_s)] = level_pm
    grid = {"first_centre_s": 4.5, "step_s": 1.5, "duration_s": seconds}
    desk.cache.put_array(score._key(sha256, {}, model.sha256, "values"), pm)
    desk.cache.put_json(score._key(sha256, {}, model.sha256, "grid"), grid)


def say(
    desk: Desk,
    reviewer: str,
    sha256: str,
    onset_s: float,
    end_s: float,
    verdict: str = "missed",
    **more: Any,
) -> Label:
    """Append a label."""
    return desk.append(
        DraftLabel(
            idempotency_id=next(_ids),
            reviewer=reviewer,
            recording_sha256=sha256,
            onset_s=onset_s,
            duration_s=end_s - onset_s,
            verdict=verdict,
            **more,
        )
    )  # fmt: skip


def state_whole(
    desk: Desk,
    reviewer: str,
    sha256: str,
    *seen: tuple[float, float],
    kind: str = "sign_off",
    seconds: float = LENGTH_S,
    **more: Any,
) -> Label:
    """Append a sign-off or first read; all of it was seen unless spans are given."""
    return desk.append(
        DraftLabel(
            idempotency_id=next(_ids),
            reviewer=reviewer,
            recording_sha256=sha256,
            onset_s=0.0,
            duration_s=seconds,
            kind=kind,
            seen=seen or ((0.0, seconds),),
            **more,
        )
    )
