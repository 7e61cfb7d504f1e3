"""Several readers on one server: how long each waits, while one scores, and over many sessions."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.bench import ROOT, Bench, serve_process, wait_until_up
from benchmarks.figures import BenchmarkError, Figure, Row, at_most, percentile_95
from benchmarks.reader_session import Notes, ReaderSession, reader_session

N_READERS = 10
THINK_S = 1.5
STEPS = 40
P95_MS = 500.0
SESSIONS = 1600
GROWTH = 1.05
_WARM_SESSIONS = 400  # Streamlit keeps the sessions of the last two minutes, for who reconnects
_WEIGHED = 50  # memory is the median over so many sessions
_AT_ONCE = 2
_QUICK_SESSIONS = 480
_SCORING_LIMIT_S = 900.0


def measure(bench: Bench) -> Iterator[Row]:
    """Serve the dashboard once; ten readers, then ten beside a scoring, then many sessions."""
    site = bench.half_hour
    long = bench.long.recording
    unscored = site.recording.parent / "unscored_long.edf"
    shutil.copyfile(long, unscored)
    with serve_process(ROOT / "app.py", site.workspace) as (url, pid):
        wait_until_up(url)
        alone = asyncio.run(many_readers(url, site.alias))
        yield _waits(alone, f"{N_READERS} readers, think time {THINK_S:g} s, one action")
        yield from (_row_of(alone, kind) for kind in ("tile", "page", "label"))
        yield _errors(alone)
        beside, scoring_s = asyncio.run(beside_a_scoring(url, site.alias, unscored.name))
        length = "24 h" if not bench.quick else bench.long.length
        yield _waits(beside, f"the same while one of them has {length} scored")
        yield _errors(beside)
        yield Row(what=f"that scoring of {length}, beside {N_READERS} readers",
                  median=scoring_s, unit="s")  # fmt: skip
        n_sessions = _QUICK_SESSIONS if bench.quick else SESSIONS
        weights = asyncio.run(soak(url, site.alias, pid, n_sessions))
        yield _growth_row(weights, n_sessions)


def _waits(notes: Notes, what: str) -> Row:
    p95 = percentile_95(notes.all_ms)
    return Row(
        what=what,
        median=median(notes.all_ms),
        p95=p95,
        unit="ms",
        n=len(notes.all_ms),
        budget=f"p95 < {P95_MS:g} ms",
        within=at_most(p95, P95_MS),
    )


def _row_of(notes: Notes, kind: str) -> Row:
    waits = notes.waits_ms[kind]
    return Row(what=f"  {kind}", median=median(waits), p95=percentile_95(waits), unit="ms",
               n=len(waits))  # fmt: skip


def _errors(notes: Notes) -> Row:
    return Row(
        what="  errors" + (f", the first: {notes.errors[0]}" if notes.errors else ""),
        median=float(len(notes.errors)),
        unit="",
        n=len(notes.all_ms),
        budget="0",
        within=not notes.errors,
    )


def _growth_row(weights_mb: Sequence[float], n_sessions: int) -> Row:
    before, after = settled_mb(weights_mb)
    return Row(
        what=f"memory of the server after {n_sessions:,} sessions, over that after "
        f"{min(_WARM_SESSIONS, n_sessions // 2)}",
        median=after / before,
        unit="x",
        n=n_sessions,
        budget=f"< {GROWTH:g}x",
        within=after / before < GROWTH,
        peer=f"{before:.0f} and {after:.0f} MB",
    )


# ---- readers -------------------------------------------------------------------------------


async def many_readers(
    url: str,
    alias: str,
    *,
    n_readers: int = N_READERS,
    steps: int = STEPS,
    think_s: float = THINK_S,
) -> Notes:
    """Let readers read at once, each in a session of its own, and return what they waited.

    Parameters
    ----------
    url : str
    alias : str
        The recording that all read.
    n_readers, steps : int
        Each takes so many steps: mostly pages, now and then a label or a look at the list.
    think_s : float
        Mean time between the end of a step and the next, s.
    """
    notes = Notes()
    ready = asyncio.Barrier(n_readers)
    await asyncio.gather(
        *(_read(url, alias, notes, k, ready, steps, think_s) for k in range(n_readers))
    )
    return notes


async def _read(
    url: str, alias: str, notes: Notes, k: int, ready: asyncio.Barrier, steps: int, think_s: float
) -> None:
    dice = random.Random(k)
    loading = Notes()  # a page that is loaded for the first time is another figure
    async with reader_session(url, loading, f"Reader {k + 1}") as session:
        await session.open_review(alias)
        await ready.wait()
        session.notes = notes
        for step in range(steps):
            await asyncio.sleep(dice.uniform(0.5, 1.5) * think_s)
            await _step(session, k, step, alias)
    notes.errors += loading.errors


async def _step(session: ReaderSession, k: int, step: int, alias: str) -> None:
    if step % 10 == 9:
        await session.go_to("")
        await session.open_review(alias)
    elif step % 5 == 3:
        await session.label(60.0 * k + step)
    else:
        await session.flip(17 * k + step)


async def beside_a_scoring(
    url: str,
    alias: str,
    unscored_name: str,
    *,
    n_readers: int = N_READERS,
    think_s: float = THINK_S,
) -> tuple[Notes, float]:
    """Let one more reader have a recording scored, and the others read until it is done."""
    notes = Notes()
    own = Notes()
    async with reader_session(url, own, "Scorer") as scorer:
        await scorer.open_list()
        began = time.perf_counter()
        await scorer.press("Score")
        done = asyncio.Event()
        readers = [
            asyncio.create_task(_read_until(url, alias, notes, k, done, think_s))
            for k in range(n_readers)
        ]
        try:
            await _until_scored(scorer, unscored_name, began)
        finally:
            done.set()
        seconds = time.perf_counter() - began
        await asyncio.gather(*readers)
    notes.errors += own.errors
    return notes, seconds


async def _until_scored(scorer: ReaderSession, name: str, began: float) -> None:
    while True:
        await asyncio.sleep(THINK_S)
        await scorer.open_list()
        if not scorer.has_button("Cancel") and not scorer.has_button("Score"):
            return
        if time.perf_counter() - began > _SCORING_LIMIT_S:
            raise BenchmarkError(f"{name} was not scored in {_SCORING_LIMIT_S:.0f} s.")


async def _read_until(
    url: str, alias: str, notes: Notes, k: int, done: asyncio.Event, think_s: float
) -> None:
    dice = random.Random(k)
    loading = Notes()
    async with reader_session(url, loading, f"Reader {k + 1}") as session:
        await session.open_review(alias)
        session.notes = notes
        step = 0
        while not done.is_set():
            await asyncio.sleep(dice.uniform(0.5, 1.5) * think_s)
            await _step(session, k, step, alias)
            step += 1
    notes.errors += loading.errors


# ---- many sessions -------------------------------------------------------------------------


async def soak(url: str, alias: str, pid: int, n_sessions: int) -> list[float]:
    """Open, read and close session after session; return the server's memory after each, MB.

    Raises
    ------
    BenchmarkError
        If anything went wrong in one of them.
    """
    notes = Notes()
    weights_mb: list[float] = []
    waiting = iter(range(n_sessions))

    async def one_after_the_other() -> None:
        for k in waiting:
            async with reader_session(url, notes, f"Reader {k % N_READERS + 1}") as session:
                await session.open_review(alias)
                await session.flip(k)
            weights_mb.append(resident_mb(pid))

    await asyncio.gather(*(one_after_the_other() for _ in range(_AT_ONCE)))
    if notes.errors:
        raise BenchmarkError(f"{len(notes.errors)} errors in the soak, first: {notes.errors[0]}")
    return weights_mb


def settled_mb(weights_mb: Sequence[float]) -> tuple[float, float]:
    """Return the memory once the first sessions have come and gone, and at the end, MB."""
    warm = min(_WARM_SESSIONS, len(weights_mb) // 2)
    some = min(_WEIGHED, warm)
    return median(weights_mb[warm - some : warm]), median(weights_mb[-some:])


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise BenchmarkError("The server is gone.")


FIGURE = Figure(
    name="readers",
    title=f"{N_READERS} readers on one server, one of them scoring 24 h; {SESSIONS:,} sessions",
    budget=f"p95 < {P95_MS:g} ms, 0 errors; memory grows by less than 5 %",
    measure=measure,
)
