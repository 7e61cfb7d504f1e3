"""A report on one scored hour: examples, maps with their tests, figures, summary, HTML and PDF."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.bench import ROOT, Bench
from benchmarks.figures import BenchmarkError, Figure, Row, at_most

_BUDGET_S = 20.0
_REPEATS = 3


def measure(bench: Bench) -> Iterator[Row]:
    """Write the report in new processes, each with a workspace that knows the trace alone."""
    path, taken_s, n_examples = bench.hour_file, [], 0
    for _ in range(bench.repeats(_REPEATS)):
        workspace, out = bench.new_folder("report-workspace"), bench.new_folder("report")
        _run(workspace, "score", str(path), "--out", str(bench.new_folder("scored")))
        began = time.perf_counter()
        _run(workspace, "report", str(path), "--out", str(out), "--no-llm")
        taken_s.append(time.perf_counter() - began)
        folder = next(out.glob("report-*"))
        facts = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        n_examples = len(facts["examples"])
    yield Row(
        what=f"report on 1 h, {n_examples} examples, whole command",
        median=median(taken_s),
        unit="s",
        n=len(taken_s),
        budget=f"<= {_BUDGET_S:g} s",
        within=at_most(median(taken_s), _BUDGET_S),
    )


def _run(workspace: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "eegdash", *arguments],
        cwd=ROOT,
        env={**os.environ, "EEGDASH_WORKSPACE": str(workspace)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode:
        raise BenchmarkError(f"The command {arguments[0]} failed: {done.stderr[-300:]}")


FIGURE = Figure(
    name="report",
    title="report on a scored hour with six examples, fresh process",
    budget=f"<= {_BUDGET_S:g} s",
    measure=measure,
)
