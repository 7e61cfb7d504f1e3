"""Tests of a map: does changing what it marks change the detector, and does it need the weights?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_RANDOM = 20
SURVIVES = 0.5
"""A map whose mean correlation with those of randomised networks reaches this is flagged."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Insertion or deletion: the logit while patches are exchanged, most important first.

    Insertion puts patches of the window into the baseline, deletion puts patches of the baseline
    into the window (Petsiuk V. et al. 2018, arXiv 1806.07421; filled with the baseline, not with
    zeros). The area is the mean of the curve, rescaled so that 0 is the baseline's logit and 1
    the window's. Insertion should lie above the random orders, deletion below.

    Parameters
    ----------
    name : str
        ``insertion`` or ``deletion``.
    share : ndarray of float64, shape (n_points,)
        Share of the patches exchanged, 0 to 1.
    logit : ndarray of float64, shape (n_points,)
    random_mean, random_low, random_high : ndarray of float64, shape (n_points,)
        Mean and central 95 % of the logits of random orders.
    auc : float
    random_auc_mean, random_auc_low, random_auc_high : float
    n_random : int
    """

    name: str
    share: NDArray[np.float64]
    logit: NDArray[np.float64]
    random_mean: NDArray[np.float64]
    random_low: NDArray[np.float64]
    random_high: NDArray[np.float64]
    auc: float
    random_auc_mean: float
    random_auc_low: float
    random_auc_high: float
    n_random: int

    @property
    def beats_random(self) -> bool:
        """Whether the area lies outside the 95 % of random orders, on the right side."""
        if self.name == "insertion":
            return self.auc > self.random_auc_high
        return self.auc < self.random_auc_low


@dataclass(frozen=True, slots=True)
class Randomisation:
    """Rank correlation with maps of the same network with randomised weights.

    Adebayo J. et al. 2018 (arXiv 1810.03292). A map that is much the same without anything
    learned shows the input, not the reason.

    Parameters
    ----------
    signed : float
        Spearman correlation of the values, mean over the randomised networks.
    magnitude : float
        The same of their magnitudes.
    n_networks : int
    """

    signed: float
    magnitude: float
    n_networks: int

    @property
    def survives(self) -> bool:
        """Whether the map is flagged: ``signed`` reaches :data:`SURVIVES` in magnitude."""
        return abs(self.signed) >= SURVIVES


@dataclass(frozen=True, slots=True, eq=False)
class Checks:
    """What is shown beside a map.

    Parameters
    ----------
    insertion, deletion : Curve or None
        None where window and baseline have nearly the same logit, so that there is nothing to
        insert.
    randomisation : Randomisation
    note : str
        Why a curve is absent; empty otherwise.
    """

    insertion: Curve | None
    deletion: Curve | None
    randomisation: Randomisation
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stability:
    """Checks that are computed on demand (Yeh C. et al. 2019, arXiv 1901.09392).

    Parameters
    ----------
    infidelity : float
        Mean squared difference, logit^2, between what the map predicts for small changes of the
        window and what the network does; lower is better. NaN for maps that are not in logits.
    infidelity_nothing : float
        The same of a map that is 0 everywhere, as a yardstick.
    sensitivity_max : float
        Largest relative change of the map under changes of the window by at most 2 % of its
        standard deviation per cell; lower is better.
    n_samples : int
    """

    infidelity: float
    infidelity_nothing: float
    sensitivity_max: float
    n_samples: int
