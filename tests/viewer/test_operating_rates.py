"""The operating point in the browser beside Python's: the same rates, the same choice."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eegdash.scoring import Criterion, OperatingTable, choose_threshold

TWIN = Path(__file__).with_name("rates_twin.mjs")
WISHES: list[tuple[str, float | None]] = [
    ("event-f1", None),
    ("window-f1", None),
    ("accuracy-sensitivity", None),
    ("fp-per-24h", 0.0),
    ("fp-per-24h", 24.0),
    ("fp-per-24h", 500.0),
    ("sensitivity", 0.5),
    ("sensitivity", 0.9),
    ("sensitivity", 1.0),
]

pytestmark = pytest.mark.browser


def random_tables(rng: np.random.Generator) -> dict[str, Any]:
    """Counts of a few recordings, some without a seizure, some without any known truth."""
    n, grid = int(rng.integers(1, 6)), list(range(0, 1001, 10))
    rows: dict[str, list[list[int]]] = {}
    recordings = []
    for i in range(n):
        truth_s = float(rng.choice([0.0, 10.0, 600.0, 86400.0]))
        n_ref = int(rng.integers(0, 4)) if truth_s else 0
        seizure = int(rng.integers(0, 50)) if n_ref else 0
        free = int(truth_s // 1.5)
        falling = -np.sort(-rng.random((5, len(grid))), axis=1)
        counts = {
            "n_events": np.round(6 * rng.random(len(grid))),
            "tp": np.floor(falling[0] * (n_ref + 0.99)),
            # events merge and split: false ones need not fall with the threshold
            "fp": np.round(8 * rng.random(len(grid)) * (truth_s > 0)),
            "n_ref": np.full(len(grid), n_ref),
            "sample_tp": np.floor(falling[1] * 30 * n_ref),
            "sample_fp": np.floor(falling[2] * truth_s / 4),
            "sample_n_ref": np.full(len(grid), 30 * n_ref),
            "window_tp": np.floor(falling[3] * seizure),
            "window_fp": np.floor(falling[4] * free),
        }
        for name, values in counts.items():
            rows.setdefault(name, []).append(values.astype(int).tolist())
        recordings.append(
            {
                "person": f"p{i // 2}",
                "person_key": f"x/p{i // 2}",
                "n_seizure_windows": seizure,
                "n_free_windows": free,
                "covered_s": truth_s,
                "sampled_s": truth_s,
            }
        )
    return {"threshold_pm": grid, "recordings": recordings, "counts": rows}


def table_of(tables: dict[str, Any]) -> OperatingTable:
    recordings = tables["recordings"]
    return OperatingTable(
        threshold_pm=np.array(tables["threshold_pm"]),
        persons=tuple(r["person_key"] for r in recordings),
        **{name: np.array(rows) for name, rows in tables["counts"].items()},
        **{
            name: np.array([r[name] for r in recordings])
            for name in ("n_seizure_windows", "n_free_windows", "covered_s", "sampled_s")
        },
    )


def same(found: float | None, expected: float) -> bool:
    if found is None:
        return math.isnan(expected)
    return found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def same_spread(found: dict[str, Any], expected: Any) -> bool:
    return (
        same(found["mean"], expected.mean)
        and same(found["sd"], expected.sd)
        and found["n"] == expected.n
    )


@pytest.fixture(scope="module")
def twins() -> list[tuple[OperatingTable, dict[str, Any]]]:
    """Random tables in Python, and what the browser's code says of them."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("browser tests: Node.js is missing (Debian: apt-get install nodejs)")
    rng = np.random.default_rng(20261121)
    cases = [random_tables(rng) for _ in range(40)]
    ran = subprocess.run(
        [node, str(TWIN)],
        input=json.dumps([{"table": case, "wishes": WISHES} for case in cases]),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return list(zip(map(table_of, cases), json.loads(ran.stdout), strict=True))


def test_javascript_chooses_the_threshold_that_python_chooses(
    twins: list[tuple[OperatingTable, dict[str, Any]]],
) -> None:
    n_chosen = 0
    for table, found in twins:
        for (criterion, target), choice in zip(WISHES, found["choices"], strict=True):
            expected = choose_threshold(table.curve(), Criterion(criterion), target)
            if expected is None:
                assert choice is None
                continue
            assert choice["threshold_pm"] == expected.threshold_pm, (criterion, target)
            assert same(choice["value"], expected.value)
            n_chosen += 1
    assert n_chosen > 200


def test_javascript_draws_the_curves_that_python_computes(
    twins: list[tuple[OperatingTable, dict[str, Any]]],
) -> None:
    for table, found in twins:
        curve = table.curve()
        for i, point in enumerate(found["curve"]):
            assert same(point["events"]["sensitivity"], curve.sensitivity[i])
            assert same(point["events"]["precision"], curve.precision[i])
            assert same(point["events"]["f1"], curve.f1[i])
            assert same(point["events"]["fpPerDay"], curve.fp_per_24h[i])
            assert same(point["windows"]["accuracy"], curve.accuracy[i])
            assert same(point["windows"]["sensitivity"], curve.window_sensitivity[i])
            assert same(point["windows"]["specificity"], curve.specificity[i])
            assert same(point["windows"]["f1"], curve.window_f1[i])


def test_javascript_sums_seconds_windows_and_persons_as_python_does(
    twins: list[tuple[OperatingTable, dict[str, Any]]],
) -> None:
    for table, found in twins:
        for index in range(0, 101, 10):
            samples, windows = table.micro(index).samples, table.windows(index)
            for name in ("sensitivity", "precision", "f1"):
                assert same(found["samples"][index][name], getattr(samples, name))
            shown = found["windows"][index]
            assert [shown[k] for k in ("tn", "fp", "fn", "tp")] == [
                windows.tn,
                windows.fp,
                windows.fn,
                windows.tp,
            ]
            assert same(shown["precision"], windows.precision)
            assert same(shown["weightedF1"], windows.weighted_f1)
            persons = table.over_persons(index)
            for shown_spread, expected in zip(
                found["persons"][index],
                (
                    persons.event_sensitivity,
                    persons.event_precision,
                    persons.event_f1,
                    persons.event_fp_per_24h,
                ),
                strict=True,
            ):
                assert same_spread(shown_spread, expected)
