"""Tests of a map: does changing what it marks change the detector, and does it need the weights?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eegdash.attribution.bands import regions_of
from eegdash.attribution.baselines import Baseline
from eegdash.attribution.maps import Attribution, Progress
from eegdash.checkpoints import DERIVATIONS, Detector

N_RANDOM = 20
N_RANDOMISED = 3
_POINTS = 13
_PATCH_HZ, _PATCH_FRAMES, _PATCH_S = 4.0, 3, 0.5
_SEED = 11
SURVIVES = 0.5
"""A map whose mean correlation with those of randomised networks reaches this is flagged."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Insertion or deletion: the logit while patches are exchanged, most important first.

    Insertion puts patches of the window into the baseline, deletion puts patches of the baseline
    into the window (Petsiuk V. et al. 2018, arXiv 1806.07421; filled with the baseline, not with
    zeros). The area is the mean of the curve, in logits. Insertion should lie above the random
    orders, deletion below.

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
        Logits.
    random_auc_mean, random_auc_low, random_auc_high : float
        Mean and central 95 % of the areas of random orders, logits.
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
    insertion, deletion : Curve
    randomisation : Randomisation
    note : str
        What the baseline of the curves was, where the map itself has none.
    """

    insertion: Curve
    deletion: Curve
    randomisation: Randomisation
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stability:
    """Checks that are computed on demand (Yeh C. et al. 2019, arXiv 1901.09392).

    Parameters
    ----------
    infidelity : float
        Mean squared difference, logit^2, between what the map predicts when a tenth of the
        patches is exchanged for the baseline, and what the network does; lower is better. A map
        that is not in logits is first scaled as suits it best.
    infidelity_nothing : float
        The same of a map that is 0 everywhere, as a yardstick.
    sensitivity_max : float
        Largest relative change of the map under changes of the window by at most 2 % of its
        standard deviation per cell; lower is better.
    n_samples, n_maps : int
        How many exchanges and how many changed windows were tried.
    """

    infidelity: float
    infidelity_nothing: float
    sensitivity_max: float
    n_samples: int
    n_maps: int


# ---- patches -------------------------------------------------------------------------------


def patches(detector: Detector) -> NDArray[np.int64]:
    """Return the number of the patch of each cell of a window, (3, *input_shape).

    Segment x region x 4 Hz x 3 frames of a spectrogram; segment x derivation x half seconds of
    derivations.
    """
    config = detector.config
    if config.features == DERIVATIONS:
        place = np.arange(len(config.ch_names))[:, None]
        inner = (detector.frame_s / _PATCH_S + 1e-9).astype(np.int64)[None, :]
    else:
        rows = np.zeros(len(config.ch_names), dtype=np.int64)
        for number, chosen in enumerate(regions_of(config.ch_names).values()):
            rows[chosen] = number
        place = rows[:, None, None]
        freqs = detector.freqs_hz
        across = ((freqs - freqs[0]) / _PATCH_HZ + 1e-9).astype(np.int64)[:, None]
        along = np.arange(len(detector.frame_s)) // _PATCH_FRAMES
        inner = (across * (int(along.max()) + 1) + along)[None]
    inside = place * (int(inner.max()) + 1) + inner
    segments = np.arange(3).reshape(3, *[1] * inside.ndim)
    joined = segments * (int(inside.max()) + 1) + inside[None]
    return np.unique(joined, return_inverse=True)[1].reshape(joined.shape).astype(np.int64)


def evidence_of_patches(found: Attribution, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sum of a map over each patch; a map without channel axis holds for all."""
    values = found.values if found.has_channels else found.values[:, None]
    laid = np.broadcast_to(values, numbers.shape)
    summed = np.bincount(numbers.ravel(), weights=laid.ravel().astype(np.float64))
    return np.asarray(summed, dtype=np.float64)


# ---- insertion and deletion ----------------------------------------------------------------


def insertion_and_deletion(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    found: Attribution,
    *,
    n_random: int = N_RANDOM,
    progress: Progress | None = None,
) -> tuple[Curve, Curve]:
    """Return both curves of a map, beside those of random maps.

    Parameters
    ----------
    detector : Detector
    window : ndarray of float32, shape (3, *input_shape)
    baseline : Baseline
    found : Attribution
    n_random : int
        Random maps: their patches come in random order.
    progress : callable, optional
        Called with 0 to 1; what it raises stops the work.
    """
    numbers = patches(detector)
    evidence = evidence_of_patches(found, numbers)
    order = np.argsort(-evidence, kind="stable")
    start, end = (np.ascontiguousarray(x, dtype=np.float32) for x in (baseline.values, window))
    own = (
        _along(detector, start, end, numbers, order),
        _along(detector, end, start, numbers, order),
    )
    if progress is not None:
        progress(1 / (n_random + 1))
    random = _random_logits(detector, start.tobytes(), end.tobytes(), n_random)
    if progress is not None:
        progress(1.0)
    curves = [
        np.concatenate([mine[None], others]) for mine, others in zip(own, random, strict=True)
    ]
    return _curve("insertion", curves[0]), _curve("deletion", curves[1])


@lru_cache(maxsize=4)
def _random_logits(
    detector: Detector, from_bytes: bytes, to_bytes: bytes, n_random: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the logits along random orders, (n_random, n_points), of insertion and of deletion.

    They depend on the window and the baseline, not on the map: several maps of one window are
    held against the same ones.
    """
    shape = (3, *detector.input_shape)
    start, end = (np.frombuffer(x, dtype=np.float32).reshape(shape) for x in (from_bytes, to_bytes))
    numbers = patches(detector)
    rng = np.random.default_rng(_SEED)
    orders = [rng.permutation(int(numbers.max()) + 1) for _ in range(n_random)]
    inserted = np.array([_along(detector, start, end, numbers, order) for order in orders])
    deleted = np.array([_along(detector, end, start, numbers, order) for order in orders])
    return inserted, deleted


def _along(
    detector: Detector,
    start: NDArray[np.float32],
    end: NDArray[np.float32],
    numbers: NDArray[np.int64],
    order: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the logits while patches of ``end`` replace those of ``start`` in an order."""
    from eegdash.attribution.network_call import logits_of

    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    counts = np.round(np.linspace(0, len(order), _POINTS)).astype(np.int64)
    cells = rank[numbers]
    mixed = np.stack([np.where(cells < count, end, start) for count in counts])
    return logits_of(detector, mixed)


def _curve(name: str, logits: NDArray[np.float64]) -> Curve:
    share = np.linspace(0, 1, _POINTS)
    areas = np.asarray(np.trapezoid(logits, share, axis=1), dtype=np.float64)
    low, high = np.percentile(logits[1:], [2.5, 97.5], axis=0)
    area_low, area_high = np.percentile(areas[1:], [2.5, 97.5])
    return Curve(
        name=name,
        share=share,
        logit=logits[0],
        random_mean=logits[1:].mean(axis=0),
        random_low=low,
        random_high=high,
        auc=float(areas[0]),
        random_auc_mean=float(areas[1:].mean()),
        random_auc_low=float(area_low),
        random_auc_high=float(area_high),
        n_random=len(logits) - 1,
    )


# ---- randomised weights --------------------------------------------------------------------


def randomisation(
    detector: Detector,
    window: NDArray[np.float32],
    baseline: Baseline,
    found: Attribution,
    *,
    n_networks: int = N_RANDOMISED,
    progress: Progress | None = None,
) -> Randomisation:
    """Return how alike a map and those of the same network with shuffled weights are.

    See :func:`network_call.randomised` for the shuffling; seeds are 0, 1, 2 ...
    """
    from eegdash.attribution.methods import computed, twin_options

    signed, magnitude = [], []
    for seed in range(n_networks):
        options = twin_options(found.method)
        other = computed(found.method, _twin(detector, seed), window, baseline, **options).values
        signed.append(rank_correlation(found.values, other))
        magnitude.append(rank_correlation(np.abs(found.values), np.abs(other)))
        if progress is not None:
            progress((seed + 1) / n_networks)
    return Randomisation(float(np.mean(signed)), float(np.mean(magnitude)), n_networks)


@lru_cache(maxsize=2 * N_RANDOMISED)
def _twin(detector: Detector, seed: int) -> Detector:
    """Return the detector with shuffled weights; all maps of a detector are held against them."""
    from eegdash.attribution.network_call import randomised

    return Detector(detector.config, randomised(detector.network, seed))


def rank_correlation(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Return Spearman's rank correlation over all cells; 0 where one map is the same everywhere."""
    from scipy.stats import rankdata

    ranks = [rankdata(values.ravel()) for values in (a, b)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
