"""How long each stage of the work took in this process: for the server's page, and the log."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_LOG = logging.getLogger(__name__)
_KEPT = 1000


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Times of one stage.

    Parameters
    ----------
    stage : str
    n, n_failed : int
        How often it ran since the start, and how often it failed.
    median_s, p95_s, longest_s : float
        Of the latest 1,000, s. The 95th percentile is the nearest rank: at least 95 of 100 took
        no longer.
    """

    stage: str
    n: int
    n_failed: int
    median_s: float
    p95_s: float
    longest_s: float


@dataclass(slots=True)
class _Kept:
    n: int = 0
    n_failed: int = 0
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))


class Timings:
    """Times by stage, of the latest runs; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: dict[str, _Kept] = {}

    def add(
        self,
        stage: str,
        seconds: float,
        *,
        failed: bool = False,
        waited_s: float | None = None,
        frequent: bool = False,
    ) -> None:
        """Note that a stage took so long.

        Parameters
        ----------
        stage : str
            What was done, in words; never about whom.
        seconds : float
        failed : bool
        waited_s : float, optional
            How long it waited for others before, for the log.
        frequent : bool
            Whether the log would drown in it; then it is only written at the level ``debug``.
        """
        with self._lock:
            kept = self._stages.setdefault(stage, _Kept())
            kept.n += 1
            kept.n_failed += failed
            kept.seconds.append(seconds)
        facts = {"stage": stage, "seconds": round(seconds, 4)}
        facts["outcome"] = "failed" if failed else "done"
        if waited_s is not None:
            facts["waited_s"] = round(waited_s, 4)
        _LOG.log(logging.DEBUG if frequent else logging.INFO, "stage", extra=facts)

    @contextmanager
    def measure(self, stage: str, *, frequent: bool = False) -> Iterator[None]:
        """Time what is done inside; an error counts as failed and goes on."""
        start = time.perf_counter()
        failed = False
        try:
            yield
        except Exception:
            failed = True
            raise
        finally:
            self.add(stage, time.perf_counter() - start, failed=failed, frequent=frequent)

    def table(self) -> list[StageTimes]:
        """Return the times of every stage that ran, by name."""
        with self._lock:
            found = [
                (stage, kept.n, kept.n_failed, sorted(kept.seconds))
                for stage, kept in sorted(self._stages.items())
            ]
        return [
            StageTimes(stage, n, failed, _rank(times, 0.5), _rank(times, 0.95), times[-1])
            for stage, n, failed, times in found
        ]


def _rank(ordered: list[float], share: float) -> float:
    return ordered[math.ceil(share * len(ordered)) - 1]


TIMINGS = Timings()
"""Of this process."""
