"""Two detectors on the same recordings: figures, their difference, and intervals by person.

Both are resampled by the same persons (Efron 1979, doi:10.1214/aos/1176344552), so that the
interval of the difference is that of the difference: two intervals that overlap say little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eegdash.scoring.ranking import N_RESAMPLES, Estimate

Floats = NDArray[np.float64]
_DAY_S = 86400.0
COUNTS = ("tp", "fp", "n_ref", "covered_s", "window_tp", "window_fp", "n_seizure", "n_free")
"""Counts of one recording: SzCORE events, known truth (s), and windows."""


@dataclass(frozen=True, slots=True)
class PairedFigure:
    """One figure of two detectors on the same recordings.

    Parameters
    ----------
    before, after, difference : Estimate
        With 95 % intervals from resampled persons; NaN where undefined.
    """

    before: Estimate
    after: Estimate
    difference: Estimate


def _quotient(over: Floats, under: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(under > 0, over / np.where(under > 0, under, 1), np.nan))


_FIGURES: Mapping[str, Callable[[Mapping[str, Floats]], Floats]] = {
    "event_f1": lambda c: _quotient(2 * c["tp"], c["tp"] + c["fp"] + c["n_ref"]),
    "event_sensitivity": lambda c: _quotient(c["tp"], c["n_ref"]),
    "event_precision": lambda c: _quotient(c["tp"], c["tp"] + c["fp"]),
    "fp_per_24h": lambda c: _quotient(_DAY_S * c["fp"], c["covered_s"]),
    "window_sensitivity": lambda c: _quotient(c["window_tp"], c["n_seizure"]),
    "window_specificity": lambda c: _quotient(c["n_free"] - c["window_fp"], c["n_free"]),
    "window_f1": lambda c: _quotient(
        2 * c["window_tp"], c["window_tp"] + c["window_fp"] + c["n_seizure"]
    ),
}
FIGURES = tuple(_FIGURES)


def paired_figures(
    before: Sequence[Mapping[str, float]],
    after: Sequence[Mapping[str, float]],
    persons: Sequence[str],
    *,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> dict[str, PairedFigure]:
    """Return the figures of two detectors, micro-averaged over the same recordings.

    Parameters
    ----------
    before, after : sequence of mapping
        By recording the counts :data:`COUNTS`.
    persons : sequence of str
        Of each recording.
    n_resamples, seed : int

    Returns
    -------
    dict of str to PairedFigure
        By the names :data:`FIGURES`. Without a second person there are no intervals.
    """
    names = sorted(set(persons))
    row = [names.index(person) for person in persons]
    sums = [_by_person(counts, row, len(names)) for counts in (before, after)]
    rng = np.random.default_rng(seed)
    n_drawn = n_resamples if len(names) > 1 else 0
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=n_drawn)
    found = {}
    for name, formula in _FIGURES.items():
        value = [float(formula(_summed(s, np.ones((1, len(names)))))[0]) for s in sums]
        spread = [formula(_summed(s, drawn.astype(np.float64))) for s in sums]
        found[name] = PairedFigure(
            _estimate(value[0], spread[0]),
            _estimate(value[1], spread[1]),
            _estimate(value[1] - value[0], spread[1] - spread[0]),
        )
    return found


def _by_person(
    counts: Sequence[Mapping[str, float]], row: Sequence[int], n_persons: int
) -> dict[str, Floats]:
    return {
        name: np.bincount(row, [float(c[name]) for c in counts], n_persons).astype(np.float64)
        for name in COUNTS
    }


def _summed(sums: Mapping[str, Floats], drawn: Floats) -> dict[str, Floats]:
    return {name: drawn @ value for name, value in sums.items()}


def _estimate(value: float, spread: Floats) -> Estimate:
    known = spread[np.isfinite(spread)]
    if not len(known):
        return Estimate(value, n_resamples=len(spread))
    low, high = (float(x) for x in np.quantile(known, (0.025, 0.975)))
    return Estimate(value, low, high, len(known), len(spread))


def known(estimate: Estimate) -> list[float | None]:
    """Return value, low and high as JSON values, None where undefined."""
    return [
        round(x, 6) if math.isfinite(x) else None
        for x in (estimate.value, estimate.low, estimate.high)
    ]
