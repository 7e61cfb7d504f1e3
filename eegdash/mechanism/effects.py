"""What silencing did: both classes, against random ensembles, and a claim that is met or not."""

from __future__ import annotations

import math
from collections.abc import Callable
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
    plain,
)

CHANCE_MARGIN = 0.1
"""Separation counts as chance when the interval of the AUROC ends below 0.5 + this."""
SPARED_MARGIN = 0.05
"""Other windows are left alone when the share called seizure moves by less than this."""
ALPHA = 0.05
CLAIM = (
    "Silencing this ensemble drives seizure windows to chance and leaves the others, "
    "and random ensembles do not."
)

Decide = Callable[[NDArray[Any]], Bools]


@dataclass(frozen=True, slots=True)
class Effect:
    """Effect of one intervention on windows of known truth.

    Parameters
    ----------
    auroc_before, auroc_after, auroc_drop : Interval
        Separation of the classes by the logit.
    recognised_before, recognised_after : Interval
        Share of the seizure windows at or above the model's threshold.
    called_before, called_after, called_change : Interval
        Share of the other windows at or above the threshold, and its change.
    probability_change : dict of str to Interval
        Mean change of the seizure probability in ``seizure`` and ``other`` windows.
    against_random : dict of str to AgainstNull
        ``auroc_drop``, ``seizure`` (fall of the mean probability in seizure windows) and
        ``other`` (magnitude of its change elsewhere), each among the random ensembles.
    random_drops : tuple of float
        AUROC drop of each random ensemble.
    effect_size : float
        (AUROC drop - mean of the random drops) / their standard deviation.
    """

    auroc_before: Interval
    auroc_after: Interval
    auroc_drop: Interval
    recognised_before: Interval
    recognised_after: Interval
    called_before: Interval
    called_after: Interval
    called_change: Interval
    probability_change: dict[str, Interval]
    against_random: dict[str, AgainstNull]
    random_drops: tuple[float, ...]
    effect_size: float
    n_seizure: int
    n_other: int

    @property
    def to_chance(self) -> bool:
        """Whether the altered model separates the classes no better than chance."""
        return self.auroc_after.high < 0.5 + CHANCE_MARGIN

    @property
    def others_spared(self) -> bool:
        """Whether as many of the other windows are called seizure as before."""
        change = self.called_change
        return change.low > -SPARED_MARGIN and change.high < SPARED_MARGIN

    @property
    def specific(self) -> bool:
        """Whether at most 5 % of the random ensembles do as much."""
        return self.against_random["auroc_drop"].p <= ALPHA

    @property
    def claim(self) -> bool:
        """Whether :data:`CLAIM` is met; an interval that cannot be given meets nothing."""
        return self.to_chance and self.others_spared and self.specific

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        intervals = (
            "auroc_before", "auroc_after", "auroc_drop", "recognised_before", "recognised_after",
            "called_before", "called_after", "called_change",
        )  # fmt: skip
        return {
            **{name: getattr(self, name).as_dict() for name in intervals},
            "probability_change": {k: v.as_dict() for k, v in self.probability_change.items()},
            "against_random": {k: v.as_dict() for k, v in self.against_random.items()},
            "random_drops": [plain(v) for v in self.random_drops],
            "effect_size": plain(self.effect_size),
            "n_seizure": self.n_seizure,
            "n_other": self.n_other,
            "to_chance": self.to_chance,
            "others_spared": self.others_spared,
            "specific": self.specific,
            "claim": self.claim,
            "claim_text": CLAIM,
        }


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Logits of windows of known truth before and after.

    Parameters
    ----------
    before, after : ndarray, shape (n,)
    controls : ndarray, shape (n_controls, n)
        Under the random ensembles; NaN columns where they were not computed.
    seizure : ndarray of bool, shape (n,)
    group : ndarray of int, shape (n,)
    """

    before: NDArray[Any]
    after: NDArray[Any]
    controls: NDArray[Any]
    seizure: Bools
    group: Whole


def effect_of(
    found: Outcomes,
    probability: Callable[[NDArray[Any]], Floats],
    threshold: float,
    *,
    seed: int = 0,
) -> Effect:
    """Return the effect of an intervention.

    Parameters
    ----------
    found : Outcomes
    probability : callable
        The detector's calibrated probability of logits.
    threshold : float
        Probability at or above which a window is called seizure.
    seed : int
        Of the bootstrap.
    """
    seizure, group = found.seizure, found.group
    p0, p1 = probability(found.before), probability(found.after)

    def interval(statistic: Callable[[Whole], float]) -> Interval:
        return group_interval(statistic, group, seed=seed)

    def mean(values: NDArray[Any], mask: Bools) -> Interval:
        return interval(lambda used: _mean(values[used][mask[used]]))

    def area(values: NDArray[Any], used: Whole) -> float:
        return float(auroc(values[used], seizure[used]))

    yes0, yes1 = p0 >= threshold, p1 >= threshold
    compared, drops, size = _among_random(found, p0, p1, probability)
    return Effect(
        auroc_before=interval(lambda used: area(found.before, used)),
        auroc_after=interval(lambda used: area(found.after, used)),
        auroc_drop=interval(lambda used: area(found.before, used) - area(found.after, used)),
        recognised_before=mean(yes0, seizure),
        recognised_after=mean(yes1, seizure),
        called_before=mean(yes0, ~seizure),
        called_after=mean(yes1, ~seizure),
        called_change=mean(yes1.astype(float) - yes0, ~seizure),
        probability_change={
            "seizure": mean(p1 - p0, seizure),
            "other": mean(p1 - p0, ~seizure),
        },
        against_random=compared,
        random_drops=drops,
        effect_size=size,
        n_seizure=int(seizure.sum()),
        n_other=int((~seizure).sum()),
    )


def _among_random(
    found: Outcomes, p0: Floats, p1: Floats, probability: Callable[[NDArray[Any]], Floats]
) -> tuple[dict[str, AgainstNull], tuple[float, ...], float]:
    """Compare with the random ensembles, on the windows on which these were computed."""
    used = np.isfinite(found.controls).all(axis=0) if len(found.controls) else None
    if used is None or not used.any():
        nothing = against_null(math.nan, np.empty(0))
        return dict.fromkeys(("auroc_drop", "seizure", "other"), nothing), (), math.nan
    seizure = found.seizure[used]
    base = float(auroc(found.before[used], seizure))
    drop = base - float(auroc(found.after[used], seizure))
    drops = base - auroc(found.controls[:, used].T, seizure)
    controls = probability(found.controls[:, used]) - p0[used]
    own = (p1 - p0)[used]
    spread = float(drops.std(ddof=1)) if len(drops) > 1 else 0.0
    compared = {
        "auroc_drop": against_null(drop, drops),
        "seizure": against_null(-_mean(own[seizure]), -_row_means(controls[:, seizure])),
        "other": against_null(abs(_mean(own[~seizure])), np.abs(_row_means(controls[:, ~seizure]))),
    }
    size = (drop - float(drops.mean())) / spread if spread > 0 else math.nan
    return compared, tuple(float(v) for v in drops), size


def _mean(values: NDArray[Any]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _row_means(values: NDArray[Any]) -> Floats:
    return values.mean(axis=1) if values.shape[1] else np.full(len(values), np.nan)
