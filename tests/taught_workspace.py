"""A workspace with recordings and labels, for tests of teaching; small and quick."""

from __future__ import annotations

import itertools
from pathlib import Path

from simulated_files import write_events, write_noise

from eegdash.checkpoints import CheckpointInfo
from eegdash.labels import DraftLabel, Label
from eegdash.training.fine_tune import TeachParameters
from eegdash.training.fit import FitParameters
from eegdash.workflows import library
from eegdash.workflows.desk import Desk

SECONDS = 120.0
QUICK = TeachParameters(
    fit=FitParameters(epochs=2), rehearsed=3, validated=2, tested=3, most_repeats=2
)
_ids = itertools.count()


def put(
    desk: Desk, name: str, seed: int = 0, *, seizures: list[tuple[float, float]] | None = None
) -> str:
    """Write a recording of noise, with a reference or none, and return its hash."""
    path = write_noise(desk.workspace.recordings / f"{name}.edf", seconds=SECONDS, seed=seed)
    if seizures is not None:
        write_events(path, seizures, SECONDS)
    return library.known_hash(desk, Path(path))


def say(
    desk: Desk,
    sha256: str,
    verdict: str | None,
    onset_s: float = 0.0,
    end_s: float = SECONDS,
    **more: object,
) -> Label:
    """Append a label; without a verdict a sign-off."""
    values: dict[str, object] = {
        "reviewer": "AB",
        "kind": "label" if verdict else "sign_off",
        "verdict": verdict,
        "event_type": "sz" if verdict in ("missed", "adjudicated") else "",
        **more,
    }
    return desk.labels.append(
        DraftLabel(
            idempotency_id=f"id-{next(_ids)}",
            recording_sha256=sha256,
            onset_s=onset_s,
            duration_s=end_s - onset_s,
            **values,  # type: ignore[arg-type]
        )
    )


def model(desk: Desk, name: str = "tiny") -> CheckpointInfo:
    return desk.model(name)
