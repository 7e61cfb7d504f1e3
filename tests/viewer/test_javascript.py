"""The viewer's pure functions in Node.js, and its events beside Python's on the same traces."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegdash.detection import UNSCORED, PostProcessing, ProbabilityTrace, find_events

HERE = Path(__file__).parent
CASES = HERE.parent / "fixtures" / "detection_cases.json"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def node() -> str:
    """Path of Node.js, or a skip that says what is missing."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("browser tests: Node.js is missing (Debian: apt-get install nodejs)")
    return path


@pytest.mark.parametrize("script", sorted(HERE.glob("*.test.mjs")), ids=lambda path: path.stem)
def test_pure_functions(node: str, script: Path) -> None:
    ran = subprocess.run(
        [node, "--test", str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert "# pass 0" not in ran.stdout


def found_in_javascript(node: str, cases: list[dict[str, Any]]) -> list[list[list[int]]]:
    ran = subprocess.run(
        [node, str(HERE / "events_twin.mjs")],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found: list[list[list[int]]] = json.loads(ran.stdout)
    return found


def test_javascript_finds_the_events_of_the_worked_cases(node: str) -> None:
    cases = json.loads(CASES.read_text(encoding="utf-8"))
    cases = cases["cases"] if isinstance(cases, dict) else cases
    assert len(cases) >= 50
    for case, events in zip(cases, found_in_javascript(node, cases), strict=True):
        assert events == [list(event) for event in case["events"]], case["name"]


def test_javascript_finds_the_same_events_as_python_on_random_traces(node: str) -> None:
    rng = np.random.default_rng(20261121)
    cases = [random_case(rng) for _ in range(400)]
    n_events = 0
    for case, events in zip(cases, found_in_javascript(node, cases), strict=True):
        trace = ProbabilityTrace(
            probability_pm=np.array(case["probability_pm"], dtype=np.uint16),
            first_centre_s=4.5,
            step_s=case["step_s"],
            duration_s=4.5 + 1.5 * len(case["probability_pm"]) + 4.5,
            model="random",
            model_sha256="0" * 64,
            recording_sha256="0" * 64,
        )
        expected = find_events(trace, case["threshold_pm"], PostProcessing(**case["post"]))
        assert events == [[e.first, e.stop, e.peak_pm] for e in expected], case
        n_events += len(expected)
    assert n_events > 1000


def random_case(rng: np.random.Generator) -> dict[str, Any]:
    """A wandering probability with unscored holes, and rules a reader could set."""
    n = int(rng.integers(1, 400))
    walk = np.cumsum(rng.normal(0, 120, n)) + rng.integers(0, 1000)
    probability = np.clip(np.abs(walk) % 1400, 0, 1000).astype(int)
    for _ in range(int(rng.integers(0, 4))):
        first = int(rng.integers(0, n))
        probability[first : first + int(rng.integers(1, 30))] = UNSCORED
    return {
        "probability_pm": probability.tolist(),
        "step_s": 1.5,
        "threshold_pm": int(rng.integers(0, 101)) * 10,
        "post": {
            "smoothing_s": float(rng.choice([0, 1.5, 3, 4.5, 10, 60])),
            "hysteresis": float(rng.choice([1, 0.95, 0.7, 0.35, 0.1])),
            "merge_gap_s": float(rng.choice([0, 1.5, 3, 30])),
            "min_duration_s": float(rng.choice([0, 1.5, 6, 12])),
        },
    }
