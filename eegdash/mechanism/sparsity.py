"""How few units answer, and how rarely: Treves-Rolls and Hoyer, dead and always-on units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.mechanism.statistics import AgainstNull, Bools, Floats, against_null, plain

N_NULLS = 50
ALWAYS_ON_SHARE = 0.95
"""A unit that answers in more than this share of the windows is "always on"."""
_NEVER = 1e-6


def treves_rolls(values: NDArray[Any], *, axis: int = -1) -> Floats:
    """Return the sparseness ``(1 - mean(r)^2 / mean(r^2)) / (1 - 1/n)``: 0 even, 1 one of n.

    Treves A. and Rolls E. 1991, doi:10.1088/0954-898X_2_4_004, in the form of Vinje W. and Gallant
    J. 2000, doi:10.1126/science.287.5456.1273. Magnitudes count; NaN where all are zero.

    Parameters
    ----------
    values : ndarray
    axis : int
        The units (population sparseness) or the windows (lifetime sparseness).
    """
    size = np.abs(np.asarray(values, dtype=np.float64))
    n = size.shape[axis]
    with np.errstate(invalid="ignore", divide="ignore"):
        activity = size.mean(axis=axis) ** 2 / (size**2).mean(axis=axis)
        return np.asarray((1 - activity) / (1 - 1 / n))


def hoyer(values: NDArray[Any], *, axis: int = -1) -> Floats:
    """Return ``(sqrt(n) - L1/L2) / (sqrt(n) - 1)``: 0 even, 1 one of n; NaN where all are zero.

    Hoyer P. 2004, https://www.jmlr.org/papers/v5/hoyer04a.html.
    """
    size = np.abs(np.asarray(values, dtype=np.float64))
    root = np.sqrt(size.shape[axis])
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = size.sum(axis=axis) / np.sqrt((size**2).sum(axis=axis))
        return np.asarray((root - ratio) / (root - 1))


MEASURES = {"treves_rolls": treves_rolls, "hoyer": hoyer}


@dataclass(frozen=True, slots=True)
class Sparsity:
    """Sparseness of one layer; medians over windows (population) and over units (lifetime).

    Parameters
    ----------
    population, lifetime : dict of str to AgainstNull
        By measure. The null of the population shuffles each unit over the windows, so that units
        answer independently; the null of the lifetime shuffles each window over the units, so
        that no unit has windows of its own. Units are first divided by their mean.
    by_class : dict of str to (float, float)
        Population sparseness in seizure and in seizure-free windows, by measure.
    dead, always_on : list of int
        Units that never answer, and that answer in nearly all windows.
    """

    population: dict[str, AgainstNull]
    lifetime: dict[str, AgainstNull]
    by_class: dict[str, tuple[float, float]]
    dead: list[int]
    always_on: list[int]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "population": {k: v.as_dict() for k, v in self.population.items()},
            "lifetime": {k: v.as_dict() for k, v in self.lifetime.items()},
            "by_class": {k: [plain(x) for x in v] for k, v in self.by_class.items()},
            "dead": self.dead,
            "always_on": self.always_on,
        }


def dead_units(values: NDArray[Any]) -> list[int]:
    """Return the units that never answer in (n_windows, n_units)."""
    return [int(k) for k in np.flatnonzero(np.abs(values).max(axis=0) <= _NEVER)]


def always_on_units(values: NDArray[Any]) -> list[int]:
    """Return the units that answer in more than 95 % of the windows."""
    share = (np.abs(values) > _NEVER).mean(axis=0)
    return [int(k) for k in np.flatnonzero(share > ALWAYS_ON_SHARE)]


def sparsity(
    values: NDArray[Any], seizure: Bools, *, n_nulls: int = N_NULLS, seed: int = 0
) -> Sparsity:
    """Return how sparse a layer is, against its nulls.

    Parameters
    ----------
    values : ndarray, shape (n_windows, n_units)
    seizure : ndarray of bool, shape (n_windows,)
    n_nulls, seed : int
    """
    size = np.abs(np.asarray(values, dtype=np.float64))
    alive = size.max(axis=0) > _NEVER
    table = size[:, alive] / size[:, alive].mean(axis=0)
    rng = np.random.default_rng(seed)
    population, lifetime, by_class = {}, {}, {}
    for name, measure in MEASURES.items():
        if table.shape[1] < 2:
            population[name] = lifetime[name] = against_null(np.nan, np.empty(0))
            by_class[name] = (np.nan, np.nan)
            continue
        of_windows = measure(table, axis=1)
        over_windows = [
            _median(measure(rng.permuted(table, axis=0), axis=1)) for _ in range(n_nulls)
        ]
        over_units = [_median(measure(rng.permuted(table, axis=1), axis=0)) for _ in range(n_nulls)]
        population[name] = against_null(_median(of_windows), np.array(over_windows))
        lifetime[name] = against_null(_median(measure(table, axis=0)), np.array(over_units))
        by_class[name] = (_median(of_windows[seizure]), _median(of_windows[~seizure]))
    return Sparsity(population, lifetime, by_class, dead_units(values), always_on_units(values))


def _median(values: Floats) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")
