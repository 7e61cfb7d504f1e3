"""Agreement between raters: Cohen's and Fleiss' kappa, Gwet's AC1, agreement on events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval; NaN where undefined (shown as "n/a")."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of two raters' categories.

    Parameters
    ----------
    categories : tuple of str
        In words.
    counts : ndarray of int64, shape (n_categories, n_categories)
        Rows: the first rater (or statement); columns: the second.
    unit : str
        What is counted, e.g. ``"epochs of 1 s"``.
    """

    categories: tuple[str, ...]
    counts: NDArray[np.int64]
    unit: str
