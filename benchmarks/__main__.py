"""Measure the figures and print them beside their budgets.

``python -m benchmarks`` measures all, ``--list`` names them, ``--quick`` leaves out the 24 h
recording. Exit codes: 0 all within, 1 something over its budget, 2 something not measured.
"""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import (
    app_start,
    attribution,
    attribution_truth,
    browser_memory,
    first_paint,
    label_append,
    label_views,
    mechanism,
    operating_drag,
    page_flip,
    raw_tile,
    readers,
    report,
    scaling,
    score_speed,
    scroll,
    threshold_drag,
)
from benchmarks.bench import Bench
from benchmarks.figures import BenchmarkError, Figure, Row, table

FIGURES: tuple[Figure, ...] = (
    page_flip.FIGURE,
    scroll.FIGURE,
    threshold_drag.FIGURE,
    operating_drag.FIGURE,
    first_paint.FIGURE,
    browser_memory.FIGURE,
    app_start.FIGURE,
    score_speed.HOUR,
    score_speed.DAY,
    label_append.FIGURE,
    label_views.FIGURE,
    raw_tile.FIGURE,
    report.FIGURE,
    attribution.FIGURE,
    attribution_truth.FIGURE,
    mechanism.FIGURE,
    mechanism.FINDINGS,
    scaling.FIGURE,
    readers.FIGURE,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what was chosen and return the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    unknown = set(arguments.names) - {figure.name for figure in FIGURES}
    if unknown:
        parser.error(f"there is no figure called {', '.join(sorted(unknown))}; see --list")
    if arguments.list:
        width = 2 + max(len(figure.name) for figure in FIGURES)
        for figure in FIGURES:
            note = " [24 h only]" if figure.day_only else ""
            print(f"{figure.name:{width}s}{figure.title}{note}")
            print(f"{'':{width}s}budget: {figure.budget}")
        return 0
    chosen = [f for f in FIGURES if not arguments.names or f.name in arguments.names]
    # a run that is ended from outside removes its folder and its servers, too
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    print(_heading(), flush=True)
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="benchmarks-"))
    try:
        with ExitStack() as stack:
            rows, problems = _measure(chosen, Bench(folder, quick=arguments.quick, stack=stack))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(table(rows))
    for problem in problems:
        print(problem)
    load = os.getloadavg()[0]
    print(f"{time.monotonic() - began:.0f} s, load average now {load:.1f}.")
    return 2 if problems else 1 if any(row.within is False for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [figure.name for figure in FIGURES]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--list", action="store_true", help="name the figures and their budgets")
    parser.add_argument("--quick", action="store_true", help="leave out the 24 h recording")
    return parser


def _measure(chosen: Sequence[Figure], bench: Bench) -> tuple[list[Row], list[str]]:
    """Return the rows of all figures, and a sentence for each that gave none."""
    errors: tuple[type[Exception], ...] = (BenchmarkError, OSError, subprocess.SubprocessError)
    try:
        from playwright.sync_api import Error as BrowserError
    except ImportError:
        pass  # the figures that need it say so
    else:
        errors = (*errors, BrowserError)
    rows: list[Row] = []
    problems: list[str] = []
    for figure in chosen:
        if figure.day_only and bench.quick:
            print(f"{figure.name}: left out by --quick", file=sys.stderr, flush=True)
            continue
        began = time.monotonic()
        try:
            rows += figure.measure(bench)
        except errors as error:
            problems.append(f"{figure.name} was NOT measured: {error}")
        print(f"{figure.name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return rows, problems


def _heading() -> str:
    day = datetime.datetime.now().astimezone().date().isoformat()
    load = os.getloadavg()[0]
    threads = os.environ.get("OMP_NUM_THREADS")
    limited = f", OMP_NUM_THREADS={threads}" if threads else ""
    return (
        f"{day}, {os.cpu_count()} cores{limited}, load average {load:.1f} before the run, "
        f"Python {sys.version_info.major}.{sys.version_info.minor}"
    )


if __name__ == "__main__":
    sys.exit(main())
