"""Scoring 1 h and 24 h: seconds, peak memory, and how it grows with the length."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.bench import Bench, Command, DayScored, run
from benchmarks.figures import Figure, Row, at_most, number
from benchmarks.recordings import HOURS_OF_DAY

_REPEATS = 5
_HOUR_S = 4.0
_HOUR_RATIO = 5.0
_DAY_S = 80.0
_DAY_MB = 1200.0
_LINEAR = 1.2  # seconds an hour of a day against those of one hour; above, it grows faster


@dataclass(frozen=True, slots=True)
class _Hour:
    """What one hour takes: whole commands, and detection and its peer alone, s."""

    commands: list[Command]
    load_s: float
    detect_s: list[float]
    peer_s: list[float]


def _measure_hour(bench: Bench) -> _Hour:
    repeats = bench.repeats(_REPEATS)
    commands = [bench.score_afresh(bench.hour_file) for _ in range(repeats)]
    folder = bench.new_folder("inside")
    run(
        [sys.executable, "-m", "benchmarks.score_inside", str(bench.hour_file), str(repeats)],
        folder,
    )
    last = (folder / "command.log").read_text(encoding="utf-8").strip().splitlines()[-1]
    return _Hour(commands, **json.loads(last))


def measure_hour(bench: Bench) -> Iterator[Row]:
    """Score an hour in fresh processes, then without the imports beside its peer."""
    hour = _measure_hour(bench)
    whole = [command.seconds for command in hour.commands]
    # pair by pair: both of a pair met the same load of the machine
    ratio = median(a / b for a, b in zip(hour.detect_s, hour.peer_s, strict=True))
    yield Row(
        what="score 1 h, fresh process, whole command",
        median=median(whole),
        unit="s",
        n=len(whole),
        budget=f"<= {_HOUR_S:g} s",
        within=at_most(median(whole), _HOUR_S),
        peer=f"{number(median(whole) / median(hour.peer_s))}x read + STFT",
    )
    yield Row(
        what="score 1 h, detect() alone, first in its process",
        median=hour.detect_s[0],
        unit="s",
        budget=f"<= {_HOUR_S:g} s",
        within=at_most(hour.detect_s[0], _HOUR_S),
        peer=f"after {number(hour.load_s)} s to import and load the model",
    )
    yield Row(
        what="score 1 h, detect() alone",
        median=median(hour.detect_s),
        unit="s",
        n=len(hour.detect_s),
        budget=f"<= {_HOUR_RATIO:g}x read + STFT",
        within=at_most(ratio, _HOUR_RATIO),
        peer=f"{number(ratio)}x read + STFT ({number(median(hour.peer_s))} s)",
    )
    peak = median(command.peak_mb for command in hour.commands)
    yield Row(what="score 1 h, peak memory of the command", median=peak, unit="MB", n=len(whole))


def measure_day(bench: Bench) -> Iterator[Row]:
    """Score a day once, in a fresh process; 1 h and 2 min tell what is start and what scoring."""
    took = bench.day_scored[1]
    hour_mb = median(c.peak_mb for c in took.hour)
    linear = _growth(took, "cpu_s")
    yield Row(
        what="score 24 h, fresh process, whole command",
        median=took.day.seconds,
        unit="s",
        budget=f"<= {_DAY_S:g} s",
        within=at_most(took.day.seconds, _DAY_S),
        peer=f"{number(3600 * HOURS_OF_DAY / took.day.seconds)}x real time; "
        f"{number(took.day.cpu_s)} s of processor time",
    )
    yield Row(
        what="score 24 h, peak memory of the command",
        median=took.day.peak_mb,
        unit="MB",
        budget=f"<= {_DAY_MB:g} MB",
        within=at_most(took.day.peak_mb, _DAY_MB),
        peer=f"{number(took.day.peak_mb / hour_mb)}x that of 1 h",
    )
    yield Row(
        # wall time says little about growth where others use the same cores for a while
        what="score 24 h, processor time per hour against 1 h, without the start",
        median=linear,
        unit="x",
        budget=f"linear (<= {_LINEAR:g}x)",
        within=at_most(linear, _LINEAR),
        peer=f"{number(_growth(took, 'seconds'))}x in wall time",
    )


def _growth(took: DayScored, clock: str) -> float:
    """Time that 24 h take beyond the start, over 24 times that of one hour."""
    day = getattr(took.day, clock)
    hour, start = (median(getattr(c, clock) for c in runs) for runs in (took.hour, took.short))
    return float((day - start) / (HOURS_OF_DAY * (hour - start)))


HOUR = Figure(
    name="score-hour",
    title="score 1 h, 23 channels, 256 Hz, cold",
    budget=f"<= {_HOUR_S:g} s, <= {_HOUR_RATIO:g}x the time to read the file and take the STFT "
    "in the same run",
    measure=measure_hour,
)
DAY = Figure(
    name="score-day",
    title="score 24 h",
    budget=f"<= {_DAY_S:g} s (1,000x real time), peak memory <= {_DAY_MB / 1000:g} GB, "
    "linear in length",
    measure=measure_day,
    day_only=True,
)
