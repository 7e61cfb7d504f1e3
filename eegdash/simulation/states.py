"""States of vigilance: a semi-Markov course, and what each state does to the rhythms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eegdash.simulation.head import Array, Float

STATES = ("eyes open", "eyes closed", "N1", "N2", "N3", "REM", "ill")
COMPONENTS = ("broad", "slow", "alpha", "mu", "beta", "theta", "muscle")
# gains of the components; proportions after the AASM manual's descriptions of the stages
_LEVELS = np.array(
    [
        # broad slow  alpha mu   beta theta muscle
        [1.0, 0.25, 0.20, 1.0, 1.0, 0.2, 1.0],  # eyes open: alpha is blocked
        [1.0, 0.30, 1.00, 0.8, 0.9, 0.2, 0.8],
        [0.9, 1.00, 0.15, 0.2, 0.8, 1.0, 0.5],
        [0.9, 3.00, 0.00, 0.0, 0.6, 0.5, 0.3],
        [0.8, 6.00, 0.00, 0.0, 0.3, 0.4, 0.2],
        [0.9, 0.80, 0.10, 0.1, 0.7, 0.6, 0.05],
        [1.0, 2.00, 0.30, 0.0, 0.5, 0.6, 0.6],
    ]
)
_DWELL_S = {"N1": 90.0, "N2": 480.0, "N3": 700.0, "REM": 500.0, "wake": 240.0}
_NEXT: dict[str, tuple[tuple[str, ...], tuple[float, ...]]] = {
    "wake": (("N1",), (1.0,)),
    "N1": (("wake", "N2"), (0.3, 0.7)),
    "N2": (("N3", "REM", "N1", "wake"), (0.5, 0.25, 0.15, 0.1)),
    "N3": (("N2", "wake"), (0.92, 0.08)),
    "REM": (("N2", "wake", "N1"), (0.5, 0.3, 0.2)),
}
_STARTS = {
    "drowsy": ("wake", "N1"), "asleep": ("N2", "N3", "REM", "N1"), "night": ("wake",),
}  # fmt: skip
_RAMP_S = 1.5
_GRID_HZ = 8


@dataclass(frozen=True, slots=True)
class Course:
    """Which state holds from when.

    Parameters
    ----------
    starts_s : ndarray, shape (n,)
        The first is 0.
    codes : ndarray of int, shape (n,)
        Index into :data:`STATES`.
    """

    starts_s: Array
    codes: np.ndarray[tuple[int, ...], np.dtype[np.intp]]

    def at(self, time_s: float) -> str:
        """Return the name of the state at a time."""
        return STATES[self.codes[np.searchsorted(self.starts_s, time_s, side="right") - 1]]

    def levels(self, first_s: float, n: int, sfreq: float) -> Float:
        """Return the gain of each component, ramped over 1.5 s at changes; (n_components, n)."""
        width = round(_RAMP_S * _GRID_HZ)
        low = int(np.floor(first_s * _GRID_HZ)) - width
        count = int(np.ceil(n / sfreq * _GRID_HZ)) + 2 * width + 2
        grid = (low + np.arange(count)) / _GRID_HZ
        index = np.searchsorted(self.starts_s, grid, side="right") - 1
        steps = _LEVELS[self.codes[np.maximum(index, 0)]]
        kernel = np.ones(width) / width
        times = first_s + np.arange(n) / sfreq
        smooth = [np.convolve(column, kernel, mode="same") for column in steps.T]
        return np.stack([np.interp(times, grid, row) for row in smooth]).astype(np.float32)


def draw_course(rng: np.random.Generator, duration_s: float, vigilance: str) -> Course:
    """Draw a course of states: dwell times from a log-normal, successors from a table.

    Parameters
    ----------
    rng : Generator
    duration_s : float
    vigilance : str
        As in :class:`~eegdash.simulation.person.Person`.

    Returns
    -------
    Course
    """
    if vigilance == "ill":
        return Course(np.zeros(1), np.array([STATES.index("ill")]))
    starts: list[float] = []
    codes: list[int] = []
    now = 0.0
    choices = _STARTS.get(vigilance, ("wake",))
    stage = choices[int(rng.integers(len(choices)))]
    while now < duration_s:
        dwell_s = _DWELL_S[stage] * float(np.exp(0.6 * rng.standard_normal()))
        if vigilance == "awake":
            dwell_s = duration_s
        end = min(now + dwell_s, duration_s)
        if stage == "wake":
            _eyes(rng, now, end, starts, codes)
        else:
            starts.append(now)
            codes.append(STATES.index(stage))
        now = end
        names, shares = _NEXT[stage]
        stage = str(rng.choice(names, p=shares))
    return Course(np.array(starts), np.array(codes))


def _eyes(
    rng: np.random.Generator, now: float, end: float, starts: list[float], codes: list[int]
) -> None:
    closed = bool(rng.random() < 0.5)
    while now < end:
        starts.append(now)
        codes.append(STATES.index("eyes closed" if closed else "eyes open"))
        now += 2 + float(rng.exponential(18.0 if closed else 22.0))
        closed = not closed
