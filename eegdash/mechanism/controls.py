"""Random ensembles like a given one: of the same layer, as large, as active."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

N_CONTROLS = 100
_CANDIDATES = 20_000
_TOLERANCES = (0.1, 0.25, 0.5, 1.0, math.inf)


@dataclass(frozen=True, slots=True)
class Controls:
    """Random ensembles to compare one with.

    Parameters
    ----------
    ensembles : tuple of tuple of int
        Distinct, and none is the ensemble itself.
    tolerance : float
        How far their summed mean activation may differ from the ensemble's, as a share of it;
        infinite where no closer match gave enough of them.
    overlap : float
        Mean share of units that they have in common with the ensemble: drawn from the whole
        layer, small layers overlap by chance.
    """

    ensembles: tuple[tuple[int, ...], ...]
    tolerance: float
    overlap: float

    def as_dict(self) -> dict[str, Any]:
        """Return counts and match as JSON values."""
        return {
            "n": len(self.ensembles),
            "tolerance": None if math.isinf(self.tolerance) else self.tolerance,
            "overlap": self.overlap,
        }


def matched_controls(
    units: Sequence[int],
    mean_activation: NDArray[Any],
    *,
    n: int = N_CONTROLS,
    seed: int = 0,
) -> Controls:
    """Draw random ensembles of the same size with about the same summed mean activation.

    The match is 10 % where that leaves ``n`` distinct ensembles, else the closest of 25, 50,
    100 % or none that does. Dead units are left out. Where the layer is so small that fewer
    exist, all of them are returned, and the smallest p that can be reached is larger.

    Parameters
    ----------
    units : sequence of int
    mean_activation : ndarray, shape (n_units,)
        Mean of each unit over the reference windows.
    n : int
    seed : int
    """
    own = frozenset(int(k) for k in units)
    size = np.abs(np.asarray(mean_activation, dtype=np.float64))
    alive = np.union1d(np.flatnonzero(size > 1e-9), sorted(own)).astype(np.int64)
    pool = _distinct(alive, len(own), np.random.default_rng(seed)) - {own}
    wanted = size[list(own)].sum()
    ranked = sorted(pool, key=sorted)
    rng = np.random.default_rng(seed)
    order = [ranked[int(k)] for k in rng.permutation(len(ranked))]
    off = {c: abs(size[list(c)].sum() - wanted) / max(wanted, 1e-12) for c in order}
    for tolerance in _TOLERANCES:
        close = [c for c in order if off[c] <= tolerance]
        if len(close) >= n or math.isinf(tolerance):
            chosen = close[:n]
            shared = [len(c & own) / len(own) for c in chosen]
            return Controls(
                tuple(tuple(sorted(c)) for c in chosen),
                tolerance,
                float(np.mean(shared)) if shared else math.nan,
            )
    raise AssertionError("the last tolerance takes all")


def _distinct(alive: NDArray[np.int64], size: int, rng: np.random.Generator) -> set[frozenset[int]]:
    """Return all subsets of a small layer, or many random ones of a larger."""
    from itertools import combinations

    if math.comb(len(alive), size) <= _CANDIDATES:
        return {frozenset(int(k) for k in c) for c in combinations(alive, size)}
    keys = rng.random((_CANDIDATES, len(alive)))
    picks = np.argpartition(keys, size - 1, axis=1)[:, :size]
    return {frozenset(int(alive[k]) for k in row) for row in picks}
