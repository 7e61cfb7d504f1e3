"""Scoring many recordings on 1 and 2 processes, and what 10,000 hours would take."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.bench import Bench, Command, run
from benchmarks.figures import Figure, Row, number

_RECORDINGS = 6
_HOURS = 10_000
_MACHINES = 16
_EFFICIENCY = 0.7  # of the second process, at least: the cores of a shared machine are not whole


def measure(bench: Bench) -> Iterator[Row]:
    """Score six recordings of an hour by one process, and by a cluster of two."""
    folder = _recordings(bench)
    ways = {"no cluster": ["--workers", "1"], "cluster of 2": ["--workers", "2"]}
    runs: dict[str, list[Command]] = {way: [] for way in ways}
    few: dict[str, list[Command]] = {way: [] for way in ways}
    for _ in range(bench.repeats(3)):
        for way, options in ways.items():  # in turn: a shared machine is never the same for long
            runs[way].append(_score(bench, folder, options))
            few[way].append(_score(bench, folder / "1.edf", options))
    one, two = (median(c.seconds for c in runs[way]) for way in ways)
    start_one, start_two = (median(c.seconds for c in few[way]) for way in ways)
    for way, seconds in zip(ways, (one, two), strict=True):
        peer = f"{number(_RECORDINGS / seconds * 3600)} recording hours an hour"
        yield Row(
            what=f"score {_RECORDINGS} h, {way}",
            median=seconds,
            unit="s",
            n=len(runs[way]),
            peer=peer,
        )
    # what an hour costs once everything runs: the start of processes is left out
    each_one = (one - start_one) / (_RECORDINGS - 1)
    each_two = (two - start_two) / (_RECORDINGS - 1)
    efficiency = each_one / (2 * each_two)
    yield Row(
        what="each further hour on 2 processes against 1, per process",
        median=efficiency,
        unit="",
        budget=f">= {_EFFICIENCY:g}",
        within=round(efficiency, 3) >= _EFFICIENCY if (os.cpu_count() or 1) >= 2 else None,
        peer=f"{number(each_one)} s and {number(each_two)} s an hour",
    )
    cpu = median(c.cpu_s for c in runs["no cluster"]) - median(c.cpu_s for c in few["no cluster"])
    size = bench.hour_file.stat().st_size
    yield from _estimate(cpu / (_RECORDINGS - 1), efficiency, size)


def _estimate(core_s_per_hour: float, efficiency: float, hour_bytes: int) -> Iterator[Row]:
    """Say what much more would need, from what an hour costs here."""
    cores = _MACHINES * (os.cpu_count() or 1)
    core_h = _HOURS * core_s_per_hour / 3600
    yield Row(
        what="processor time of one hour of 23 channels at 256 Hz",
        median=core_s_per_hour,
        unit="s",
    )
    yield Row(
        what=f"ESTIMATE: {_HOURS:,} h on {_MACHINES} machines like this one ({cores} cores)",
        median=60 * core_h / (cores * min(efficiency, 1.0)),
        unit="min",
        peer=f"{number(core_h)} core hours, at the efficiency above",
    )
    yield Row(
        what=f"ESTIMATE: reading {_HOURS:,} h from one drive of 1 GB/s",
        median=_HOURS * hour_bytes / 1e9 / 60,
        unit="min",
        peer=f"{number(_HOURS * hour_bytes / 1e9)} GB",
    )


def _recordings(bench: Bench) -> Path:
    """Lay the simulated hour down several times; each differs in one sample, and so in its hash."""
    folder = bench.new_folder("many")
    for k in range(_RECORDINGS):
        path = folder / f"{k}.edf"
        shutil.copyfile(bench.hour_file, path)
        with path.open("r+b") as file:
            file.seek(-1 - k, os.SEEK_END)
            last = file.read(1)
            file.seek(-1 - k, os.SEEK_END)
            file.write(bytes([last[0] ^ 1]))
    return folder


def _score(bench: Bench, path: Path, options: list[str]) -> Command:
    # one thread, as each process of a cluster has
    one_thread = ["env", "OMP_NUM_THREADS=1"]
    command = [*one_thread, sys.executable, "-m", "eegdash", "score", str(path), *options]
    out = bench.new_folder("results")
    return run([*command, "--out", str(out)], bench.new_folder("cold"))


FIGURE = Figure(
    name="scaling",
    title=f"score {_RECORDINGS} recordings of 1 h on 1 and 2 processes",
    budget=f"each process of 2 does >= {_EFFICIENCY:g} of one alone",
    measure=measure,
)
