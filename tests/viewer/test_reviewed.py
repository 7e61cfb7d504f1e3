"""Which detections are reviewed: the viewer and the list of recordings say the same."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegdash.detection import Event
from eegdash.workflows.label_view import reviewed

TWIN = Path(__file__).with_name("matching_twin.mjs")


def label(onset_s: float, end_s: float, **more: Any) -> dict[str, Any]:
    plain = {"onset_s": onset_s, "duration_s": end_s - onset_s, "own": True, "verdict": "agree"}
    return {**plain, "about": None, **more}


def flags(spans: list[list[float]], labels: list[dict[str, Any]]) -> list[bool]:
    events = [Event(a, b - a, 700, i, i + 1) for i, (a, b) in enumerate(spans)]
    found = {event.first for event in reviewed(events, labels)}
    return [event.first in found for event in events]


def test_a_detection_is_reviewed_by_a_label_of_ones_own_that_shares_half() -> None:
    assert flags([[0, 10]], [label(0, 10)]) == [True]
    assert flags([[0, 10]], [label(5, 10)]) == [True]
    assert flags([[0, 10]], [label(5.5, 10)]) == [False]
    assert flags([[0, 10]], [label(0, 10, own=False)]) == [False]
    assert flags([[0, 10]], [label(0, 10, verdict="missed")]) == [False]
    assert flags([[0, 60]], [label(10, 20, about=[0, 60])]) == [True]
    assert flags([[0, 60]], []) == [False]


@pytest.mark.browser
def test_the_viewer_counts_the_same() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("browser tests: Node.js is missing (Debian: apt-get install nodejs)")
    rng = np.random.default_rng(20261121)
    cases = [random_case(rng) for _ in range(300)]
    ran = subprocess.run(
        [node, str(TWIN)], input=json.dumps(cases), capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    counted = [flags(case["events"], case["labels"]) for case in cases]
    assert json.loads(ran.stdout) == counted
    everything = [flag for case in counted for flag in case]
    assert 0.2 < np.mean(everything) < 0.8


def random_case(rng: np.random.Generator) -> dict[str, Any]:
    """Detections in order, and labels near them on a grid that makes ties and exact halves."""
    events, at = [], 0
    for _ in range(int(rng.integers(0, 12))):
        at += int(rng.integers(1, 20))
        events.append([float(at), float(at + rng.integers(2, 20))])
        at = int(events[-1][1])
    labels = []
    for onset, end in events:
        start = onset + float(rng.integers(-4, 5))
        stop = max(end + float(rng.integers(-4, 5)), start + 1)
        about = [onset, end] if rng.random() < 0.2 else None
        verdict = str(rng.choice(["agree", "disagree", "unsure", "missed"]))
        own = bool(rng.random() < 0.8)
        labels.append(label(start, stop, own=own, verdict=verdict, about=about))
    return {"events": events, "labels": labels}
