"""From windows to probabilities to events.

Probability is an integer per mille (uint16), so that the browser and Python apply the same
arithmetic and give identical events. The grid is regular over the whole recording, gaps
included: window ``i`` is centred at ``first_centre_s + i * step_s`` and a positive window marks
its centre +- ``step_s / 2``. Windows that could not be scored carry :data:`UNSCORED`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

UNSCORED = 65535
"""Per-mille value of a window without a probability (gap, unusable channels)."""


@dataclass(frozen=True, slots=True)
class PostProcessing:
    """Parameters that turn a trace and a threshold into events, applied in this order.

    Parameters
    ----------
    smoothing_s : float
        Length of the centred moving mean, s; 0 is off.
    hysteresis : float
        Lower threshold as a fraction of the upper; 1 is off.
    merge_gap_s : float
        Gaps shorter than this are closed, s.
    min_duration_s : float
        Events shorter than this are dropped, s.
    """

    smoothing_s: float = 4.5
    hysteresis: float = 1.0
    merge_gap_s: float = 3.0
    min_duration_s: float = 6.0

    def as_dict(self) -> dict[str, float]:
        """Return the parameters by name, as they are saved with every result."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Event:
    """A detection: a span in which the smoothed probability stayed above the threshold.

    ``first`` and ``stop`` are window indices (half open); ``peak_pm`` is the highest smoothed
    probability inside, per mille.
    """

    onset_s: float
    duration_s: float
    peak_pm: int
    first: int
    stop: int

    @property
    def end_s(self) -> float:
        """End of the event, s."""
        return self.onset_s + self.duration_s


@dataclass(frozen=True, slots=True)
class ProbabilityTrace:
    """Seizure probability of every window of one recording by one model.

    Parameters
    ----------
    probability_pm : ndarray of uint16, shape (n_windows,)
        Per mille, or :data:`UNSCORED`.
    first_centre_s, step_s : float
        Grid of the window centres, s from the start of the file.
    duration_s : float
        Length of the recording, s.
    model, model_sha256, recording_sha256 : str
        Provenance. An imported external detector has a model name and the hash of its file.
    """

    probability_pm: NDArray[np.uint16]
    first_centre_s: float
    step_s: float
    duration_s: float
    model: str
    model_sha256: str
    recording_sha256: str

    @property
    def n_windows(self) -> int:
        """Number of windows on the grid."""
        return len(self.probability_pm)

    @property
    def time_s(self) -> NDArray[np.float64]:
        """Window centres, s from the start of the file."""
        return self.first_centre_s + self.step_s * np.arange(self.n_windows)

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which windows carry a probability."""
        return np.asarray(self.probability_pm != UNSCORED)


def smooth(probability_pm: NDArray[np.uint16], n_windows: int) -> NDArray[np.int64]:
    """Centred moving mean over scored neighbours, in integers, rounded half up.

    Parameters
    ----------
    probability_pm : ndarray of uint16, shape (n,)
    n_windows : int
        Length of the mean in windows; an even length is rounded up to the next odd one.

    Returns
    -------
    ndarray of int64, shape (n,)
        Per mille; -1 where the window itself is unscored. A mean never reaches across an
        unscored window.
    """
    scored = probability_pm != UNSCORED
    values = np.where(scored, probability_pm, 0).astype(np.int64)
    half = max(n_windows, 1) // 2
    n = len(values)
    index = np.arange(n)
    # the run of scored windows that each window lies in: [run_start, run_stop)
    breaks = np.flatnonzero(~scored)
    position = np.searchsorted(breaks, index)
    run_start = np.where(position > 0, np.append(breaks, n)[position - 1] + 1, 0)
    run_stop = np.append(breaks, n)[position]
    lo = np.maximum(index - half, run_start)
    hi = np.minimum(index + half + 1, run_stop)
    total = np.concatenate(([0], np.cumsum(values)))
    count = np.maximum(hi - lo, 1)
    mean = (2 * (total[np.maximum(hi, lo)] - total[lo]) + count) // (2 * count)
    return np.where(scored, mean, -1)


def find_events(
    trace: ProbabilityTrace, threshold_pm: int, post: PostProcessing | None = None
) -> list[Event]:
    """Return the events of a trace at a threshold.

    The order is: smoothing, hysteresis, merging, minimum duration. Nothing reaches across an
    unscored window. Lengths are compared in whole milliseconds.

    Parameters
    ----------
    trace : ProbabilityTrace
    threshold_pm : int
        Per mille; a window at the threshold counts as seizure.
    post : PostProcessing, optional

    Returns
    -------
    list of Event, ordered by onset
    """
    post = post or PostProcessing()
    step_ms = round(trace.step_s * 1000)
    level = smooth(trace.probability_pm, round(post.smoothing_s * 1000) // step_ms)
    lower_pm = (threshold_pm * round(post.hysteresis * 1000) + 500) // 1000
    # A threshold of 0 means that every scored window is positive; -1 (unscored) never is.
    runs = [
        run
        for run in _runs(level >= max(lower_pm, 0))
        if int(level[run[0] : run[1]].max()) >= threshold_pm
    ]
    runs = _merge(runs, level >= 0, round(post.merge_gap_s * 1000), step_ms)
    min_ms = round(post.min_duration_s * 1000)
    half = trace.step_s / 2
    return [
        Event(
            onset_s=trace.first_centre_s + first * trace.step_s - half,
            duration_s=(stop - first) * trace.step_s,
            peak_pm=int(level[first:stop].max()),
            first=first,
            stop=stop,
        )
        for first, stop in runs
        if (stop - first) * step_ms >= min_ms
    ]


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _merge(
    runs: list[tuple[int, int]], scored: NDArray[np.bool_], merge_ms: int, step_ms: int
) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, stop in runs:
        if merged:
            gap = first - merged[-1][1]
            if gap * step_ms < merge_ms and bool(scored[merged[-1][1] : first].all()):
                merged[-1] = (merged[-1][0], stop)
                continue
        merged.append((first, stop))
    return merged
