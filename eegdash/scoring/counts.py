"""Counts, the rates that follow from them, and averages over recordings and persons."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class _Counts:
    """Counts over ``duration_s`` seconds of known truth and the rates that follow from them."""

    tp: int = 0
    fp: int = 0
    n_ref: int = 0
    duration_s: float = 0.0

    @property
    def fn(self) -> int:
        """Reference units that were missed."""
        return self.n_ref - self.tp

    @property
    def sensitivity(self) -> float:
        """TP / n_ref; NaN without a reference."""
        return ratio(self.tp, self.n_ref)

    @property
    def precision(self) -> float:
        """TP / (TP + FP); NaN without a detection."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); NaN if there is neither a reference nor a false detection."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def fp_per_24h(self) -> float:
        """False positives per 24 h of known truth; NaN without known truth."""
        return ratio(self.fp * _DAY_S, self.duration_s)


@dataclass(frozen=True, slots=True)
class EventScores(_Counts):
    """Scores by events, in the sense of SzCORE; ``duration_s`` is the known truth in seconds."""


@dataclass(frozen=True, slots=True)
class SampleScores(_Counts):
    """Scores by seconds: TP, FP and n_ref count samples of the 1 Hz masks."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Event and sample scores of one recording, or summed over several."""

    events: EventScores = EventScores()
    samples: SampleScores = SampleScores()

    @property
    def covered_s(self) -> float:
        """Seconds of known truth that were scored."""
        return self.events.duration_s


@dataclass(frozen=True, slots=True)
class MeanRates:
    """Mean over subjects of each rate, subjects without a value left out (``nanmean``)."""

    sensitivity: float
    precision: float
    f1: float
    fp_per_24h: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and sample standard deviation over the ``n`` persons who have a value.

    ``mean`` is NaN without a person, ``sd`` with fewer than two.
    """

    mean: float
    sd: float
    n: int


@dataclass(frozen=True, slots=True)
class MeanScores:
    """Mean over subjects of event and sample rates; differs from the micro-average."""

    events: MeanRates
    samples: MeanRates
    n_subjects: int


def micro(scores: Iterable[Scores]) -> Scores:
    """Return the sum of counts over recordings; its rates are the micro-average."""
    every = list(scores)
    return Scores(
        EventScores(**_sums([s.events for s in every])),
        SampleScores(**_sums([s.samples for s in every])),
    )


def mean_over_subjects(scores: Mapping[str, Sequence[Scores]]) -> MeanScores:
    """Return the mean over subjects; a subject's recordings are summed first.

    Parameters
    ----------
    scores : mapping of str to sequence of Scores
        Scores of the recordings of each person.
    """
    subjects = [micro(recordings) for recordings in scores.values()]
    return MeanScores(
        events=_mean_rates([s.events for s in subjects]),
        samples=_mean_rates([s.samples for s in subjects]),
        n_subjects=len(subjects),
    )


def spread(values: Iterable[float]) -> Spread:
    """Return mean and standard deviation (n - 1) of the values that are not NaN."""
    known = [value for value in values if not math.isnan(value)]
    mean = ratio(math.fsum(known), len(known))
    squares = math.fsum((value - mean) ** 2 for value in known)
    sd = math.sqrt(squares / (len(known) - 1)) if len(known) > 1 else math.nan
    return Spread(mean, sd, len(known))


def ratio(numerator: float, denominator: float) -> float:
    """Return the quotient; NaN where the denominator is 0."""
    return numerator / denominator if denominator else math.nan


def _sums(counts: Sequence[_Counts]) -> dict[str, Any]:
    return {
        "tp": sum(c.tp for c in counts),
        "fp": sum(c.fp for c in counts),
        "n_ref": sum(c.n_ref for c in counts),
        "duration_s": math.fsum(c.duration_s for c in counts),
    }


def _mean_rates(counts: Sequence[_Counts]) -> MeanRates:
    return MeanRates(
        sensitivity=spread(c.sensitivity for c in counts).mean,
        precision=spread(c.precision for c in counts).mean,
        f1=spread(c.f1 for c in counts).mean,
        fp_per_24h=spread(c.fp_per_24h for c in counts).mean,
    )
