"""How alike layers and units are: linear CKA, unit correlations, participation ratio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eegdash.mechanism.statistics import AgainstNull, Floats, against_null

N_NULLS = 50


def linear_cka(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return the linear centred kernel alignment of two layers, 0 to 1.

    ``|Y'X|_F^2 / (|X'X|_F |Y'Y|_F)`` of centred columns (Kornblith S. et al. 2019, arXiv
    1905.00414). Unchanged by rotation and by one scale for all units; NaN if a layer is constant.

    Parameters
    ----------
    first, second : ndarray, shape (n_windows, n_units) each
    """
    x = np.asarray(first, dtype=np.float64) - np.mean(first, axis=0)
    y = np.asarray(second, dtype=np.float64) - np.mean(second, axis=0)
    shared = np.linalg.norm(y.T @ x) ** 2
    own = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(shared / own) if own > 0 else float("nan")


def participation_ratio(values: NDArray[Any]) -> float:
    """Return ``(sum l)^2 / sum l^2`` of the covariance's eigenvalues: dimensions in use.

    Gao P. et al. 2017, doi:10.1101/214262. Between 1 and the number of units; NaN if constant.
    """
    table = np.asarray(values, dtype=np.float64)
    covariance = np.atleast_2d(np.cov(table, rowvar=False))
    total, squares = np.trace(covariance), float((covariance**2).sum())
    return float(total**2 / squares) if squares > 0 else float("nan")


def unit_correlations(values: NDArray[Any]) -> Floats:
    """Return Pearson's correlation of each pair of units, (n_units, n_units); NaN for dead ones."""
    table = np.asarray(values, dtype=np.float64)
    centred = table - table.mean(axis=0)
    norm = np.linalg.norm(centred, axis=0)
    norm[norm <= 1e-9 * np.sqrt(len(table))] = np.nan
    return np.asarray((centred / norm).T @ (centred / norm))


def mean_correlation(values: NDArray[Any]) -> float:
    """Return the mean magnitude of the correlation over pairs of live units."""
    pairs = unit_correlations(values)[np.triu_indices(values.shape[1], 1)]
    pairs = np.abs(pairs[np.isfinite(pairs)])
    return float(pairs.mean()) if len(pairs) else float("nan")


@dataclass(frozen=True, slots=True)
class Redundancy:
    """Redundancy within one layer, against units that are shuffled over the windows."""

    correlation: AgainstNull
    dimensions: AgainstNull
    n_units: int

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "correlation": self.correlation.as_dict(),
            "dimensions": self.dimensions.as_dict(),
            "n_units": self.n_units,
        }


def redundancy(values: NDArray[Any], *, n_nulls: int = N_NULLS, seed: int = 0) -> Redundancy:
    """Return unit correlations and participation ratio of standardised units, with nulls.

    Parameters
    ----------
    values : ndarray, shape (n_windows, n_units)
    n_nulls, seed : int
    """
    from eegdash.mechanism.separation import standardised

    table, rng = standardised(values), np.random.default_rng(seed)
    if table.shape[1] < 2:
        nothing = against_null(float("nan"), np.empty(0))
        return Redundancy(nothing, nothing, np.shape(values)[1])
    correlations, dimensions = [], []
    for _ in range(n_nulls):
        shuffled = rng.permuted(table, axis=0)
        correlations.append(mean_correlation(shuffled))
        dimensions.append(participation_ratio(shuffled))
    return Redundancy(
        against_null(mean_correlation(table), np.array(correlations)),
        against_null(participation_ratio(table), np.array(dimensions)),
        np.shape(values)[1],
    )


def cka_between(
    layers: Mapping[str, NDArray[Any]], *, n_nulls: int = N_NULLS, seed: int = 0
) -> tuple[Floats, Floats]:
    """Return linear CKA between layers, and the 97.5th percentile with shuffled windows.

    Parameters
    ----------
    layers : mapping of str to ndarray, shape (n_windows, n_units)
    n_nulls, seed : int

    Returns
    -------
    cka, null : ndarray of float64, shape (n_layers, n_layers)
    """
    tables, rng = list(layers.values()), np.random.default_rng(seed)
    n = len(tables)
    cka, null = np.eye(n), np.full((n, n), np.nan)
    for i in range(n):
        for j in range(i):
            cka[i, j] = cka[j, i] = linear_cka(tables[i], tables[j])
            draws = [linear_cka(tables[i], rng.permutation(tables[j])) for _ in range(n_nulls)]
            null[i, j] = null[j, i] = float(np.quantile(draws, 0.975))
    return cka, null
