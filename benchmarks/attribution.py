"""Maps of one window: time per method, computed and from the cache; the tests beside a map."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.bench import ROOT, Bench
from benchmarks.figures import BenchmarkError, Figure, Row, at_most, number, percentile_95

if TYPE_CHECKING:
    from eegdash.workflows.desk import Desk

_COLD_MS, _CACHED_MS = 500.0, 20.0
_BUDGET = f"<= {_COLD_MS:g} ms"
_CACHED_BUDGET = f"<= {_CACHED_MS:g} ms"
_THREE = ("grad-cam", "grad-cam++", "integrated-gradients")
_MODELS = ("spectrogram-cnn-lstm", "shallow-cnn")
_REPEATS = 5
_FIRST = """
import sys, time
from pathlib import Path
from eegdash.workflows.desk import open_desk
from eegdash.workflows.explain import Request, explain
desk, path = open_desk(), Path(sys.argv[1])
began = time.perf_counter()
for method in sys.argv[3:]:
    explain(desk, Request(path, sys.argv[2], 300, method))
print(1000 * (time.perf_counter() - began))
"""


def measure(bench: Bench) -> Iterator[Row]:
    """Explain windows of the 30 min recording, each repeat in a workspace of its own."""
    from eegdash.attribution import METHODS
    from eegdash.workflows.explain_methods import unsuitable_methods

    path, repeats = bench.half_hour.recording, bench.repeats(_REPEATS)
    for model in _MODELS:
        desks = [_scored(bench.new_folder("explain"), path, model) for _ in range(repeats)]
        _explain_three(desks[0], path, model, 100)
        yield from _three(desks[1:] or desks, path, model)
        refused = unsuitable_methods(desks[0], model)
        for method in METHODS:
            if method not in refused:
                yield from _one(desks[0], path, model, method, repeats)
        yield _checks(desks[0], path, model)
        yield _first(bench, path, model)


def _scored(folder: Path, path: Path, model: str) -> Desk:
    """Return a desk of a workspace that knows nothing but the trace."""
    from eegdash.settings import Settings
    from eegdash.workflows.desk import open_desk
    from eegdash.workflows.score import Failed, score

    desk = open_desk(Settings(workspace=folder))
    outcome = score(desk, path, desk.model(model))
    if isinstance(outcome, Failed):
        raise BenchmarkError(outcome.reason)
    return desk


def _explain(desk: Desk, path: Path, model: str, index: int, method: str) -> None:
    from eegdash.workflows.explain import Request, explain

    explain(desk, Request(path, model, index, method))


def _explain_three(desk: Desk, path: Path, model: str, index: int) -> None:
    for method in _THREE:
        _explain(desk, path, model, index, method)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def _three(desks: list[Desk], path: Path, model: str) -> Iterator[Row]:
    """Time the three maps of the budget: nothing known but the trace; baseline known; stored."""

    def all_three(index: int) -> tuple[list[float], str]:
        began = time.process_time()
        times = [_timed(partial(_explain_three, desk, path, model, index)) for desk in desks]
        # on a busy machine the wall clock counts others' work as well
        spent = 1000 * (time.process_time() - began) / len(desks)
        return times, f"{number(spent)} ms of processor time"

    what = f"{model}: Grad-CAM + Grad-CAM++ + Integrated Gradients (64)"
    fresh, spent = all_three(300)
    yield _row(f"{what}, first window of a recording", fresh, _BUDGET, _COLD_MS, spent)
    known, spent = all_three(400)
    yield _row(f"{what}, another window", known, _BUDGET, _COLD_MS, spent)
    cached, spent = all_three(300)
    yield _row(f"{what}, from the cache", cached, _CACHED_BUDGET, _CACHED_MS, spent)


def _one(desk: Desk, path: Path, model: str, method: str, repeats: int) -> Iterator[Row]:
    def times() -> list[float]:
        windows = range(500, 500 + 20 * repeats, 20)
        return [_timed(partial(_explain, desk, path, model, i, method)) for i in windows]

    cold, cached = times(), times()
    yield _row(f"{model}: {method}, cold", cold)
    ratio = f"{number(median(cold) / median(cached))}x faster than cold"
    yield _row(f"{model}: {method}, cached", cached, peer=ratio)


def _checks(desk: Desk, path: Path, model: str) -> Row:
    from eegdash.workflows.explain import Request
    from eegdash.workflows.explain_checks import check

    request = Request(path, model, 500)
    times = [_timed(lambda: check(desk, request))]
    return _row(f"{model}: insertion, deletion (20 random maps), 3 random networks", times)


def _first(bench: Bench, path: Path, model: str) -> Row:
    """Time the three maps in a process that has just started, imports of torch included."""
    folder = bench.new_folder("explain")
    _scored(folder, path, model)
    done = subprocess.run(
        [sys.executable, "-c", _FIRST, str(path), model, *_THREE],
        cwd=ROOT,
        env={**os.environ, "EEGDASH_WORKSPACE": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchmarkError(f"The first explanation failed: {done.stderr[-400:]}")
    return _row(f"{model}: the three in a new process, imports included", [float(done.stdout)])


def _row(
    what: str, times: list[float], budget: str = "", limit: float = 0.0, peer: str = ""
) -> Row:
    value = median(times)
    return Row(
        what=what,
        median=value,
        p95=percentile_95(times) if len(times) > 1 else None,
        unit="ms",
        n=len(times),
        budget=budget,
        within=at_most(value, limit) if budget else None,
        peer=peer,
    )


FIGURE = Figure(
    name="attribution",
    title="maps of one window, per method",
    budget=f"Grad-CAM + Grad-CAM++ + Integrated Gradients (64 steps) <= {_COLD_MS:g} ms cold, "
    f"<= {_CACHED_MS:g} ms cached",
    measure=measure,
)
