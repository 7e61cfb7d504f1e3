"""How well each layer separates the classes: linear probe, silhouette, and a picture.

The probe and the silhouette are the measures. The picture (UMAP) is none: distances and gaps in it
depend on its seed and parameters, which is why :func:`picture_stability` exists.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

N_COMPONENTS = 100
N_SHUFFLES = 20
_FOLDS = 5
_SILHOUETTE_WINDOWS = 1500
_REGULARISATION = 0.1  # inverse strength of the L2 penalty on standardised activations


@dataclass(frozen=True, slots=True)
class Probe:
    """A linear probe of one layer.

    Parameters
    ----------
    auroc : Interval
        On held-out groups; pairs of windows are compared within a fold only, because the probes
        of two folds have different scales.
    control : AgainstNull
        The same with shuffled labels.
    n_folds : int
        0 where no grouped cross-validation is possible; the figures are then NaN.
    """

    auroc: Interval
    control: AgainstNull
    n_folds: int

    @property
    def above_control(self) -> bool:
        """Whether the interval lies above 97.5 % of the shuffled-label probes."""
        return self.auroc.low > self.control.null_high

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {
            "auroc": self.auroc.as_dict(),
            "control": self.control.as_dict(),
            "n_folds": self.n_folds,
            "above_control": self.above_control,
        }


def standardised(values: NDArray[Any]) -> Floats:
    """Return columns with mean 0 and variance 1; constant columns (dead units) are left out."""
    array = np.asarray(values, dtype=np.float64)
    spread = array.std(axis=0)
    alive = spread > 1e-9 * np.maximum(np.abs(array).max(axis=0), 1e-12)
    return np.asarray((array[:, alive] - array[:, alive].mean(axis=0)) / spread[alive])


def pca_scores(values: NDArray[Any], *, n_components: int = N_COMPONENTS) -> Floats:
    """Return the principal component scores of standardised activations.

    Parameters
    ----------
    values : ndarray, shape (n_windows, n_units)
    n_components : int
        At most; fewer where there are fewer units or windows.

    Returns
    -------
    ndarray of float64, shape (n_windows, n_kept)
    """
    table = standardised(values)
    left, singular, _ = np.linalg.svd(table, full_matrices=False)
    kept = min(n_components, int(np.count_nonzero(singular > 1e-9)))
    return np.asarray(left[:, :kept] * singular[:kept])


def grouped_folds(seizure: Bools, group: Whole, *, seed: int = 0) -> Whole | None:
    """Return the fold of each window; no group is in two folds.

    None where fewer than two groups hold seizure or fewer than two hold seizure-free windows.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    counts = [len(np.unique(group[mask])) for mask in (seizure, ~seizure)]
    if min(counts) < 2:
        return None
    n = min(_FOLDS, *counts)
    splitter = StratifiedGroupKFold(n_splits=n, shuffle=True, random_state=seed)
    fold = np.zeros(len(seizure), dtype=np.int64)
    for k, (_, tested) in enumerate(splitter.split(np.zeros(len(seizure)), seizure, group)):
        fold[tested] = k
    return fold


def probe(
    values: NDArray[Any],
    seizure: Bools,
    group: Whole,
    *,
    n_shuffles: int = N_SHUFFLES,
    seed: int = 0,
) -> Probe:
    """Fit an L2-penalised logistic probe with grouped cross-validation, and its control.

    Parameters
    ----------
    values : ndarray, shape (n_windows, n_units)
    seizure : ndarray of bool, shape (n_windows,)
    group : ndarray of int, shape (n_windows,)
    n_shuffles, seed : int

    Notes
    -----
    Linear probes: Alain G. and Bengio Y. 2016 (arXiv 1610.01644). Control with shuffled labels:
    Hewitt J. and Liang P. 2019, doi:10.18653/v1/D19-1275.
    """
    fold = grouped_folds(seizure, group, seed=seed)
    nothing = Interval(math.nan, n_groups=len(np.unique(group)))
    if fold is None:
        return Probe(nothing, against_null(math.nan, np.empty(0)), 0)
    table = np.asarray(values, dtype=np.float64)
    score = _held_out_scores(table, seizure, fold)
    found = group_interval(
        lambda used: within_folds_auroc(score[used], seizure[used], fold[used]), group, seed=seed
    )
    rng = np.random.default_rng(seed)
    null = np.empty(n_shuffles)
    for k in range(n_shuffles):
        labels = rng.permutation(seizure)
        null[k] = within_folds_auroc(_held_out_scores(table, labels, fold), labels, fold)
    return Probe(found, against_null(found.value, null), int(fold.max()) + 1)


def within_folds_auroc(score: Floats, seizure: Bools, fold: Whole) -> float:
    """Return the share of pairs (seizure, not) of the same fold that are in order, ties half."""
    wins = pairs = 0.0
    for k in np.unique(fold):
        inside = fold == k
        n = int(seizure[inside].sum()) * int((~seizure[inside]).sum())
        if n:
            wins += n * float(auroc(score[inside], seizure[inside]))
            pairs += n
    return wins / pairs if pairs else math.nan


def _held_out_scores(table: Floats, seizure: Bools, fold: Whole) -> Floats:
    """Return the decision values of the windows by the probe that did not see their fold."""
    from sklearn.linear_model import LogisticRegression

    score = np.zeros(len(table))
    for k in np.unique(fold):
        fitted, tested = fold != k, fold == k
        if seizure[fitted].all() or not seizure[fitted].any():
            continue
        mean, spread = table[fitted].mean(axis=0), table[fitted].std(axis=0)
        alive = spread > 1e-9
        if not alive.any():
            continue
        # a few dozen units: exact Newton steps are several times faster than lbfgs
        model = LogisticRegression(
            C=_REGULARISATION, class_weight="balanced", solver="newton-cholesky"
        )
        model.fit((table[fitted][:, alive] - mean[alive]) / spread[alive], seizure[fitted])
        score[tested] = model.decision_function(
            (table[tested][:, alive] - mean[alive]) / spread[alive]
        )
    return score


@dataclass(frozen=True, slots=True)
class Silhouette:
    """Mean silhouette of the true classes on PCA scores, with a shuffled-label control."""

    value: Interval
    control: AgainstNull

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        return {"value": self.value.as_dict(), "control": self.control.as_dict()}


def silhouette(
    values: NDArray[Any],
    seizure: Bools,
    group: Whole,
    *,
    n_shuffles: int = N_SHUFFLES,
    seed: int = 0,
) -> Silhouette:
    """Return the silhouette of the classes on PCA scores of a layer.

    Parameters
    ----------
    values : ndarray, shape (n_windows, n_units)
    seizure : ndarray of bool, shape (n_windows,)
    group : ndarray of int, shape (n_windows,)
    n_shuffles, seed : int

    Notes
    -----
    Rousseeuw P. 1987, doi:10.1016/0377-0427(87)90125-7. Of many windows, 1,500 are drawn. The
    interval resamples groups of the windows' own silhouettes.
    """
    from sklearn.metrics import silhouette_samples
    from sklearn.metrics.pairwise import euclidean_distances

    rng = np.random.default_rng(seed)
    used = rng.permutation(len(seizure))[:_SILHOUETTE_WINDOWS]
    labels, groups = seizure[used], group[used]
    scores = pca_scores(np.asarray(values)[used])
    if labels.all() or not labels.any() or scores.shape[1] == 0:
        return Silhouette(Interval(math.nan), against_null(math.nan, np.empty(0)))
    distance = euclidean_distances(scores)
    np.fill_diagonal(distance, 0)
    own = silhouette_samples(distance, labels, metric="precomputed")
    value = group_interval(lambda rows: float(own[rows].mean()), groups, seed=seed)
    null = [
        float(silhouette_samples(distance, rng.permutation(labels), metric="precomputed").mean())
        for _ in range(n_shuffles)
    ]
    return Silhouette(value, against_null(value.value, np.array(null)))


# ---- the picture ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PictureParameters:
    """Parameters of UMAP, printed wherever its picture is shown."""

    n_neighbors: int = 15
    min_dist: float = 0.1
    seed: int = 0


def picture(scores: Floats, parameters: PictureParameters) -> NDArray[np.float32]:
    """Return UMAP coordinates (n_windows, 2) of PCA scores.

    McInnes L. et al. 2018 (arXiv 1802.03426). One thread, so that the seed decides the result. The
    first call in a process takes some 10 s longer, for its code is compiled then.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a package that only another part needs
        from umap import UMAP

        reducer = UMAP(
            n_components=2,
            n_neighbors=min(parameters.n_neighbors, len(scores) - 1),
            min_dist=parameters.min_dist,
            random_state=parameters.seed,
            n_jobs=1,
        )
        return np.asarray(reducer.fit_transform(scores.astype(np.float32)), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Stability:
    """What a picture keeps of the layer, for one setting of its parameters.

    Parameters
    ----------
    parameters : PictureParameters
    trustworthiness : float
        1 when no window is a neighbour in the picture that is none in the layer (Venna J. and
        Kaski S. 2001, doi:10.1007/3-540-44668-0_68).
    same_label : float
        Share of the 15 nearest windows in the picture with the same truth.
    """

    parameters: PictureParameters
    trustworthiness: float
    same_label: float


def picture_quality(
    scores: Floats,
    coordinates: NDArray[np.float32],
    seizure: Bools,
    parameters: PictureParameters,
) -> Stability:
    """Return what a picture keeps of the layer."""
    from sklearn.manifold import trustworthiness

    k = min(15, len(scores) // 2 - 1)
    return Stability(
        parameters,
        float(trustworthiness(scores, coordinates, n_neighbors=k)),
        same_label_share(coordinates, seizure, k),
    )


def same_label_share(points: NDArray[Any], seizure: Bools, k: int = 15) -> float:
    """Return the share of the ``k`` nearest windows with the same truth."""
    from sklearn.neighbors import NearestNeighbors

    nearest = NearestNeighbors(n_neighbors=k + 1).fit(points)
    index = nearest.kneighbors(points, return_distance=False)[:, 1:]
    return float((seizure[index] == seizure[:, None]).mean())


def picture_stability(
    scores: Floats,
    seizure: Bools,
    *,
    n_neighbors: tuple[int, ...] = (5, 15, 50),
    min_dist: tuple[float, ...] = (0.0, 0.1, 0.5),
    seed: int = 0,
) -> list[Stability]:
    """Return the quality of the picture over a grid of its parameters."""
    found = []
    for k in n_neighbors:
        for distance in min_dist:
            parameters = PictureParameters(k, distance, seed)
            found.append(picture_quality(scores, picture(scores, parameters), seizure, parameters))
    return found
