"""Groups of units that answer to one class: found on one half of the data, tested on the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eegdash.mechanism import calls
from eegdash.mechanism.layers import Site
from eegdash.mechanism.statistics import (
    AgainstNull,
    Bools,
    Floats,
    Interval,
    Whole,
    against_null,
    auroc,
    group_interval,
)
from eegdash.networks.hooks import hooked

if TYPE_CHECKING:
    from torch import nn

METHODS: dict[str, str] = {
    "auc": "activation AUC: units that are ranked highest by how well they separate the classes",
    "attribution": "gradient times activation: units that add most evidence for the class to the "
    "logit, in its windows more than in the others",
    "clustering": "the cluster of units with alike activity that separates the classes best",
}
SIZE_RULE = (
    "units whose score exceeds the 95th percentile of the best unit with labels shuffled within "
    "each half, at least 1 and at most a quarter of the layer"
)
"""How the size of an ensemble is chosen; printed with it."""
_Score = Callable[[NDArray[Any], Bools], Floats]
_LARGEST_SHARE = 0.25
_N_SHUFFLES = 200
_COHESION = 0.5  # least correlation of a member with the mean of its cluster


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Units of one layer that were found together.

    Parameters
    ----------
    layer : str
    units : tuple of int
        Rising.
    prefers : str
        ``seizure`` or ``other``: which windows its units answer to.
    method : str
        One of :data:`METHODS`, or ``chosen`` by the reader.
    """

    layer: str
    units: tuple[int, ...]
    prefers: str = "seizure"
    method: str = "chosen"


def selectivity(values: NDArray[Any], seizure: Bools) -> Floats:
    """Return ``(m1 - m0) / (m1 + m0)`` of each unit's mean activations in both classes.

    Between -1 (only seizure-free windows) and 1 (only seizure windows) for activations that are
    never negative; of others, magnitudes are taken. NaN for dead units.

    Parameters
    ----------
    values : ndarray, shape (n_windows, n_units)
    seizure : ndarray of bool, shape (n_windows,)
    """
    size = np.abs(np.asarray(values, dtype=np.float64))
    inside, outside = size[seizure].mean(axis=0), size[~seizure].mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((inside - outside) / (inside + outside))


def find_ensemble(
    layer: str,
    values: NDArray[Any],
    seizure: Bools,
    *,
    method: str = "auc",
    prefers: str = "seizure",
    contributions: NDArray[Any] | None = None,
    seed: int = 0,
) -> Ensemble:
    """Find the units that answer to one class, on the windows given; see :data:`SIZE_RULE`.

    Parameters
    ----------
    layer : str
    values : ndarray, shape (n_windows, n_units)
    seizure : ndarray of bool, shape (n_windows,)
    method : str
        One of :data:`METHODS`.
    prefers : str
        ``seizure`` or ``other``.
    contributions : ndarray, shape (n_windows, n_units), optional
        Gradient times activation, which the method ``attribution`` needs.
    seed : int
    """
    wanted = seizure if prefers == "seizure" else ~seizure
    score: _Score = auroc
    if method == "attribution":
        if contributions is None:
            raise ValueError("ranking by attribution needs the contributions of the units")
        # only evidence for the class counts: its absence elsewhere would count units of the other
        sign = 1.0 if prefers == "seizure" else -1.0
        table = np.maximum(sign * np.asarray(contributions, dtype=np.float64), 0)
        score = _mean_difference
    else:
        table = np.asarray(values, dtype=np.float64)
    if method == "clustering":
        units = _best_cluster(table, wanted)
    else:
        units = _exceeding(table, wanted, score, seed)
    return Ensemble(layer, units, prefers, method)


def largest_size(n_units: int) -> int:
    """Return how many units an ensemble may have: a quarter of the layer, at least one."""
    return max(int(_LARGEST_SHARE * n_units), 1)


def _mean_difference(table: Floats, wanted: Bools) -> Floats:
    return np.asarray(table[wanted].mean(axis=0) - table[~wanted].mean(axis=0))


def _exceeding(table: Floats, wanted: Bools, score: _Score, seed: int) -> tuple[int, ...]:
    from scipy.stats import rankdata

    own = np.nan_to_num(score(table, wanted), nan=-np.inf)
    rng = np.random.default_rng(seed)
    # ranks give the same areas, and are made once
    quick = rankdata(table, axis=0) if score is auroc else table
    best = np.empty(_N_SHUFFLES)
    for k in range(_N_SHUFFLES):
        best[k] = np.max(_shuffled_score(quick, rng.permutation(wanted), score))
    order = np.argsort(-own, kind="stable")
    n = int(np.count_nonzero(own > np.quantile(best, 0.95)))
    n = min(max(n, 1), largest_size(len(own)))
    return tuple(sorted(int(k) for k in order[:n]))


def _shuffled_score(table: Floats, wanted: Bools, score: _Score) -> Floats:
    if score is not auroc:
        return np.asarray(score(table, wanted))
    n, m = int(wanted.sum()), int((~wanted).sum())
    return np.asarray((table[wanted].sum(axis=0) - n * (n + 1) / 2) / (n * m))


def _best_cluster(table: Floats, wanted: Bools) -> tuple[int, ...]:
    """Cluster live units by correlation; the number of clusters has the best silhouette."""
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.metrics import silhouette_score

    from eegdash.mechanism.redundancy import unit_correlations

    alive = np.flatnonzero(table.std(axis=0) > 0)
    areas = auroc(table[:, alive], wanted)
    if len(alive) < 4:
        return (int(alive[int(np.argmax(areas))]),) if len(alive) else (0,)
    distance = np.clip(1 - unit_correlations(table[:, alive]), 0, 2)
    np.fill_diagonal(distance, 0)
    best, chosen = -2.0, np.zeros(len(alive), dtype=np.int64)
    for n in range(2, min(8, len(alive) - 1) + 1):
        labels = AgglomerativeClustering(
            n_clusters=n, metric="precomputed", linkage="average"
        ).fit_predict(distance)
        quality = float(silhouette_score(distance, labels, metric="precomputed"))
        if quality > best:
            best, chosen = quality, labels
    by_cluster = [float(areas[chosen == k].mean()) for k in np.unique(chosen)]
    members = np.flatnonzero(chosen == int(np.argmax(by_cluster)))
    # average linkage leaves every unit somewhere: only those that go along with the rest count
    together = ensemble_activity(table[:, alive], members)
    alike = [float(np.corrcoef(table[:, alive[k]], together)[0, 1]) for k in members]
    members = members[np.array(alike) >= _COHESION]
    # the size rule's upper limit holds here too: the best of a large cluster
    members = members[np.argsort(-areas[members])][: largest_size(table.shape[1])]
    return tuple(sorted(int(alive[k]) for k in members))


def ensemble_activity(values: NDArray[Any], units: Sequence[int] | Whole) -> Floats:
    """Return the mean of the units' standardised activations, (n_windows,)."""
    table = np.asarray(values, dtype=np.float64)[:, list(units)]
    spread = table.std(axis=0)
    spread[spread == 0] = 1
    return np.asarray(((table - table.mean(axis=0)) / spread).mean(axis=1))


@dataclass(frozen=True, slots=True)
class Tested:
    """An ensemble on recordings that took no part in finding it.

    Parameters
    ----------
    auroc : Interval
        Of its mean standardised activity, for the class it prefers.
    random : AgainstNull
        The same of random units of the layer, as many.
    """

    auroc: Interval
    random: AgainstNull

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {"auroc": self.auroc.as_dict(), "random": self.random.as_dict()}


def on_held_out(
    ensemble: Ensemble,
    values: NDArray[Any],
    seizure: Bools,
    group: Whole,
    *,
    n_random: int = 200,
    seed: int = 0,
) -> Tested:
    """Test an ensemble on held-out windows, against random units of the same layer.

    Parameters
    ----------
    ensemble : Ensemble
    values : ndarray, shape (n_windows, n_units)
    seizure : ndarray of bool, shape (n_windows,)
    group : ndarray of int, shape (n_windows,)
    n_random, seed : int
    """
    wanted = seizure if ensemble.prefers == "seizure" else ~seizure
    activity = ensemble_activity(values, ensemble.units)
    found = group_interval(
        lambda used: float(auroc(activity[used], wanted[used])), group, seed=seed
    )
    rng = np.random.default_rng(seed)
    n_units, size = np.shape(values)[1], len(ensemble.units)
    draws = [rng.choice(n_units, size, replace=False) for _ in range(n_random)]
    null = [float(auroc(ensemble_activity(values, units), wanted)) for units in draws]
    return Tested(found, against_null(found.value, np.array(null)))


@dataclass(frozen=True, slots=True)
class EnsembleStability:
    """How much an ensemble depends on which half of the recordings it was found on.

    Parameters
    ----------
    jaccard : float
        Mean over pairs of splits of shared units / units of either.
    expected : float
        The same of random ensembles of these sizes.
    share : tuple of float
        For each unit of the layer, in which share of the splits it was found.
    n_splits : int
    """

    jaccard: float
    expected: float
    share: tuple[float, ...]
    n_splits: int


def stability(found: Sequence[Ensemble], n_units: int, *, seed: int = 0) -> EnsembleStability:
    """Return how alike ensembles from different splits are (Jaccard 1901)."""
    rng = np.random.default_rng(seed)
    chosen = [set(e.units) for e in found]
    random = [set(rng.choice(n_units, len(units), replace=False).tolist()) for units in chosen]
    share = [
        sum(unit in units for units in chosen) / max(len(chosen), 1) for unit in range(n_units)
    ]
    return EnsembleStability(_jaccard(chosen), _jaccard(random), tuple(share), len(found))


def _jaccard(sets: Sequence[set[int]]) -> float:
    pairs = [len(a & b) / max(len(a | b), 1) for i, a in enumerate(sets) for b in sets[i + 1 :]]
    return float(np.mean(pairs)) if pairs else float("nan")


def contributions(
    network: nn.Module, layers: Sequence[Site], features: NDArray[np.float32]
) -> Mapping[str, NDArray[np.float32]]:
    """Return gradient times activation of each unit, summed over its places: (n_windows, n_units).

    The first-order estimate of what the seizure logit would lose if the unit fell silent
    (Shrikumar A. et al. 2016, arXiv 1605.01713; for units: Molchanov P. et al. 2016, arXiv
    1611.06440). The derivative is taken at the module that carries the unit, and the rectified
    value multiplies it. Conductance (Dhamdhere K. et al. 2018, arXiv 1805.12233) would follow the
    logit from a baseline instead; captum's LayerConductance counts one row of a layer for each
    window, while three segments of a window pass the encoder here. Behind it, where it can be
    had, and in a linear head, both agree.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    layers : sequence of Site
    features : ndarray of float32, shape (n_windows, 3, *input_shape)
    """
    import torch

    outputs: dict[str, Any] = {}

    def keep(site: Site) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            outputs[site.layer] = output[0] if isinstance(output, tuple) else output

        return hook

    with (
        torch.enable_grad(),
        hooked({network.get_submodule(site.module): keep(site) for site in layers}),
    ):
        tensor = torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32))
        logits = calls.window_logits(network, tensor.requires_grad_(True))
        gradients = torch.autograd.grad(logits.sum(), [outputs[s.layer] for s in layers])
    found = {}
    for site, gradient in zip(layers, gradients, strict=True):
        product = (gradient * site.values(outputs[site.layer])).detach()
        if site.kind == "sequence":
            product = product[:, -1]
        elif site.kind == "map":
            product = product.flatten(2).sum(dim=2)
        if site.in_encoder:
            product = product.reshape(len(features), 3, -1).sum(dim=1)
        found[site.layer] = product.numpy()
    return found
