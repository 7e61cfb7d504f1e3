"""How much of a recording is seen around what is judged, drawn anew at every step.

A network that always saw two minutes would not know what to make of ten seconds or of a day.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RUN_SEGMENTS = 20
"""Segments in a run; neighbouring windows share the codes of their segments."""
SHORTEST, LONGEST = 5, 2400
"""Length of what is seen, in segments: 9 s to 1 h."""
_FREE = 10  # seizure-free segments that may stand for an hour


def drawn(
    rng: np.random.Generator,
    levels: NDArray[np.float32],
    seizure: NDArray[np.bool_],
    first: int,
) -> NDArray[np.float32]:
    """Return the levels of what is seen of a recording, relative to the mean level of a run.

    Its length is drawn on a logarithmic scale. What is shorter than the recording is a piece of
    it around the run; what is longer is its seizure-free part, repeated, for of an hour a seizure
    is a small part.

    Parameters
    ----------
    rng : Generator
    levels : ndarray of float32, shape (n_segments, n_levels)
    seizure : ndarray of bool, shape (n_segments - 4,)
    first : int
        First segment of the run.

    Returns
    -------
    ndarray of float32, shape (n, n_levels)
    """
    length = round(float(np.exp(rng.uniform(np.log(SHORTEST), np.log(LONGEST)))))
    n = len(levels)
    mean = levels[first : first + RUN_SEGMENTS].mean(axis=0)
    if length <= n:
        low, high = sorted((first, first + RUN_SEGMENTS - length))
        begin = int(np.clip(rng.integers(low, high + 1), 0, n - length))
        return np.asarray(levels[begin : begin + length] - mean)
    free = levels[~np.pad(seizure, 2, mode="edge")]
    kept = free if len(free) >= _FREE else levels
    return np.asarray(np.resize(kept, (length, levels.shape[1])) - mean)
